/** Every failure of the API in one form: `{"error":{"code","message","hint"}}` with the status that belongs to the code. */
import type { z } from 'zod';
import type { Code, Failure } from '../core/step.ts';
import { Refusal } from '../supervisor/facade.ts';

export const STATUS = {
  INVALID_ARGUMENT: 400,
  INVALID_JSON: 400,
  DENIED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  INVALID_TRANSITION: 409,
  TASK_LOCKED: 409,
  RUNTIME_ERROR: 500,
  UNREACHABLE: 503,
  TIMEOUT: 503,
} as const satisfies Record<Code, number>;

export interface ErrorAnswer {
  status: number;
  body: { error: Failure };
}

/** Unexpected errors are bugs: said as such, with their message, never silent. */
export function answerFor(error: unknown): ErrorAnswer {
  if (error instanceof Refusal) {
    const { code, message, hint } = error;
    return { status: error.status ?? STATUS[code], body: { error: { code, message, hint } } };
  }
  const text = error instanceof Error ? error.message : String(error);
  return {
    status: 500,
    body: { error: { code: 'RUNTIME_ERROR', message: text, hint: 'this may be a bug: see log/supervisor.log' } },
  };
}

/** 422: well-formed JSON that does not say what the schema wants. Names every key that is wrong. */
export function invalid(error: z.ZodError, what: string): Refusal {
  const issues = error.issues.slice(0, 10).map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const path = [...issue.path.map(String), ...keys].join('.') || what;
    return `${path}: ${keys.length > 0 ? 'no such key' : issue.message}`;
  });
  return new Refusal({ code: 'INVALID_ARGUMENT', message: issues.join('; '), hint: null }, 422);
}
