/**
 * The embedded scripted model: a server on 127.0.0.1 that speaks a model API from a script, for the demo and for tests.
 * No model is behind it, and it never hides that: every answer has the header `x-tutti-scripted: 1` and a model name with `scripted`.
 * A message chooses its scenario by a marker such as `[[scenario:tool cmd="ls -a"]]` (scenarios/); without one it is echoed.
 * script.ts has the words, point.ts finds out what is asked, scenarios/ answer, a dialect (anthropic/) writes it down.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../core/event.ts';
import { clock } from '../../system/clock.ts';
import { anthropic } from './anthropic/index.ts';
import type { Dialect, HttpAnswer } from './dialect.ts';
import { parsedObject } from './fields.ts';
import { type LogEntry, type PlainMessage, RequestLog } from './log.ts';
import type { Marker } from './point.ts';
import { scriptedReply } from './reply.ts';
import { usageLimitOf } from './scenarios/trouble.ts';
import type { Failure, ModelRequest, Reply } from './script.ts';
import { isContent, sendSteps, stopOf } from './stream.ts';
import { usageOf } from './tokens.ts';

export type { LogEntry, PlainMessage } from './log.ts';
export type { Marker } from './point.ts';
export { demoProject, demoTask } from './scenarios/demo.ts';

/** A longer request body is refused with 413. Bytes. */
const BODY_LIMIT = 64 * 1024 * 1024;
const SCRIPTED: Record<string, string> = { 'x-tutti-scripted': '1' };
/** What a request without tools is answered, where these are not part of the script. */
const SIDE_REPLY: Reply = { steps: [{ do: 'text', text: 'Scripted session' }] };

export interface ScriptedModelOptions {
  /** 0 (default) = a free one. */
  port?: number;
  /** Default: the Anthropic Messages API alone. */
  dialects?: readonly Dialect[];
  /** Scenario of messages without a marker. Default: echo. */
  fallback?: Marker;
  /** Most input tokens that an answer claims. Default: no cap. */
  usageCap?: number;
  /** Requests that offer no tools (titles, topics) get one fixed answer and do not count. Default: false. */
  plainSide?: boolean;
}

export interface ScriptedModel {
  /** `http://127.0.0.1:PORT`: the base URL for clients. */
  readonly url: string;
  readonly port: number;
  /** Base URL of a conversation with this name, so that its requests can be told from others. */
  urlFor(name: string): string;
  /** All requests to the model, oldest first. */
  requests(conversation?: string): LogEntry[];
  conversations(): string[];
  /** What the model last saw of a conversation: its whole message list as plain words. */
  messages(conversation: string): PlainMessage[];
  /**
   * All who ask share one account: until this time (milliseconds since the epoch, rounded up to a second) every request is refused as a
   * usage limit that tells its reset; null = no more. Returns the time as it is told.
   */
  limitUntil(time: number | null): number | null;
  close(): Promise<void>;
}

/** Starts the server. Rejects when the port is taken. */
export async function startScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const log = new RequestLog();
  const handler = new Handler(options, log);
  const server = createServer((request, response) => {
    handler.handle(request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else sendAnswer(response, plainError(500, 'api_error', message));
    });
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    urlFor: (name) => `${url}/a/${encodeURIComponent(name)}`,
    requests: (conversation) =>
      log.entries.filter((e) => conversation === undefined || e.conversation === conversation),
    conversations: () => log.conversations(),
    messages: (conversation) => log.messages(conversation),
    limitUntil: (time) => handler.limitUntil(time),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      done();
    });
  });
}

interface Route {
  /** The `/a/<name>` that it came with; null = none. */
  name: string | null;
  path: string;
  query: string;
}

function routeOf(target: string): Route {
  const [path = '/', query = ''] = target.split('?', 2);
  const named = /^\/a\/([^/]+)(\/.*)?$/.exec(path);
  if (named === null) return { name: null, path, query };
  return { name: decodeURIComponent(named[1] ?? ''), path: named[2] ?? '/', query };
}

class Handler {
  readonly #options: ScriptedModelOptions;
  readonly #dialects: readonly Dialect[];
  readonly #log: RequestLog;
  #limitedUntil = 0;

  constructor(options: ScriptedModelOptions, log: RequestLog) {
    this.#options = options;
    this.#dialects = options.dialects ?? [anthropic];
    this.#log = log;
  }

  limitUntil(time: number | null): number | null {
    this.#limitedUntil = time === null ? 0 : Math.ceil(time / 1000) * 1000;
    return time === null ? null : this.#limitedUntil;
  }

  async handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = routeOf(message.url ?? '/');
    const method = message.method ?? 'GET';
    const text = await readBody(message);
    if (text === null) return sendAnswer(response, plainError(413, 'invalid_request_error', 'the body is too long'));
    const dialect = method === 'POST' ? this.#dialects.find((each) => each.isModel(route.path)) : undefined;
    if (dialect === undefined) return sendAnswer(response, this.#other(method, route, parsedObject(text)));
    await this.#model(dialect, route, parsedObject(text), response);
  }

  #other(method: string, route: Route, body: JsonObject): HttpAnswer {
    if (route.path === '/') return { status: 200, headers: {}, body: { scripted: true } };
    for (const dialect of this.#dialects) {
      const answer = dialect.other(method, route.path, body);
      if (answer !== null) return answer;
    }
    return plainError(404, 'not_found_error', `the scripted model does not know ${method} ${route.path}`);
  }

  async #model(dialect: Dialect, route: Route, body: JsonObject, response: ServerResponse): Promise<void> {
    let request: ModelRequest;
    try {
      request = named(dialect.request(route.path, route.query, body), route.name);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const failure: Failure = { kind: 'invalid', message: error.message, retryAfterS: null };
      return sendAnswer(response, dialect.failure(failure, '0', clock.now()));
    }
    const side = request.tools.length === 0 && this.#options.plainSide === true;
    const fallback = this.#options.fallback ?? { scenario: 'echo', params: {} };
    const at = clock.now();
    const limited = at < this.#limitedUntil;
    const scripted = side || limited ? null : scriptedReply(request, fallback, (key) => this.#log.attempt(key));
    const scenario = limited ? 'limited' : (scripted?.point.scenario ?? 'side');
    const facts = { at, dialect: dialect.name, scenario, side };
    if (limited) return this.#refuse(dialect, this.#log.add(request, facts), response);
    await this.#answer(dialect, request, scripted?.reply ?? SIDE_REPLY, this.#log.add(request, facts), response);
  }

  #refuse(dialect: Dialect, entry: LogEntry, response: ServerResponse): void {
    const resetS = (this.#limitedUntil - entry.at) / 1000;
    const answer = dialect.failure(usageLimitOf(resetS), String(entry.n).padStart(6, '0'), entry.at);
    Object.assign(entry, { status: answer.status, outcome: 'failed' });
    sendAnswer(response, answer);
  }

  async #answer(
    dialect: Dialect,
    request: ModelRequest,
    reply: Reply,
    entry: LogEntry,
    response: ServerResponse,
  ): Promise<void> {
    const id = String(entry.n).padStart(6, '0');
    const first = reply.steps[0];
    if (first?.do === 'fail') {
      const answer = dialect.failure(first.failure, id, clock.now());
      Object.assign(entry, { status: answer.status, outcome: 'failed' });
      return sendAnswer(response, answer);
    }
    response.once('close', () => {
      if (entry.outcome === 'open' || entry.outcome === 'hung') entry.outcome = 'aborted';
    });
    entry.status = 200;
    const content = reply.steps.filter(isContent);
    entry.usage = usageOf(request, content, this.#options.usageCap ?? Number.POSITIVE_INFINITY);
    const parts = { request, id, usage: entry.usage };
    const headers = { ...SCRIPTED, ...dialect.headers(reply.unified, clock.now()) };
    const broken = reply.steps.some((step) => step.do === 'hang' || step.do === 'cut');
    if (request.stream || broken) {
      response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      const outcome = await sendSteps(response, dialect.writer(parts), reply.steps);
      if (entry.outcome === 'open') entry.outcome = outcome;
      return;
    }
    sendAnswer(response, { status: 200, headers, body: dialect.whole(parts, content, stopOf(reply.steps)) });
    entry.outcome = 'answered';
  }
}

/** A conversation without a name of its own is known by its first message. */
function named(request: Omit<ModelRequest, 'conversation'>, name: string | null): ModelRequest {
  const first = request.items.find((item) => item.role === 'user');
  const hash = () =>
    createHash('sha256')
      .update(first?.role === 'user' ? first.text : '')
      .digest('hex')
      .slice(0, 8);
  return { ...request, conversation: name ?? hash() };
}

const plainError = (status: number, type: string, message: string): HttpAnswer => ({
  status,
  headers: {},
  body: { type: 'error', error: { type, message } },
});

function sendAnswer(response: ServerResponse, answer: HttpAnswer): void {
  response.writeHead(answer.status, { ...SCRIPTED, 'content-type': 'application/json', ...answer.headers });
  response.end(JSON.stringify(answer.body));
}

/** null = longer than the limit (the rest is read and dropped, so that the client gets its answer). */
async function readBody(message: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_LIMIT) chunks.push(chunk);
  }
  return bytes <= BODY_LIMIT ? Buffer.concat(chunks).toString('utf8') : null;
}
