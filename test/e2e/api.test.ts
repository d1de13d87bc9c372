/** The API over its unix socket, as clients use it: routes, frames, errors, waiting, reconnecting. */
import { request } from 'node:http';
import { connect as netConnect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Api, createApi, unixSocket } from '../../src/api/server.ts';
import { agentSchema } from '../../src/api/wire.ts';
import { type Client, connect } from '../../src/client/index.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { type Supervised, supervised } from '../support/supervised.ts';
import { waitFor } from '../support/wait.ts';

let home: Supervised;
let api: Api;
let client: Client;
let reports: string[];

async function serve(): Promise<void> {
  api = createApi(home.facade, (text) => reports.push(text));
  await api.listen(unixSocket(home.socketPath));
}

beforeEach(async () => {
  reports = [];
  home = supervised();
  await home.start();
  await serve();
  client = await connect({ home: home.home, socketPath: home.socketPath, start: null });
});
afterEach(async () => {
  client.close();
  await api.close();
  await home.remove();
});

interface Answer {
  status: number;
  body: unknown;
}

/** A plain request, as curl makes it. */
function curl(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath: home.socketPath, method, path, headers }, (res) => {
      let text = '';
      res.on('data', (part) => {
        text += part;
      });
      res.on('end', () => {
        const json = res.headers['content-type']?.includes('application/json');
        resolve({ status: res.statusCode ?? 0, body: json ? JSON.parse(text) : text });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** A plain WebSocket client. */
async function plainSocket(path = '/ws', headers: Record<string, string> = {}) {
  const createConnection = () => netConnect({ path: home.socketPath });
  const socket = new WebSocket(`ws://localhost${path}`, { createConnection, headers });
  const frames: Record<string, unknown>[] = [];
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8'))));
  socket.on('error', () => socket.terminate());
  const frame = (type: string, more: (f: Record<string, unknown>) => boolean = () => true) =>
    waitFor(`a frame ${type}`, () => frames.find((f) => f.type === type && more(f)));
  await frame('hello');
  return { socket, frames, frame, say: (value: unknown) => socket.send(JSON.stringify(value)) };
}

const idle = (name: string) => client.wait(name, { for: ['idle'], timeoutMs: 20_000 });
const refused = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

describe('HTTP', () => {
  it('spawns, lists, shows, stops and removes an agent', async () => {
    const spawned = await client.spawn({ name: 'alice', cli: 'tutti', task: 'go' });
    expect(spawned).toMatchObject({ name: 'alice', project: 'default', account: 'tutti:default' });
    await idle('alice');
    const { agents, recovering } = await client.list();
    expect(recovering).toBe(false);
    expect(agents.map((agent) => agent.name)).toEqual(['alice']);
    expect(await client.get(spawned.id)).toEqual(await client.get('alice'));
    await client.act('alice', 'stop');
    expect(await client.wait('alice', { for: ['stopped'], timeoutMs: 20_000 })).toMatchObject({ status: 'idle' });
    expect(await client.remove('alice')).toEqual({ removed: true, id: spawned.id, name: 'alice' });
  });

  it('gives the agent object with every key of the contract', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    const { body } = await curl('GET', '/api/agents/alice');
    expect(Object.keys(body as object).sort()).toEqual(Object.keys(agentSchema.shape).sort());
    expect(agentSchema.parse(body)).toEqual(body);
  });

  it.each([
    ['an unknown agent', 'GET', '/api/agents/nobody', undefined, 404, 'NOT_FOUND'],
    ['an unknown route', 'GET', '/api/nothing', undefined, 404, 'NOT_FOUND'],
    ['a body that is no JSON', 'POST', '/api/agents', '{name', 400, 'INVALID_JSON'],
    ['a bad name', 'POST', '/api/agents', '{"name":"Bad Name"}', 422, 'INVALID_ARGUMENT'],
    ['an unknown key', 'POST', '/api/agents', '{"name":"a","modle":"x"}', 422, 'INVALID_ARGUMENT'],
    ['an unknown CLI', 'POST', '/api/agents', '{"name":"a","cli":"nope"}', 400, 'INVALID_ARGUMENT'],
    ['a missing folder', 'POST', '/api/agents', '{"name":"a","cli":"tutti","cwd":"/no/such"}', 400, 'INVALID_ARGUMENT'],
    ['an empty message', 'POST', '/api/agents/x/message', '{"content":""}', 422, 'INVALID_ARGUMENT'],
    ['an unknown request', 'POST', '/api/requests/r1', '{"decision":"allow"}', 404, 'NOT_FOUND'],
    ['an answer without words', 'POST', '/api/requests/r1', '{"decision":"answer"}', 422, 'INVALID_ARGUMENT'],
    ['a bad since', 'GET', '/api/events?since=yesterday', undefined, 422, 'INVALID_ARGUMENT'],
    ['a limit too high', 'GET', '/api/events?limit=999999', undefined, 422, 'INVALID_ARGUMENT'],
    ['an unknown type', 'GET', '/api/events?types=nope', undefined, 422, 'INVALID_ARGUMENT'],
    ['down without a scope', 'POST', '/api/down', '{}', 422, 'INVALID_ARGUMENT'],
  ])('answers %s with the error form and the right status', async (_id, method, path, body, status, code) => {
    expect(await curl(method, path, body)).toEqual({
      status,
      body: {
        error: {
          code,
          message: expect.any(String),
          hint: expect.toSatisfy((h) => h === null || typeof h === 'string'),
        },
      },
    });
    expect(reports).toEqual([]);
  });

  it('refuses a body over 1 MiB with 413', async () => {
    const body = JSON.stringify({ content: 'x'.repeat(1024 * 1024) });
    expect(await curl('POST', '/api/agents/a/message', body)).toMatchObject({ status: 413 });
  });

  it('delivers a message of nearly 1 MiB whole', async () => {
    const { id } = await client.spawn({ name: 'alice', cli: 'tutti' });
    const text = `${'😀"\\\n;'.repeat(60_000)}`;
    await client.sendAndWait('alice', text, { timeoutMs: 20_000 });
    expect(home.world.conversation(id).map((message) => message.text)).toEqual([text]);
  });

  it('refuses a second agent of the same name with CONFLICT', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    await expect(client.spawn({ name: 'alice', cli: 'tutti' })).rejects.toEqual(refused('CONFLICT'));
    expect((await client.list()).agents).toHaveLength(1);
  });

  it('does a repeated write with the same key once', async () => {
    const body = JSON.stringify({ name: 'alice', cli: 'tutti' });
    const headers = { 'idempotency-key': 'k1' };
    const first = await curl('POST', '/api/agents', body, headers);
    const second = await curl('POST', '/api/agents', body, headers);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect((second.body as { id: string }).id).toBe((first.body as { id: string }).id);
    const messageId = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
    for (let i = 0; i < 3; i++) await client.send('alice', 'once', { messageId });
    await idle('alice');
    const { id } = first.body as { id: string };
    expect(home.world.conversation(id)).toEqual([{ messageId, text: 'once' }]);
  });

  it('refuses a message with a known secret, and says which', async () => {
    const launch = { env: { API_KEY: 'very-secret-value' }, secrets: { API_KEY: 'very-secret-value' } };
    await client.spawn({ name: 'alice', cli: 'tutti', launch });
    await expect(client.send('alice', 'use very-secret-value please')).rejects.toEqual(
      refused('INVALID_ARGUMENT', { message: 'the text contains the secret API_KEY' }),
    );
    const { events } = await client.events({ since: 0 });
    expect(JSON.stringify(events)).not.toContain('very-secret-value');
  });

  it('pages through events by seq, type and agent, as JSON and as lines', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti', task: 'go' });
    await client.spawn({ name: 'bob', cli: 'tutti', task: 'go' });
    await Promise.all([idle('alice'), idle('bob')]);
    const all: TuttiEvent[] = [];
    for (let since = 0, more = true; more; ) {
      const page = await client.events({ since, limit: 7 });
      all.push(...page.events);
      since = page.next;
      more = page.more;
    }
    expect(all.map((event) => event.seq)).toEqual(all.map((_, i) => i + 1));
    const turns = await client.events({ since: 0, agents: ['bob'], types: ['turn'] });
    expect(turns.events.map((event) => `${event.agent} ${event.type}`)).toEqual(['bob turn', 'bob turn']);
    const since = all[9]?.at ?? '';
    const later = await client.events({ since });
    expect(later.events.every((event) => event.at >= since || event.src)).toBe(true);
    const lines = await curl('GET', '/api/agents/bob/events?types=turn', undefined, { accept: 'application/x-ndjson' });
    expect(
      String(lines.body)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['turn', 'turn']);
  });

  it('tells why, the raw lines, the fleet, and one event in full', async () => {
    const { id } = await client.spawn({ name: 'alice', cli: 'tutti', task: 'go' });
    await idle('alice');
    home.world.host(id)?.record({ kind: 'out', incarnation: 1, line: `say ${'y'.repeat(20_000)}` });
    const cut = await waitFor('the long message', async () => {
      const { events } = await client.events({ since: 0, types: ['message'] });
      return events.find((event) => event.bytes !== undefined);
    });
    expect(cut).toMatchObject({ bytes: 20_000, content: 'y'.repeat(4_096) });
    expect(await client.fullEvent(cut.seq, 'alice')).toMatchObject({
      complete: true,
      event: { seq: cut.seq, content: 'y'.repeat(20_000) },
    });
    expect((await client.why('alice')).chain.length).toBeGreaterThan(0);
    const { lines, next } = await client.log('alice', { limit: 2 });
    expect(lines.at(-1)?.line).toMatch(/^say y/);
    expect(next).toMatch(/^1:\d+$/);
    const fromStart = await client.log('alice', { from: '0:0' });
    expect(fromStart.lines[0]?.line).toBe('turn');
    expect(await client.fleet()).toMatchObject({ agents: 1, costUsd: 0.01, states: { idle: 1 } });
  });

  it('applies a project: creates, leaves alone, changes, reports what is no longer declared, prunes it', async () => {
    const agent = (name: string, more: object = {}) => ({ name, cli: 'tutti', ...more });
    const project = { project: 'web', config: {} };
    const first = await client.apply({ ...project, hash: '1', agents: [agent('a'), agent('b', { wanted: 'paused' })] });
    expect(first).toMatchObject({ created: ['a', 'b'], changed: [], unchanged: [], undeclared: [] });
    expect((await client.get('b')).wanted).toBe('paused');
    const again = await client.apply({ ...project, hash: '1', agents: [agent('a'), agent('b', { wanted: 'paused' })] });
    expect(again).toMatchObject({ created: [], changed: [], unchanged: ['a', 'b'] });
    const third = await client.apply({ ...project, hash: '2', agents: [agent('a', { role: 'builder' })] });
    expect(third).toMatchObject({ changed: ['a'], undeclared: ['b'], pruned: [] });
    await client.spawn({ name: 'x', cli: 'tutti' });
    await expect(client.apply({ ...project, hash: '3', agents: [agent('x')] })).rejects.toEqual(refused('CONFLICT'));
    const last = await client.apply({ ...project, hash: '2', agents: [agent('a', { role: 'builder' })], prune: true });
    expect(last.pruned).toEqual(['b']);
    expect((await client.get('b')).wanted).toBe('down');
  });

  it('takes everything down, and says that the supervisor ends as well', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti', project: 'one' });
    await client.spawn({ name: 'bob', cli: 'tutti', project: 'two' });
    await Promise.all([idle('alice'), idle('bob')]);
    expect(await client.down({ project: 'one' })).toEqual({ stopped: ['alice'], supervisorStops: false });
    expect(await client.down({ all: true })).toEqual({ stopped: ['bob'], supervisorStops: true });
    await waitFor('the end is asked for', () => home.ends.includes('down'));
    expect(home.world.hosts().filter((host) => host.alive)).toEqual([]);
  });
});

describe('a caller inside an agent', () => {
  const as = (id: string) => ({ 'x-tutti-agent': `${home.home8}/${id}/1` });

  it('may command what it spawned, and nothing else', async () => {
    const lead = await client.spawn({ name: 'lead', cli: 'tutti' });
    const other = await client.spawn({ name: 'other', cli: 'tutti' });
    const child = await curl('POST', '/api/agents', '{"name":"child","cli":"tutti"}', as(lead.id));
    expect(child).toMatchObject({ status: 201, body: { parentId: lead.id } });
    expect(await curl('POST', '/api/agents/child/message', '{"content":"hi"}', as(lead.id))).toMatchObject({
      status: 202,
    });
    expect(await curl('GET', '/api/agents', undefined, as(lead.id))).toMatchObject({ status: 200 });
    const denied = { status: 403, body: { error: { code: 'DENIED' } } };
    const tries: [string, string, string?][] = [
      ['POST', `/api/agents/${other.id}/message`, '{"content":"hi"}'],
      ['POST', '/api/agents/lead/stop'],
      ['DELETE', '/api/agents/other'],
      ['POST', '/api/requests/r1', '{"decision":"allow"}'],
      ['POST', '/api/down', '{"all":true}'],
      ['POST', '/api/apply', '{"project":"web","hash":"1","config":{},"agents":[]}'],
      ['POST', '/api/supervisor/stop'],
    ];
    for (const [method, path, body] of tries) {
      expect(await curl(method, path, body, as(lead.id)), `${method} ${path}`).toMatchObject(denied);
    }
    expect(await curl('POST', '/api/agents/other/stop', '{}', { 'x-tutti-agent': '00000000/x/1' })).toMatchObject(
      denied,
    );
  });

  it('speaks under its own name', async () => {
    const lead = await client.spawn({ name: 'lead', cli: 'tutti' });
    await curl('POST', '/api/agents', '{"name":"child","cli":"tutti"}', as(lead.id));
    await curl('POST', '/api/agents/child/message', '{"content":"hi"}', as(lead.id));
    const { events } = await client.events({ since: 0, types: ['delivery'] });
    expect(events).toContainEqual(expect.objectContaining({ content: 'hi', from: 'lead' }));
  });
});

describe('WebSocket', () => {
  it('greets, then sends everything that happens, with each envelope', async () => {
    const { frame, frames } = await plainSocket();
    expect(frames[0]).toMatchObject({ type: 'hello', recovering: false, reset: false, seq: expect.any(Number) });
    await client.spawn({ name: 'alice', cli: 'tutti', task: 'go' });
    expect(await frame('agent_spawned')).toMatchObject({ agent: { name: 'alice' } });
    expect(await frame('agent_status')).toMatchObject({ agentId: expect.any(String), status: expect.any(String) });
    expect(await frame('message')).toMatchObject({ role: 'assistant', content: 'you said go' });
    await client.remove('alice');
    await frame('agent_killed');
    const seqs = frames.slice(1).map((f) => f.seq as number);
    expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] as number) + i));
  });

  it('acts on frames and answers those that carry an id', async () => {
    const { say, frame } = await plainSocket();
    say({ type: 'spawn_agent', id: 1, name: 'alice', cli: 'tutti' });
    const reply = await frame('reply', (f) => f.id === 1);
    expect(reply).toMatchObject({ ok: true, value: { name: 'alice' } });
    say({ type: 'send_message', id: 'two', agentId: 'alice', content: 'hi' });
    expect(await frame('reply', (f) => f.id === 'two')).toMatchObject({ ok: true });
    await frame('message');
    say({ type: 'kill_agent', agentId: 'alice' });
    await frame('agent_killed');
  });

  it.each([
    ['text that is no JSON', 'nonsense', null, 'INVALID_JSON'],
    ['an unknown type', '{"type":"dance","id":7}', 7, 'INVALID_ARGUMENT'],
    ['a missing field', '{"type":"send_message","id":8}', 8, 'INVALID_ARGUMENT'],
    ['an unknown agent', '{"type":"kill_agent","id":9,"agentId":"x"}', 9, 'NOT_FOUND'],
    ['a list', '[]', null, 'INVALID_ARGUMENT'],
  ])('answers %s with an error and keeps the connection', async (_id, text, id, code) => {
    const { socket, frame } = await plainSocket();
    socket.send(text);
    expect(await frame('reply')).toMatchObject({ id, ok: false, error: { code } });
    await client.spawn({ name: 'alice', cli: 'tutti' });
    await frame('agent_spawned');
  });

  it('sends only what was subscribed to', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    await client.spawn({ name: 'bob', cli: 'tutti' });
    await Promise.all([idle('alice'), idle('bob')]);
    const { say, frame, frames } = await plainSocket('/ws?subscribe=0');
    say({ type: 'subscribe', id: 1, agents: ['bob'], types: ['turn'], since: 0 });
    await frame('reply');
    await client.sendAndWait('alice', 'x', { timeoutMs: 20_000 });
    await client.sendAndWait('bob', 'x', { timeoutMs: 20_000 });
    await waitFor('both turns', () => frames.filter((f) => f.type === 'turn').length === 2);
    expect(frames.filter((f) => f.type !== 'hello' && f.type !== 'reply').map((f) => f.agent)).toEqual(['bob', 'bob']);
  });

  it('drops a client that stops reading, and tells it how to go on', async () => {
    await api.close();
    api = createApi(home.facade, (text) => reports.push(text), { slowLimitMs: 100 });
    await api.listen(unixSocket(home.socketPath));
    const { id } = await client.spawn({ name: 'alice', cli: 'tutti' });
    await idle('alice');
    const { socket, frames } = await plainSocket();
    let closed: number | null = null;
    socket.on('close', (code) => {
      closed = code;
    });
    socket.pause();
    for (let i = 0; i < 4_000; i++) {
      home.world.host(id)?.record({ kind: 'out', incarnation: 1, line: `say ${i} ${'z'.repeat(2_000)}` });
    }
    const { seq } = await waitFor('all is on record', async () => {
      const health = await client.health();
      return health.seq > 4_000 ? health : null;
    });
    const other = client.stream({ since: seq - 10 });
    const got: number[] = [];
    for await (const event of other) if (got.push(event.seq) === 10) break;
    expect(got.at(-1)).toBe(seq);
    await waitFor('the server has dropped it', () => api.streams === 0);
    socket.resume();
    await waitFor('it is dropped', () => closed !== null);
    const last = frames.at(-1) as { type: string; seq: number };
    if (closed === 1013) expect(last).toMatchObject({ type: 'bye', reason: 'slow' });
    const seqs = frames.flatMap((f) =>
      f.type !== 'bye' && typeof f.seq === 'number' && f.type !== 'hello' ? [f.seq] : [],
    );
    expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] as number) + i));
    expect(seqs.at(-1)).toBeLessThan(seq);
  });

  it('refuses an upgrade elsewhere, or with a bad place', async () => {
    for (const path of ['/elsewhere', '/ws?since=x', '/ws?agents=nobody']) {
      const createConnection = () => netConnect({ path: home.socketPath });
      const socket = new WebSocket(`ws://localhost${path}`, { createConnection });
      const status = await new Promise((resolve) => {
        socket.on('unexpected-response', (_req, res) => resolve(res.statusCode));
        socket.on('error', () => undefined);
      });
      expect([404, 422], path).toContain(status);
      socket.terminate();
    }
  });
});

describe('a stream', () => {
  it('loses and repeats nothing while the supervisor comes and goes', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    const stream = client.stream({ since: 0 });
    const got: number[] = [];
    const reading = (async () => {
      for await (const event of stream) got.push(event.seq);
    })();
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 5; i++) await client.send('alice', `${round}.${i}`);
      await idle('alice');
      if (round === 3) break;
      await api.close();
      await home.crash();
      await home.start();
      await serve();
    }
    const { seq } = await client.health();
    await waitFor('all is read', () => got.at(-1) === seq);
    stream.close();
    await reading;
    expect(got).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
  });

  it('tells that the log is another one', async () => {
    const hellos: { reset: boolean; log: string }[] = [];
    const stream = client.stream({ since: 5, log: 'of another life', onHello: (hello) => hellos.push(hello) });
    const { log } = await stream.ready;
    stream.close();
    expect(hellos).toEqual([{ reset: true, log, seq: expect.any(Number) }]);
  });

  it('holds back a reader that is slow without losing anything', async () => {
    const { id } = await client.spawn({ name: 'alice', cli: 'tutti' });
    await idle('alice');
    const stream = client.stream({ types: ['message'] });
    await stream.ready;
    const host = home.world.host(id);
    for (let i = 0; i < 10_000; i++) host?.record({ kind: 'out', incarnation: 1, line: `say ${i} ${'z'.repeat(500)}` });
    const got: number[] = [];
    for await (const event of stream) {
      if (event.type === 'message') got.push(Number.parseInt(event.content, 10));
      if (got.length === 10_000) break;
    }
    expect(got).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it('ends with UNREACHABLE when no supervisor comes back in time', async () => {
    const lost: string[] = [];
    const stream = client.stream({ giveUpMs: 100, onLost: (why) => lost.push(why) });
    await stream.ready;
    await api.close();
    const next = stream[Symbol.asyncIterator]().next();
    await expect(next).rejects.toEqual(refused('UNREACHABLE'));
    expect(lost.length).toBeGreaterThan(0);
    await serve();
  });
});

describe('waiting', () => {
  it('returns at once when the state is there already', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    await idle('alice');
    expect((await idle('alice')).state).toBe('idle');
  });

  it('does not take the moment before a queued message for idle', async () => {
    const { id } = await client.spawn({ name: 'alice', cli: 'tutti' });
    await idle('alice');
    for (let i = 0; i < 10; i++) {
      await client.send('alice', `message ${i}`);
      await idle('alice');
      expect(home.world.conversation(id)).toHaveLength(i + 1);
    }
  });

  it('ends when the agent comes to an end that was not waited for', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    await idle('alice');
    const waiting = client.wait('alice', { for: ['waiting'], timeoutMs: 20_000 });
    await client.act('alice', 'stop');
    await expect(waiting).rejects.toEqual(refused('RUNTIME_ERROR', { message: 'alice is stopped' }));
    const gone = client.wait('alice', { for: ['idle'], timeoutMs: 20_000 });
    await expect(gone).rejects.toEqual(refused('RUNTIME_ERROR'));
  });

  it('ends with NOT_FOUND for nobody, and when the agent is removed', async () => {
    await expect(idle('nobody')).rejects.toEqual(refused('NOT_FOUND'));
    await client.spawn({ name: 'alice', cli: 'tutti' });
    await idle('alice');
    const waiting = client.wait('alice', { for: ['limited'], timeoutMs: 20_000 });
    await client.remove('alice');
    await expect(waiting).rejects.toMatchObject({ name: 'ClientError' });
  });

  it('ends with TIMEOUT', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    await expect(client.wait('alice', { for: ['failed'], timeoutMs: 50 })).rejects.toEqual(refused('TIMEOUT'));
  });

  it('brings the answer of a message back', async () => {
    await client.spawn({ name: 'alice', cli: 'tutti' });
    const result = await client.sendAndWait('alice', 'ping', { timeoutMs: 20_000 });
    expect(result).toMatchObject({ outcome: 'ok', text: 'you said ping', agent: { name: 'alice' } });
  });
});

describe('connecting', () => {
  it('says UNREACHABLE where no supervisor runs and none may be started', async () => {
    const nowhere = { home: '/nowhere', socketPath: `${home.home}/no.sock`, start: null };
    await expect(connect(nowhere)).rejects.toEqual(refused('UNREACHABLE', { hint: 'tutti supervisor start' }));
  });

  it('starts one and waits until it answers', async () => {
    await api.close();
    const steps: string[] = [];
    const options = { home: home.home, socketPath: home.socketPath, progress: (text: string) => void steps.push(text) };
    const other = await connect({
      ...options,
      start: async () => {
        setTimeout(() => void serve(), 50);
      },
    });
    expect((await other.health()).ok).toBe(true);
    expect(steps).toEqual(['starting the supervisor']);
    other.close();
  });

  it('gives up when the started one does not come', async () => {
    const options = {
      home: home.home,
      socketPath: `${home.home}/no.sock`,
      timeoutMs: 60,
      start: async () => undefined,
    };
    await expect(connect(options)).rejects.toEqual(refused('UNREACHABLE'));
  });
});
