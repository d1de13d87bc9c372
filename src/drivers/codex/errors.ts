/** What codex says when it fails, as our error codes. First the machine-readable `codexErrorInfo`, else the text. */
import type { DriverEventBody, ErrorCode, Json, JsonObject, TurnOutcome } from '../../core/event.ts';
import { isObject, numberOrNull, objectOf, textOf } from './values.ts';

/** Names of `CodexErrorInfo`; null = the name alone does not tell, look at the text. */
const BY_NAME: Record<string, ErrorCode | null> = {
  contextWindowExceeded: 'context_overflow',
  sessionBudgetExceeded: 'billing',
  usageLimitExceeded: 'usage_limit',
  rateLimitExceeded: 'rate_limit',
  flexUnavailable: 'overloaded',
  serverOverloaded: 'overloaded',
  modelNotFound: 'model',
  policyCapacityUnavailable: 'overloaded',
  cyberPolicy: 'model',
  misalignmentPolicyViolation: 'model',
  tooManyDenials: 'unknown',
  internalServerError: 'overloaded',
  unauthorized: 'auth',
  badRequest: null,
  threadRollbackFailed: 'unknown',
  sandboxError: 'unknown',
  other: null,
  inferenceHookDenied: 'unknown',
  httpConnectionFailed: 'network',
  responseStreamConnectionFailed: 'network',
  responseStreamDisconnected: 'network',
  responseTooManyFailedAttempts: 'network',
  activeTurnNotSteerable: 'protocol',
};

/** Texts, in order; the first that fits names the code. */
const BY_TEXT: readonly (readonly [RegExp, ErrorCode])[] = [
  [/hit your usage limit|usage limit (?:has been )?reached/i, 'usage_limit'],
  [/quota exceeded|billing details|credit balance|insufficient_quota/i, 'billing'],
  [/ran out of room in the model's context window|context window/i, 'context_overflow'],
  [/\b401\b|\b403\b|unauthorized|incorrect api key|not logged in|missing environment variable|codex login/i, 'auth'],
  [/\b429\b|too many requests|rate limit/i, 'rate_limit'],
  [/at capacity|high demand|overloaded|\b50[0-9]\b|\b529\b/i, 'overloaded'],
  [/stream disconnected|waiting for network|transport error|connection|idle timeout|error sending request/i, 'network'],
  [/incomplete response returned|model .*(?:not found|does not exist|not supported)|\b404\b/i, 'model'],
];

const RETRYABLE: Record<ErrorCode, boolean> = {
  auth: false,
  billing: false,
  overloaded: true,
  rate_limit: true,
  usage_limit: true,
  context_overflow: false,
  model: false,
  network: true,
  protocol: false,
  crash: true,
  unknown: false,
};

export function codeOfStatus(status: number): ErrorCode | null {
  if (status === 401 || status === 403) return 'auth';
  if (status === 402) return 'billing';
  if (status === 404) return 'model';
  if (status === 408) return 'network';
  if (status === 429) return 'rate_limit';
  return status >= 500 ? 'overloaded' : null;
}

export function codeOfText(text: string): ErrorCode {
  return BY_TEXT.find(([pattern]) => pattern.test(text))?.[1] ?? 'unknown';
}

function codeOfInfo(info: Json | undefined): ErrorCode | null {
  if (typeof info === 'string') return Object.hasOwn(BY_NAME, info) ? (BY_NAME[info] ?? null) : null;
  if (!isObject(info)) return null;
  const [name] = Object.keys(info);
  if (name === undefined || !Object.hasOwn(BY_NAME, name)) return null;
  const status = numberOrNull(objectOf(info[name]).httpStatusCode);
  return (status === null ? null : codeOfStatus(status)) ?? BY_NAME[name] ?? null;
}

/** A `TurnError` (`message`, `codexErrorInfo`, `additionalDetails`), or exec's `{message}`. */
export function errorEvent(error: JsonObject): DriverEventBody & { type: 'error' } {
  const message = textOf(error.message) || 'codex reported an error without a text';
  const code = codeOfInfo(error.codexErrorInfo) ?? codeOfText(`${message} ${textOf(error.additionalDetails)}`);
  return { type: 'error', code, message, retryable: RETRYABLE[code] };
}

/** How a turn that failed with this error ended. */
export function failedOutcome(code: ErrorCode, error: JsonObject): TurnOutcome {
  if (error.codexErrorInfo === 'sessionBudgetExceeded') return 'budget';
  return code === 'usage_limit' || code === 'rate_limit' ? 'limit' : 'error';
}

const RECONNECTING = /^Reconnecting\.\.\.\s*(?:(\d+)\/(\d+))?/;

/** "Reconnecting... 2/5 (why)": a retry and not the end; null for any other text. `details` is the reason where it is told apart. */
export function retryEvent(message: string, details: string | null): (DriverEventBody & { type: 'retry' }) | null {
  const match = RECONNECTING.exec(message);
  if (match === null) return null;
  const why = message
    .slice(match[0].length)
    .trim()
    .replace(/^\((.*)\)$/s, '$1');
  return {
    type: 'retry',
    attempt: match[1] === undefined ? null : Number(match[1]),
    max: match[2] === undefined ? null : Number(match[2]),
    delayMs: null,
    error: details ?? (why || message),
  };
}

/**
 * The answer to thread/resume when there is nothing to resume: never written (killed before the first message), an empty file,
 * or deleted. Other refusals (a damaged home, a locked database) may pass and must not cost the conversation.
 */
const LOST =
  /no rollout found|rollout .*(?:is empty|not found)|invalid thread id|thread not found|failed to read thread/i;

export const conversationIsLost = (message: string): boolean => LOST.test(message);
