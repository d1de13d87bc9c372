/** Sinks on the real thing: programs that are started, a web server on this machine. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../../src/core/alerts/alert.ts';
import type { SinkConfig } from '../../../src/core/config/notify-schema.ts';
import { createNotifier } from '../../../src/system/notify/index.ts';

let folder: string;
let server: Server;
let url: string;
let requests: { method: string; headers: Record<string, unknown>; body: string }[];
/** Statuses of the next answers; then 200. null: never answers. */
let answers: (number | null)[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-notify-'));
  requests = [];
  answers = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      requests.push({ method: request.method ?? '', headers: request.headers, body });
      const status = answers.length > 0 ? answers.shift() : 200;
      if (status === null || status === undefined) return;
      if (status === 302) response.setHeader('location', 'http://127.0.0.1:1/elsewhere');
      response.statusCode = status;
      response.end('ok');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

const ALERT: Notification = {
  id: 'n-1',
  at: '2026-01-01T00:00:00.000Z',
  severity: 'warning',
  more: 0,
  alerts: [
    {
      ...{
        key: 'request r-1',
        severity: 'warning',
        text: 'alice waits: $(touch pwned); "x"',
        hint: 'tutti approve alice',
      },
      ...{ agentId: 'a', agent: 'alice', at: '2026-01-01T00:00:00.000Z' },
    },
  ],
};

const notifier = (sinks: SinkConfig[], variables: Record<string, string> = {}, env: Record<string, string> = {}) =>
  createNotifier({ sinks, variables, env: { PATH: process.env['PATH'] ?? '', ...env }, cwd: folder, retryMs: [1, 1] });

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('a command', () => {
  it('gets the alert as JSON on stdin and in variables, and nothing of it is run by a shell', async () => {
    const path = program(
      'tell',
      'cat > got.json; printf %s "$TUTTI_ALERT_SEVERITY $TUTTI_ALERT_AGENT $TUTTI_ALERT_TEXT" > got.env',
    );
    const [outcome] = await notifier([{ type: 'command', command: [path, 'an argument; x'] }]).send(ALERT);
    expect(outcome).toEqual({ sink: 'command tell', error: null });
    expect(JSON.parse(readFileSync(join(folder, 'got.json'), 'utf8'))).toMatchObject({
      ...{ id: 'n-1', severity: 'warning', title: 'tutti: alice', hint: 'tutti approve alice', count: 1 },
      alerts: [{ agent: 'alice', text: ALERT.alerts[0]?.text }],
    });
    expect(readFileSync(join(folder, 'got.env'), 'utf8')).toBe(`warning alice ${ALERT.alerts[0]?.text}`);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });

  it.each([
    ['fails', 'echo no network >&2; exit 3', /^it ended with status 3: no network$/],
    ['is not there', null, /^it could not be started$/],
    ['hangs', 'exec sleep 60', /^it did not end within 10 s$/],
  ])('that %s is told of, and costs the others nothing', async (_what, script, error) => {
    const path = script === null ? join(folder, 'absent') : program('bad', script);
    const outcomes = await notifier([
      { type: 'command', command: [path] },
      { type: 'webhook', url },
    ]).send(ALERT);
    expect(outcomes).toEqual([
      { sink: expect.stringMatching(/^command /), error: expect.stringMatching(error) },
      { sink: expect.stringMatching(/^webhook 127/), error: null },
    ]);
  });
});

describe('a webhook', () => {
  it('gets the alert as JSON, with its variables filled in', async () => {
    const sink: SinkConfig = {
      type: 'webhook',
      url: `${url}/hook`,
      headers: { authorization: 'Bearer ${HOOK_TOKEN}' },
    };
    const outcomes = await notifier([sink], { HOOK_TOKEN: 'very-secret-token' }).send(ALERT);
    expect(outcomes).toEqual([{ sink: `webhook ${new URL(url).host}`, error: null }]);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', headers: { authorization: 'Bearer very-secret-token' } });
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({ id: 'n-1', text: ALERT.alerts[0]?.text });
  });

  it('that fails for the moment is tried again, three times in all', async () => {
    answers = [503, 500, 200];
    expect(await notifier([{ type: 'webhook', url }]).send(ALERT)).toMatchObject([{ error: null }]);
    expect(requests).toHaveLength(3);
    answers = [500, 500, 500, 200];
    expect(await notifier([{ type: 'webhook', url }]).send(ALERT)).toMatchObject([
      { error: 'it answered 500 (3 attempts)' },
    ]);
    expect(requests).toHaveLength(6);
  });

  it('that refuses is not tried again, and a redirect is not followed with what it was given', async () => {
    answers = [404];
    expect(await notifier([{ type: 'webhook', url }]).send(ALERT)).toMatchObject([{ error: 'it answered 404' }]);
    expect(requests).toHaveLength(1);
    answers = [302, 302, 302];
    const [outcome] = await notifier([{ type: 'webhook', url }]).send(ALERT);
    expect(outcome?.error).toMatch(/redirect/);
  });

  it.each([
    ['without its variable', { type: 'webhook', url: '${HOOK_URL}' }, {}, '${HOOK_URL} is not set'],
    [
      'at another machine without encryption',
      { type: 'webhook', url: '${HOOK_URL}' },
      { HOOK_URL: 'http://example.org/x' },
      'its address is neither https nor on this machine',
    ],
  ] as const)('%s is not called', async (_what, sink, variables, error) => {
    expect(await notifier([sink], variables).send(ALERT)).toMatchObject([{ error }]);
    expect(requests).toEqual([]);
  });

  it('shows nothing of its secrets when it cannot be reached', async () => {
    const closed = 'http://127.0.0.1:1/services/T0PSECRETPATH';
    const [outcome] = await notifier([{ type: 'webhook', url: '${HOOK_URL}' }], { HOOK_URL: closed }).send(ALERT);
    expect(outcome?.error).toMatch(/attempts/);
    expect(JSON.stringify(outcome)).not.toMatch(/T0PSECRET/);
  });

  it('is given up when the supervisor ends', async () => {
    answers = [null];
    const told = notifier([{ type: 'webhook', url }]);
    const sending = told.send(ALERT);
    while (requests.length === 0) await new Promise((next) => setImmediate(next));
    told.close();
    expect(await sending).toMatchObject([{ error: expect.stringMatching(/abort/i) }]);
  });
});

describe('a desktop', () => {
  it('shows the text as an argument of its own', async () => {
    program('notify-send', `printf '%s\\n' "$@" > ${join(folder, 'shown')}`);
    const outcomes = await notifier([{ type: 'desktop' }], {}, { PATH: `${folder}:/usr/bin:/bin` }).send(ALERT);
    expect(outcomes).toEqual([{ sink: 'desktop', error: null }]);
    expect(readFileSync(join(folder, 'shown'), 'utf8').split('\n')).toEqual([
      ...['-a', 'tutti', '-u', 'normal', '--', 'tutti: alice', ALERT.alerts[0]?.text, ''],
    ]);
  });

  it('that cannot be had is said', async () => {
    const [outcome] = await notifier([{ type: 'desktop' }], {}, { PATH: folder }).send(ALERT);
    expect(outcome?.error).toMatch(/^none of notify-send/);
  });
});

describe('a sink', () => {
  it('is told only what is as severe as it asks for', async () => {
    expect(await notifier([{ type: 'webhook', url, severity: 'urgent' }]).send(ALERT)).toEqual([]);
    expect(requests).toEqual([]);
  });
});
