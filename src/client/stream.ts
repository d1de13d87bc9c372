/** The event stream: one WebSocket at a time, taken up again where it broke off. Nothing is lost and nothing comes twice. */
import { connect as netConnect } from 'node:net';
import { WebSocket } from 'ws';
import { CALLER_HEADER } from '../api/wire.ts';
import type { HelloFrame } from '../api/wire-frames.ts';
import type { TuttiEvent } from '../core/event.ts';
import { ClientError } from './error.ts';
import { failureOf } from './transport.ts';
import type { EventStream, EventStreamOptions } from './types.ts';

/** Waits between attempts to connect again. Milliseconds. */
const RETRY_FIRST_MS = 50;
const RETRY_MOST_MS = 1_000;
const GIVE_UP_MS = 30_000;
/** Events that wait for the reader before the socket is paused, and at which it goes on. */
const QUEUE_MOST = 2_000;
const QUEUE_LOW = 500;

interface Place {
  log: string | null;
  since: number | null;
}

interface Reader {
  resolve(result: IteratorResult<TuttiEvent>): void;
  reject(error: Error): void;
}

export function openStream(
  transport: { socketPath: string; caller?: string | undefined },
  options: EventStreamOptions,
): EventStream {
  const place: Place = { log: options.log ?? null, since: options.since ?? null };
  const giveUpMs = options.giveUpMs ?? GIVE_UP_MS;
  const queue: TuttiEvent[] = [];
  const readers: Reader[] = [];
  let socket: WebSocket | null = null;
  let failure: Error | null = null;
  let over = false;
  let lostSince: number | null = null;
  let delay = RETRY_FIRST_MS;
  let retry: NodeJS.Timeout | null = null;
  let makeReady: (hello: { log: string; seq: number }) => void = () => undefined;
  let failReady: (error: Error) => void = () => undefined;
  const ready = new Promise<{ log: string; seq: number }>((resolve, reject) => {
    makeReady = resolve;
    failReady = reject;
  });
  // Whoever iterates is told as well; nobody has to await `ready`.
  ready.catch(() => undefined);

  const end = (error: Error | null): void => {
    if (over) return;
    over = true;
    failure = error;
    if (retry) clearTimeout(retry);
    options.signal?.removeEventListener('abort', stop);
    socket?.terminate();
    failReady(error ?? new ClientError('UNREACHABLE', 'the stream was closed'));
    if (queue.length > 0) return;
    for (const reader of readers.splice(0)) {
      if (error) reader.reject(error);
      else reader.resolve({ done: true, value: undefined });
    }
  };
  const stop = (): void => end(null);

  const deliver = (event: TuttiEvent): void => {
    // A server that repeats itself (it should not) does no harm.
    if (place.since !== null && event.seq <= place.since) return;
    place.since = event.seq;
    const reader = readers.shift();
    if (reader) {
      reader.resolve({ done: false, value: event });
      return;
    }
    queue.push(event);
    if (queue.length > QUEUE_MOST) socket?.pause();
  };

  const greet = (hello: HelloFrame): void => {
    place.log = hello.log;
    place.since = hello.since;
    lostSince = null;
    delay = RETRY_FIRST_MS;
    const { log, seq, reset } = hello;
    makeReady({ log, seq: hello.since });
    options.onHello?.({ log, seq, reset });
  };

  const take = (text: string): void => {
    const frame = JSON.parse(text) as { type: string };
    if (frame.type === 'hello') greet(frame as HelloFrame);
    else if (frame.type !== 'reply' && frame.type !== 'bye') deliver(frame as unknown as TuttiEvent);
  };

  const lost = (error: ClientError): void => {
    if (over) return;
    const now = Date.now();
    lostSince ??= now;
    options.onLost?.(error.message);
    if (now - lostSince >= giveUpMs) {
      end(error);
      return;
    }
    retry = setTimeout(dial, delay);
    delay = Math.min(RETRY_MOST_MS, delay * 2);
  };

  const dial = (): void => {
    retry = null;
    const query = new URLSearchParams();
    if (place.since !== null) query.set('since', String(place.since));
    if (place.log !== null) query.set('log', place.log);
    if (options.agents) query.set('agents', options.agents.join(','));
    if (options.types) query.set('types', options.types.join(','));
    const headers = transport.caller ? { [CALLER_HEADER]: transport.caller } : {};
    const mine = new WebSocket(`ws://localhost/ws?${query}`, {
      headers,
      perMessageDeflate: false,
      createConnection: () => netConnect({ path: transport.socketPath }),
    });
    socket = mine;
    let why: ClientError | null = null;
    mine.on('message', (data: Buffer) => {
      if (over) return;
      try {
        take(data.toString('utf8'));
      } catch (error) {
        end(new ClientError('RUNTIME_ERROR', 'the supervisor sent a frame that is not JSON', null, { cause: error }));
      }
    });
    mine.on('unexpected-response', (_request, response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => end(refusal(response.statusCode ?? 0, Buffer.concat(parts).toString('utf8'))));
    });
    mine.on('error', (error) => {
      why = failureOf(error, transport.socketPath);
    });
    mine.on('close', () => {
      if (mine === socket)
        lost(why ?? new ClientError('UNREACHABLE', 'the supervisor ended the stream', 'tutti supervisor status'));
    });
  };

  if (options.signal?.aborted) end(null);
  else {
    options.signal?.addEventListener('abort', stop);
    dial();
  }

  return {
    ready,
    close: stop,
    [Symbol.asyncIterator]: () => ({
      next() {
        const event = queue.shift();
        if (event) {
          if (queue.length <= QUEUE_LOW && socket?.isPaused) socket.resume();
          return Promise.resolve({ done: false, value: event });
        }
        if (failure) return Promise.reject(failure);
        if (over) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve, reject) => readers.push({ resolve, reject }));
      },
      return() {
        end(null);
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
}

/** The server would not open the stream, and said why. */
function refusal(status: number, text: string): ClientError {
  try {
    const { error } = JSON.parse(text) as {
      error: { code: ClientError['code']; message: string; hint: string | null };
    };
    return new ClientError(error.code, error.message, error.hint);
  } catch (cause) {
    return new ClientError('RUNTIME_ERROR', `the stream was answered with ${status}`, null, { cause });
  }
}
