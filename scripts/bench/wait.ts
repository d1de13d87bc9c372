/** Waiting for conditions, each with a limit. */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 20;

/** Resolves to the first result that is not null. Rejects after `limitMs`, naming what was waited for. */
export async function until<T>(what: string, limitMs: number, look: () => T | null | Promise<T | null>): Promise<T> {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(LOOK_MS)) {
    const found = await look();
    if (found !== null) return found;
  }
  throw new Error(`${what} did not come about within ${limitMs / 1_000} s`);
}

/** Rejects when the promise takes longer. */
export async function within<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${limitMs / 1_000} s`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
