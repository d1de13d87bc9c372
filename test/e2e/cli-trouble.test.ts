/** What goes wrong around an agent, as the built program tells it: CLIs that fail, folders that are gone, disks, long paths. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SmallDisk, smallDisk } from '../support/small-disk.ts';
import { tmuxSocketPath } from '../support/tmux-socket.ts';
import { MAIN, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

const FAKE_CLAUDE = join(import.meta.dirname, '../fixtures/fake-cli/claude.mjs');
const RUBBISH = `process.stdout.write('Segmentation fault\\u0007\\n{"type":"mystery"}\\n\\u0000\\u0001 [31mno');
process.stderr.write('rubbish: cannot go on\\n');
process.exit(3);`;

describe('a CLI that does not work', () => {
  let home: TuttiHome;
  beforeAll(async () => {
    home = await tuttiHome();
    const program = join(home.work, 'rubbish.mjs');
    writeFileSync(program, RUBBISH);
    const clis = `  claude: { command: [${process.execPath}, ${program}] }\n  codex: { command: [/no/such/codex] }\n  gemini: { command: [no-such-gemini] }\n`;
    appendFileSync(join(home.work, 'tutti.yaml'), clis);
    writeFileSync(
      join(home.work, 'config.yaml'),
      'version: 1\nwatchdog: { restarts: { max: 2, within: 10m }, backoff: { base: 1ms, cap: 5ms } }\n',
    );
    home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
    await home.data(['spawn', 'bystander', '--task', 'hello', '--wait']);
  });
  afterAll(() => home.remove());

  it('prints rubbish and exits: is started again, and given up with the reason', async () => {
    await home.run(['spawn', 'rubbish', '--cli', 'claude', '--task', 'do it']);
    const ran = await home.run(['wait', 'rubbish']);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/rubbish is failed: .*ended 3 times in 10 min/);
    const agent = await home.agent('rubbish');
    expect(agent).toMatchObject({
      state: 'failed',
      status: 'error',
      phase: 'failed',
      pid: null,
      queued: 1,
      hint: expect.any(String),
    });
    expect(agent.reason).toContain('cannot go on');
    expect((await home.run(['ps'])).stdout).toMatch(/^rubbish +✗ FAILED /m);
    expect((await home.run(['why', 'rubbish'])).stdout).toMatch(/rubbish is failed: .*\n {2}fix {3}\S/);
    const raw = (await home.events('rubbish')).flatMap((event) => (event.type === 'raw' ? [event.line] : []));
    expect(raw.filter((line) => line.startsWith('Segmentation fault'))).toHaveLength(3);
    expect((await home.run(['wait', 'rubbish', '--for', 'failed'])).status).toBe(0);
    expect(await home.agent('bystander')).toMatchObject({ state: 'idle' });
  });

  it('is tried again by resume', async () => {
    writeFileSync(join(home.work, 'rubbish.mjs'), `import(${JSON.stringify(FAKE_CLAUDE)});`);
    await home.run(['resume', 'rubbish']);
    expect(await home.idle('rubbish')).toMatchObject({ reason: null, queued: 0 });
    expect(await home.said('rubbish')).toContain('user: do it');
  });

  it('runs a command that it asked nobody about: its turn ends, and it is failed until a person has looked', async () => {
    await home.run(['send', 'rubbish', 'ungated touch ran.txt']);
    const failed = await home.until('rubbish', ({ state }) => state === 'failed');
    expect(failed.reason).toMatch(/^guard_bypassed: The call toolu_\d+ of bash ran and nobody had judged it/);
    expect(failed.hint).toContain('tutti logs');
    const guards = (await home.events('rubbish')).filter((event) => event.type === 'guard');
    expect(guards.at(-1)).toMatchObject({ rule: 'guard-bypassed', verdict: 'deny', tool: 'bash' });
    await home.run(['send', 'rubbish', 'tool touch never.txt']);
    expect((await home.agent('rubbish')).queued).toBe(1);
    await home.run(['resume', 'rubbish']);
    expect(await home.idle('rubbish')).toMatchObject({ reason: null, queued: 0 });
  });

  it.each([
    ['codex', '/no/such/codex'],
    ['gemini', 'no-such-gemini'],
  ])('%s is not there: said at once with what to do, and not tried again', async (cli, command) => {
    await home.run(['spawn', `no-${cli}`, '--cli', cli]);
    const ran = await home.run(['wait', `no-${cli}`, '--json']);
    expect(ran.status).toBe(1);
    expect(ran.json.message).toContain(command);
    expect(ran.json.hint).toMatch(/install|PATH|command/);
    expect(await home.agent(`no-${cli}`)).toMatchObject({
      state: 'failed',
      restarts: 0,
      incarnation: expect.any(Number),
      pid: null,
    });
  });

  it('has no folder to work in any more: failed, and back when the folder is', async () => {
    const cwd = join(home.work, 'going');
    mkdirSync(cwd);
    await home.data(['spawn', 'homeless', '--cwd', cwd]);
    await home.idle('homeless');
    await home.run(['stop', 'homeless']);
    rmSync(cwd, { recursive: true });
    await home.run(['resume', 'homeless']);
    const agent = await home.until('homeless', (a) => a.state === 'failed');
    expect(agent.reason).toContain(cwd);
    expect(agent.restarts).toBe(0);
    mkdirSync(cwd);
    await home.run(['resume', 'homeless']);
    await home.idle('homeless');
  });

  it('has a key that is refused: failed, with what to do, and not tried again', async () => {
    await home.run(['spawn', 'locked', '--task', '[[scenario:auth]]']);
    const agent = await home.until('locked', (a) => a.state !== 'starting' && a.state !== 'working');
    expect(['failed', 'waiting', 'idle']).toContain(agent.state);
    const errors = (await home.events('locked')).flatMap((event) => (event.type === 'error' ? [event.code] : []));
    expect(errors).toContain('auth');
    expect(agent.reason).toMatch(/key|auth/i);
  });

  it('meets a limit: limited with its time, and goes on by itself', async () => {
    await home.run(['spawn', 'eager', '--task', 'Go. [[scenario:ratelimit n=1 retry_after=12]]']);
    const ran = await home.run(['wait', 'eager', '--for', 'limited']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^eager {2}limited until \d\d:\d\d:\d\d/) });
    expect((await home.run(['ps'])).stdout).toMatch(/^eager +‖ limited until \d\d:\d\d:\d\d/m);
    expect(await home.run(['wait', 'eager', '--for', 'idle'])).toMatchObject({ status: 0 });
    expect(await home.said('eager')).toContain('assistant: It worked after all.');
  });
});

describe('a home that cannot be used', () => {
  let home: TuttiHome;
  let disk: SmallDisk | null = null;
  beforeAll(async () => {
    home = await tuttiHome();
  });
  afterEach(() => {
    disk?.unmount();
    disk = null;
  });
  afterAll(() => home.remove());

  const refuses = async (path: string): Promise<void> => {
    for (const args of [['ps'], ['spawn', 'x'], ['supervisor', 'start']]) {
      const ran = await home.run([...args, '--home', path]);
      expect({ args, status: ran.status }).toEqual({ args, status: 1 });
      expect(ran.stderr).toMatch(/cannot be used as TUTTI_HOME {2}\(RUNTIME_ERROR\)\n {2}why {3}.*\n {2}fix {3}\S/);
    }
    const json = await home.run(['ps', '--home', path, '--json']);
    expect(json.json).toMatchObject({ status: 'error', code: 'RUNTIME_ERROR', hint: expect.any(String) });
  };

  it('because a file is in its place, or above it', async () => {
    const file = join(home.work, 'file');
    writeFileSync(file, 'not a folder');
    await refuses(file);
    await refuses(join(file, 'below'));
  });

  it.runIf(smallDisk.available)('because its disk is read-only', async () => {
    const place = join(home.work, 'readonly');
    disk = smallDisk.mount(place, '1m');
    mkdirSync(join(place, 'home'));
    execFileSync('mount', ['-o', 'remount,ro', place], { stdio: 'pipe' });
    await refuses(join(place, 'home'));
    await refuses(join(place, 'new'));
    const doctor = await home.run(['doctor', '--home', join(place, 'home')]);
    expect(doctor.status).toBe(1);
    expect(doctor.stdout).toMatch(/✗ .*is not writable\n {4}fix {2}/);
  });
});

describe('a home whose path is too long for a socket', () => {
  let home: TuttiHome;
  beforeAll(async () => {
    home = await tuttiHome({ name: `deep-${'x'.repeat(150)}` });
  });
  afterAll(() => home.remove());

  it('works: spawn, send, attach, restart of the supervisor, down', async () => {
    expect(home.home.length).toBeGreaterThan(150);
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    expect(await home.run(['send', 'alice', 'again', '--wait'])).toMatchObject({ stdout: 'ack again\n' });
    const outer = `tutti-test-long-${home.home8}`;
    const person = (...args: string[]) =>
      execFileSync('tmux', ['-L', outer, '-f', '/dev/null', ...args], {
        encoding: 'utf8',
        env: { ...home.env, TERM: 'xterm-256color' },
      });
    person(
      'new-session',
      '-d',
      '-s',
      'out',
      '-x',
      '100',
      '-y',
      '30',
      'env',
      '-u',
      'TMUX',
      process.execPath,
      MAIN,
      'attach',
      'alice',
    );
    await waitFor('the transcript', () => person('capture-pane', '-p', '-t', '=out:').includes('ack again'));
    person('kill-server');
    rmSync(tmuxSocketPath(outer), { force: true });
    const { pid } = await home.agent('alice');
    await home.run(['supervisor', 'restart']);
    expect(await home.idle('alice')).toMatchObject({ pid });
    expect((await home.run(['doctor'])).stdout).toContain('they stand under /tmp instead');
    expect(statSync(dirname(home.paths.supervisorSocket)).mode & 0o777).toBe(0o700);
    await home.run(['down', '--all']);
    await waitFor('nothing of the home lives', () => home.alive().length === 0);
  });
});

describe.runIf(smallDisk.available)('a full disk', () => {
  let home: TuttiHome;
  let disk: SmallDisk;
  beforeAll(async () => {
    home = await tuttiHome();
    const log = join(home.work, 'bob.log');
    const claude = `{ command: [${process.execPath}, ${FAKE_CLAUDE}], env: { FAKE_LOG: ${log} } }`;
    appendFileSync(join(home.work, 'tutti.yaml'), `  claude: ${claude}\n`);
    home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
    writeFileSync(home.env['TUTTI_CONFIG'], 'version: 1\nwatchdog: { limit: { base: 1s, cap: 2s } }\n');
    disk = smallDisk.mount(home.home, '12m');
  });
  afterAll(async () => {
    await home.end();
    disk.unmount();
    await home.remove();
  });

  /** Until not a byte more fits. */
  function fill(): string {
    const file = join(home.home, 'filler');
    for (const size of [1024 * 1024, 64 * 1024, 4096, 1]) {
      const block = Buffer.alloc(size);
      for (;;) {
        const before = existsSync(file) ? statSync(file).size : 0;
        try {
          appendFileSync(file, block);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          if (statSync(file).size > before + size) truncateSync(file, before + size);
          break;
        }
      }
    }
    return file;
  }

  it('holds the agents and says so; with room again everything goes on, and no word is lost', async () => {
    const release = join(home.work, 'disk.go');
    const command = `until [ -e ${release} ]; do sleep 0.05; done; seq 1 3000`;
    await home.data(['spawn', 'alice', '--task', `Hold. [[scenario:tool cmd="${command}"]]`]);
    // Alice keeps a record of her own in the home; bob writes nothing there, his pane host alone does.
    await home.data(['spawn', 'bob', '--cli', 'claude', '--task', `tool ${command}`]);
    const before = await Promise.all(
      ['alice', 'bob'].map((name) => home.until(name, (agent) => agent.toolCalls === 1)),
    );
    for (const name of ['alice', 'bob']) expect((await home.run(['send', name, 'say before'])).status).toBe(0);
    const filler = fill();
    writeFileSync(release, '');
    const told = await waitFor('ps says so', async () => {
      const ran = await home.run(['ps']);
      return /no space/i.test(ran.stderr + ran.stdout) && ran;
    });
    expect(told).toMatchObject({ status: 0, stdout: expect.stringMatching(/^alice .*^bob /ms) });
    // More than what the last page of the log may still take.
    const refused = await home.run(['send', 'bob', '-', '--json'], { input: `say full ${'x'.repeat(20_000)}` });
    expect({ status: refused.status, code: refused.json.code }).toEqual({ status: 1, code: 'RUNTIME_ERROR' });
    expect(refused.json.message).toMatch(/no space/);
    expect(refused.json.hint).toMatch(/make room/);

    rmSync(filler);
    for (const name of ['alice', 'bob'])
      await waitFor('it is taken again', async () => (await home.run(['send', name, 'say after'])).status === 0);
    for (const { name, pid } of before) {
      const said = () => home.said(name);
      await waitFor(`${name} has worked on all`, async () => (await said()).includes('user: say after'), 60_000);
      expect(await home.idle(name)).toMatchObject({ pid, incarnation: 1 });
      const users = (await said()).filter((text) => text.startsWith('user: say'));
      expect(users).toEqual(['user: say before', 'user: say after']);
    }
    const { conversation = '' } = home.model.requests().at(-1) ?? {};
    const alice = home.model
      .messages(conversation)
      .filter(({ role, text }) => role === 'user' && text.startsWith('say'));
    expect(alice.map(({ text }) => text)).toEqual(['say before', 'say after']);
    const bob = readFileSync(join(home.work, 'bob.log'), 'utf8').trim().split('\n');
    expect(bob.map((line) => (JSON.parse(line) as { message: { content: string } }).message.content).slice(1)).toEqual([
      'say before',
      'say after',
    ]);
    const results = (await home.events('bob')).filter((event) => event.type === 'tool_result');
    expect(results).toHaveLength(1);
    expect(await home.data(['ps'])).toMatchObject({ problems: [] });
    await home.run(['down', '--all']);
  });
});
