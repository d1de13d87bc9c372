/** Errors in the form of OpenAI's APIs. */
import type { HttpAnswer } from '../../../src/agents/scripted-model/dialect.ts';
import type { Failure, FailureKind } from '../../../src/agents/scripted-model/script.ts';
import type { JsonObject } from '../../../src/core/event.ts';

const ERROR: Readonly<Record<FailureKind, { status: number; type: string; code: string | null }>> = {
  rate_limit: { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  usage_limit: { status: 429, type: 'usage_limit_reached', code: null },
  overloaded: { status: 503, type: 'server_error', code: 'server_is_overloaded' },
  server_error: { status: 500, type: 'server_error', code: null },
  auth: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
  quota: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  too_long: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' },
  invalid: { status: 400, type: 'invalid_request_error', code: null },
};

export function openaiFailure(failure: Failure, nowMs: number): HttpAnswer {
  const { status, type, code } = ERROR[failure.kind];
  const headers: Record<string, string> =
    failure.retryAfterS === null ? {} : { 'retry-after': String(failure.retryAfterS) };
  const error: JsonObject = { type, code, message: failure.message, param: null };
  if (failure.kind === 'usage_limit') {
    error['plan_type'] = 'plus';
    const resetsAt = Math.ceil(nowMs / 1000 + (failure.resetS ?? 0) - 1e-6);
    error['resets_at'] = resetsAt;
    // The windows of a subscription, as codex reads them.
    headers['x-codex-primary-used-percent'] = '100';
    headers['x-codex-primary-window-minutes'] = '300';
    headers['x-codex-primary-reset-at'] = String(resetsAt);
  }
  return { status, headers, body: { error } };
}
