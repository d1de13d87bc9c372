/** People are told: the built program with a command and a webhook as sinks. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Row, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

let home: TuttiHome;
let server: Server;
const posted: { authorization: string | undefined; body: Row }[] = [];

beforeAll(async () => {
  home = await tuttiHome({ permissions: 'ask' });
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      posted.push({ authorization: request.headers.authorization, body: JSON.parse(body) as Row });
      response.end('ok');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const program = join(home.work, 'tell.sh');
  writeFileSync(program, `#!/bin/sh\ncat >> ${join(home.work, 'told.jsonl')}\n`);
  chmodSync(program, 0o755);
  const port = (server.address() as AddressInfo).port;
  writeFileSync(
    join(home.work, 'config.yaml'),
    `version: 1
notify:
  - { type: command, command: [${program}] }
  - { type: command, command: [/no/such/program] }
  - { type: webhook, url: "http://127.0.0.1:${port}/hook", headers: { authorization: "Bearer \${HOOK_TOKEN}" } }
`,
  );
  home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
});
afterAll(async () => {
  await home.remove();
  await new Promise((done) => server.close(done));
});

const told = (): Row[] => {
  const file = join(home.work, 'told.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Row);
};

describe('an agent that asks', () => {
  it('is told of once, to every sink; the variable comes from the shell that started the supervisor', async () => {
    const env = { HOOK_TOKEN: 'hook-secret-4711' };
    await home.run(['spawn', 'asker', '--task', 'Ask. [[scenario:tool cmd="touch made"]]'], { env });
    await home.until('asker', (agent) => agent.state === 'waiting', 'waiting');
    await waitFor('both sinks were told', () => told().length > 0 && posted.length > 0);
    expect(told()[0]).toMatchObject({
      ...{ severity: 'warning', count: 1, title: 'tutti: asker' },
      text: expect.stringMatching(/^asker waits for a person: bash: touch made/),
      hint: expect.stringContaining('tutti approve'),
    });
    expect(posted[0]).toMatchObject({ authorization: 'Bearer hook-secret-4711', body: { count: 1 } });
  });

  it('leaves the sink that fails on record, without its secrets, and the supervisor well', async () => {
    const outcome = await waitFor('the outcome is on record', async () =>
      (await home.events()).find((e) => e.type === 'command' && e.verb === 'notify' && e.phase === 'done'),
    );
    expect(outcome).toMatchObject({
      result: {
        sinks: [
          { sink: 'command tell.sh', error: null },
          { sink: 'command program', error: expect.stringContaining('could not be started') },
          { sink: expect.stringMatching(/^webhook 127/), error: null },
        ],
      },
    });
    expect(JSON.stringify(await home.events())).not.toContain('hook-secret-4711');
    expect((await home.run(['ps'])).stderr).toContain('an alert did not arrive: command program');
  });

  it('is not told of again by the next supervisor, which has kept the variable', async () => {
    await home.run(['supervisor', 'restart']);
    await home.until('asker', (agent) => agent.state === 'waiting', 'waiting still');
    await home.run(['spawn', 'second', '--task', 'Ask. [[scenario:tool cmd="touch other"]]']);
    await home.until('second', (agent) => agent.state === 'waiting', 'waiting');
    await waitFor('the second was told of', () => told().length > 1 && posted.length > 1);
    expect(told().map((alert) => alert['title'])).toEqual(['tutti: asker', 'tutti: second']);
    expect(posted.map(({ authorization }) => authorization)).toEqual([
      'Bearer hook-secret-4711',
      'Bearer hook-secret-4711',
    ]);
  });
});

describe('doctor', () => {
  it('says which sink cannot work', async () => {
    const { data } = (await home.run(['doctor', '--json'])).json;
    const messages = data['findings'].filter((f: Row) => f['id'] === 'notify').map((f: Row) => f['message']);
    expect(messages).toEqual([
      'alerts go to /no/such/program, which is not on PATH',
      expect.stringContaining('${HOOK_TOKEN}'),
    ]);
  });
});

describe('a configuration', () => {
  it.each([
    ['notify: [{ type: webhook, url: "http://example.org/x" }]', /https address, or http to this machine/],
    ['notify: { sinks: [], quiet: { from: "22:00", to: "22:00" } }', /from and to are the same/],
    ['notify: { sinks: [], timezone: Mars }', /Europe\/Berlin/],
    ['notify: [{ type: pigeon }]', /config\.yaml:2/],
  ])('%s is refused with the reason', async (line, message) => {
    const file = join(home.work, 'bad.yaml');
    writeFileSync(file, `version: 1\n${line}\n`);
    const ran = await home.run(['config', 'check'], { env: { TUTTI_CONFIG: file } });
    expect(ran.status).toBe(2);
    expect(ran.stderr.replaceAll('bad.yaml', 'config.yaml')).toMatch(message);
  });
});
