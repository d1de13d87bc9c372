/** How a call of the client fails: with a code of contract.md §5. */
import type { Code } from '../core/step.ts';

export class ClientError extends Error {
  readonly code: Code;
  readonly hint: string | null;

  constructor(code: Code, message: string, hint: string | null = null, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ClientError';
    this.code = code;
    this.hint = hint;
  }
}
