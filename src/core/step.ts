/**
 * The shapes that go in and out of `decide`: inputs (observations, commands, time), events (facts, appended before acting)
 * and effects (what the supervisor shall do; each outcome returns as an input). Pure data.
 *
 * `decide(state, input, now)` is level-triggered: after taking in the input it compares what is wanted with what is observed
 * for the agents concerned and asks for what is missing, so that a lost effect or a crash heals at the next look.
 */
import type { CursorEnd, DriverEventBody, EventBody, IsoTime, Json, JsonObject, JournalRef, Wanted } from './event.ts';
import type { Notification, NotifySettings } from './alerts/alert.ts';
import type { HostHello, HostVerb, JournalRecord } from './host-wire.ts';
import type { PatrolSettings, Survey } from './patrol/survey.ts';
import type { RequestSettings } from './requests/policy.ts';
import type { Schedule } from './schedule/schedule.ts';
import type { PriceRow } from './prices.ts';
import type { AgentSpec, State } from './state.ts';
import type { Advice } from './watchdog/types.ts';

/** Who asks: `user`, `agent:<name>`, `config`, `supervisor`. */
export type Caller = string;

/** Error codes of contract.md §5. */
export type Code =
  | 'NOT_FOUND'
  | 'INVALID_ARGUMENT'
  | 'INVALID_TRANSITION'
  | 'CONFLICT'
  | 'TASK_LOCKED'
  | 'INVALID_JSON'
  | 'UNREACHABLE'
  | 'TIMEOUT'
  | 'DENIED'
  | 'RUNTIME_ERROR';

export interface Failure {
  code: Code;
  message: string;
  hint: string | null;
}

/** What a user (or an agent, or a configuration) can ask of the core. Ids are made by the caller: the core has no randomness. */
export type Command =
  | { verb: 'spawn'; agentId: string; name: string; project: string; spec: AgentSpec; messageId: string | null }
  /** Bring a project's declared agents up; ids are given for those that are new. */
  | {
      verb: 'apply';
      project: string;
      hash: string;
      config: JsonObject;
      agents: { agentId: string; name: string; spec: AgentSpec; messageId: string | null; wanted?: Wanted }[];
      prune: boolean;
      /** Left out: those that there are stay as they are. */
      schedules?: Schedule[];
    }
  | { verb: 'send'; agentId: string; messageId: string; text: string; from: string; now: boolean }
  | { verb: 'interrupt' | 'stop' | 'rm'; agentId: string }
  | { verb: 'pause'; agentId: string; now: boolean }
  /** Also out of `failed`, `stopped`, `backoff`. `now`: it tries at once whether its account's limit is over. */
  | { verb: 'resume'; agentId: string; now?: boolean }
  | { verb: 'restart'; agentId: string; fresh: boolean }
  | { verb: 'schedule'; schedule: Schedule }
  | { verb: 'unschedule'; scheduleId: string }
  | { verb: 'answer'; requestId: string; decision: 'allow' | 'deny' | 'answer'; text: string | null };

/** One journal record, with what its driver made of it (the ingest runs the decoders; the core never parses a line). */
export interface IngestedRecord {
  record: JournalRecord;
  events: DriverEventBody[];
  end: CursorEnd;
  /** For `exit` records: the driver's classification. */
  exit?: {
    cause: string;
    code: string | null;
    message: string;
    hint: string | null;
    retryable: boolean;
    conversationLost: boolean;
  };
}

export type Input =
  | { type: 'command'; id: string; by: Caller; command: Command }
  /** Records of one host journal in order, following the agent's cursor. */
  | { type: 'records'; agentId: string; epoch: number; records: IngestedRecord[] }
  /** A journal is shorter than the cursor, or a line in it is corrupt: the gap is an `error` event, never a silent skip. */
  | {
      type: 'journal_damage';
      agentId: string;
      epoch: number;
      at: JournalRef | null;
      message: string;
      cursor: JournalRef & CursorEnd;
    }
  /** Host connected and greeted. Comes after its journal has been read to `hello.n`. */
  | { type: 'host_up'; agentId: string; hello: HostHello }
  /**
   * Its socket is gone and its process is proven dead, its journal read to the end. `unknown` hosts (silent, not provably dead)
   * are not reported down: nothing is started for them.
   */
  | { type: 'host_down'; agentId: string; epoch: number; why: string }
  | { type: 'host_hung'; agentId: string; epoch: number; commandId: string }
  | { type: 'ack'; agentId: string; commandId: string }
  | { type: 'refused'; agentId: string; commandId: string; code: string; message: string }
  /** The tmux server is gone; hosts that survived are blind. */
  | { type: 'tmux_lost' }
  | { type: 'effect_done'; effect: Effect; ok: true; value: Json }
  | { type: 'effect_done'; effect: Effect; ok: false; error: Failure & { retryable: boolean } }
  /** First input after a start: effects are held until `recovered`. */
  | { type: 'boot'; pid: number; build: string; crashed: boolean }
  | { type: 'recovered' }
  /** A time that the cron expression of this schedule names has come. Milliseconds since the epoch. */
  | { type: 'slot'; scheduleId: string; slot: number }
  /** Layer 2 has answered. */
  | { type: 'advice'; agentId: string; advice: Advice }
  /** What the patrol saw. */
  | { type: 'survey'; survey: Survey }
  /** A deadline of `nextDue(state)` has passed. */
  | { type: 'tick' };

export type Effect =
  /** Create the agent's tmux session with a pane host of this epoch in it (replacing a dead one). Outcome: effect_done, then host_up. */
  | { do: 'start_host'; agentId: string; epoch: number }
  | { do: 'host_command'; agentId: string; epoch: number; id: string; verb: HostVerb; args: JsonObject }
  /** The agent's host is dead or unwilling: end it and everything that carries the agent's marker. Done = nothing left alive. */
  | { do: 'clear'; agentId: string; epoch: number }
  /** Show a live host that lost its pane in a new session (`host view`). */
  | { do: 'start_view'; agentId: string; epoch: number }
  /** Kill the (now empty) tmux session of a stopped agent. */
  | { do: 'close_session'; agentId: string }
  /** After rm: session, env file, sockets. Journals stay until retention drops them. */
  | { do: 'forget'; agentId: string }
  /** Show state, context and cost in the session's status line. */
  | { do: 'status_line'; agentId: string }
  /** Ask layer 2 about the ambiguous finding of this `seq`. Outcome: an `advice` input; without one the ladder goes on by itself. */
  | { do: 'triage'; agentId: string; seq: number }
  /** Tell people: to every sink that it concerns. Outcome: what each sink made of it. */
  | { do: 'notify'; notification: Notification }
  /** The digest of a span, as a few lines. Outcome: the text, or null when nothing happened. */
  | { do: 'digest'; since: IsoTime; until: IsoTime }
  /** Processes that carry this run's marker and belong to nobody: ended, with all that live below them. */
  | { do: 'end_orphans'; agentId: string; incarnation: number; list: { pid: number; start: string }[] }
  /** A tmux session of ours with a dead pane, whose agent is gone. */
  | { do: 'close_orphan'; session: string }
  /** Sockets, locks and launch environments of agents that are gone. */
  | { do: 'remove_leftovers'; paths: string[] };

export interface NewEvent {
  agentId: string | null;
  incarnation?: number | null;
  cause?: { by: string; seq?: number; text?: string };
  src?: JournalRef & { end?: CursorEnd };
  body: EventBody;
  /** true: must be on disk (group fsync) before its effects run and its command is acknowledged. */
  durable: boolean;
}

export type Reply = { ok: true; value: Json } | { ok: false; error: Failure };

export interface Step {
  events: NewEvent[];
  effects: Effect[];
  /** For `command` inputs. */
  reply: Reply | null;
}

/** Settings that policies read; from configuration, with the documented defaults. */
export interface Settings {
  restarts: { max: number; withinMs: number };
  backoff: { baseMs: number; capMs: number; resetAfterMs: number };
  /**
   * Without a reset time: first wait and cap. `graceMs`: how long running turns may go on after the account's first refusal.
   * `fallbackAfterMs`: an agent with a fallback does not wait longer than this.
   */
  limit: { baseMs: number; capMs: number; graceMs: number; fallbackAfterMs: number };
  /** No event while no tool runs; a tool that runs; a CLI that has not said anything since it was started. */
  stall: { nudgeAfterMs: number; restartAfterMs: number; toolLimitMs: number; silentAfterMs: number };
  /** How often before it is a loop; failed calls in a row; compactions and retries with nothing done in between. */
  loop: { repeats: number; errors: number; compactions: number; retries: number };
  /** How often each rung is taken before the next one; 0 leaves it out. The last, asking a person, is always there. */
  ladder: { nudges: number; redirects: number; restarts: number; fresh: number };
  /** Calls in one turn, then it is told to come to an end; null = no limit. */
  maxSteps: number | null;
  /** How long an ambiguous finding waits for layer 2; 0 = nobody is asked. */
  adviceMs: number;
  /** Layer 2 may be asked so often, and cost so many tokens, on one day (UTC). */
  advicePerDay: { calls: number; tokens: number };
  maxStarts: number;
  /** Agents with a process at the same time; further ones wait for a place. */
  maxAgents: number;
  /** Levels of agents below a top one. */
  maxDepth: number;
  /** So many ends (and half of those that ran) within the window are one cause: first hold, doubling to the cap while trying fails. */
  massDeath: { agents: number; withinMs: number; holdMs: number; capMs: number };
  notify: NotifySettings;
  patrol: PatrolSettings;
  requests: RequestSettings;
  budgets: BudgetSettings;
  /** Shares of the context, 0..1: compacted from the first on, handed off to a new conversation from the second on. */
  context: { compactAt: number; handoffAt: number };
}

/** null = no cap. */
export interface Caps {
  usd: number | null;
  tokens: number | null;
}

/** Caps that several agents share, and what they are counted with; from config.yaml. */
export interface BudgetSettings {
  /** Of all agents together, per local day. */
  day: Caps;
  /** By account; those of a project's file are in its configuration. */
  accounts: Record<string, Caps & { perDay: Caps }>;
  /** Where days begin and end: `Europe/Berlin`, `UTC`. */
  timezone: string;
  /** Rows that go before the price table. */
  prices: PriceRow[];
}

/**
 * `random` is a number in [0,1) drawn by the caller for this step and recorded in what it decides (resumeAt): replay never needs it.
 */
export type Decide = (
  state: State,
  input: Input,
  ctx: {
    now: number;
    random: number;
    settings: Settings;
    recovering: boolean;
    /** When text of a turn was last streamed, by agent: known from the hosts' beats only, for deltas are no events. */
    heard?: ReadonlyMap<string, IsoTime>;
  },
) => Step;
export type Reduce = (state: State, event: import('./event.ts').TuttiEvent) => State;
export type NextDue = (state: State, settings: Settings) => number | null;
export type { IsoTime };
