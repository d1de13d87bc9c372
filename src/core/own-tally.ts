/**
 * The supervisor's own deaths: how many in a row, and how long its next start waits. The same backoff as for agents, without
 * jitter: there is one supervisor per home. Pure; the file is `system/service/tally.ts`'s.
 */
import type { Settings } from './step.ts';

export interface OwnRun {
  pid: number;
  /** Start time of the process, as in a lock. */
  start: string;
  /** Id of the boot it ran in. */
  boot: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface OwnTally {
  v: 1;
  /** Ends in a row that nobody asked for. */
  crashes: number;
  /** When the last of them was noticed: at the start after it. Milliseconds since the epoch. */
  lastCrashAt: number | null;
  /** The one that began and has not ended in good order. */
  running: OwnRun | null;
}

export const NO_CRASHES: OwnTally = { v: 1, crashes: 0, lastCrashAt: null, running: null };

/**
 * A start: the run before it that has no end on record crashed, unless the machine went down under it. A run that had been
 * healthy for `resetAfterMs` begins a new row. Said twice by the same process it changes nothing.
 */
export function tallyStart(before: OwnTally, run: OwnRun, resetAfterMs: number): OwnTally {
  const last = before.running;
  if (!last) return { ...before, running: run };
  if (last.pid === run.pid && last.start === run.start && last.boot === run.boot) return before;
  if (last.boot !== run.boot) return { ...before, crashes: 0, running: run };
  const healthy = run.at - last.at >= resetAfterMs;
  return { v: 1, crashes: healthy ? 1 : before.crashes + 1, lastCrashAt: run.at, running: run };
}

/** An end in good order breaks the row. */
export function tallyEnd(before: OwnTally): OwnTally {
  return { ...before, crashes: 0, running: null };
}

/** How long a start that nobody asked for waits. Milliseconds: 0 without a crash, then `baseMs` doubling up to `capMs`. */
export function startDelay(tally: OwnTally, backoff: Settings['backoff']): number {
  if (tally.crashes === 0) return 0;
  return Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(tally.crashes - 1, 30));
}

/** For people; null when there is nothing to tell. */
export function tallyText(tally: OwnTally): string | null {
  if (tally.crashes === 0 || tally.lastCrashAt === null) return null;
  const times = tally.crashes === 1 ? 'once' : `${tally.crashes} times in a row`;
  return `it ended unasked ${times}, the last time before ${new Date(tally.lastCrashAt).toISOString()}`;
}
