/** Waiting for conditions, never for time. */
import { sleep } from '../../src/system/clock.ts';

/** A condition that does not come true in this time has failed. Milliseconds. */
const WAIT_LIMIT_MS = 20_000;

/**
 * Asks until the answer is neither null, undefined nor false, and returns it.
 * @param what said in the error when it never comes true
 */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  limitMs = WAIT_LIMIT_MS,
): Promise<Exclude<T, null | undefined | false>> {
  const end = performance.now() + limitMs;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    const answer = await look();
    if (answer !== null && answer !== undefined && answer !== false)
      return answer as Exclude<T, null | undefined | false>;
    if (performance.now() > end) throw new Error(`never came true within ${limitMs} ms: ${what}`);
    await sleep(pause);
  }
}
