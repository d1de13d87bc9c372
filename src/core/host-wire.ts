/**
 * What a pane host and the supervisor say to each other: the records of the host journal (the event channel)
 * and the frames of the host's unix socket (commands and a doorbell). Types and constants only; the host bundles this file.
 *
 * Versioning: records and frames carry `v` and only ever gain fields. A supervisor speaks `HOST_PROTOCOL` and the one before.
 */
import type { Json, JsonObject, JournalRef, ToolName } from './event.ts';
import type { PriceRow } from './prices.ts';

/** Current host protocol. Raised when a frame or record changes its meaning. */
export const HOST_PROTOCOL = 1;

// ---------------------------------------------------------------------------------------------------------------
// Journal: hosts/<id>/<epoch>.jsonl, one JSON object a line, `n` from 1 in each file.

/** The rule that no call breaks by itself: a call ran without a verdict. It ends the turn and fails the agent. */
export const GUARD_BYPASSED = 'guard-bypassed';

export type RecordBody =
  /** First record of every file. `start` is the host's own process start time (clock ticks since boot). */
  | { kind: 'open'; epoch: number; pid: number; start: string; protocol: number; build: string; agentId: string }
  /** The CLI was started. `argv` has no secret in it. */
  | {
      kind: 'spawn';
      incarnation: number;
      pid: number;
      start: string;
      argv: string[];
      cli: string;
      conversationId: string | null;
      resumed: boolean;
    }
  /** One line of the CLI's stdout / stderr, or one that we wrote to its stdin, without its newline, secrets replaced. */
  | { kind: 'out' | 'err' | 'in'; incarnation: number; line: string }
  /** The CLI's protocol can take messages now. */
  | { kind: 'ready'; incarnation: number; conversationId: string | null; resumed: boolean }
  /** A piece of a stdout line that is longer than LINE_LIMIT. `last` carries the size of the whole line in bytes. */
  | { kind: 'piece'; incarnation: number; part: number; text: string; last?: { bytes: number; cut: boolean } }
  /** A command, before acting on it and after. A command is acted on at most once per host; a repeat gets the recorded result. */
  | { kind: 'intent'; id: string; verb: HostVerb; args: JsonObject }
  | { kind: 'done'; id: string; ok: boolean; result: Json }
  /** A message or an interrupt that a person typed in the pane (the host makes its id). Counts as `send --now`. */
  | { kind: 'typed'; id: string; verb: 'message' | 'interrupt'; text: string }
  /** The guard's verdict on a tool call: `by` is `rule:<id>`, `policy` or `user`. */
  | {
      kind: 'verdict';
      callId: string | null;
      requestId: string | null;
      tool: ToolName;
      args: JsonObject;
      verdict: 'allow' | 'deny' | 'ask';
      by: string;
      why: string;
    }
  /** Something a person must answer; kept by the host until answered, lapsed with its turn. */
  | {
      kind: 'request';
      requestId: string;
      incarnation: number;
      what: 'permission' | 'question' | 'login';
      tool: ToolName;
      args: JsonObject;
      text: string;
    }
  | {
      kind: 'answered';
      requestId: string;
      decision: 'allowed' | 'denied' | 'expired' | 'answered';
      by: string;
      text: string | null;
    }
  /** Descendants of the CLI, seen at a tool call: what to hunt if they outlive it. */
  | { kind: 'tree'; incarnation: number; pids: { pid: number; start: string }[] }
  | {
      kind: 'exit';
      incarnation: number;
      code: number | null;
      signal: string | null;
      /** Why it ended, as far as the host knows: it was told to stop it, or it was not. */
      asked: boolean;
      /** A CLI with one process per turn ended its process with the turn: the incarnation goes on. */
      byDesign?: boolean;
      /** The last lines of stderr, for the classification. */
      stderr: string;
    }
  /** The turn is ended between two model calls, because a cap is used up; `why` says which. */
  | { kind: 'budget'; incarnation: number; why: string }
  /** Something the host wants on record: a dropped line, a full disk that is over, a corrupt command. */
  | { kind: 'note'; level: 'info' | 'warn' | 'error'; text: string };

export type JournalRecord = { v: 1; n: number; at: string } & RecordBody;

/** A longer stdout line is journaled in pieces and becomes one `raw` event. Bytes. */
export const LINE_LIMIT = 8 * 1024 * 1024;
/** A line is cut here. Bytes. */
export const LINE_HARD_LIMIT = 64 * 1024 * 1024;

// ---------------------------------------------------------------------------------------------------------------
// Socket: run/hosts/<id>.sock, JSON lines both ways. The host listens; end of file means that it died.

/** What the supervisor can ask a host. */
export type HostVerb =
  /** Start the CLI: args {@link StartArgs}. Result: `{pid}`; fails with `{code,message,hint}` when it cannot be started. */
  | 'start'
  /** Deliver a message: args {@link MessageArgs}. Done when the conversation has it. */
  | 'message'
  /** Ask the conversation whether a message is in it, and deliver it if not: args {@link MessageArgs}. */
  | 'confirm'
  /** End the running turn: args `{incarnation, turn}`; lapses when that turn is over. */
  | 'interrupt'
  /** Answer a request: args `{requestId, decision: 'allow'|'deny'|'answer', text, by}`. First answer wins. */
  | 'answer'
  /** End the CLI and its whole tree, in rungs (protocol interrupt, INT, TERM, KILL), then hunt. Result: `{left: 0}`. */
  | 'stop'
  /** New rules, mode and status line: args {@link ConfigureArgs}. */
  | 'configure'
  /** Compact the conversation by the CLI's own means, between two turns: args `{incarnation}`. Done = the CLI was told. */
  | 'compact'
  /** Like stop, and then the host itself ends. */
  | 'quit';

export interface StartArgs {
  incarnation: number;
  /** The conversation to resume or (claude) to begin under this id; null lets the CLI choose. */
  conversationId: string | null;
  resume: boolean;
  /** `max_budget_usd` and the like: driver settings without secrets. */
  settings: JsonObject;
  /** Number of the fallback in the launch file that is to be started; left out = the declared CLI. */
  fallback?: number;
}

export interface MessageArgs {
  /** Message id: a UUID, also given to the CLI as the message's own id where it takes one. */
  messageId: string;
  text: string;
  from: string;
  /** true: steer the running turn where the CLI can; false: the supervisor believes that no turn runs. */
  now: boolean;
  /** How many messages this conversation holds already, for CLIs that have no message ids. */
  ordinal: number;
}

export interface ConfigureArgs {
  permissions: 'ask' | 'auto' | 'bypass';
  /** Compiled rules, in order; null keeps what the host has. */
  rules: CompiledRule[] | null;
  /** What the pane's header and footer show. */
  view: { name: string; cli: string; model: string | null; task: string | null; branch: string | null };
  /** Names of agents below this one: an agent may command only these. */
  below: string[];
  /** Caps that the host keeps by itself; null = none. */
  budget: BudgetOrder | null;
}

/** What a host needs to keep to its agent's caps without asking: what was used up to a place in its journal, and where the caps are. */
export interface BudgetOrder {
  cli: string;
  /** Model that is billed where usage names none. */
  model: string | null;
  /** Up to this record `used` has counted; null = nothing of the agent's journals. */
  asOf: JournalRef | null;
  used: { usd: number; open: number; tokens: number; reported: boolean };
  /** The agent's own caps; `before` is what had been used before their count began. */
  caps: { name: string; unit: 'usd' | 'tokens'; cap: number; before: number }[];
  /**
   * Caps shared with other agents: `share` is what this one may use from `asOf` on. Beyond it the host begins nothing new until the next
   * order, and stops where no supervisor is there to give one.
   */
  shared: { name: string; unit: 'usd' | 'tokens'; cap: number; share: number }[];
  /** A shared cap is used up: nothing more, for this reason. */
  stop: string | null;
  /** Rows that go before the price table. */
  prices: PriceRow[];
}

/** A guard rule, compiled by the supervisor: JSON only, never YAML, no code. */
export interface CompiledRule {
  id: string;
  verdict: 'allow' | 'ask' | 'deny';
  why: string;
  /** The built-in matcher that judges it, with its parameters. */
  match: { kind: 'no-self-approve' | 'no-tutti-home' | 'tool' | 'command'; [key: string]: Json };
}

/** Supervisor → host. */
export type ToHost =
  | { v: 1; type: 'hello'; protocol: number; build: string; supervisor: number }
  | { v: 1; type: 'command'; id: string; verb: HostVerb; args: JsonObject }
  | { v: 1; type: 'ping' }
  /** A `host view`: gets bells without commanding. Answered with `hello`. */
  | { v: 1; type: 'watch' }
  /** What a person typed in a `host view`: counts as typed in the pane. */
  | { v: 1; type: 'typed'; input: { key: 'text'; text: string } | { key: 'interrupt' | 'allow' | 'deny' } };

/** Host → supervisor. */
export type FromHost =
  | ({ v: 1; type: 'hello' } & HostHello)
  /** New records up to `n` are in the journal of `epoch`. */
  | { v: 1; type: 'bell'; epoch: number; n: number }
  /** The command was journaled (`intent`); its `done` comes through the journal. Sent within ACK_LIMIT_MS or the host counts as hung. */
  | { v: 1; type: 'ack'; id: string }
  /** The command cannot be taken (bad frame, disk full, wrong incarnation): nothing was done. */
  | { v: 1; type: 'refused'; id: string | null; code: string; message: string }
  /** During a turn, every BEAT_MS. `lastByteAt` moves with streamed deltas, which are neither journaled nor events. */
  | { v: 1; type: 'beat'; epoch: number; n: number; lastByteAt: string }
  | { v: 1; type: 'pong' };

export interface HostHello {
  protocol: number;
  build: string;
  agentId: string;
  epoch: number;
  n: number;
  pid: number;
  start: string;
  /** The running CLI, if there is one. */
  cli: { incarnation: number; pid: number; start: string; ready: boolean; turn: boolean } | null;
  /** Open requests by id. */
  requests: string[];
  /** true when the host lost its terminal (tmux died): only the view is gone. */
  blind: boolean;
}

/** A host that has not acknowledged a command after this long is hung. Milliseconds. */
export const ACK_LIMIT_MS = 5_000;
/** Beat interval during a turn. Milliseconds. */
export const BEAT_MS = 5_000;
/** Longest frame either side accepts on the socket. Bytes. */
export const FRAME_LIMIT = 2 * 1024 * 1024;
