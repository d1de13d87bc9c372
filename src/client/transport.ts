/** One HTTP request over the supervisor's unix socket, and what its failures mean. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { z } from 'zod';
import { CALLER_HEADER, errorSchema, IDEMPOTENCY_HEADER } from '../api/wire.ts';
import { ClientError } from './error.ts';

/** A request that has no answer after this long has failed; `down` waits for agents to stop. Milliseconds. */
const ANSWER_LIMIT_MS = 90_000;
/** Largest answer that is taken. Bytes. */
const ANSWER_LIMIT = 256 * 1024 * 1024;

export interface Transport {
  /** The answer's body, checked. Rejects with a ClientError. */
  call<S extends z.ZodType>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    schema: S,
    body?: unknown,
    options?: { idempotencyKey?: string; timeoutMs?: number },
  ): Promise<z.output<S>>;
  close(): void;
}

interface Answer {
  status: number;
  text: string;
}

export function createTransport(options: { socketPath: string; caller?: string | undefined }): Transport {
  const pool = new HttpAgent({ keepAlive: true, maxSockets: 8 });
  const { socketPath } = options;

  const once = (
    method: string,
    path: string,
    text: string | null,
    key: string | undefined,
    limitMs: number,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string> = { host: 'localhost', accept: 'application/json' };
      if (options.caller) headers[CALLER_HEADER] = options.caller;
      if (key) headers[IDEMPOTENCY_HEADER] = key;
      if (text !== null) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = String(Buffer.byteLength(text));
      }
      const request = httpRequest({ socketPath, method, path, headers, agent: pool }, (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          parts.push(part);
          size += part.length;
          if (size > ANSWER_LIMIT) request.destroy(new Error(`an answer of more than ${ANSWER_LIMIT} bytes`));
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
      });
      request.setTimeout(limitMs, () => {
        request.destroy(
          new ClientError(
            'TIMEOUT',
            `no answer to ${method} ${path} within ${limitMs / 1_000} s`,
            'tutti supervisor status; one that hangs is ended by tutti supervisor restart, and agents keep running',
          ),
        );
      });
      request.on('error', reject);
      request.end(text ?? undefined);
    });

  return {
    async call(method, path, schema, body, { idempotencyKey, timeoutMs = ANSWER_LIMIT_MS } = {}) {
      const text = body === undefined ? null : JSON.stringify(body);
      const attempt = (): Promise<Answer> => once(method, path, text, idempotencyKey, timeoutMs);
      let answer: Answer;
      try {
        answer = await attempt().catch((error) => {
          // A kept connection that the other end has just closed; a write is repeated only where that is harmless.
          const repeatable = method === 'GET' || idempotencyKey !== undefined;
          if (repeatable && isCut(error)) return attempt();
          throw error;
        });
      } catch (error) {
        throw failureOf(error, socketPath);
      }
      return read(answer, schema, `${method} ${path}`);
    },
    close: () => pool.destroy(),
  };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

function isCut(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

/** A connection that cannot be made, or that broke, as a failure with a way out. */
export function failureOf(error: unknown, socketPath: string): ClientError {
  if (error instanceof ClientError) return error;
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  if (['ENOENT', 'ECONNREFUSED'].includes(code)) {
    return new ClientError('UNREACHABLE', `no supervisor runs at ${socketPath}`, 'tutti supervisor start', {
      cause: error,
    });
  }
  if (['EACCES', 'EPERM'].includes(code)) {
    return new ClientError('UNREACHABLE', `no permission for ${socketPath}`, 'is it the home of another user?', {
      cause: error,
    });
  }
  return new ClientError(
    'UNREACHABLE',
    `the supervisor went away: ${text}`,
    'tutti supervisor status; the command may have been taken',
    {
      cause: error,
    },
  );
}

function read<S extends z.ZodType>(answer: Answer, schema: S, what: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch (error) {
    throw new ClientError('RUNTIME_ERROR', `${what} was answered with ${answer.status} and no JSON`, null, {
      cause: error,
    });
  }
  if (answer.status >= 200 && answer.status < 300) {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const hint = 'the supervisor may be of another version: tutti supervisor restart';
    const [issue] = parsed.error.issues;
    const where = `${issue?.path.join('.')}: ${issue?.message}`;
    throw new ClientError('RUNTIME_ERROR', `${what} was answered in a form that is not known here (${where})`, hint);
  }
  const failed = errorSchema.safeParse(value);
  if (failed.success) {
    const { code, message, hint } = failed.data.error;
    throw new ClientError(code, message, hint);
  }
  throw new ClientError('RUNTIME_ERROR', `${what} was answered with ${answer.status}`);
}
