/**
 * The state of a home: what `reduce` makes of the event log, and nothing else (law 2). JSON data only.
 * `agent-view.ts` projects it to the agent object of contract.md §3.
 */
import type {
  AgentStateName,
  CursorEnd,
  DeliveryState,
  IsoTime,
  JournalRef,
  JsonObject,
  ToolName,
  TurnOutcome,
  Wanted,
} from './event.ts';
import type { AlertsState } from './alerts/alert.ts';
import type { FleetState } from './fleet/fleet.ts';
import type { PatrolState } from './patrol/survey.ts';
import type { ScheduleState } from './schedule/schedule.ts';
import type { Purse } from './budget/purse.ts';
import type { HostVerb } from './host-wire.ts';
import type { CallMark, LadderState, WatchState } from './watchdog/types.ts';
import type { Caps } from './step.ts';

export const STATE_VERSION = 1;

export interface State {
  v: typeof STATE_VERSION;
  /** Changes when the log was cut after power loss: clients start over. */
  logId: string;
  /** seq of the last event reduced. */
  seq: number;
  agents: Record<string, AgentState>;
  /** Ids of removed agents whose leftovers (session, files) are still being cleared. */
  removing: Record<string, { name: string; epoch: number }>;
  projects: Record<string, ProjectState>;
  /** Limits by account (`accounts/`), of those that have met one or come near. */
  accounts: Record<string, AccountState>;
  /** Results of recent user commands by id, so that a repeated one is answered and not done again. Bounded. */
  commands: Record<string, { seq: number; ok: boolean }>;
  /** Deaths of many at once. */
  fleet: FleetState;
  /** The daily digest: from when the next one tells, and the one that is being made. */
  digest: { from: IsoTime | null; pending: { since: IsoTime; until: IsoTime } | null };
  /** What the patrol found. */
  patrol: PatrolState;
  /** Check-ins by id. */
  schedules: Record<string, ScheduleState>;
  /** What people are told. */
  alerts: AlertsState;
  /** What layer 2 was asked and has cost on this day (UTC, YYYY-MM-DD). */
  advice: { day: string; calls: number; tokens: number };
  totals: { events: number; raw: number };
  /** What was used together: `account:<name>`, `zone:<project>/<name>`, and `all` of the home. */
  purses: Record<string, Purse>;
}

export interface ProjectState {
  hash: string;
  config: JsonObject;
  at: IsoTime;
}

/** What is known of a limit that several agents share. An account that is not in the state has met none. */
export interface AccountState {
  limit: 'allowed' | 'warning' | 'rejected';
  /** The window, by the name that the CLIs give it. */
  scope: string | null;
  /** As it was told; null = nobody told a time. */
  resetsAt: IsoTime | null;
  /** When the present hold began. */
  since: IsoTime;
  /** When the first of the holds in a row began. */
  firstAt: IsoTime;
  /** While rejected: nobody begins a turn before; then one agent tries. */
  until: IsoTime | null;
  /** Holds in a row without a success between them. */
  attempt: number;
  /** Who tries whether the limit is over. */
  probe: { agentId: string; at: IsoTime } | null;
  /** The limit is over, and these agents go on one after another. */
  turns: Record<string, IsoTime>;
  /** When a limit was last found to be over. */
  openedAt: IsoTime | null;
  /** The window that was last warned of. */
  warned: string | null;
}

/** What the user declared; changes only by command. */
export interface AgentSpec {
  cli: string;
  model: string | null;
  role: string | null;
  parentId: string | null;
  zone: string | null;
  task: string | null;
  cwd: string;
  worktree: string | null;
  branch: string | null;
  permissions: 'ask' | 'auto' | 'bypass';
  restart: 'permanent' | 'transient' | 'temporary';
  once: boolean;
  /** Hard caps; `perDay` is left out where there are none. `context`: a lower limit of the context than the CLI's own. Tokens. */
  budget: { usd: number | null; tokens: number | null; perDay?: Caps | undefined; context?: number | null | undefined };
  account: string;
  /** Driver settings without secrets. */
  settings: JsonObject;
  /** What goes on with the work where the CLI above cannot: in order. */
  fallback: Runner[];
  /** It returns from a fallback when the limit is over: with the next message at an idle boundary. */
  fallbackReturn: boolean;
}

/** A CLI with its model and login: what does the work. */
export interface Runner {
  cli: string;
  model: string | null;
  account: string;
  settings: JsonObject;
}

/** A conversation that was left for another runner, and can be returned to. */
export interface LeftConversation {
  conversationId: string | null;
  conversationUsed: boolean;
  confirmed: number;
}

export interface AgentState {
  id: string;
  name: string;
  project: string;
  spec: AgentSpec;
  /** Declared in the project's file (and not by `spawn`): only such agents are reported as undeclared, or pruned. */
  declared: boolean;
  createdAt: IsoTime;
  wanted: Wanted;
  state: AgentStateName;
  reason: string | null;
  hint: string | null;
  resumeAt: IsoTime | null;
  /**
   * The verdict that keeps it from being started and its queue from being delivered; null = none.
   * `backoff` and `limited` lift at `resumeAt`, `done` with the next message, `failed` by a person.
   */
  gate: Gate | null;
  /** After a refused order or failed effect: nothing more is ordered before this time. */
  holdUntil: IsoTime | null;
  since: IsoTime;
  /**
   * Latest host: `none` before the first, `clearing` while it and its tree are being ended, `lost` when it died
   * (its tree may live on), `down` when it and its tree are known to be gone.
   */
  host: {
    epoch: number;
    phase: 'none' | 'starting' | 'up' | 'clearing' | 'lost' | 'down';
    pid: number | null;
    protocol: number | null;
    /** The tmux server died under it: it works on without a pane, to be moved when idle. */
    blind: boolean;
    /** It has greeted this supervisor. false with phase `up`: unknown since the supervisor started; nothing is started for it. */
    linked: boolean;
    /** A clearing failed: it is tried again then. null while one is under way (never two at once: it ends all that carries the marker). */
    clearAt: IsoTime | null;
    at: IsoTime;
  };
  /** Read position in the host journal; null before the first record. */
  cursor: (JournalRef & CursorEnd) | null;
  cli: {
    incarnation: number;
    pid: number | null;
    phase: 'none' | 'starting' | 'ready' | 'stopping' | 'exited';
    turn: boolean;
    turnStartedAt: IsoTime | null;
    /** When the phase began. */
    at: IsoTime | null;
    /** A message was confirmed at this time and its turn has not begun yet; the queue waits for it. */
    turnExpectedAt: IsoTime | null;
    /** Judged hung: to be stopped and started again. */
    condemned: boolean;
    /** It ended and nobody asked for it: the next start is a restart. */
    crashed: boolean;
    /** The last turn began and did not end (a kill): the next resume owes a restart note. */
    turnCutShort: boolean;
    /** How its latest turn ended; null = none has ended in this incarnation. */
    outcome: TurnOutcome | null;
    /** Last error the CLI reported in this turn, for the exit's classification. */
    lastError: { code: string; message: string; retryable: boolean } | null;
    /** The host ended the running turn then, because a cap was reached. */
    budgetStopAt: IsoTime | null;
    /** The CLI was told to stop by itself when the agent has spent this much in all. USD; null = it was told nothing. */
    stopsAtUsd: number | null;
  };
  /**
   * What runs: 0 = as declared, n = the n-th fallback. `wanted`: a change that is under way; `left`: conversations by the number of their
   * runner; `unfit`: fallbacks that could not be started; `why`: of the present one.
   */
  runner: {
    n: number;
    wanted: { n: number; when: 'now' | 'idle'; why: string } | null;
    left: Record<string, LeftConversation>;
    unfit: number[];
    why: string | null;
  };
  conversationId: string | null;
  /** The conversation holds something: it is there to be resumed. */
  conversationUsed: boolean;
  /** Messages that the conversation holds, as far as confirmed. */
  confirmed: number;
  /** Not yet confirmed, in order. At most one is `sent` unless steering. */
  queue: QueuedMessage[];
  /** Host commands sent and not done, by id. */
  pending: Record<string, { verb: HostVerb; epoch: number; at: IsoTime; args: JsonObject }>;
  requests: Record<string, PendingRequest>;
  /** The call that a guard rule has just put to a person: its request comes next. */
  askedByRule: { tool: ToolName; digest: string } | null;
  /** A note from the supervisor that has to start the next turn (a restart's is in `cli.turnCutShort`). */
  owes: 'unanswered' | 'limit' | 'handoff' | null;
  /**
   * The CLI is to be started anew: at once, at once in a new conversation (`fresh` knows nothing of the old one, `handoff` is told
   * what is on record of it), or at the next idle boundary.
   */
  restartWanted: 'now' | 'fresh' | 'handoff' | 'idle' | null;
  /** `rm`: forget it when it is down. */
  removing: boolean;
  /** What is known of the limit that was last met; `active` until there is progress again. */
  limit: {
    active: boolean;
    resetsAt: IsoTime | null;
    scope: string | null;
    attempt: number;
    /** The turn that was ended because its account met a limit. */
    cutTurn: number | null;
    /** The turn in which its CLI met a limit and began to try again by itself. */
    metTurn: number | null;
    /** When its work was interrupted by a limit; null = it goes on. */
    metAt: IsoTime | null;
  };
  /** Ids of the latest messages that were confirmed, so that a repeated `send` is one message. Bounded. */
  seen: string[];
  /** Latest words of either side, cut, for a handoff to a new conversation. */
  lastExchange: Exchange;
  /** The exchanges before that, oldest first, cut shorter. Bounded. */
  earlierExchanges: Exchange[];
  lastOutcome: TurnOutcome | null;
  /** Digest of the latest `configure`. */
  configured: string | null;
  /** Times (ISO) of recent restarts by kind, within the longest window; and the backoff's attempt counter. */
  tally: { cli: IsoTime[]; host: IsoTime[]; tmux: IsoTime[]; attempt: number; healthySince: IsoTime | null };
  restarts: number;
  taskOpen: boolean;
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number; estimated: boolean };
  /** USD that the CLI has reported. */
  costUsd: number | null;
  /** What it has used in all, with estimates: what its caps are compared with. */
  purse: Purse;
  /** What is being done about a full context. */
  care: CareState;
  /** The gate is there because a cap is reached. */
  overBudget: boolean;
  context: { used: number | null; limit: number | null };
  model: string | null;
  turns: number;
  toolCalls: number;
  /** Open tool calls by callId: for tool limits and durations. */
  openCalls: Record<string, OpenCall>;
  filesConsumed: string[];
  filesProduced: string[];
  lastEventAt: IsoTime | null;
  lastProgressAt: IsoTime | null;
  /** Layer 1 of the watchdog: what it remembers, and how far its ladder was climbed. */
  watch: WatchState;
  ladder: LadderState;
}

export interface CareState {
  /** Awaited between two turns: the end of a compaction, or of the turn that writes a summary. */
  step: 'compact' | 'summary' | null;
  /** Turns before that. */
  turns: number;
  at: IsoTime | null;
  /** For the next conversation; null = there is none. */
  summary: string | null;
  /** Turns at the latest compaction, and at the latest handoff. */
  compacted: number | null;
  handedOff: number | null;
}

/** A message and the last words of the answer to it; null = there is none, or it is not known. */
export interface Exchange {
  user: string | null;
  assistant: string | null;
}

/** A tool call without a result yet. */
export interface OpenCall {
  tool: ToolName;
  at: IsoTime;
  /** In words, cut; an older build did not write it. */
  what?: string;
  mark?: CallMark;
  /** Of a sub-agent. */
  sub?: boolean;
}

export type Gate = 'failed' | 'limited' | 'backoff' | 'done';

export interface QueuedMessage {
  messageId: string;
  text: string;
  from: string;
  now: boolean;
  state: DeliveryState;
  at: IsoTime;
  /** Incarnation and epoch it was sent to; a death in between makes it `confirm` instead of `message`. */
  sentTo: { epoch: number; incarnation: number } | null;
  /** It may be in the conversation already: only `confirm` may deliver it. */
  unsure: boolean;
  /** Turns that had begun when it was sent. */
  turnsBefore: number;
  /** It was sent into a running turn: no turn of its own need come of it. */
  steered: boolean;
  /** Failed deliveries. */
  attempts: number;
}

export interface PendingRequest {
  requestId: string;
  what: 'permission' | 'question' | 'login';
  tool: ToolName;
  args: JsonObject;
  text: string;
  at: IsoTime;
  incarnation: number;
  /** A guard rule wanted a person to see it. */
  byRule?: true;
  /** Policy has answered it, with whatever success: from here on it is a person's. */
  policy?: true;
}
