/** The lines of drivers/builtin/wire.ts as zod schemas; the compiler keeps the two equal. */
import { z } from 'zod';
import type { Json, JsonObject, ToolName } from '../core/event.ts';
import { TOOLS } from '../core/event.ts';
import type { AgentInput, AgentOutput } from '../drivers/builtin/wire.ts';

const json: z.ZodType<Json> = z.json();
const args: z.ZodType<JsonObject> = z.record(z.string(), json);
const id = z.string().min(1).max(200);
const tool = z.enum(TOOLS) satisfies z.ZodType<ToolName>;
const count = z.number().int().nonnegative();
const ms = z.number().nonnegative();

/** What an agent reads from its stdin. Additional keys are let through: the protocol only gains fields. */
export const agentInput = z.discriminatedUnion('type', [
  z.object({ type: z.literal('user'), id, text: z.string().min(1) }),
  z.object({ type: z.literal('interrupt') }),
  z.object({
    type: z.literal('verdict'),
    key: z.string(),
    decision: z.enum(['allow', 'deny']),
    reason: z.string().exactOptional(),
    args: args.exactOptional(),
  }),
]) satisfies z.ZodType<AgentInput>;

const outcome = z.enum(['ok', 'error', 'interrupted', 'limit', 'max_turns', 'budget']);
const code = z.enum([
  'auth',
  'billing',
  'overloaded',
  'rate_limit',
  'usage_limit',
  'context_overflow',
  'model',
  'network',
  'protocol',
  'crash',
  'unknown',
]);

/** What an agent writes to its stdout. Strict: a line with a key that nobody named is a mistake. */
export const agentOutput = z.union([
  z.strictObject({
    type: z.literal('session'),
    conversationId: id,
    agent: z.string(),
    model: z.string(),
    cliVersion: z.string().nullable(),
    tools: z.array(z.string()),
    resumed: z.boolean(),
  }),
  z.strictObject({ type: z.literal('ready'), conversationId: id, resumed: z.boolean() }),
  z.strictObject({ type: z.literal('accepted'), id, repeat: z.boolean() }),
  z.strictObject({ type: z.literal('refused'), id, why: z.string(), retryable: z.boolean() }),
  z.strictObject({ type: z.literal('turn'), number: count, phase: z.literal('start').exactOptional() }),
  z.strictObject({ type: z.literal('turn'), number: count, phase: z.literal('end'), outcome, durationMs: ms }),
  z.strictObject({ type: z.literal('thinking'), content: z.string() }),
  z.strictObject({
    type: z.literal('message'),
    role: z.enum(['user', 'assistant']),
    content: z.string(),
    id: id.exactOptional(),
  }),
  z.strictObject({ type: z.literal('tool_call'), tool, args, id: id.exactOptional() }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool,
    id,
    result: z.string(),
    isError: z.boolean(),
    durationMs: ms,
  }),
  z.strictObject({ type: z.literal('ask'), key: z.string(), callId: id, tool, args }),
  z.strictObject({ type: z.literal('withdrawn'), key: z.string() }),
  z.strictObject({
    type: z.literal('usage'),
    input: count,
    output: count,
    cacheRead: count,
    cacheWrite: count,
    model: z.string(),
  }),
  z.strictObject({
    type: z.literal('rate_limit'),
    limit: z.enum(['allowed', 'warning', 'rejected']),
    scope: z.string().nullable(),
    resetsAt: z.iso.datetime({ precision: 3 }).nullable(),
    retryAfterMs: ms.nullable(),
    utilization: z.number().nullable(),
  }),
  z.strictObject({ type: z.literal('retry'), attempt: count, max: count, delayMs: ms, error: z.string() }),
  z.strictObject({ type: z.literal('error'), code, message: z.string(), retryable: z.boolean() }),
  z.strictObject({ type: z.literal('delta'), text: z.string() }),
]) satisfies z.ZodType<AgentOutput>;
