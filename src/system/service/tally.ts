/** `run/tally.json`: the supervisor's own deaths, on disk before it does anything else. Lost or damaged it begins anew. */
import { readFileSync } from 'node:fs';
import { NO_CRASHES, type OwnRun, type OwnTally, tallyEnd, tallyStart } from '../../core/own-tally.ts';
import { clock } from '../clock.ts';
import { isMissing, replaceFileSync } from '../disk.ts';
import { parseObject } from '../journal/lines.ts';
import { alive, bootId, self } from '../proc/index.ts';

export function readTally(path: string): OwnTally {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return NO_CRASHES;
    throw error;
  }
  return asTally(parseObject(text.trim()));
}

function asTally(value: Record<string, unknown> | null): OwnTally {
  const crashes = value?.['crashes'];
  const lastCrashAt = value?.['lastCrashAt'];
  if (!Number.isSafeInteger(crashes) || (crashes as number) < 0) return NO_CRASHES;
  return {
    v: 1,
    crashes: crashes as number,
    lastCrashAt: isTime(lastCrashAt) ? lastCrashAt : null,
    running: asRun(value?.['running']),
  };
}

function asRun(value: unknown): OwnTally['running'] {
  if (typeof value !== 'object' || value === null) return null;
  const { pid, start, boot, at } = value as Record<string, unknown>;
  if (typeof pid !== 'number' || typeof start !== 'string' || typeof boot !== 'string' || !isTime(at)) return null;
  return { pid, start, boot, at };
}

/** `Date` takes no larger number. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= 8.64e15;

/** This process is the supervisor now, or tries to be. Returns the tally with what that says of the one before. */
export function noteStart(path: string, resetAfterMs: number): OwnTally {
  const known = readTally(path);
  // One of a service that waits for its turn lives, and has not crashed.
  const before = known.running && isOther(known.running) ? { ...known, running: null } : known;
  const after = tallyStart(before, { ...self(), boot: bootId(), at: clock.now() }, resetAfterMs);
  if (after !== known) write(path, after);
  return after;
}

function isOther(run: OwnRun): boolean {
  return run.pid !== process.pid && run.boot === bootId() && alive(run);
}

/** This process ends in good order: the row of deaths is over. Another's start that is on record by now stays. */
export function noteEnd(path: string): void {
  const tally = readTally(path);
  if (tally.running === null || tally.running.pid === process.pid) write(path, tallyEnd(tally));
}

/** A person wants it now: nothing waits for the deaths before. */
export function clearTally(path: string): void {
  const tally = readTally(path);
  if (tally.crashes > 0) write(path, { ...tally, crashes: 0 });
}

function write(path: string, tally: OwnTally): void {
  replaceFileSync(path, `${JSON.stringify(tally)}\n`);
}
