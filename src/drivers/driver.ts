/**
 * The interface of a driver: the pure adapter between one CLI's protocol and tutti.
 *
 * Pure: no `node:` module, no clock, no randomness, no await, no run-time import outside `drivers/` (drivers run in the pane host).
 * Two halves. The **decoder** turns lines into unified events; host and supervisor both run it over the same journal
 * records, so it may depend on nothing else. The **protocol** is the host's side of the conversation: what to write, and when
 * a message is known to be in the conversation. The protocol owns a decoder; the supervisor never runs a protocol.
 */
import type { DriverEventBody, ErrorCode, Json, JsonObject, ToolName } from '../core/event.ts';

/** The CLIs that can be supervised. `tutti` is the built-in agent. */
export type CliId = 'claude' | 'codex' | 'gemini' | 'opencode' | 'aider' | 'tutti';

/** What to start: everything a driver may know about it. No secret is in here; secrets are in the environment. */
export interface LaunchSpec {
  /** `clis.<cli>.command` of the configuration: the program and leading arguments. */
  command: string[];
  /** `clis.<cli>.args`: appended last. */
  args: string[];
  cwd: string;
  model: string | null;
  permissions: 'ask' | 'auto' | 'bypass';
  conversationId: string | null;
  resume: boolean;
  incarnation: number;
  /** `TUTTI_AGENT` marker: `<home8>/<id>/<incarnation>`. */
  marker: string;
  /** Absolute path of a folder of this agent's own, 0700, for CLIs that need files (aider's history, the built-in agent's record). */
  dir: string;
  /** Appended to the CLI's system prompt where it can take one. */
  systemPrompt: string | null;
  /** Driver-specific settings without secrets (`maxBudgetUsd`, `maxTurns`, `agent: 'v1'` …). */
  settings: JsonObject;
}

export interface Launch {
  argv: string[];
  /** Added to the agent's environment (never secrets). */
  env: Record<string, string>;
  /** The same where the agent's environment has no value of its own: `clis.NAME.env` wins. */
  defaults?: Record<string, string>;
  /** Written by the host before the start, mode 0600, replacing what is there; only below `LaunchSpec.dir` (aider's message file). */
  files?: { path: string; text: string }[];
}

/** One line as the host journals it. `out` is the CLI's stdout, `in` what we wrote to its stdin, `err` its stderr. */
export interface Line {
  dir: 'out' | 'in' | 'err';
  text: string;
}

/** What became of a line: it gave events, is one that the driver's table names as empty (with its reason), or is not understood. */
export type Fate = 'decoded' | 'empty' | 'raw';

export interface Decoded {
  events: DriverEventBody[];
  fate: Fate;
  /** Kind of line by the CLI's own words, such as `system/init` or `item/started:commandExecution`; for statistics and tests. */
  kind: string;
}

export interface Decoder {
  /** Takes one line. Never throws: what it cannot understand becomes one `raw` event with fate `raw`. */
  push(line: Line): Decoded;
  /**
   * The process ended: whatever is held comes out (held text as `thinking`), an open turn stays open
   * (the supervisor knows of the exit). Usage that nobody reported is estimated and says so.
   */
  end(): DriverEventBody[];
  /** True while nothing is held and no state that a later line needs has been gathered since the process started or the last such point. */
  readonly atRest: boolean;
}

/** What the protocol wants done. The host does these in order. */
export type Action =
  /** Write one line (the host adds the newline and journals it as `in`). */
  | { do: 'write'; line: string }
  /** The CLI can take messages now. */
  | { do: 'ready'; conversationId: string | null; resumed: boolean }
  | { do: 'turn'; phase: 'start' | 'end' }
  /** The conversation holds the message. `turnFollows: false` = it was there before: no turn comes of it by itself. */
  | { do: 'confirmed'; messageId: string; turnFollows: boolean | null }
  /** The message cannot be delivered; `retryable` = try again later with a new process. */
  | { do: 'refused'; messageId: string; why: string; retryable: boolean }
  /**
   * The CLI wants a verdict on a tool call, or an answer to a question. `key` is passed back to `answer`.
   * `gate: true` = a hook that sees every call: verdict allow | deny | ask, where ask leads to a second ask by the CLI itself
   * (or stays with the host where `canAsk` is false). `callId` ties it to the tool_call event where the CLI tells it.
   */
  | {
      do: 'judge';
      key: string;
      what: 'permission' | 'question' | 'login';
      gate: boolean;
      tool: ToolName;
      nativeTool: string;
      args: JsonObject;
      callId: string | null;
      text: string;
      /** Only for a gate: false = the CLI has no ask of its own, so that what must be asked stays with the host. Default true. */
      canAsk?: boolean;
    }
  /** The CLI stopped waiting for that answer. */
  | { do: 'withdrawn'; key: string }
  /** A host tool (MCP in band) was called; answered by `toolResult`. */
  | { do: 'tool'; key: string; name: string; args: JsonObject }
  /** Streamed progress for the pane and the clock only: neither journaled nor an event. */
  | { do: 'delta'; text: string }
  /** The protocol is broken beyond repair; the host stops the CLI. */
  | { do: 'broken'; why: string }
  /** One process per turn (aider): start the process again for this message, then `begin` is called on a new protocol. */
  | { do: 'close-stdin' }
  /** Look into a file that the CLI keeps (a transcript, a history); the host hands its lines to `Protocol.file` at once. Read-only. */
  | { do: 'read-file'; path: string; key: string };

export type Verdict =
  | { decision: 'allow'; args?: JsonObject }
  | { decision: 'deny'; reason: string }
  /** Only for a gate: let the CLI ask by its own means. */
  | { decision: 'ask' }
  /** To a question: the words of the person. */
  | { decision: 'answer'; text: string };

export interface OutgoingMessage {
  messageId: string;
  text: string;
  now: boolean;
  ordinal: number;
}

/** The host's side of one incarnation. Deterministic; no time, no IO. Every method returns what to do next. */
export interface Protocol {
  /** Right after the process started. */
  begin(): Action[];
  /**
   * A line came. Returns the actions and what the decoder made of it, so that the host draws from the same decoding.
   * `journal: false` marks a streamed delta: it is drawn and counted as a sign of life, and not journaled.
   */
  line(line: Line): { actions: Action[]; decoded: Decoded; journal: boolean };
  /** Deliver; only called when ready. Where the CLI cannot steer, `now` in mid-turn is refused with retryable true. */
  message(message: OutgoingMessage): Action[];
  /** After a kill left it unknown: ask the conversation, deliver if it is not there. Ends in `confirmed` or `refused`. */
  confirm(message: OutgoingMessage): Action[];
  interrupt(): Action[];
  /** Compact the conversation, between two turns; a turn comes of it. Left out where the CLI has no such means. */
  compact?(): Action[];
  answer(key: string, verdict: Verdict): Action[];
  toolResult(key: string, result: { ok: boolean; value: Json }): Action[];
  /** Answer to `read-file`: the file's lines, read lazily, in order; null when it is missing or cannot be read. Same turn of the event loop. */
  file?(key: string, lines: Iterable<string> | null): Action[];
  /** A friendly end: what to write before stdin is closed. */
  close(): Action[];
  /** Does a turn run, as far as the protocol knows? */
  readonly turn: boolean;
}

/** Why a CLI ended and what that means for a restart. */
export interface ExitVerdict {
  /** `asked`, `clean`, `crash`, `signal`, `auth`, `billing`, `missing`, `bad_flag`, `no_conversation`, `protocol`, `limit` … */
  cause: string;
  code: ErrorCode | null;
  /** One sentence for a person. */
  message: string;
  /** What to do about it; null where nothing helps. */
  hint: string | null;
  /** false = starting it again will not help (login, flags, missing program). */
  retryable: boolean;
  /** true = the conversation cannot be resumed; start afresh with a handoff. */
  conversationLost: boolean;
}

/** What a CLI itself keeps of a conversation, where that needs mending before a resume. */
export interface OwnRecord {
  /** The file stands in any folder directly below this one. */
  below: string;
  name: string;
  /**
   * Text to append so that the conversation goes on where it ended; '' = nothing.
   * @param lines of the file, in order
   * @param whole the file ends with a newline
   */
  mend(lines: Iterable<string>, whole: boolean): string;
}

export interface Driver {
  /** `acp` = a CLI that only the configuration knows (`protocol: acp`). */
  readonly id: CliId | 'acp';
  /** Program looked up on PATH when the configuration names none. */
  readonly program: string;
  /** How to ask its version, and the oldest one that works. */
  readonly versionArgs: string[];
  readonly minVersion: string;
  readonly capabilities: {
    /** Several turns in one process; false = one process per turn. */
    persistent: boolean;
    /** Takes a message into a running turn. */
    steer: boolean;
    /** Every tool call passes our gate before it runs. */
    gate: 'all' | 'asked' | 'none';
    resume: 'own' | 'handoff';
    /** How a message is confirmed after a kill. */
    confirm: 'idempotent' | 'lookup' | 'replay' | 'record' | 'history';
  };
  /** Whether the process exits at the end of a turn by design. */
  launch(spec: LaunchSpec, message: OutgoingMessage | null): Launch;
  /** Asked before each resume, while no process of the agent is alive. */
  ownRecord?(spec: LaunchSpec, env: Record<string, string>): OwnRecord | null;
  decoder(): Decoder;
  protocol(spec: LaunchSpec): Protocol;
  /** The person's own UI on the same conversation (`tutti take`). */
  takeOver(spec: LaunchSpec): Launch;
  classifyExit(exit: {
    code: number | null;
    signal: string | null;
    asked: boolean;
    stderr: string;
    /** Nothing was ever read from its stdout. */
    silent: boolean;
  }): ExitVerdict;
}
