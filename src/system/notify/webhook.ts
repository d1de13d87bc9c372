/** A POST of the alert as JSON. https, or http to this machine; no redirects, so that headers go nowhere else. */
import { isLoopback } from '../../core/config/notify-schema.ts';
import { clock } from '../clock.ts';
import type { Sink } from './sink.ts';
import type { Filled } from './variables.ts';

/** One attempt. Milliseconds. */
const ATTEMPT_LIMIT_MS = 10_000;
/** Waits before the second and third attempt. Milliseconds. */
const RETRY_MS = [1_000, 5_000];

export interface WebhookOptions {
  url: Filled;
  headers: ({ name: string } & Filled)[];
  /** Aborted when the supervisor ends. */
  ended: AbortSignal;
  retryMs?: number[] | undefined;
}

export function webhookSink({ url, headers, ended, retryMs = RETRY_MS }: WebhookOptions): Sink {
  const missing = [...url.missing, ...headers.flatMap((header) => header.missing)];
  const secrets = Object.assign({ ...url.secrets }, ...headers.map((header) => header.secrets)) as Record<
    string,
    string
  >;
  const target = missing.length > 0 ? null : parse(url.text);
  // The path of such an address is often its secret.
  const label = `webhook ${target?.host ?? 'without an address'}`;
  const all = target ? { ...secrets, WEBHOOK_PATH: `${target.pathname}${target.search}` } : secrets;
  const post = async (body: string): Promise<{ error: string | null; again: boolean }> => {
    try {
      const response = await fetch(target as URL, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.any([ended, AbortSignal.timeout(ATTEMPT_LIMIT_MS)]),
        headers: {
          'content-type': 'application/json',
          ...Object.fromEntries(headers.map((header) => [header.name, header.text])),
        },
        body,
      });
      await response.body?.cancel();
      if (response.ok) return { error: null, again: false };
      return { error: `it answered ${response.status}`, again: response.status >= 500 || response.status === 429 };
    } catch (error) {
      return { error: reasonOf(error), again: !ended.aborted };
    }
  };
  return {
    label,
    secrets: all,
    async send({ document }) {
      if (missing.length > 0) return `\${${missing.join('}, ${')}} is not set`;
      if (!target) return 'its address is neither https nor on this machine';
      const body = JSON.stringify(document);
      for (let attempt = 0; ; attempt += 1) {
        const { error, again } = await post(body);
        const wait = retryMs[attempt];
        if (error === null) return null;
        if (!again || wait === undefined) return attempt === 0 ? error : `${error} (${attempt + 1} attempts)`;
        if (!(await pause(wait, ended))) return error;
      }
    },
  };
}

function parse(text: string): URL | null {
  try {
    const url = new URL(text);
    const fits = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
    return fits ? url : null;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${ATTEMPT_LIMIT_MS / 1_000} s`;
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

/** false: the supervisor ends meanwhile. */
function pause(ms: number, ended: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (over: boolean): void => {
      timer.cancel();
      ended.removeEventListener('abort', stop);
      resolve(over);
    };
    const stop = (): void => finish(false);
    const timer = clock.setTimeout(() => finish(true), ms);
    ended.addEventListener('abort', stop);
    if (ended.aborted) stop();
  });
}
