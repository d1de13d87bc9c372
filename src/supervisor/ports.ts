/** What the supervisor needs from the edges; `system/` implements it, tests use the real things or fakes under the same contract suite. */
import type { Notification } from '../core/alerts/alert.ts';
import type { Json, JsonObject, TuttiEvent } from '../core/event.ts';
import type { JournalRecord } from '../core/host-wire.ts';
import type { Survey } from '../core/patrol/survey.ts';
import type { State } from '../core/state.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** [0,1) */
  random(): number;
  uuid(): string;
  setTimeout(run: () => void, ms: number): { cancel(): void };
}

/** The event log in segments under `events/`. */
export interface EventLog {
  /**
   * Appends in one write(2). `durable` = resolves after the next group fsync (at most 20 ms later); with no events it waits for
   * everything appended so far. A failed append leaves no part of it in the file.
   */
  append(events: TuttiEvent[], durable: boolean): Promise<void>;
  /**
   * Starts a new segment whose first record is this snapshot, when there is none yet, the current one is full or `force` is set;
   * also at the first call after a cut (the new `logId` has to be on disk) and after a failed sync; else does nothing. Drops old segments by retention.
   * An empty log needs one `roll` before its first `append`. `snapshot.seq` is the seq of the last event appended.
   */
  roll(snapshot: State, options?: { force?: boolean }): Promise<void>;
  /** Events with seq > since, oldest first, from disk. */
  read(since: number, options: { limit: number; agentId?: string }): Promise<TuttiEvent[]>;
  close(): Promise<void>;
}

export interface EventLogRecovery {
  /** State of the newest segment's snapshot record that could be read; null for an empty log. */
  snapshot: State | null;
  /** Events after it. Reduced by the caller. */
  tail: TuttiEvent[];
  /** What was cut or quarantined, in words. */
  damage: string[];
  /** true when events that may have been published were lost (the log gets a new id). */
  cut: boolean;
}

/** db.json through lowdb with an atomic, fsynced adapter. */
export interface Snapshots {
  /** null: missing or damaged (then it was put aside and `damage` says where). */
  load(): Promise<{ state: State | null; damage: string | null }>;
  save(state: State): Promise<void>;
}

/** Reads a host journal from a byte offset; never past a torn last line. At least one record, however long, where one is complete. */
export interface JournalReader {
  read(
    agentId: string,
    epoch: number,
    offset: number,
    limitBytes: number,
  ): Promise<{
    records: { record: JournalRecord; end: number }[];
    /** Complete lines that are no records. `text` is cut to 4 KiB, `end` is the offset behind the line. */
    corrupt: { offset: number; end: number; text: string }[];
    /** Bytes in the file now; 0 when it does not exist. Less than `offset` = the journal lost records. */
    size: number;
    /** Where to read on: behind the last complete line looked at, readable or not. */
    next: number;
  }>;
  epochs(agentId: string): Promise<number[]>;
}

export interface PaneInfo {
  session: string;
  paneId: string;
  pid: number;
  dead: boolean;
}

/** A tmux target that cannot be empty or a prefix; made only by `sessionTarget(name)`. */
export type SessionTarget = string & { readonly __target: unique symbol };

export interface Tmux {
  /** Socket name (`tmux -L`). */
  readonly socket: string;
  /** Creates the session with this program in its pane, or respawns the dead pane of an existing one. */
  open(target: SessionTarget, argv: string[], options: { cwd: string; title: string }): Promise<PaneInfo>;
  kill(target: SessionTarget): Promise<void>;
  /** One batched query. Rejects when the server cannot be asked; an absent server is an empty list. */
  list(): Promise<PaneInfo[]>;
  setStatus(target: SessionTarget, left: string, right: string): Promise<void>;
  version(): Promise<string>;
  /** Fires when the server goes away. */
  onServerGone(run: () => void): void;
  /** Ends the server if it has no session left. */
  close(): Promise<void>;
}

export interface ProcessId {
  pid: number;
  /** Start time in clock ticks since boot (/proc/<pid>/stat field 22), as text. Guards against reuse of the pid. */
  start: string;
}

export interface Processes {
  /** null when the process does not exist (or is a zombie). */
  start(pid: number): string | null;
  alive(id: ProcessId): boolean;
  descendants(pid: number): ProcessId[];
  /**
   * Ends everything whose environment carries `TUTTI_AGENT=<prefix>…` and every given process with its descendants, deepest first:
   * TERM, `graceMs`, KILL, until none is left. Refuses an empty prefix, pid 1, itself, the protected pids and every process that
   * carries our role marker (supervisor, hosts, tmux server), unless it is named in `own` (a hung host that has to go).
   * Returns who was ended and who is left.
   */
  hunt(options: {
    marker: string;
    known: ProcessId[];
    own?: ProcessId[];
    protect: number[];
    graceMs: number;
  }): Promise<{ ended: ProcessId[]; left: ProcessId[] }>;
}

export interface SecretText {
  redact(text: string): string;
  /** Name of a known secret that the text contains. */
  find(text: string): string | null;
}

/** Cron expressions (five fields, or six with seconds). A time zone of null is the machine's. */
export interface Cron {
  /** What is wrong with the expression; null = nothing. */
  problem(expression: string): string | null;
  /** Its next time; null when there is none. Milliseconds since the epoch. */
  next(expression: string, timeZone: string | null): number | null;
  /** Its latest time in (after, upTo], looking back a week at most; null when there is none. */
  latest(expression: string, timeZone: string | null, after: number, upTo: number): number | null;
  /** Calls `fire` with each of its times, soon after it has come; also late, after a sleep of the machine. */
  watch(expression: string, timeZone: string | null, fire: (slot: number) => void): { stop(): void };
  /** About every so many seconds, on the minute where it is a minute or more. */
  every(seconds: number, run: (at: number) => void): { stop(): void };
}

/** The patrol's eyes, and its broom. */
export interface Surveyor {
  /** @param known ids of agents whose files are not leftovers */
  survey(known: (agentId: string) => boolean): Promise<Survey>;
  /** Removes such files; what is not a socket, lock or launch environment of this home stays. */
  remove(paths: string[]): Promise<void>;
}

/** What became of a notification at one sink; `error` null = it arrived. */
export interface SinkOutcome {
  sink: string;
  error: string | null;
}

/** Desktop, commands and webhooks of the configuration. */
export interface Notifier {
  /** Tells every sink that it concerns. Each has a time limit; never rejects. Without such a sink: an empty list. */
  send(notification: Notification): Promise<SinkOutcome[]>;
  /** Gives up what is on its way. */
  close(): void;
}

/** Lines of log/supervisor.log. */
export type Logger = (level: 'info' | 'warn' | 'error', text: string, data?: JsonObject) => void;

/** Word to the service manager that started us; what cannot be told is logged there, and never waited for twice at once. */
export interface ServiceLink {
  /** How often it wants to hear that we are alive: told three times as often. null: it does not ask. Milliseconds. */
  readonly watchdogMs: number | null;
  ready(status: string): Promise<void>;
  /** Shown by `systemctl status`. */
  status(text: string): Promise<void>;
  alive(status: string): Promise<void>;
  stopping(): Promise<void>;
}

/** Keeps the machine from going to sleep by itself. */
export interface SleepGuard {
  /** `ended` is called when it could not be had or ended by itself, also after a release. */
  hold(ended: (why: string) => void): { release(): void };
}

/** The one supervisor of a home (contract.md §8 "lock"). */
export interface SupervisorLock {
  release(): Promise<void>;
}

export type { Json, JsonObject };
