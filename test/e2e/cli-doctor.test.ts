/** `tutti doctor` of the built program: what it finds, what it mends. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Row, type TuttiHome, tuttiHome } from '../support/tutti.ts';

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome();
});
afterAll(() => home.remove());

const findings = async (...args: string[]): Promise<Row[]> => (await home.data(['doctor', ...args]))['findings'];
const finding = (all: Row[], id: string): Row | undefined => all.find((one) => one['id'] === id);

describe('doctor', () => {
  it('looks at everything that tutti needs, and starts nothing', async () => {
    const ran = await home.run(['doctor']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^✓ node \d+/m);
    expect(ran.stdout).toMatch(/^✓ tmux \d/m);
    expect(ran.stdout).toMatch(/^✓ git \d/m);
    expect(ran.stdout).toMatch(/Nothing stops tutti from working\.\n$/);
    const all = await findings();
    for (const id of [
      'config',
      'node',
      'tmux',
      'git',
      'cli:claude',
      'cli:codex',
      'home',
      'disk',
      'sockets',
      'leftovers',
      'supervisor',
      'service',
    ])
      expect(finding(all, id), id).toMatchObject({
        grade: expect.stringMatching(/ok|warn|skip/),
        message: expect.any(String),
      });
    expect(home.alive()).toEqual([]);
  });

  it('finds a supervisor that dies again and again, and a service without its launcher', async () => {
    const run = { pid: 1, start: '1', boot: '1', at: 1 };
    writeFileSync(home.paths.tally, JSON.stringify({ v: 1, crashes: 3, lastCrashAt: 0, running: run }));
    writeFileSync(home.paths.serviceRecord, JSON.stringify({ kind: 'launchd', name: 'dev.tutti.supervisor' }));
    const all = await findings();
    expect(finding(all, 'supervisor')).toMatchObject({
      grade: 'warn',
      message: 'the supervisor: it ended unasked 3 times in a row, the last time before 1970-01-01T00:00:00.000Z',
    });
    expect(finding(all, 'service')).toMatchObject({ grade: 'warn', fix: 'tutti service install writes it anew' });
    rmSync(home.paths.tally);
    rmSync(home.paths.serviceRecord);
    expect(finding(await findings(), 'supervisor')).toMatchObject({ grade: 'ok' });
  });

  it('finds a home that others can read, and --fix mends it', async () => {
    chmodSync(home.home, 0o755);
    expect(finding(await findings(), 'private')).toMatchObject({
      grade: 'warn',
      fix: `chmod 700 ${home.home}`,
      fixable: true,
    });
    const fixed = await home.run(['doctor', '--fix']);
    expect(fixed).toMatchObject({ status: 0, stdout: expect.stringContaining(`mended: chmod 700 ${home.home}`) });
    expect(statSync(home.home).mode & 0o777).toBe(0o700);
    expect(finding(await findings(), 'home')).toMatchObject({ grade: 'ok' });
  });

  it('finds what a dead agent left behind, and --fix ends it; what a living one has is not touched', async () => {
    await home.data(['spawn', 'alice', '--task', 'hello [[scenario:tool cmd="sleep 1000"]]']);
    const alice = await home.until('alice', (agent) => agent.toolCalls === 1);
    const left = spawn('sleep', ['1000'], {
      env: { PATH: home.env['PATH'], TUTTI_AGENT: `${home.home8}/0123456789/1` },
      stdio: 'ignore',
      detached: true,
    });
    const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)));
    expect(finding(await findings(), 'leftovers')).toMatchObject({
      grade: 'warn',
      message: `1 process of agent 0123456789 without a host: ${left.pid}`,
    });
    const fixed = await home.run(['doctor', '--fix']);
    expect(fixed.stdout).toContain(`mended: ended ${left.pid}`);
    expect(await ended).toMatch(/^SIG/);
    expect(await home.agent('alice')).toMatchObject({ state: 'working', pid: alice.pid });
    expect(finding(await findings(), 'leftovers')).toMatchObject({ grade: 'ok' });
    await home.run(['down', '--all']);
  });

  it('names what stops tutti from working, and ends with 1', async () => {
    const bin = join(home.work, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const ran = await home.run(['doctor'], { env: { PATH: bin } });
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(/^✗ tmux .*\n {4}fix {2}install tmux/m);
    expect(ran.stdout).toMatch(/stops? tutti from working\.\n$/);
    const json = await home.run(['doctor', '--json'], { env: { PATH: bin } });
    expect(json.status).toBe(1);
    expect(json.json.data['findings'].some((one: Row) => one['grade'] === 'fail')).toBe(true);
  });

  it('finds a configuration that is wrong, and looks at the rest all the same', async () => {
    writeFileSync(join(home.work, 'tutti.yaml'), 'version: 1\nagents:\n  alice: { taks: x }\n');
    const ran = await home.run(['doctor']);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(
      /✗ .*tutti\.yaml:3:12: agents\.alice\.taks: no such key; did you mean "task"\?\n {4}fix {2}\S/,
    );
    expect(ran.stdout).toMatch(/^✓ tmux/m);
  });

  it('warns of what is known to end badly, with the reason, and does not fail for it', async () => {
    writeFileSync(
      join(home.work, 'tutti.yaml'),
      'version: 1\nwatchdog: { restarts: { max: 500 } }\nagents:\n  alice: { permissions: bypass }\n  bob:\n',
    );
    const all = await findings();
    for (const [id, message] of [
      ['config:unbounded-retry', /500 within 10m/],
      ['config:no-gates', /bypass: alice/],
      ['config:shared-workspace', /alice, bob/],
    ] as const) {
      expect(finding(all, id), id).toMatchObject({
        grade: 'warn',
        message: expect.stringMatching(message),
        why: expect.any(String),
        fix: expect.any(String),
      });
    }
    expect(all.filter((one) => String(one['id']).startsWith('config:'))).toHaveLength(3);
    const ran = await home.run(['doctor']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^▲ no-gates: .*\n {4}why {2}\S.*\n {4}fix {2}\S/m);
  });

  it('finds the CLIs of the configuration, and their versions', async () => {
    const old = join(home.work, 'old-claude.mjs');
    writeFileSync(old, 'console.log("1.0.3 (Claude Code)")');
    const silent = join(home.work, 'silent.mjs');
    writeFileSync(silent, 'process.exit(7)');
    const command = (file: string): string => `{ command: [${process.execPath}, ${file}] }`;
    writeFileSync(
      join(home.work, 'tutti.yaml'),
      `version: 1\nclis:\n  claude: ${command(old)}\n  codex: ${command(silent)}\n`,
    );
    const ran = await home.run(['doctor', '--json']);
    const all = ran.json.data['findings'] as Row[];
    expect(finding(all, 'cli:claude')).toMatchObject({
      grade: 'fail',
      message: expect.stringContaining('1.0.3 is older than'),
    });
    expect(finding(all, 'cli:codex')).toMatchObject({ grade: 'warn', message: expect.stringContaining('(exit 7)') });
    expect(ran.status).toBe(1);
  });
});
