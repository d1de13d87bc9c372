/** What Gemini and OpenCode say on stderr: mostly noise, but Gemini tells its retries nowhere else. */
import type { Decoded } from '../driver.ts';

const ATTEMPT = /^Attempt (\d+) failed:?(.*)$/;
const DELAY = /Retrying after (\d+)(?:\.\d+)?ms/;

export function decodeStderr(text: string): Decoded {
  const match = ATTEMPT.exec(text);
  if (match === null) return { events: [], fate: 'empty', kind: 'stderr' };
  const [, attempt, rest] = match;
  const delay = DELAY.exec(text)?.[1];
  const error = (rest ?? '').replace(/\.? ?Retrying .*$/, '').trim() || 'unknown';
  const delayMs = delay === undefined ? null : Number(delay);
  return {
    events: [{ type: 'retry', attempt: Number(attempt), max: null, delayMs, error }],
    fate: 'decoded',
    kind: 'stderr:retry',
  };
}
