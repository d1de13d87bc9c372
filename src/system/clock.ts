/**
 * `system/` holds the edges: the only code that touches the operating system, behind the interfaces of `supervisor/ports.ts`.
 * It knows no policy. The modules that the pane host uses (clock, spawn, proc/, paths, redact, lock, disk, environment and the writer and
 * reader in journal/) import Node's built-ins alone.
 *
 * This file: the one place that reads time, draws randomness and sets timers.
 */
import { randomUUID } from 'node:crypto';
import type { IsoTime } from '../core/event.ts';
import type { Clock } from '../supervisor/ports.ts';

export const clock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  uuid: () => randomUUID(),
  setTimeout(run, ms) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Milliseconds since the epoch as ISO 8601 UTC with milliseconds. */
export function isoTime(ms: number): IsoTime {
  return new Date(ms).toISOString();
}

/** The present as ISO 8601 UTC with milliseconds. */
export function isoNow(): IsoTime {
  return isoTime(clock.now());
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((done) => {
    clock.setTimeout(done, ms);
  });
}

/**
 * Asks `look` every `everyMs` until it gives something other than null, or gives null after `limitMs`.
 * For conditions that nothing announces (a process gone, a socket file there).
 */
export async function until<T>(look: () => T | null, limitMs: number, everyMs: number): Promise<T | null> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== null) return found;
    if (performance.now() >= end) return null;
    await sleep(everyMs);
  }
}
