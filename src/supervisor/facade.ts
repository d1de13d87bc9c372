/**
 * What surfaces can ask of a running supervisor: typed functions over the mailbox (writes) and the state (reads).
 * The API is a thin layer on this; nothing else reaches into the supervisor.
 *
 * Every function fails with a {@link Refusal}, whose code is one of contract.md §5. Reads answer while the supervisor recovers;
 * writes wait for the end of the recovery.
 */
import type { Digest } from '../core/digest/digest.ts';
import type { EventType, JsonObject, TuttiEvent, Wanted } from '../core/event.ts';
import type { ScheduleState } from '../core/schedule/schedule.ts';
import type { Code, Failure } from '../core/step.ts';
import type { AgentSpec, PendingRequest } from '../core/state.ts';
import type { AgentObject, WhyChain } from './core.ts';
import type { Subscription } from './hub.ts';

/** Largest message text. Bytes. */
export const MESSAGE_LIMIT = 1024 * 1024;
/** Most agents of one home. */
export const MAX_AGENTS = 1_000;
/** Most messages that wait for one agent. */
export const MAX_QUEUE = 1_000;
/** Inputs that may wait for the loop before writes are refused. */
export const MAX_MAILBOX = 10_000;
/** Longest a write waits for the end of a recovery. Milliseconds. */
export const RECOVERY_WAIT_MS = 30_000;

export class Refusal extends Error {
  readonly code: Code;
  readonly hint: string | null;
  /** A more exact HTTP status than the code's own, where there is one (413, 429, 503). */
  readonly status: number | null;

  constructor(failure: Failure, status: number | null = null) {
    super(failure.message);
    this.name = 'Refusal';
    this.code = failure.code;
    this.hint = failure.hint;
    this.status = status;
  }
}

export interface LaunchParts {
  /** null = the driver's program on PATH. */
  command: string[] | null;
  args: string[];
  env: Record<string, string>;
  secrets: Record<string, string>;
  systemPrompt: string | null;
  /** Names of `${VAR}` in the values of `env` that the caller's shell lacks: taken from what is kept, or refused. */
  missing?: string[];
}

export interface Declared {
  name: string;
  cli: string;
  model: string | null;
  role: string | null;
  zone: string | null;
  task: string | null;
  cwd: string | null;
  worktree: string | null;
  branch: string | null;
  parent: string | null;
  permissions: 'ask' | 'auto' | 'bypass';
  restart: 'permanent' | 'transient' | 'temporary';
  once: boolean;
  budget: AgentSpec['budget'];
  account: string | null;
  settings: JsonObject;
  launch: LaunchParts | null;
  fallback: DeclaredFallback[];
  fallbackReturn: boolean;
}

/** A CLI, model or login that takes over while the declared one is limited. */
export interface DeclaredFallback {
  cli: string;
  model: string | null;
  account: string | null;
  settings: JsonObject;
  launch: LaunchParts | null;
}

export interface ApplyOrder {
  project: string;
  hash: string;
  config: JsonObject;
  agents: (Declared & { wanted: Wanted })[];
  prune: boolean;
}

export interface Applied {
  project: string;
  created: string[];
  changed: string[];
  unchanged: string[];
  undeclared: string[];
  pruned: string[];
  agents: AgentObject[];
}

/** Who asks. `commandId` makes a write repeatable; `marker` is the caller's TUTTI_AGENT, null for a person. */
export interface Asker {
  marker: string | null;
  commandId: string | null;
}

export type Act =
  | { verb: 'interrupt' | 'stop' }
  | { verb: 'resume'; now: boolean }
  | { verb: 'pause'; now: boolean }
  | { verb: 'restart'; fresh: boolean };

export interface EventFilter {
  /** Agent ids; null = all (and events of no agent). */
  agents: string[] | null;
  types: EventType[] | null;
}

export interface RawLine {
  epoch: number;
  n: number;
  at: string;
  incarnation: number;
  dir: 'out' | 'in' | 'err';
  line: string;
}

export interface HealthFacts {
  version: string;
  build: string;
  protocol: number;
  pid: number;
  startedAt: string;
  home: string;
  log: string;
  seq: number;
  recovering: boolean;
  stalledMs: number;
  unknown: string[];
  problems: string[];
  agents: Record<string, number>;
  tmux: string;
}

export interface FleetFacts {
  agents: number;
  states: Record<string, number>;
  queued: number;
  requests: number;
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number; total: number };
  costUsd: number | null;
  seq: number;
  log: string;
}

/** One of `inMs`, `at`, `everyMs` and `cron` is not null. */
export interface ScheduleOrder {
  /** null: one is made of the agent's. */
  name: string | null;
  agent: string;
  message: string;
  inMs: number | null;
  /** ISO 8601. */
  at: string | null;
  everyMs: number | null;
  cron: string | null;
  timezone: string | null;
  missed: 'fire' | 'skip';
}

export type ScheduleView = ScheduleState & { next: string | null };

export interface Facade {
  health(): HealthFacts;
  list(): AgentObject[];
  /** By id or name. */
  get(ref: string): AgentObject;
  spawn(declared: Declared & { project: string }, by: Asker): Promise<AgentObject>;
  apply(order: ApplyOrder, by: Asker): Promise<Applied>;
  send(
    ref: string,
    message: { content: string; now: boolean; messageId: string | null },
    by: Asker,
  ): Promise<{ messageId: string; agentId: string; seq: number }>;
  act(ref: string, act: Act, by: Asker): Promise<AgentObject>;
  remove(ref: string, by: Asker): Promise<{ id: string; name: string }>;
  /** Stops the agents of a project (null = all) and resolves when they are stopped. */
  down(project: string | null, by: Asker): Promise<{ stopped: string[]; supervisorStops: boolean }>;
  requests(): (PendingRequest & { agentId: string; agent: string })[];
  answer(
    requestId: string,
    answer: { decision: 'allow' | 'deny' | 'answer'; text: string | null },
    by: Asker,
  ): Promise<{ requestId: string; decision: string; agentId: string }>;
  /** The next one first. */
  schedules(): ScheduleView[];
  schedule(order: ScheduleOrder, by: Asker): Promise<ScheduleView>;
  /** By id, or by a name that only one has. */
  unschedule(ref: string, by: Asker): Promise<{ id: string; name: string }>;
  /** What happened since a time (ISO 8601). */
  digest(since: string): Promise<Digest>;
  why(ref: string): Promise<WhyChain>;
  /** Ids of agents by id or name; NOT_FOUND names the first that there is none of. */
  resolve(refs: string[]): string[];
  /** One page of the log after `since` (a seq, or a time). */
  events(
    since: number | string,
    filter: EventFilter,
    limit: number,
  ): Promise<{ events: TuttiEvent[]; next: number; more: boolean; log: string }>;
  /** Past and live events after `since`; null = from now on. */
  subscribe(since: number | null, filter: EventFilter): Subscription;
  rawLog(
    ref: string,
    from: { epoch: number; offset: number } | null,
    limit: number,
  ): Promise<{ lines: RawLine[]; next: string | null }>;
  /** One event with its cut fields filled in from the host journal. */
  fullEvent(ref: string, seq: number): Promise<{ event: TuttiEvent; complete: boolean }>;
  fleet(): FleetFacts;
  /** Ends the supervisor alone. Resolves at once; the end comes after the answer. */
  stopSupervisor(by: Asker): { pid: number };
}
