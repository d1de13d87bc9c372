/**
 * The unified events as zod schemas: what the log, the API and their readers are checked against.
 * The types in `event.ts` are the source; the last lines of this file make the compiler refuse any difference.
 * The pane host and the drivers do not import this file (zod is too large for them).
 */
import { z } from 'zod';
import { AGENT_STATES, type EventType, type Json, TOOLS, type TuttiEvent } from './event.ts';

const text = z.string();
const maybe = z.string().nullable();
const count = z.number();
const maybeCount = z.number().nullable();
const time = z.string();
const maybeTime = z.string().nullable();
const json = z.json();
const jsonObject = z.record(z.string(), z.json());
const tool = z.enum(TOOLS);
const limit = z.enum(['allowed', 'warning', 'rejected']);
const parentCallId = z.string().optional();
const ending = z.enum(['question', 'surrender', 'repetition']);

const journalRef = { epoch: count, n: count };
const cursorEnd = z.object({ offset: count, rest: z.object({ ...journalRef, offset: count }) });

/** Every event carries these (contract.md §4). */
const envelope = {
  seq: z.number().int().positive(),
  at: time,
  agentId: maybe,
  agent: maybe,
  incarnation: maybeCount,
  cause: z.object({ by: text, seq: count.optional(), text: text.optional() }).optional(),
  src: z.object({ ...journalRef, end: cursorEnd.optional() }).optional(),
  bytes: count.optional(),
  ref: z.object(journalRef).nullable().optional(),
};

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ ...envelope, type: z.literal(type), ...shape });

const turn = z.discriminatedUnion('phase', [
  event('turn', { number: maybeCount, phase: z.literal('start'), outcome: z.null(), durationMs: z.null() }),
  event('turn', {
    number: maybeCount,
    phase: z.literal('end'),
    outcome: z.enum(['ok', 'error', 'interrupted', 'limit', 'max_turns', 'budget']),
    durationMs: maybeCount,
  }),
]);

const said = [
  event('thinking', {
    content: text,
    tokens: maybeCount,
    parentCallId,
    mark: text.optional(),
    ending: ending.optional(),
  }),
  event('message', {
    role: z.enum(['user', 'assistant']),
    content: text,
    from: maybe,
    messageId: maybe,
    parentCallId,
    mark: text.optional(),
    ending: ending.optional(),
  }),
  event('tool_call', {
    callId: text,
    tool,
    args: jsonObject,
    nativeTool: text,
    parentCallId,
    mark: z
      .object({ call: text, waits: z.literal(true).optional(), from: text.optional(), to: text.optional() })
      .optional(),
  }),
  event('tool_result', {
    callId: text,
    tool,
    result: text,
    isError: z.boolean(),
    tokens: maybeCount,
    durationMs: maybeCount,
    parentCallId,
    mark: text.optional(),
  }),
  event('activity', {
    kind: z.enum(['requesting', 'compacting', 'hook', 'mcp', 'subagent', 'background', 'notice']),
    phase: maybe,
    detail: maybe,
    parentCallId,
  }),
  event('raw', { line: text }),
] as const;

const measured = [
  event('usage', {
    input: count,
    output: count,
    cacheRead: count,
    cacheWrite: count,
    costUsd: maybeCount,
    contextUsed: maybeCount,
    contextLimit: maybeCount,
    model: maybe,
    estimated: z.boolean(),
    estimatedUsd: maybeCount.optional(),
    day: text.optional(),
  }),
  event('rate_limit', {
    limit,
    scope: maybe,
    resetsAt: maybeTime,
    retryAfterMs: maybeCount,
    utilization: maybeCount,
  }),
  event('retry', { attempt: maybeCount, max: maybeCount, delayMs: maybeCount, error: text }),
  event('error', {
    code: z.enum([
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
    ]),
    message: text,
    retryable: z.boolean(),
  }),
  event('session', {
    conversationId: maybe,
    model: maybe,
    cliVersion: maybe,
    permissionMode: maybe,
    tools: z.array(z.string()).nullable(),
    resumed: z.boolean().nullable(),
  }),
  event('compaction', { trigger: maybe, before: maybeCount, after: maybeCount }),
  event('account', {
    account: text,
    limit,
    resetsAt: maybeTime,
    phase: z.enum(['near', 'held', 'refused', 'probe', 'open', 'turn', 'clock']).optional(),
    scope: maybe.optional(),
    utilization: z.number().nullable().optional(),
    until: time.optional(),
    attempt: z.number().int().nonnegative().optional(),
    probe: maybe.optional(),
    turns: z.record(z.string(), time).optional(),
    why: text.optional(),
  }),
] as const;

const judged = [
  event('permission', {
    requestId: text,
    tool,
    args: jsonObject,
    decision: z.enum(['asked', 'allowed', 'denied', 'expired']),
    by: maybe,
    kind: z.enum(['permission', 'question', 'login']),
    text: maybe,
  }),
  event('guard', { rule: text, verdict: z.enum(['allow', 'ask', 'deny']), tool, args: jsonObject, why: text }),
  event('watchdog', {
    layer: count,
    observation: text,
    verdict: text,
    action: text,
    evidence: text,
    ambiguous: z.boolean().optional(),
    heardAt: time.optional(),
    purse: maybe.optional(),
    cap: text.optional(),
    spent: z.strictObject({ model: text.nullable(), input: count, output: count }).optional(),
  }),
] as const;

const gate = z.enum(['failed', 'limited', 'backoff', 'done']).nullable();

const supervised = [
  event('agent_spawned', { agent: jsonObject }),
  event('agent_killed', {}),
  event('agent_status', {
    status: z.enum(['idle', 'working', 'error']),
    state: z.enum(AGENT_STATES),
    previous: z.enum(AGENT_STATES).nullable(),
    reason: maybe,
    hint: maybe,
    resumeAt: maybeTime,
    gate: gate.optional(),
    cap: text.optional(),
  }),
  event('exit', { code: maybeCount, signal: maybe, cause: text }),
  event('delivery', {
    messageId: text,
    state: z.enum(['queued', 'sent', 'confirmed', 'refused']),
    content: text.optional(),
    from: text.optional(),
    now: z.boolean().optional(),
    why: text.optional(),
    front: z.boolean().optional(),
    sentTo: z.object({ epoch: count, incarnation: count }).optional(),
    turnFollows: z.boolean().nullable().optional(),
  }),
  event('host', {
    phase: z.enum(['starting', 'up', 'clearing', 'down', 'lost']),
    epoch: count,
    protocol: maybeCount,
    pid: maybeCount,
    blind: z.boolean().optional(),
    why: text.optional(),
  }),
  event('command', {
    id: text,
    verb: text,
    by: text,
    phase: z.enum(['accepted', 'started', 'done', 'failed']),
    args: jsonObject.optional(),
    result: json,
  }),
  event('config', { hash: text, by: text, project: text, config: jsonObject }),
] as const;

/** Any event of the log. Unknown keys of newer builds are ignored; an unknown type is an error. */
export const eventSchema = z.discriminatedUnion('type', [turn, ...said, ...measured, ...judged, ...supervised]);

/**
 * Both sides in one form: zod writes an optional key as `?: T | undefined`, the types as `?: T`; JSON is taken as one thing.
 * What is left must be the same both ways, or this file does not compile.
 */
type Norm<T> = [Json] extends [T]
  ? 'json'
  : T extends readonly (infer U)[]
    ? Norm<U>[]
    : T extends object
      ? string extends keyof T
        ? 'json object'
        : { [K in keyof T]: Norm<Exclude<T[K], undefined>> }
      : T;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Parsed = Norm<z.output<typeof eventSchema>>;
type Typed = Norm<TuttiEvent>;
type ByType<U, T> = Extract<U, { type: T }>;
/** `agent_spawned.agent` and `exit.cause` stand in place of the envelope's own; the types say so as an intersection. */
type Apart<U, T> = T extends 'agent_spawned' ? Omit<U, 'agent'> : T extends 'exit' ? Omit<U, 'cause'> : U;
type IsSame<T> = Same<Apart<ByType<Parsed, T>, T>, Apart<ByType<Typed, T>, T>>;
type Differences = { [T in EventType]: IsSame<T> extends true ? never : T }[EventType];

/**
 * The event types whose schema differs from their type: does not compile unless there are none.
 * @public
 */
export const SAME_AS_TYPES: [Differences] extends [never] ? true : Differences = true;
