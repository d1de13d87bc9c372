/** What a pane host outlives, and what does not outlive it. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { carriersOf } from '../../src/system/proc/index.ts';
import { waitFor } from '../support/wait.ts';
import {
  HEAP_FLAGS,
  type HostUnderTest,
  hostProgram,
  hostUnderTest,
  isAlive,
  type Link,
  outWith,
  removeBuiltHost,
} from './host-harness.ts';

let host: HostUnderTest;
let link: Link;

beforeEach(async () => {
  host = hostUnderTest();
  await host.open(1);
  link = await host.connect();
  await link.start(1);
  await host.record('ready');
});
afterEach(async () => {
  link.close();
  await host.remove();
});
afterAll(removeBuiltHost);

const serverPid = (): number => Number(host.tmux('display-message', '-p', '#{pid}'));
const kill = (pid: number, signal: NodeJS.Signals): void => void process.kill(pid, signal);

describe('a pane host', () => {
  it('is replaced after a SIGKILL, and the next one starts nothing before all of the old run is gone', async () => {
    await link.message('tool sleep 1000 & sleep 1001');
    const tree = await host.record('tree', (record) => record.pids.length >= 2);
    const { pid } = await host.record('spawn');
    kill(host.pid(), 'SIGKILL');
    await waitFor('end of file', () => link.socket.destroyed || link.socket.readableEnded);
    await waitFor('the CLI ends with its host', () => !isAlive(pid));
    expect(tree.pids.some((one) => isAlive(one.pid))).toBe(true);
    await host.open(2);
    link = await host.connect();
    expect((await link.start(2, true)).ok).toBe(true);
    expect(tree.pids.filter((one) => isAlive(one.pid))).toEqual([]);
    const left = carriersOf(`${host.home.home8}/a1/1`);
    expect(left).toEqual([]);
    await host.record('ready');
    expect((await link.message('say back again')).ok).toBe(true);
  });

  it('works on without a terminal when the tmux server is killed, and says that it is blind', async () => {
    const pid = host.pid();
    kill(serverPid(), 'SIGKILL');
    await waitFor('it knows', async () => {
      link.close();
      link = await host.connect();
      return link.hello.blind;
    });
    expect(await link.message('tool echo still here')).toMatchObject({ ok: true });
    await waitFor('the result', () => outWith(host.records(), '"content":"still here').length > 0);
    host.tmux(
      'new-session',
      '-d',
      '-s',
      'alice',
      '-x',
      '80',
      '-y',
      '24',
      process.execPath,
      hostProgram(),
      'view',
      host.home.paths.home,
      'a1',
    );
    await waitFor(
      'a view shows what was and what is',
      () => /Bash +echo still here/.test(host.screen()) && /○ idle/.test(host.screen()),
    );
    host.tmux('send-keys', '-t', '=alice:', 'say typed in the view', 'Enter');
    await waitFor('the typed words came back', () => /alice +typed in the view/.test(host.screen()));
    expect(isAlive(pid)).toBe(true);
    await link.command('quit', {}, 'q');
    await waitFor('it is gone', () => !isAlive(pid));
  });

  it('does not wait for a stopped tmux server, and draws later what it could not', async () => {
    const server = serverPid();
    kill(server, 'SIGSTOP');
    try {
      for (let i = 0; i < 30; i++) await link.message(`tool seq ${i} 400; exit 1`);
      await waitFor('all turns end', () => outWith(host.records(), '"type":"result"').length === 30);
      expect(host.records().filter((r) => r.kind === 'done' && r.ok).length).toBeGreaterThanOrEqual(31);
    } finally {
      kill(server, 'SIGCONT');
    }
    const screen = await waitFor('the pane catches up', () => {
      const text = host.screen();
      return /seq 29 400/.test(text) && /○ idle/.test(text) && text;
    });
    expect(screen.match(/^\d\d:\d\d:\d\d Bash +seq \d+ 400; exit 1/gm)).toHaveLength(30);
    expect(screen.match(/Ctrl-b d detach/g)).toHaveLength(1);
  });

  it('takes a line of 60 MiB in pieces, under its own heap flags', async () => {
    await link.message('big 60');
    const last = await host.record('piece', (record) => record.last !== undefined);
    expect(last.last).toMatchObject({ cut: false });
    expect(last.last?.bytes).toBeGreaterThan(60 * 1024 * 1024);
    await waitFor('the turn goes on', () => outWith(host.records(), 'big done').length > 0);
    const pieces = host.records().flatMap((r) => (r.kind === 'piece' ? [r] : []));
    expect(pieces.map(({ part }) => part)).toEqual(pieces.map((_, i) => i));
    expect(pieces.reduce((sum, { text }) => sum + text.length, 0)).toBe(last.last?.bytes);
  });

  it('ends a CLI that ignores every polite signal', async () => {
    await link.ask('stop', {});
    host.writeEnv({ env: { ...host.home.env, FAKE_STUBBORN: '1' } });
    await link.start(2);
    const { pid } = await host.record('spawn', ({ incarnation }) => incarnation === 2);
    await host.record('ready', ({ incarnation }) => incarnation === 2);
    expect(await link.ask('stop', {})).toEqual({ ok: true, result: { left: 0 } });
    expect(isAlive(pid)).toBe(false);
    expect(await host.record('exit', ({ incarnation }) => incarnation === 2)).toMatchObject({
      signal: 'SIGKILL',
      asked: true,
    });
  });

  it('is the only one of its agent', () => {
    const second = (): string =>
      execFileSync(process.execPath, [hostProgram(), host.home.paths.home, 'a1', '9'], {
        env: host.home.env,
        stdio: 'pipe',
      }).toString();
    expect(second).toThrow(/has a host already/);
  });

  it('lets the newest supervisor command, and refuses the one before', async () => {
    const newer = await host.connect();
    expect((await newer.message('say from the newer')).ok).toBe(true);
    expect(
      (await link.command('message', { messageId: 'm', text: 'say x', from: 'user', now: false, ordinal: 0 }, 'm'))
        .refused,
    ).toBe('not_greeted');
    newer.close();
  });

  it('takes up a message of unknown fate only by asking the conversation', async () => {
    const id = '00000000-0000-4000-8000-0000000000aa';
    const args = { messageId: id, text: 'crash', from: 'user', now: false, ordinal: 0 };
    const { pid } = await host.record('spawn');
    kill(pid, 'SIGSTOP');
    await link.command('message', args, id);
    await host.record('in', (record) => 'line' in record && (record as { line: string }).line.includes(id));
    kill(pid, 'SIGKILL');
    await host.record('exit');
    await link.start(2, true);
    await host.record('ready', ({ incarnation }) => incarnation === 2);
    expect((await link.command('message', args, id)).refused).toBe('unknown_delivery');
    expect(await link.ask('confirm', { ...args, text: 'say it' }, id)).toMatchObject({ ok: true });
  });

  it('stays near the memory of a Node process with the same modules when fresh, and below 25 MiB after 20,000 events', async () => {
    await link.message('flood 20000');
    await waitFor('the end of the flood', () => outWith(host.records(), 'flooded').length > 0);
    link.close();
    const used = memoryOf(host.pid());
    kill(host.pid(), 'SIGKILL');
    await host.open(2);
    const fresh = memoryOf(host.pid());
    const modules = "for (const m of ['child_process','crypto','tty','module','string_decoder']) require(m);";
    const server = "require('net').createServer().listen(0, () => console.log(1))";
    const bare = spawn(process.execPath, [...HEAP_FLAGS, '-e', modules + server], { env: host.home.env });
    try {
      await new Promise((done) => bare.stdout.once('data', done));
      const limit = memoryOf(bare.pid ?? 0);
      const mib = (kib: number): string => (kib / 1024).toFixed(1);
      console.log(
        `own memory in MiB: fresh host ${mib(fresh)}, after 20,000 events ${mib(used)}, the modules alone ${mib(limit)}`,
      );
      expect(fresh).toBeLessThan(limit * 1.4);
      expect(used).toBeLessThan(25 * 1024);
    } finally {
      bare.kill('SIGKILL');
    }
  });
});

/** Memory of its own: what does not depend on who else runs the same program. KiB. */
function memoryOf(pid: number): number {
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}
