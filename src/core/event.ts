/**
 * The unified events: one closed union for the log, the API and the reducer (contract.md §4).
 *
 * Types only, with no run-time import: the pane host and the drivers bundle this file.
 * The zod schemas for the same union are in `event-schema.ts`; a compile-time check keeps the two equal.
 */

import type { CallMark, Ending, Spent } from './watchdog/types.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** ISO 8601 UTC with milliseconds. */
export type IsoTime = string;

/** Agent states (contract.md §3). */
export const AGENT_STATES = [
  'starting',
  'idle',
  'working',
  'waiting',
  'limited',
  'backoff',
  'paused',
  'taken',
  'stopping',
  'stopped',
  'done',
  'failed',
] as const;
export type AgentStateName = (typeof AGENT_STATES)[number];

/** What the user asked for. */
export type Wanted = 'up' | 'paused' | 'down';

export type TurnOutcome = 'ok' | 'error' | 'interrupted' | 'limit' | 'max_turns' | 'budget';

export type ErrorCode =
  | 'auth'
  | 'billing'
  | 'overloaded'
  | 'rate_limit'
  | 'usage_limit'
  | 'context_overflow'
  | 'model'
  | 'network'
  | 'protocol'
  | 'crash'
  | 'unknown';

/** Normalised tool names; `nativeTool` keeps the CLI's own. */
export const TOOLS = ['bash', 'read', 'write', 'edit', 'search', 'web', 'task', 'todo', 'mcp', 'other'] as const;
export type ToolName = (typeof TOOLS)[number];

/**
 * Events that a driver decodes from what a CLI said. The supervisor adds the envelope.
 * Token fields of `usage` and `costUsd` are increments: what this event adds to the agent's totals.
 * (The drivers turn a CLI's cumulative totals into increments; nobody else subtracts.)
 */
export type DriverEventBody =
  /** `number` is null from a driver; the supervisor (or `normalize`) counts turns per agent. */
  | { type: 'turn'; number: number | null; phase: 'start'; outcome: null; durationMs: null }
  | { type: 'turn'; number: number | null; phase: 'end'; outcome: TurnOutcome; durationMs: number | null }
  | {
      type: 'thinking';
      content: string;
      tokens: number | null;
      parentCallId?: string;
      /** Digest of the whole text, by which the watchdog knows one that is said again. */
      mark?: string;
      ending?: Ending;
    }
  | {
      type: 'message';
      role: 'user' | 'assistant';
      content: string;
      /** Who wrote it: `user`, an agent's name, `supervisor` or `mail`; null for an assistant's own. */
      from: string | null;
      messageId: string | null;
      parentCallId?: string;
      mark?: string;
      /** How its last words read. */
      ending?: Ending;
    }
  | {
      type: 'tool_call';
      callId: string;
      tool: ToolName;
      args: JsonObject;
      nativeTool: string;
      parentCallId?: string;
      /** What the watchdog compares the call by, made of the whole arguments. */
      mark?: CallMark;
    }
  | {
      type: 'tool_result';
      callId: string;
      tool: ToolName;
      result: string;
      isError: boolean;
      tokens: number | null;
      durationMs: number | null;
      parentCallId?: string;
      /** Digest of the whole result. */
      mark?: string;
    }
  | {
      type: 'usage';
      input: number;
      output: number;
      cacheRead: number;
      cacheWrite: number;
      /** USD; null where the CLI reports none. */
      costUsd: number | null;
      contextUsed: number | null;
      contextLimit: number | null;
      model: string | null;
      estimated: boolean;
      /** Only from the supervisor: what it costs by the price table where the CLI reports nothing; null = nobody knows. USD. */
      estimatedUsd?: number | null;
      /** Only from the supervisor: its local date. */
      day?: string;
    }
  | {
      type: 'rate_limit';
      limit: 'allowed' | 'warning' | 'rejected';
      scope: string | null;
      resetsAt: IsoTime | null;
      retryAfterMs: number | null;
      /** 0..1 */
      utilization: number | null;
    }
  | { type: 'retry'; attempt: number | null; max: number | null; delayMs: number | null; error: string }
  | {
      type: 'permission';
      requestId: string;
      tool: ToolName;
      args: JsonObject;
      decision: 'asked' | 'allowed' | 'denied' | 'expired';
      /** `rule:<id>`, `user` or `policy`; null while asked. */
      by: string | null;
      /** `permission` is a tool call that wants a yes; `question` wants words; `login` wants a person at the CLI. */
      kind: 'permission' | 'question' | 'login';
      /** The question or the reason, in words for a person. */
      text: string | null;
    }
  | { type: 'error'; code: ErrorCode; message: string; retryable: boolean }
  | {
      type: 'session';
      conversationId: string | null;
      model: string | null;
      cliVersion: string | null;
      permissionMode: string | null;
      tools: string[] | null;
      resumed: boolean | null;
    }
  | {
      type: 'activity';
      kind: 'requesting' | 'compacting' | 'hook' | 'mcp' | 'subagent' | 'background' | 'notice';
      phase: string | null;
      detail: string | null;
      parentCallId?: string;
    }
  | { type: 'compaction'; trigger: string | null; before: number | null; after: number | null }
  /** A line the driver did not understand: kept, counted, never dropped. `line` may be cut; `bytes` is its full size. */
  | { type: 'raw'; line: string };

/** Events that only the supervisor writes. */
export type SupervisorEventBody =
  | { type: 'agent_spawned'; agent: JsonObject }
  | { type: 'agent_killed' }
  | {
      type: 'agent_status';
      status: 'idle' | 'working' | 'error';
      state: AgentStateName;
      previous: AgentStateName | null;
      reason: string | null;
      hint: string | null;
      resumeAt: IsoTime | null;
      /** There where the verdict that holds the agent back changes; null lifts it. */
      gate?: 'failed' | 'limited' | 'backoff' | 'done' | null;
      /** The gate is there because this cap is reached. */
      cap?: string;
    }
  | { type: 'guard'; rule: string; verdict: 'allow' | 'ask' | 'deny'; tool: ToolName; args: JsonObject; why: string }
  | {
      type: 'watchdog';
      layer: number;
      observation: string;
      verdict: string;
      action: string;
      evidence: string;
      /** The rules are not sure: layer 2 may advise, by this event's `seq`. */
      ambiguous?: boolean;
      /** Streamed text was last heard then. */
      heardAt?: IsoTime;
      /** Of a budget: whose purse it is about (null = the agent's own), and which of its caps, so that each is told once. */
      purse?: string | null;
      cap?: string;
      /** A model was asked for this (layer 2). Tokens. */
      spent?: Spent;
    }
  | { type: 'exit'; code: number | null; signal: string | null; cause: string }
  | {
      type: 'delivery';
      messageId: string;
      state: DeliveryState;
      content?: string;
      from?: string;
      now?: boolean;
      why?: string;
      /** Goes before what has not been sent yet (notes, what was typed in the pane). */
      front?: boolean;
      /** Host and incarnation it was sent to. */
      sentTo?: { epoch: number; incarnation: number };
      /** With `confirmed`: does a turn come of it? */
      turnFollows?: boolean | null;
    }
  | {
      type: 'host';
      phase: 'starting' | 'up' | 'clearing' | 'down' | 'lost';
      epoch: number;
      protocol: number | null;
      pid: number | null;
      /** The terminal under it is gone. */
      blind?: boolean;
      why?: string;
    }
  | { type: 'command'; id: string; verb: string; by: string; phase: CommandPhase; args?: JsonObject; result: Json }
  | {
      type: 'account';
      account: string;
      limit: 'allowed' | 'warning' | 'rejected';
      resetsAt: IsoTime | null;
      /**
       * `near`: close to its limit. `held`: a limit was met. `refused`: so was the turn of this agent, which goes on with it later.
       * `probe`: this agent tries whether it is over. `open`: it is. `turn`: this agent's turn has come. `clock`: the clock was set back.
       */
      phase?: 'near' | 'held' | 'refused' | 'probe' | 'open' | 'turn' | 'clock';
      scope?: string | null;
      /** 0..1 */
      utilization?: number | null;
      /** Nobody of the account begins a turn before. */
      until?: IsoTime;
      /** Which hold in a row this is. */
      attempt?: number;
      /** Id of the agent that tries; null = nobody does any more. */
      probe?: string | null;
      /** With `open`: agent id → when its turn comes. */
      turns?: Record<string, IsoTime>;
      why?: string;
    }
  | { type: 'config'; hash: string; by: string; project: string; config: JsonObject };

export type DeliveryState = 'queued' | 'sent' | 'confirmed' | 'refused';
export type CommandPhase = 'accepted' | 'started' | 'done' | 'failed';

export type EventBody = DriverEventBody | SupervisorEventBody;
export type EventType = EventBody['type'];

/** Every event type, for filters and exhaustive tables. */
export const EVENT_TYPES = {
  agent_spawned: true,
  agent_killed: true,
  agent_status: true,
  turn: true,
  thinking: true,
  message: true,
  tool_call: true,
  tool_result: true,
  usage: true,
  rate_limit: true,
  retry: true,
  permission: true,
  guard: true,
  watchdog: true,
  exit: true,
  error: true,
  session: true,
  activity: true,
  compaction: true,
  delivery: true,
  host: true,
  command: true,
  account: true,
  config: true,
  raw: true,
} as const satisfies Record<EventType, true>;

/** Where in a host journal an event comes from. */
export interface JournalRef {
  epoch: number;
  n: number;
}

export interface Envelope {
  /** One counter per home, from 1, without gaps. */
  seq: number;
  at: IsoTime;
  agentId: string | null;
  agent: string | null;
  incarnation: number | null;
  /** Why it was written: the actor (`user`, `host`, `timer`, an agent's name …) and, where one caused it, the seq of that event. */
  cause?: { by: string; seq?: number; text?: string };
  /** The journal record it was read from. The last event of a record's batch carries `end`, and the cursor moves there. */
  src?: JournalRef & { end?: CursorEnd };
  /** Size in bytes of a field that was cut to its first 4 KiB, and where the whole stands (null once retention dropped it). */
  bytes?: number;
  ref?: JournalRef | null;
}

/** Byte offsets in the journal file: `offset` behind the record, `rest` where its decoder last held no state. */
export interface CursorEnd {
  offset: number;
  rest: JournalRef & { offset: number };
}

export type TuttiEvent = Envelope & EventBody;
