/**
 * The wire schemas: every request and response of the API, once, for the server, the client, the docs and the tests.
 * Frames of the WebSocket are in `wire-frames.ts`, the agent object is in `wire-agent.ts`.
 *
 * Requests are strict (an unknown key is an error that names it); responses only ever gain keys.
 */
import { z } from 'zod';
import { AGENT_NAME } from '../core/config/schema.ts';
import { AGENT_STATES, EVENT_TYPES, type EventType, TOOLS, type TuttiEvent } from '../core/event.ts';
import type { Code } from '../core/step.ts';
import { agentSchema } from './wire-agent.ts';

/** Raised when a request or response changes its meaning. */
export const API_VERSION = 1;
/** Largest request body and message text. Bytes. */
export const BODY_LIMIT = 1024 * 1024;
/** Largest number of events in one answer. */
export const EVENTS_LIMIT = 10_000;
/** Events in one answer when the request names no limit. */
export const EVENTS_DEFAULT = 1_000;
/** Header by which a client inside an agent says so: the value of its TUTTI_AGENT. */
export const CALLER_HEADER = 'x-tutti-agent';
/** Header that makes a write repeatable: the same key is answered from the record and not done again. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

const CODES = [
  'NOT_FOUND',
  'INVALID_ARGUMENT',
  'INVALID_TRANSITION',
  'CONFLICT',
  'TASK_LOCKED',
  'INVALID_JSON',
  'UNREACHABLE',
  'TIMEOUT',
  'DENIED',
  'RUNTIME_ERROR',
] as const satisfies Code[];

export const errorSchema = z.object({
  error: z.object({ code: z.enum(CODES), message: z.string(), hint: z.string().nullable() }),
});
export type WireError = z.infer<typeof errorSchema>;

export const nameSchema = z.string().regex(AGENT_NAME, {
  error: 'a name is 1-32 of a-z 0-9 - _, starting with a letter',
});
const commandId = z.string().min(1).max(128);
const env = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'a variable name' }), z.string());
const caps = {
  usd: z.number().positive().nullable().default(null),
  tokens: z.number().int().positive().nullable().default(null),
};
const budget = z.strictObject({
  ...caps,
  perDay: z.strictObject(caps).optional(),
  context: z.number().int().positive().nullable().optional(),
});

/**
 * What the agent's CLI is started with. The caller makes it from its own shell and configuration (contract.md §8 "environment of an agent");
 * the supervisor keeps it in env/<id>.json and nowhere else. Left out: the supervisor's own defaults.
 */
export const launchSchema = z.strictObject({
  /** `clis.<cli>.command`; null = the driver's program on PATH. */
  command: z.array(z.string().min(1)).min(1).nullable().default(null),
  args: z.array(z.string()).default([]),
  /** The whole environment of the CLI. */
  env,
  /** Values in it that must never be shown or written: name → value. */
  secrets: env.default({}),
  /** Names of `${VAR}` in the values of `env` that the caller's shell lacks: filled in from what env/ keeps, or INVALID_ARGUMENT. */
  missing: z.array(z.string()).default([]),
  systemPrompt: z.string().nullable().default(null),
});
export type LaunchRequest = z.input<typeof launchSchema>;
export type LaunchEnvironment = z.output<typeof launchSchema>;

const declaredShape = {
  name: nameSchema,
  cli: z.string().min(1).default('claude'),
  model: z.string().min(1).nullable().default(null),
  role: z.string().min(1).nullable().default(null),
  zone: z.string().min(1).nullable().default(null),
  task: z.string().min(1).nullable().default(null),
  /** Absolute path; null = the folder the supervisor serves by default. */
  cwd: z.string().min(1).nullable().default(null),
  worktree: z.string().min(1).nullable().default(null),
  branch: z.string().min(1).nullable().default(null),
  /** Id or name of the agent above this one. */
  parent: z.string().min(1).nullable().default(null),
  permissions: z.enum(['ask', 'auto', 'bypass']).default('auto'),
  restart: z.enum(['permanent', 'transient', 'temporary']).default('transient'),
  once: z.boolean().default(false),
  budget: budget.default({ usd: null, tokens: null }),
  /** null: one account per CLI and login. */
  account: z.string().min(1).nullable().default(null),
  /** Driver settings without secrets. */
  settings: z.record(z.string(), z.json()).default({}),
  launch: launchSchema.nullable().default(null),
  /** What goes on with the work while its account is limited for long, in order. */
  fallback: z
    .array(
      z.strictObject({
        cli: z.string().min(1),
        model: z.string().min(1).nullable().default(null),
        account: z.string().min(1).nullable().default(null),
        settings: z.record(z.string(), z.json()).default({}),
        launch: launchSchema.nullable().default(null),
      }),
    )
    .max(8)
    .default([]),
  fallbackReturn: z.boolean().default(false),
};

/** `POST /api/agents` → the agent object, 201. */
export const spawnSchema = z.strictObject({ ...declaredShape, project: nameSchema.default('default') });
export type SpawnRequest = z.input<typeof spawnSchema>;
export type SpawnInput = z.output<typeof spawnSchema>;

/** `POST /api/apply`: a project's declared agents → {@link ApplyResponse}. */
export const applySchema = z.strictObject({
  project: nameSchema,
  /** sha256 of the file. */
  hash: z.string().min(1),
  /** The validated file, variables not filled in. */
  config: z.record(z.string(), z.json()),
  agents: z
    .array(z.strictObject({ ...declaredShape, wanted: z.enum(['up', 'paused', 'down']).default('up') }))
    .max(1_000),
  prune: z.boolean().default(false),
});
export type ApplyRequest = z.input<typeof applySchema>;
export type ApplyInput = z.output<typeof applySchema>;

/** What became of each agent of the project. */
export const applyResponseSchema = z.object({
  project: z.string(),
  created: z.array(z.string()),
  changed: z.array(z.string()),
  unchanged: z.array(z.string()),
  /** Of this project and no longer declared. */
  undeclared: z.array(z.string()),
  /** Of those, stopped because of `prune`. */
  pruned: z.array(z.string()),
  agents: z.array(agentSchema),
});
export type ApplyResponse = z.infer<typeof applyResponseSchema>;

/** `POST /api/agents/:id/message` → {@link MessageResponse}, 202: durable when answered. */
export const messageSchema = z.strictObject({
  content: z.string().min(1, { error: 'an empty message' }),
  now: z.boolean().default(false),
  /** UUID of the message, made by the caller; the same id twice is one message. */
  messageId: z.uuid().optional(),
});
export type MessageRequest = z.input<typeof messageSchema>;
export const messageResponseSchema = z.object({
  messageId: z.string(),
  agentId: z.string(),
  /** seq of the log when it was taken in: its `delivery` events have a higher one, or this one. */
  seq: z.number().int(),
});
export type MessageResponse = z.infer<typeof messageResponseSchema>;

/** `POST /api/agents/:id/{interrupt,pause,resume,restart,stop}` → the agent object. */
export const actionSchemas = {
  interrupt: z.strictObject({}),
  pause: z.strictObject({ now: z.boolean().default(false) }),
  /** `now`: it tries at once whether the limit of its account is over. */
  resume: z.strictObject({ now: z.boolean().default(false) }),
  restart: z.strictObject({ fresh: z.boolean().default(false) }),
  stop: z.strictObject({}),
} as const;
export type ActionVerb = keyof typeof actionSchemas;
export const ACTION_VERBS = Object.keys(actionSchemas) as ActionVerb[];
export type ActionOptions = { now?: boolean; fresh?: boolean };

export const agentsResponseSchema = z.object({
  agents: z.array(agentSchema),
  recovering: z.boolean(),
  seq: z.number(),
});
export type AgentsResponse = z.infer<typeof agentsResponseSchema>;

/** `DELETE /api/agents/:id`: the agent as it last was. */
export const removedSchema = z.object({ removed: z.literal(true), id: z.string(), name: z.string() });
export type Removed = z.infer<typeof removedSchema>;

export const healthSchema = z.object({
  ok: z.literal(true),
  version: z.string(),
  build: z.string(),
  api: z.number(),
  /** Host protocol that this supervisor speaks. */
  protocol: z.number(),
  pid: z.number(),
  startedAt: z.string(),
  home: z.string(),
  log: z.string(),
  seq: z.number(),
  recovering: z.boolean(),
  /** How long the loop has been at one input: more than moments is a hang. 0 from a supervisor that does not tell. Milliseconds. */
  stalledMs: z.number().default(0),
  /** Agents whose host has not answered since the start: nothing is started for them. */
  unknown: z.array(z.string()),
  /** What a person should know, such as a full disk; empty when all is well. */
  problems: z.array(z.string()),
  agents: z.record(z.string(), z.number()),
  tmux: z.string(),
});
export type Health = z.infer<typeof healthSchema>;

/** `GET /api/fleet`. */
export const fleetSchema = z.object({
  agents: z.number(),
  states: z.record(z.string(), z.number()),
  queued: z.number(),
  requests: z.number(),
  tokens: z.object({
    input: z.number(),
    output: z.number(),
    cacheRead: z.number(),
    cacheWrite: z.number(),
    total: z.number(),
  }),
  costUsd: z.number().nullable(),
  seq: z.number(),
  log: z.string(),
});
export type Fleet = z.infer<typeof fleetSchema>;

export const requestSchema = z.object({
  requestId: z.string(),
  agentId: z.string(),
  agent: z.string(),
  what: z.enum(['permission', 'question', 'login']),
  tool: z.enum(TOOLS),
  args: z.record(z.string(), z.json()),
  text: z.string(),
  at: z.string(),
  incarnation: z.number(),
});
export type PermissionRequest = z.infer<typeof requestSchema>;
export const requestsResponseSchema = z.object({ requests: z.array(requestSchema) });

/** `POST /api/requests/:id`. `answer` needs `text`; for `deny` it is the reason. */
export const answerSchema = z
  .strictObject({ decision: z.enum(['allow', 'deny', 'answer']), text: z.string().nullable().default(null) })
  .refine((a) => a.decision !== 'answer' || (a.text ?? '') !== '', { error: 'an answer needs text', path: ['text'] });
export type AnswerRequest = z.input<typeof answerSchema>;
export const answerResponseSchema = z.object({ requestId: z.string(), decision: z.string(), agentId: z.string() });
export type AnswerResponse = z.infer<typeof answerResponseSchema>;

/** `GET /api/digest?since=`: what happened since a time, by agent, and how it stands now. */
export const digestQuerySchema = z.object({
  since: z.iso.datetime({ offset: true, error: 'a time (ISO 8601)' }),
});
export const digestSchema = z.object({
  ...{ since: z.string(), until: z.string(), starts: z.number(), crashes: z.number() },
  agents: z.array(
    z.object({
      ...{ agent: z.string(), state: z.enum([...AGENT_STATES, 'gone']), reason: z.string().nullable() },
      ...{ waits: z.array(z.string()), turns: z.object({ ok: z.number(), failed: z.number() }), crashes: z.number() },
      ...{ failures: z.array(z.string()), limits: z.number(), asked: z.number(), answered: z.number() },
      ...{ messages: z.number(), tokens: z.number(), costUsd: z.number().nullable(), estimated: z.boolean() },
    }),
  ),
  alerts: z.array(z.object({ at: z.string(), severity: z.string(), text: z.string() })),
  ...{ moreAlerts: z.number(), findings: z.array(z.string()) },
});
export type DigestInfo = z.infer<typeof digestSchema>;

const when = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cron'), cron: z.string(), timeZone: z.string().nullable() }),
  z.object({ kind: z.literal('at'), at: z.string() }),
  z.object({ kind: z.literal('every'), everyMs: z.number() }),
]);

/** A check-in, with its next time (null: there is none, or it is due now). */
export const scheduleSchema = z.object({
  ...{ id: z.string(), name: z.string(), project: z.string(), agent: z.string(), message: z.string(), when },
  ...{ missed: z.enum(['fire', 'skip']), by: z.string(), declared: z.boolean(), createdAt: z.string() },
  ...{ lastSlot: z.string().nullable(), lastOutcome: z.string().nullable(), lastMessageId: z.string().nullable() },
  ...{ fired: z.number(), next: z.string().nullable() },
});
export type ScheduleInfo = z.infer<typeof scheduleSchema>;
export const schedulesResponseSchema = z.object({ schedules: z.array(scheduleSchema) });

/** `POST /api/schedules` → the check-in, 201. One of `inMs`, `at`, `everyMs` and `cron` says when. */
export const scheduleRequestSchema = z
  .strictObject({
    /** Left out: the agent's with a number. */
    name: nameSchema.nullable().default(null),
    /** Id or name. */
    agent: z.string().min(1),
    message: z
      .string()
      .trim()
      .min(1)
      .max(64 * 1024),
    /** Milliseconds from now. */
    inMs: z
      .number()
      .int()
      .min(0)
      .max(366 * 86_400_000)
      .nullable()
      .default(null),
    at: z.iso.datetime({ offset: true }).nullable().default(null),
    /** Milliseconds; a minute or more. */
    everyMs: z.number().int().min(60_000).nullable().default(null),
    cron: z.string().min(1).max(200).nullable().default(null),
    timezone: z.string().nullable().default(null),
    /** What was missed while nothing ran: made up for once, or left. */
    missed: z.enum(['fire', 'skip']).default('fire'),
  })
  .refine((s) => [s.inMs, s.at, s.everyMs, s.cron].filter((value) => value !== null).length === 1, {
    error: 'one of inMs, at, everyMs and cron says when',
  });
export type ScheduleRequest = z.input<typeof scheduleRequestSchema>;
/** `DELETE /api/schedules/:id`, or `POST /api/schedules/:id/rm`. */
export const unscheduledSchema = z.object({ removed: z.literal(true), id: z.string(), name: z.string() });

/** `POST /api/down`: stop a project's agents, or all. */
export const downSchema = z.strictObject({
  project: nameSchema.nullable().default(null),
  all: z.boolean().default(false),
});
export type DownRequest = z.input<typeof downSchema>;
export const downResponseSchema = z.object({
  stopped: z.array(z.string()),
  /** true: no agent is left, so the supervisor ends as well. */
  supervisorStops: z.boolean(),
});
export type DownResponse = z.infer<typeof downResponseSchema>;

/** `POST /api/supervisor/stop`: the daemon alone; agents keep running. */
export const stopResponseSchema = z.object({ stopping: z.literal(true), pid: z.number() });

/** Events pass as they are: the schema of the union is core's; a reader must not refuse what a newer supervisor adds. */
const eventSchema = z.custom<TuttiEvent>((value) => typeof value === 'object' && value !== null && 'seq' in value);

export const eventsResponseSchema = z.object({
  events: z.array(eventSchema),
  /** Pass it as `since` for what follows. */
  next: z.number(),
  /** true: there was more than `limit` allowed. */
  more: z.boolean(),
  log: z.string(),
});
export type EventsResponse = z.infer<typeof eventsResponseSchema>;

const eventTypes = Object.keys(EVENT_TYPES) as [EventType, ...EventType[]];
const commaList = z.string().transform((value) => value.split(',').filter((part) => part !== ''));

/** Query of `GET /api/events` and `GET /api/agents/:id/events`. `since` is a seq or a time. */
export const eventsQuerySchema = z.object({
  since: z
    .union([z.string().regex(/^\d{1,15}$/), z.iso.datetime({ offset: true })], {
      error: 'a seq (a number) or a time (ISO 8601)',
    })
    .optional(),
  limit: z.coerce.number().int().min(1).max(EVENTS_LIMIT).default(EVENTS_DEFAULT),
  agents: commaList.optional(),
  types: commaList.pipe(z.array(z.enum(eventTypes))).optional(),
});
export type EventsQuery = { since?: number | string; limit?: number; agents?: string[]; types?: EventType[] };

/** `GET /api/agents/:id/why`: the chain of causes behind the present state, newest first. */
export const whySchema = z.object({
  agent: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  hint: z.string().nullable(),
  chain: z.array(z.object({ at: z.string().nullable(), seq: z.number().nullable(), text: z.string() })),
});
export type Why = z.infer<typeof whySchema>;

/** Query of `GET /api/agents/:id/log`: raw protocol lines, or with `event` one event in full. */
export const logQuerySchema = z.object({
  event: z.coerce.number().int().min(1).optional(),
  /** `<epoch>:<offset>` as `next` gave it; left out: the last lines. */
  from: z
    .string()
    .regex(/^\d+:\d+$/, { error: '<epoch>:<offset>' })
    .optional(),
  limit: z.coerce.number().int().min(1).max(EVENTS_LIMIT).default(EVENTS_DEFAULT),
});
export const logResponseSchema = z.object({
  lines: z.array(
    z.object({
      epoch: z.number(),
      n: z.number(),
      at: z.string(),
      incarnation: z.number(),
      dir: z.enum(['out', 'in', 'err']),
      line: z.string(),
    }),
  ),
  next: z.string().nullable(),
});
export type LogResponse = z.infer<typeof logResponseSchema>;
export const fullEventSchema = z.object({ event: eventSchema, complete: z.boolean() });

export { agentSchema, commandId as commandIdSchema, eventSchema };
export type { Agent } from './wire-agent.ts';
