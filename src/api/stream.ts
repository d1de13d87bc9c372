/**
 * One WebSocket client: hello, then its events in order, and replies to what it says. It pulls from the hub as fast as the
 * client reads; a client that stops reading is told so and dropped, and loses nothing: it reconnects with `since`.
 */
import type { WebSocket } from 'ws';
import type { Asker, EventFilter, Facade } from '../supervisor/facade.ts';
import { Refusal } from '../supervisor/facade.ts';
import { answerFor, invalid } from './errors.ts';
import { BODY_LIMIT, spawnSchema } from './wire.ts';
import {
  type ClientFrame,
  CLOSE_GOING,
  CLOSE_SLOW,
  clientFrameSchema,
  type HelloFrame,
  type ReplyFrame,
  SEND_BUFFER,
} from './wire-frames.ts';

/** Events taken from the hub at a time. */
const BATCH = 256;

export interface StreamStart {
  /** null = from now on. */
  since: number | null;
  /** Log id that `since` belongs to; null = unsaid. */
  log: string | null;
  filter: EventFilter;
  /** false: no events before the client subscribes. */
  subscribed: boolean;
  /** A client that takes nothing for so long is dropped. Milliseconds. */
  slowLimitMs: number;
}

export interface Stream {
  /** Tells the client that the supervisor ends. */
  end(): void;
}

export function serveStream(socket: WebSocket, facade: Facade, asker: Asker, start: StreamStart): Stream {
  const health = facade.health();
  const reset = start.log !== null && start.log !== health.log;
  const since = start.since === null || reset ? health.seq : start.since;
  const subscription = facade.subscribe(since, start.filter);
  let live = start.subscribed;
  let pumping = false;
  let again = false;
  let over = false;
  let slow: NodeJS.Timeout | null = null;

  const send = (text: string): void => {
    if (!over) socket.send(text);
  };
  const sendFrame = (frame: HelloFrame | ReplyFrame | { type: 'bye'; reason: string; seq: number }): void =>
    send(JSON.stringify(frame));

  const finish = (): void => {
    over = true;
    subscription.close();
    if (slow) clearTimeout(slow);
  };

  const bye = (reason: 'slow' | 'stopping', code: number): void => {
    if (over) return;
    sendFrame({ type: 'bye', reason, seq: subscription.position });
    finish();
    socket.close(code, reason);
    // One that does not read does not answer the closing either.
    if (reason === 'slow') setTimeout(() => socket.terminate(), 1_000).unref();
  };

  /** Waits until the client has taken what it was sent; false when it does not. */
  const room = (): Promise<boolean> =>
    new Promise((resolve) => {
      const began = Date.now();
      let least = socket.bufferedAmount;
      let moved = began;
      const look = (): void => {
        slow = null;
        if (over) {
          resolve(false);
          return;
        }
        const left = socket.bufferedAmount;
        if (left < SEND_BUFFER / 2) {
          resolve(true);
          return;
        }
        if (left < least) {
          least = left;
          moved = Date.now();
        }
        if (Date.now() - moved > start.slowLimitMs) {
          bye('slow', CLOSE_SLOW);
          resolve(false);
          return;
        }
        slow = setTimeout(look, 50);
      };
      look();
    });

  const pump = async (): Promise<void> => {
    do {
      again = false;
      for (;;) {
        if (over || !live) return;
        if (socket.bufferedAmount >= SEND_BUFFER && !(await room())) return;
        const batch = await subscription.pull(BATCH);
        if (batch.length === 0) break;
        for (const item of batch) send(item.text());
      }
    } while (again);
  };

  const wake = (): void => {
    again = true;
    if (pumping || over || !live) return;
    pumping = true;
    pump()
      .catch((error) => {
        // The log cannot be read: the client is told, and may come again with its `since`.
        send(JSON.stringify({ type: 'reply', id: null, ok: false, error: answerFor(error).body.error }));
        finish();
        socket.close(CLOSE_SLOW, 'read error');
      })
      .finally(() => {
        pumping = false;
        if (again && !over && live) wake();
      });
  };

  const act = async (frame: ClientFrame): Promise<unknown> => {
    if (frame.type !== 'subscribe') return command(facade, asker, frame);
    const filter: EventFilter = {
      agents: frame.agents ? facade.resolve(frame.agents) : null,
      types: frame.types ?? null,
    };
    subscription.move({ ...(frame.since === undefined ? {} : { since: frame.since }), filter });
    live = true;
    wake();
    return { since: subscription.position };
  };

  socket.on('message', (data: Buffer) => {
    answer(data, act).then(
      (reply) => reply && sendFrame(reply),
      (error) => sendFrame({ type: 'reply', id: null, ok: false, error: answerFor(error).body.error }),
    );
  });
  socket.on('close', finish);
  socket.on('error', finish);

  sendFrame({
    type: 'hello',
    log: health.log,
    seq: health.seq,
    since,
    reset,
    recovering: health.recovering,
    version: health.version,
    build: health.build,
  });
  subscription.onNews(wake);
  wake();
  return { end: () => bye('stopping', CLOSE_GOING) };
}

/** The reply to one frame; null for a good one that carries no id. A bad frame is always answered. */
async function answer(data: Buffer, act: (frame: ClientFrame) => Promise<unknown>): Promise<ReplyFrame | null> {
  let id: string | number | null = null;
  try {
    if (data.length > BODY_LIMIT) {
      throw new Refusal({ code: 'INVALID_ARGUMENT', message: `a frame of more than ${BODY_LIMIT} bytes`, hint: null });
    }
    const value: unknown = parse(data.toString('utf8'));
    id = idOf(value);
    const parsed = clientFrameSchema.safeParse(value);
    if (!parsed.success) throw invalid(parsed.error, 'frame');
    const result = await act(parsed.data);
    return id === null ? null : { type: 'reply', id, ok: true, value: result };
  } catch (error) {
    return { type: 'reply', id, ok: false, error: answerFor(error).body.error };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal({ code: 'INVALID_JSON', message: `not JSON: ${(error as Error).message}`, hint: null });
  }
}

function idOf(value: unknown): string | number | null {
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return typeof value.id === 'string' || typeof value.id === 'number' ? value.id : null;
}

type CommandFrame = Exclude<ClientFrame, { type: 'subscribe' }>;

async function command(facade: Facade, asker: Asker, frame: CommandFrame): Promise<unknown> {
  switch (frame.type) {
    case 'spawn_agent': {
      const { type, id, ...declared } = frame;
      return facade.spawn(spawnSchema.parse(declared), asker);
    }
    case 'send_message':
      return facade.send(frame.agentId, { content: frame.content, now: frame.now ?? false, messageId: null }, asker);
    case 'kill_agent':
      return facade.remove(frame.agentId, asker);
    case 'answer_request': {
      const { requestId, decision, text } = frame;
      return facade.answer(requestId, { decision, text: text ?? null }, asker);
    }
  }
}
