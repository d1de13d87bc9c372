/**
 * The API server: HTTP and WebSocket of contract.md §6 over the supervisor's facade. It listens on a unix socket, whose file
 * permissions are its authentication; where else it may listen is given to `serve`, so that TCP is one more listener.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Facade, Refusal } from '../supervisor/facade.ts';
import { createApp, type Report } from './app.ts';
import { answerFor, invalid } from './errors.ts';
import { serveStream, type Stream, type StreamStart } from './stream.ts';
import { BODY_LIMIT, CALLER_HEADER, eventsQuerySchema } from './wire.ts';
import { SLOW_LIMIT_MS } from './wire-frames.ts';

/** Beyond this a frame is not even read: the connection ends. Bytes. */
const FRAME_HARD_LIMIT = 4 * BODY_LIMIT;
/** Time for requests to finish when the server closes. Milliseconds. */
const CLOSE_LIMIT_MS = 2_000;

export interface Api {
  /** Starts listening; resolves when connections are taken. */
  listen(where: Listener): Promise<void>;
  /** Open WebSocket streams. */
  readonly streams: number;
  /** Says goodbye to streams, finishes requests, stops listening. */
  close(): Promise<void>;
}

/** Binds a server, and undoes it. */
export interface Listener {
  bind(server: Server): Promise<void>;
  unbind(): Promise<void>;
}

export interface ApiOptions {
  /** A stream's client that takes nothing for so long is dropped. Milliseconds. */
  slowLimitMs?: number;
}

export function createApi(facade: Facade, report: Report, { slowLimitMs = SLOW_LIMIT_MS }: ApiOptions = {}): Api {
  const app = createApp(facade, report);
  const streams = new Set<Stream>();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: FRAME_HARD_LIMIT });
  const listening: { server: Server; where: Listener }[] = [];

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    let start: StreamStart;
    try {
      start = { ...startOf(request, facade), slowLimitMs };
    } catch (error) {
      refuseUpgrade(socket, error);
      return;
    }
    const marker = request.headers[CALLER_HEADER];
    const asker = { marker: typeof marker === 'string' ? marker : null, commandId: null };
    sockets.handleUpgrade(request, socket, head, (client: WebSocket) => {
      const stream = serveStream(client, facade, asker, start);
      streams.add(stream);
      client.on('close', () => streams.delete(stream));
    });
  };

  return {
    get streams() {
      return streams.size;
    },
    async listen(where) {
      const server = createServer(getRequestListener(app.fetch));
      server.on('upgrade', upgrade);
      await where.bind(server);
      listening.push({ server, where });
    },
    async close() {
      for (const stream of streams) stream.end();
      await Promise.all(listening.splice(0).map(({ server, where }) => closeServer(server, where)));
      sockets.close();
    },
  };
}

async function closeServer(server: Server, where: Listener): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const hurry = setTimeout(() => server.closeAllConnections(), CLOSE_LIMIT_MS);
  await closed;
  clearTimeout(hurry);
  await where.unbind();
}

/** Listens on a unix socket, 0600. The caller holds the home's lock: a socket file that is there is a dead supervisor's. */
export function unixSocket(path: string): Listener {
  return {
    async bind(server) {
      await rm(path, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      });
      await chmod(path, 0o600);
    },
    unbind: () => rm(path, { force: true }),
  };
}

/** `GET /ws?since=&log=&agents=&types=&subscribe=0`: where the stream begins, without a race between hello and subscribe. */
function startOf(request: IncomingMessage, facade: Facade): Omit<StreamStart, 'slowLimitMs'> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname !== '/ws') throw notHere(url.pathname);
  const parsed = eventsQuerySchema.safeParse(Object.fromEntries(url.searchParams));
  if (!parsed.success) throw invalid(parsed.error, 'query');
  const { since, agents, types } = parsed.data;
  if (since !== undefined && !/^\d+$/.test(since)) throw invalidSince();
  return {
    since: since === undefined ? null : Number(since),
    log: url.searchParams.get('log'),
    filter: { agents: agents ? facade.resolve(agents) : null, types: types ?? null },
    subscribed: url.searchParams.get('subscribe') !== '0',
  };
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, body } = answerFor(error);
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}

function notHere(path: string): Refusal {
  return new Refusal({ code: 'NOT_FOUND', message: `no WebSocket at ${path}`, hint: 'it is at /ws' });
}

function invalidSince(): Refusal {
  return new Refusal({ code: 'INVALID_ARGUMENT', message: 'since must be a seq here', hint: null }, 422);
}
