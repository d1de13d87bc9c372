/** Errors of Gemini, OpenCode and other ACP agents → the codes of the contract. The texts are those of `docs`' recordings and of the field. */
import type { ErrorCode, TurnOutcome } from '../../core/event.ts';
import { number, object, parseObject, string } from './fields.ts';
import { AUTH_REQUIRED, type RpcError } from './wire.ts';

export interface Failure {
  code: ErrorCode;
  message: string;
  retryable: boolean;
}

/** By words, first match wins. */
const BY_TEXT: readonly (readonly [RegExp, ErrorCode, boolean])[] = [
  [/exhausted your (daily )?quota|usage limit|daily quota/i, 'usage_limit', true],
  [/insufficient (balance|credit|funds)|billing|payment required|credit balance/i, 'billing', false],
  [
    /context (length|window|overflow)|too (long|large)|exceeds the maximum number of tokens|ContextOverflow/i,
    'context_overflow',
    false,
  ],
  [/rate.?limit|too many requests|RESOURCE_EXHAUSTED|\b429\b/i, 'rate_limit', true],
  [/overloaded|at capacity|high demand|UNAVAILABLE|\b(503|529)\b/i, 'overloaded', true],
  [/api.?key|unauthori[sz]ed|authenticat|permission denied|not logged in|log ?in required|\b40[13]\b/i, 'auth', false],
  [/terminated|ECONN\w+|socket|fetch failed|network|timed? ?out|ENOTFOUND|EAI_AGAIN/i, 'network', true],
  [
    /content.?filter|refus|safety|prohibited|blocked|empty response|no finish reason|model.*not (found|supported)|loop detected/i,
    'model',
    false,
  ],
  [/internal|\b5\d\d\b|server error/i, 'overloaded', true],
];

const BY_STATUS: Readonly<Record<number, readonly [ErrorCode, boolean]>> = {
  401: ['auth', false],
  402: ['billing', false],
  403: ['auth', false],
  404: ['model', false],
  413: ['context_overflow', false],
  429: ['rate_limit', true],
  500: ['overloaded', true],
  502: ['overloaded', true],
  503: ['overloaded', true],
  529: ['overloaded', true],
};

/** `status` is the HTTP status where the CLI tells it; words that say more than the status win over it. */
export function failureOf(message: string, status: number | null = null): Failure {
  const text = BY_TEXT.find(([pattern]) => pattern.test(message));
  const known = status === null ? undefined : BY_STATUS[status];
  const specific = text !== undefined && ['usage_limit', 'billing', 'context_overflow'].includes(text[1]);
  const [code, retryable] =
    known !== undefined && !specific ? known : text === undefined ? (['unknown', false] as const) : [text[1], text[2]];
  return { code, message, retryable };
}

/** A JSON-RPC error: Gemini puts the HTTP status in `code` and the answer's body in `message`, OpenCode a name in `data`. */
export function failureOfRpc(error: RpcError): Failure {
  if (error.code === AUTH_REQUIRED)
    return { code: 'auth', message: error.message || 'Authentication required', retryable: false };
  const body = object(parseObject(error.message)?.['error']);
  const inner = string(body['message']);
  const data = object(error.data);
  const details = string(data['details']) ?? string(data['errorName']);
  const message = inner ?? (details === null ? error.message : `${error.message} (${details})`);
  const status = error.code !== null && error.code >= 100 && error.code < 600 ? error.code : number(body['code']);
  if (string(data['errorName']) === 'ProviderAuthError') return { code: 'auth', message, retryable: false };
  // "Internal error" is JSON-RPC's own word for every failure and says nothing.
  const { code, retryable } = failureOf(message.replace(/^Internal error:?\s*/i, ''), status);
  return { code, message, retryable };
}

/** How a turn ends that such an error ended. */
export const outcomeOf = (code: ErrorCode): TurnOutcome =>
  code === 'rate_limit' || code === 'usage_limit' ? 'limit' : 'error';
