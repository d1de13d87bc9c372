/** Scenarios in which the service fails: limits, errors, silence, broken connections. `n=N` = only the first N attempts do. */
import { type Failure, type Point, type Reply, type Scenario, say, type Step } from '../script.ts';
import { numberParam } from './work.ts';

const RECOVERED = 'It worked after all.';
/** Seconds until a usage limit resets, where the marker says nothing. */
const RESET_S = 7200;

/** The trouble for the first `n` attempts (for ever without n), then an answer. */
function until(point: Point, attempt: number, trouble: Step[]): Reply {
  const ends = point.params['n'] !== undefined && attempt >= numberParam(point, 'n', 0);
  return { steps: ends ? [say(point.params['say'] ?? RECOVERED)] : trouble };
}

const fail = (kind: Failure['kind'], message: string, retryAfterS: number | null = null): Step => ({
  do: 'fail',
  failure: { kind, message, retryAfterS },
});

/** `retry_after=S` in seconds, `none` = no such header. */
function retryAfter(point: Point): number | null {
  return point.params['retry_after'] === 'none' ? null : numberParam(point, 'retry_after', 1);
}

const ratelimit: Scenario = (point, attempt) =>
  until(point, attempt, [
    fail('rate_limit', 'This request would exceed your rate limit. Please try again later.', retryAfter(point)),
  ]);

/** A usage limit that resets in so many seconds; the dialects tell it in their bodies and headers. */
export function usageLimitOf(resetS: number): Failure {
  const message = "This request would exceed your account's usage limit. Please try again later.";
  return { kind: 'usage_limit', message, retryAfterS: Math.ceil(resetS), resetS };
}

const usageLimit: Scenario = (point, attempt) => {
  const resetS = numberParam(point, 'reset', RESET_S);
  const reply = until(point, attempt, [{ do: 'fail', failure: usageLimitOf(resetS) }]);
  const rejected = reply.steps[0]?.do === 'fail';
  return rejected ? { ...reply, unified: { status: 'rejected', utilization: 1, resetS, threshold: null } } : reply;
};

export const trouble = {
  ratelimit,
  usage_limit: usageLimit,
  overloaded: (point, attempt) => until(point, attempt, [fail('overloaded', 'Overloaded')]),
  error500: (point, attempt) => until(point, attempt, [fail('server_error', 'Internal server error')]),
  auth: (point, attempt) => until(point, attempt, [fail('auth', 'invalid x-api-key')]),
  quota: (point, attempt) =>
    until(point, attempt, [fail('quota', 'Your credit balance is too low to access the API.')]),
  toolong: (point, attempt) =>
    until(point, attempt, [fail('too_long', 'prompt is too long: 215432 tokens > 200000 maximum')]),
  hang: (point, attempt) => until(point, attempt, [{ do: 'hang' }]),
  stall: (point, attempt) => until(point, attempt, [say('I begin to answer, and then'), { do: 'hang' }]),
  cut: (point, attempt) => until(point, attempt, [say('The connection breaks in the middle of this'), { do: 'cut' }]),
  reset: (point, attempt) => until(point, attempt, [{ do: 'cut' }]),
  refusal: (point, attempt) =>
    until(point, attempt, [say('I cannot help with that.'), { do: 'stop', reason: 'refusal' }]),
  maxtokens: (point, attempt) =>
    until(point, attempt, [say('This answer is too long to'), { do: 'stop', reason: 'max_tokens' }]),
} as const satisfies Record<string, Scenario>;
