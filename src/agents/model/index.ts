/**
 * The model behind the built-in agents: one request to the Messages API, streamed, with repeats that are told.
 * The SDK's own repeats are off: it waits in silence, and nobody could tell waiting from hanging.
 */
import Anthropic from '@anthropic-ai/sdk';
import { clock } from '../../system/clock.ts';
import { ANSWER_TOKENS, RETRY_BASE_MS, RETRY_LIMIT, RETRY_WAIT_LIMIT_MS, SILENCE_LIMIT_MS } from '../limits.ts';
import { failureOf, type LimitFacts, ModelFailure, unifiedLimit } from './failure.ts';

export { type LimitFacts, ModelFailure } from './failure.ts';

/** Used where neither flag nor configuration names one. */
export const DEFAULT_MODEL = 'claude-sonnet-5';
/** Short names. */
const ALIASES: Readonly<Record<string, string>> = {
  sonnet: 'claude-sonnet-5',
  opus: 'claude-opus-5',
  haiku: 'claude-haiku-4-5',
};

export const modelName = (asked: string | null): string => (asked === null ? DEFAULT_MODEL : (ALIASES[asked] ?? asked));

export interface ModelRequest {
  system: string;
  messages: Anthropic.MessageParam[];
  tools: Anthropic.Tool[];
}

export interface ModelAnswer {
  content: Anthropic.ContentBlock[];
  stop: string | null;
  model: string;
  usage: { input: number; output: number; cacheRead: number; cacheWrite: number };
  /** The account's limit as the headers told it; null = they did not. */
  limit: LimitFacts | null;
}

export interface ModelListener {
  delta(text: string): void;
  retry(retry: { attempt: number; max: number; delayMs: number; error: string }): void;
}

export interface Model {
  readonly name: string;
  /** @throws ModelFailure; Anthropic.APIUserAbortError when the signal was aborted */
  ask(request: ModelRequest, listener: ModelListener, signal: AbortSignal): Promise<ModelAnswer>;
}

export interface ModelOptions {
  model: string | null;
  /** Default: what the SDK takes from its environment. */
  baseURL?: string;
  /** A limit is not waited for: who supervises decides when to ask again. Default: short ones are. */
  supervised?: boolean;
  /** Milliseconds without a byte after which a request is given up. */
  silenceMs?: number;
}

export function anthropicModel(options: ModelOptions): Model {
  const where = options.baseURL === undefined ? {} : { baseURL: options.baseURL };
  // Its log would go to stdout, among our lines.
  const client = new Anthropic({ maxRetries: 0, logLevel: 'off', ...where });
  const name = modelName(options.model);
  const silenceMs = options.silenceMs ?? SILENCE_LIMIT_MS;
  return {
    name,
    async ask(request, listener, signal) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(client, { model: name, ...request }, { listener, signal, silenceMs });
        } catch (error) {
          if (signal.aborted) throw new Anthropic.APIUserAbortError();
          const failure = failureOf(error, clock.now());
          const delayMs = options.supervised && failure.limit !== null ? null : pauseBefore(attempt, failure);
          if (delayMs === null) throw failure;
          listener.retry({ attempt, max: RETRY_LIMIT, delayMs, error: failure.message });
          await pause(delayMs, signal);
        }
      }
    },
  };
}

/** Milliseconds to wait before the next attempt; null = no further one. */
function pauseBefore(attempt: number, failure: ModelFailure): number | null {
  if (!failure.retryable || attempt > RETRY_LIMIT || failure.code === 'usage_limit') return null;
  const told = failure.limit?.retryAfterMs ?? null;
  if (told !== null) return told > RETRY_WAIT_LIMIT_MS ? null : told;
  // Between half and the whole of the doubled base, so that agents that failed together do not come back together.
  return Math.round(RETRY_BASE_MS * 2 ** (attempt - 1) * (0.5 + clock.random() / 2));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, stopped) => {
    const onAbort = () => {
      timer.cancel();
      stopped(new Anthropic.APIUserAbortError());
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      done();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

interface Once {
  listener: ModelListener;
  signal: AbortSignal;
  silenceMs: number;
}

async function once(
  client: Anthropic,
  request: ModelRequest & { model: string },
  { listener, signal, silenceMs }: Once,
): Promise<ModelAnswer> {
  const watch = new SilenceWatch(silenceMs, signal);
  try {
    const body = { ...request, max_tokens: ANSWER_TOKENS, cache_control: { type: 'ephemeral' as const } };
    const stream = client.messages.stream(body, { signal: watch.signal, timeout: silenceMs });
    stream.on('streamEvent', () => watch.heard());
    stream.on('text', (text) => listener.delta(text));
    const message = await stream.finalMessage();
    return {
      content: message.content,
      stop: message.stop_reason,
      model: message.model,
      usage: {
        input: message.usage.input_tokens,
        output: message.usage.output_tokens,
        cacheRead: message.usage.cache_read_input_tokens ?? 0,
        cacheWrite: message.usage.cache_creation_input_tokens ?? 0,
      },
      limit: stream.response ? unifiedLimit(stream.response.headers) : null,
    };
  } catch (error) {
    if (watch.gaveUp) throw new ModelFailure('network', `the model was silent for ${silenceMs / 1000} s`, true);
    throw error;
  } finally {
    watch.stop();
  }
}

/** Aborts a request that has been silent for too long, or that its caller aborts. */
class SilenceWatch {
  readonly #controller = new AbortController();
  readonly #limitMs: number;
  readonly #outer: AbortSignal;
  readonly #onOuter = () => this.#controller.abort();
  #timer: { cancel(): void } | null = null;
  gaveUp = false;

  constructor(limitMs: number, outer: AbortSignal) {
    this.#limitMs = limitMs;
    this.#outer = outer;
    outer.addEventListener('abort', this.#onOuter, { once: true });
    if (outer.aborted) this.#controller.abort();
    this.heard();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.#timer?.cancel();
    this.#timer = clock.setTimeout(() => {
      this.gaveUp = true;
      this.#controller.abort();
    }, this.#limitMs);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#outer.removeEventListener('abort', this.#onOuter);
  }
}
