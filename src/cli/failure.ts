/** How a command fails: an error code of contract.md §5, one sentence, a way out, and the exit status that belongs to the code. */
import type { Code } from '../core/step.ts';

export const EXIT_STATUS = {
  RUNTIME_ERROR: 1,
  INVALID_ARGUMENT: 2,
  INVALID_JSON: 2,
  NOT_FOUND: 3,
  CONFLICT: 4,
  INVALID_TRANSITION: 4,
  TASK_LOCKED: 4,
  UNREACHABLE: 5,
  TIMEOUT: 6,
  DENIED: 7,
} as const satisfies Record<Code, number>;

/** Something that we did not foresee: a bug in tutti. */
export const EXIT_BUG = 70;
export class CliFailure extends Error {
  readonly code: Code;
  /** What to do about it: one line for each way out. */
  readonly hint: string | null;
  readonly why: string | null;

  constructor(code: Code, message: string, options: { hint?: string | null; why?: string | null } = {}) {
    super(message);
    this.name = 'CliFailure';
    this.code = code;
    this.hint = options.hint ?? null;
    this.why = options.why ?? null;
  }
}

/** Any error that carries a contract code (the client's own, ours) is an expected failure; all others are bugs. */
export function failureOf(
  error: unknown,
): { code: Code; message: string; hint: string | null; why: string | null } | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  const { code } = error;
  if (typeof code !== 'string' || !Object.hasOwn(EXIT_STATUS, code)) return null;
  const text = (key: string): string | null => {
    const value = (error as unknown as Record<string, unknown>)[key];
    return typeof value === 'string' ? value : null;
  };
  return { code: code as Code, message: error.message, hint: text('hint'), why: text('why') };
}
