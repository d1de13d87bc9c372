/** The agent object of contract.md §3 on the wire: every key always present, null where a fact is not known. */
import { z } from 'zod';
import { AGENT_STATES, type Wanted } from '../core/event.ts';

const text = z.string().nullable();
const count = z.number().int().nonnegative();
const time = z.string();
const caps = { usd: z.number().nullable(), tokens: z.number().nullable() };

export const agentSchema = z.object({
  id: z.string(),
  name: z.string(),
  project: z.string(),
  cli: z.string(),
  model: text,
  role: text,
  parentId: text,
  zone: text,
  task: text,
  cwd: z.string(),
  worktree: text,
  branch: text,
  createdAt: time,
  wanted: z.enum(['up', 'paused', 'down'] satisfies Wanted[]),
  state: z.enum(AGENT_STATES),
  status: z.enum(['idle', 'working', 'error']),
  phase: z.enum(['creating', 'working', 'complete', 'failed']),
  reason: text,
  hint: text,
  resumeAt: time.nullable(),
  since: time,
  pid: z.number().int().nullable(),
  hostPid: z.number().int().nullable(),
  incarnation: count,
  restarts: count,
  conversationId: text,
  tmux: z.object({ socket: z.string(), session: z.string() }),
  tokens: z.object({
    input: count,
    output: count,
    cacheRead: count,
    cacheWrite: count,
    total: count,
    estimated: z.boolean(),
  }),
  costUsd: z.number().nullable(),
  context: z.object({ used: z.number().nullable(), limit: z.number().nullable() }),
  costEstimated: z.boolean(),
  budget: z.object({
    ...caps,
    perDay: z.object(caps).nullable(),
    share: z.number().nullable(),
    of: text,
    unpricedTokens: count,
  }),
  queued: count,
  turns: count,
  toolCalls: count,
  filesConsumed: z.array(z.string()),
  filesProduced: z.array(z.string()),
  lastEventAt: time.nullable(),
  lastProgressAt: time.nullable(),
  account: z.string(),
  permissions: z.enum(['ask', 'auto', 'bypass']),
});

export type Agent = z.infer<typeof agentSchema>;
