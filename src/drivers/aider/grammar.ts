/**
 * What aider prints, as patterns. From its source (0.86) and the reconstructed transcripts, never run here:
 * a line that these do not show is `raw`, except inside the parts that are free text by nature (answers, output of tests, reasons).
 */
import type { ErrorCode } from '../../core/event.ts';

/** Before the blank line that opens the first answer. */
export const START: readonly RegExp[] = [
  /^(Main model|Model|Weak model|Editor model): .+$/,
  /^Git repo: .+$/,
  /^Repo-map: .+$/,
  /^Added .+ to the chat( \(read-only\))?\.$/,
  /^Restored previous conversation history\.$/,
];
export const VERSION = /^Aider v(\S+)$/;
export const MODEL = /^(?:Main model|Model): (\S+)/;

export const TOKENS =
  /^Tokens: (\S+) sent(?:, (\S+) cache write)?(?:, (\S+) cache hit)?, (\S+) received\.(?: Cost: \$(\S+) message, \$(\S+) session\.)?$/;
export const COST = /^Cost: \$(\S+) message, \$(\S+) session\.$/;

export const EDITED = /^Applied edit to (.+)$/;
export const NOT_EDITED = /^(?:Did not apply edit to (.+) \(--dry-run\)|Skipping edits to (.+))$/;
export const COMMIT = /^Commit [0-9a-f]{7,40} .+$/;
export const NOTES: readonly RegExp[] = [
  /^Committing .+ before applying edits\.$/,
  /^Unable to commit: .+$/,
  /^Failed to generate commit message!$/,
  /^## Running: .+$/,
];
export const REFLECTED = /^The LLM did not conform to the edit format\.$/;
export const OUTPUT_ADDED = /^Added \d+ lines? of output to the chat\.$/;
export const GAVE_UP = /^Only \d+ reflections allowed, stopping\.$/;

export const FAILURE = /^litellm\.(\w+): .+$/;
export const EXPLANATIONS: readonly RegExp[] = [
  /^The API provider('s servers are| has| is| timed) .+$/,
  /^Permission was denied\. .+$/,
  /^Insufficient credits with the API provider\. .+$/,
];
export const RETRYING = /^Retrying in (\d+(?:\.\d+)?) seconds\.\.\.$/;
export const STOPPERS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^Model .+ has hit a token limit!$/, 'context_overflow'],
  [/^Your estimated chat context of .+ exceeds the .+ token limit for .+!$/, 'context_overflow'],
  [/^Empty response received from LLM\. Check your provider account\?$/, 'model'],
];

/** Retries that aider makes before it gives up: 0.25 s doubled up to 32 s. */
export const MAX_RETRIES = 8;

export const FAILURES: Readonly<Record<string, { code: ErrorCode; retryable: boolean }>> = {
  RateLimitError: { code: 'rate_limit', retryable: true },
  InternalServerError: { code: 'overloaded', retryable: true },
  ServiceUnavailableError: { code: 'overloaded', retryable: true },
  BadGatewayError: { code: 'overloaded', retryable: true },
  Timeout: { code: 'network', retryable: true },
  APIConnectionError: { code: 'network', retryable: true },
  AuthenticationError: { code: 'auth', retryable: false },
  PermissionDeniedError: { code: 'auth', retryable: false },
  NotFoundError: { code: 'model', retryable: false },
  BadRequestError: { code: 'model', retryable: false },
  ContentPolicyViolationError: { code: 'model', retryable: false },
  ContextWindowExceededError: { code: 'context_overflow', retryable: false },
};

/** `512`, `2.6k`, `12k`: rounded by aider itself. null when it is no number. */
export function tokenCount(printed: string | undefined): number | null {
  const match = /^(\d+(?:\.\d+)?)(k?)$/.exec(printed ?? '');
  return match === null ? null : Math.round(Number(match[1]) * (match[2] === 'k' ? 1000 : 1));
}

/** US dollars; null when it is no number. */
export function dollars(printed: string | undefined): number | null {
  const amount = Number(printed);
  return printed !== undefined && Number.isFinite(amount) ? amount : null;
}
