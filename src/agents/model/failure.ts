/** What went wrong with a request to the model, in the words of the unified events. Pure but for the clock of its caller. */
import Anthropic from '@anthropic-ai/sdk';
import type { ErrorCode } from '../../core/event.ts';

export interface LimitFacts {
  limit: 'allowed' | 'warning' | 'rejected';
  scope: string | null;
  /** Milliseconds since the epoch; null = not told. */
  resetsAtMs: number | null;
  retryAfterMs: number | null;
  utilization: number | null;
}

export class ModelFailure extends Error {
  readonly code: ErrorCode;
  /** Might the same request succeed later? */
  readonly retryable: boolean;
  /** For rate_limit and usage_limit. */
  readonly limit: LimitFacts | null;

  constructor(code: ErrorCode, message: string, retryable: boolean, limit: LimitFacts | null = null) {
    super(message);
    this.name = 'ModelFailure';
    this.code = code;
    this.retryable = retryable;
    this.limit = limit;
  }
}

const UNIFIED = 'anthropic-ratelimit-unified';
const LIMITS: Readonly<Record<string, LimitFacts['limit']>> = {
  allowed: 'allowed',
  allowed_warning: 'warning',
  rejected: 'rejected',
};

function numberHeader(headers: Headers, name: string): number | null {
  const text = headers.get(name);
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : null;
}

/** `retry-after` as seconds or as a date. */
function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const seconds = numberHeader(headers, 'retry-after');
  if (seconds !== null) return Math.round(seconds * 1000);
  const date = Date.parse(headers.get('retry-after') ?? '');
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

/** The subscription's limit as an answer's headers tell it; null where they do not. */
export function unifiedLimit(headers: Headers): LimitFacts | null {
  const limit = LIMITS[headers.get(`${UNIFIED}-status`) ?? ''];
  if (limit === undefined) return null;
  const reset = numberHeader(headers, `${UNIFIED}-reset`);
  return {
    limit,
    scope: headers.get(`${UNIFIED}-representative-claim`),
    resetsAtMs: reset === null ? null : reset * 1000,
    retryAfterMs: null,
    utilization: numberHeader(headers, `${UNIFIED}-5h-utilization`),
  };
}

function rejected(headers: Headers, message: string, nowMs: number): ModelFailure {
  const unified = unifiedLimit(headers);
  const wait = retryAfterMs(headers, nowMs);
  const usage = unified?.limit === 'rejected';
  const resetsAtMs = (usage ? unified.resetsAtMs : null) ?? (wait === null ? null : nowMs + wait);
  const limit: LimitFacts = {
    limit: 'rejected',
    scope: usage ? unified.scope : 'requests',
    resetsAtMs,
    retryAfterMs: wait,
    utilization: usage ? unified.utilization : null,
  };
  return new ModelFailure(usage ? 'usage_limit' : 'rate_limit', message, true, limit);
}

const TOO_LONG = /prompt is too long|too many tokens|context (window|length)/i;
const NO_CREDIT = /credit balance|billing/i;

/** A refused request by its status; null = nothing known about it. */
function byStatus(status: number, message: string, type: string | null): ModelFailure {
  if (status === 401 || status === 403) return new ModelFailure('auth', message, false);
  if (status === 402 || NO_CREDIT.test(message)) return new ModelFailure('billing', message, false);
  if (status === 413 || TOO_LONG.test(message)) return new ModelFailure('context_overflow', message, false);
  if (status === 404) return new ModelFailure('model', message, false);
  if (status === 529 || status === 503 || type === 'overloaded_error')
    return new ModelFailure('overloaded', message, true);
  return new ModelFailure('unknown', message, status >= 500 || status === 408 || status === 409);
}

/** An error of the SDK as a failure. Anything else is a bug and is thrown on. */
export function failureOf(error: unknown, nowMs: number): ModelFailure {
  if (error instanceof ModelFailure) return error;
  // The SDK has no class of its own for this one.
  if (error instanceof Error && error.message.startsWith('Could not resolve authentication'))
    return new ModelFailure('auth', 'no key: set ANTHROPIC_API_KEY', false);
  if (error instanceof Anthropic.APIConnectionError) return new ModelFailure('network', causeText(error), true);
  if (error instanceof Anthropic.APIError) {
    const message = error.apiMessage ?? error.message;
    if (error.status === 429) return rejected(error.headers ?? new Headers(), message, nowMs);
    // An error that comes inside a stream has no status, only a type.
    if (error.status === undefined) return streamed(error.type, message);
    return byStatus(error.status, message, error.type);
  }
  if (error instanceof Anthropic.AnthropicError) return new ModelFailure('network', error.message, true);
  // fetch and its streams fail with TypeErrors of their own.
  if (error instanceof TypeError && 'cause' in error) return new ModelFailure('network', causeText(error), true);
  throw error;
}

function streamed(type: string | null, message: string): ModelFailure {
  if (type === 'overloaded_error') return new ModelFailure('overloaded', message, true);
  if (type === 'rate_limit_error') return rejected(new Headers(), message, 0);
  return new ModelFailure(type === null ? 'network' : 'unknown', message, true);
}

/** `fetch failed` alone tells nobody anything. */
function causeText(error: Error): string {
  const inner =
    error.cause instanceof Error ? (error.cause.cause instanceof Error ? error.cause.cause : error.cause) : null;
  return inner === null ? error.message : `${error.message} (${inner.message})`;
}
