/** From what claude says of a failure (status, its own word, its text) to an error code of ours and a turn's outcome. */
import type { DriverEventBody, ErrorCode, JsonObject, TurnOutcome } from '../../core/event.ts';
import { list, number, text } from './fields.ts';

export type ErrorEvent = Extract<DriverEventBody, { type: 'error' }>;

interface Clue {
  code: ErrorCode;
  retryable: boolean;
}

/** Texts first: the same status and the same word stand for different things (a usage limit is a 429 too). */
const TEXTS: readonly (readonly [RegExp, Clue])[] = [
  [/not your usage limit/i, { code: 'rate_limit', retryable: true }],
  [
    /(session|weekly|daily|monthly|usage|opus|sonnet|spend(?:ing)?) limit|limit reached/i,
    { code: 'usage_limit', retryable: true },
  ],
  [/credit balance|billing|payment required/i, { code: 'billing', retryable: false }],
  [
    /not logged in|run \/login|invalid api key|invalid bearer token|oauth token (has expired|revoked)/i,
    { code: 'auth', retryable: false },
  ],
  [/prompt is too long|context window/i, { code: 'context_overflow', retryable: false }],
  [/unable to connect|timed out|ECONN|ENOTFOUND|EAI_AGAIN|socket hang up/i, { code: 'network', retryable: true }],
  [/malformed response|could not parse/i, { code: 'network', retryable: true }],
  [/^API Error: 529|overloaded/i, { code: 'overloaded', retryable: true }],
];

/** Claude's own words on `assistant.error` and `api_retry.error`. */
const WORDS: Readonly<Record<string, Clue>> = {
  rate_limit: { code: 'rate_limit', retryable: true },
  overloaded: { code: 'overloaded', retryable: true },
  server_error: { code: 'overloaded', retryable: true },
  authentication_failed: { code: 'auth', retryable: false },
  oauth_org_not_allowed: { code: 'auth', retryable: false },
  billing_error: { code: 'billing', retryable: false },
  invalid_request: { code: 'model', retryable: false },
  model_not_found: { code: 'model', retryable: false },
  max_output_tokens: { code: 'model', retryable: true },
};

const STATUSES: Readonly<Record<number, Clue>> = {
  400: { code: 'model', retryable: false },
  401: { code: 'auth', retryable: false },
  402: { code: 'billing', retryable: false },
  403: { code: 'auth', retryable: false },
  404: { code: 'model', retryable: false },
  413: { code: 'context_overflow', retryable: false },
  429: { code: 'rate_limit', retryable: true },
  500: { code: 'overloaded', retryable: true },
  502: { code: 'overloaded', retryable: true },
  503: { code: 'overloaded', retryable: true },
  529: { code: 'overloaded', retryable: true },
};

const UNKNOWN: Clue = { code: 'unknown', retryable: false };

/** `word` and `status` may be null; the text decides where it can. */
export function errorEvent(message: string, word: string | null, status: number | null): ErrorEvent {
  const byText = TEXTS.find(([pattern]) => pattern.test(message))?.[1];
  const byWord = word !== null && Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  const byStatus = status === null ? undefined : STATUSES[status];
  const clue = byText ?? byWord ?? byStatus ?? UNKNOWN;
  return { type: 'error', ...clue, message };
}

/** `subtype` is success also for API failures: a turn failed when `is_error` is set or the subtype says so. */
export function resultFailed(result: JsonObject): boolean {
  return result.is_error === true || text(result.subtype) !== 'success';
}

/** What a failed result says, in its own words. */
export function resultText(result: JsonObject): string {
  const errors = (list(result.errors) ?? []).filter((entry) => typeof entry === 'string');
  return text(result.result) || errors.join('\n') || `the turn failed (${text(result.subtype) ?? 'no subtype'})`;
}

const SUBTYPES: Readonly<Record<string, TurnOutcome>> = {
  error_max_turns: 'max_turns',
  error_max_budget_usd: 'budget',
};

/** An end that somebody wanted is not an error; `error` is what the turn reported, if it did. */
export function turnOutcome(result: JsonObject, error: ErrorEvent | null): TurnOutcome {
  const reason = text(result.terminal_reason) ?? '';
  if (reason.startsWith('aborted')) return 'interrupted';
  if (!resultFailed(result)) return 'ok';
  const subtype = text(result.subtype) ?? '';
  const bySubtype = Object.hasOwn(SUBTYPES, subtype) ? SUBTYPES[subtype] : undefined;
  if (bySubtype !== undefined) return bySubtype;
  return error?.code === 'rate_limit' || error?.code === 'usage_limit' ? 'limit' : 'error';
}

/** The error of a failed result that had no error line of its own; null for ends that are no errors. */
export function resultError(result: JsonObject): ErrorEvent | null {
  if (!resultFailed(result)) return null;
  const outcome = turnOutcome(result, null);
  if (outcome !== 'error' && outcome !== 'limit') return null;
  return errorEvent(resultText(result), null, number(result.api_error_status));
}
