/** `tutti attach` in real tmux, from outside, from another tmux server and from our own; and what is seen there. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoProject, demoTask } from '../../src/agents/scripted-model/index.ts';
import { tmuxSocketPath } from '../support/tmux-socket.ts';
import { MAIN, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

let home: TuttiHome;
let outer: string;

/** The tmux server of a person, not ours. */
const person = (...args: string[]): string => tmux(outer, ...args);
const ours = (...args: string[]): string => tmux(home.tmuxSocket, ...args);
function tmux(socket: string, ...args: string[]): string {
  return execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
    encoding: 'utf8',
    env: { ...home.env, TERM: 'xterm-256color' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
}
const tutti = (...args: string[]): string[] => [process.execPath, MAIN, ...args];
const screen = (session: string): string => person('capture-pane', '-p', '-t', `=${session}:`);
const shows = (session: string, text: RegExp): Promise<string> =>
  waitFor(`${session} shows ${text}`, () => {
    const now = screen(session);
    return text.test(now) && now;
  });
/** Sessions of our server that a client looks at. */
const looking = (): string[] =>
  ours('list-clients', '-F', '#{client_session} #{client_control_mode}')
    .split('\n')
    .filter((line) => line.endsWith(' 0'))
    .map((line) => line.slice(0, -2));
const looks = (session: string): Promise<unknown> =>
  waitFor(`a client looks at ${session}`, () => looking().includes(session));

beforeAll(async () => {
  home = await tuttiHome();
  outer = `tutti-test-person-${home.home8}`;
  const repository = join(home.work, 'repository');
  mkdirSync(repository);
  for (const [name, content] of Object.entries(demoProject)) writeFileSync(join(repository, name), content);
  await home.data(['spawn', 'alice', '--task', 'hello there', '--wait']);
  await home.data(['spawn', 'al', '--task', 'hi from al', '--wait']);
  await home.data(['spawn', 'coder', '--cwd', repository, '--task', demoTask, '--wait']);
  person('new-session', '-d', '-s', 'shell', '-x', '110', '-y', '30', 'sh');
});
afterAll(async () => {
  person('kill-server');
  await home.remove();
  rmSync(tmuxSocketPath(outer), { force: true });
});

describe('attach', () => {
  it('from outside shows the transcript, and Ctrl-b d leaves the agent running', async () => {
    const { pid } = await home.agent('alice');
    const argv = ['env', '-u', 'TMUX', '-u', 'TMUX_PANE', 'TMUX_TMPDIR=/nonexistent', 'TERM=xterm-256color'];
    person('new-session', '-d', '-s', 'outside', '-x', '100', '-y', '30', ...argv, ...tutti('attach', 'alice'));
    const shown = await shows('outside', /alice {5}ack hello there/);
    expect(shown).toMatch(/you {7}hello there/);
    await shows('outside', /○ alice idle · tutti.* Ctrl-b d leaves it running/);
    await looks('alice');
    person('send-keys', '-t', '=outside:', 'typed by a person', 'Enter');
    await shows('outside', /alice {5}ack typed by a person/);
    person('set-option', '-g', 'prefix', 'C-a');
    person('send-keys', '-t', '=outside:', 'C-b', 'd');
    await waitFor('the command has ended', () => !person('list-sessions', '-F', '#S').split('\n').includes('outside'));
    expect(looking()).toEqual([]);
    expect((await home.agent('alice')).pid).toBe(pid);
  });

  it('from another tmux opens a window there, and shows the prefix to be pressed twice', async () => {
    person('send-keys', '-t', '=shell:', tutti('attach', 'alice').join(' '), 'Enter');
    await waitFor('a new window', () =>
      person('list-windows', '-t', '=shell', '-F', '#W').split('\n').includes('alice'),
    );
    await looks('alice');
    await shows('shell', /alice {5}ack hello there/);
    await shows('shell', /Ctrl-b Ctrl-b d leaves it running/);
    person('kill-window', '-t', '=shell:alice');
    await waitFor('nobody looks', () => looking().length === 0);
  });

  it('with --here attaches in the pane itself', async () => {
    person('send-keys', '-t', '=shell:', `${tutti('attach', 'alice', '--here').join(' ')}; echo back again`, 'Enter');
    await looks('alice');
    expect(person('list-windows', '-t', '=shell', '-F', '#W').trim().split('\n')).toHaveLength(1);
    await shows('shell', /Ctrl-b Ctrl-b d leaves it running/);
    person('send-keys', '-t', '=shell:', 'C-b', 'd');
    await shows('shell', /^back again$/m);
  });

  it('from our own server switches the client', async () => {
    const argv = ['env', '-u', 'TMUX', '-u', 'TMUX_PANE', 'TERM=xterm-256color'];
    person('new-session', '-d', '-s', 'inside', '-x', '100', '-y', '30', ...argv, ...tutti('attach', 'alice'));
    await looks('alice');
    ours('new-window', '-t', '=alice:', 'sh');
    ours('send-keys', '-t', '=alice:', tutti('attach', 'al').join(' '), 'Enter');
    await looks('al');
    expect(looking()).toEqual(['al']);
    await shows('inside', /al {8}ack hi from al/);
    person('kill-session', '-t', '=inside');
    ours('kill-window', '-t', '=alice:1');
    await waitFor('nobody looks', () => looking().length === 0);
  });

  it('never takes a name for the beginning of another', async () => {
    await home.run(['stop', 'al']);
    await waitFor('its session is closed', () => !ours('list-sessions', '-F', '#S').split('\n').includes('al'));
    const argv = ['env', '-u', 'TMUX', '-u', 'TMUX_PANE', 'TERM=xterm-256color', 'sh', '-c'];
    const script = `${tutti('attach', 'al').join(' ')}; echo status $?; cat`;
    person('new-session', '-d', '-s', 'neighbour', '-x', '120', '-y', '30', ...argv, script);
    const said = await shows('neighbour', /status \d/);
    expect(said).toMatch(/tutti: tmux could not attach to al .*\(NOT_FOUND\)/);
    expect(said).toMatch(/why {3}al is stopped/);
    expect(said).toMatch(/status 3/);
    expect(looking()).toEqual([]);
    person('kill-session', '-t', '=neighbour');
    await home.run(['rm', 'al', '--yes']);
    expect((await home.run(['attach', 'al'])).status).toBe(3);
  });

  it('needs a terminal, and tells programs how it would attach', async () => {
    expect(await home.run(['attach', 'alice'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/attach needs a terminal {2}\(INVALID_ARGUMENT\)\n {2}fix {3}tutti logs alice -f/),
    });
    expect(await home.data(['attach', 'alice'])).toEqual({
      argv: ['tmux', '-L', home.tmuxSocket, 'attach-session', '-t', '=alice'],
      place: 'outside',
    });
  });
});

describe('the pane of an agent at work', () => {
  const rows = (): string[] =>
    ours('capture-pane', '-p', '-J', '-S', '-', '-t', '=coder:')
      .split('\n')
      .map((row) => row.trimEnd())
      .filter((row) => row !== '');

  it('has one line for each tool call, with object, result and duration, no JSON and no stray escape', () => {
    const text = rows();
    const calls = text.filter((row) => /^\d\d:\d\d:\d\d (Bash|Read|Edit) /.test(row));
    expect(calls).toHaveLength(4);
    expect(calls[0]).toMatch(/^\d\d:\d\d:\d\d Bash {6}node --test .*✗ exit 1 {2}\d+\.\ds$/);
    expect(calls[1]).toMatch(/^\d\d:\d\d:\d\d Read {6}slug\.js .*\d+ lines {2}\d+\.\ds$/);
    expect(calls[2]).toMatch(/^\d\d:\d\d:\d\d Edit {6}slug\.js .*\+4 -1 {2}\d+\.\ds$/);
    expect(calls[3]).toMatch(/^\d\d:\d\d:\d\d Bash {6}node --test .*\d+\.\ds$/);
    const all = text.join('\n');
    expect(all).not.toMatch(/[{[]"|"\}|\\n|\x1b|\^\[|\[\d+m/);
    expect(text[0]).toMatch(/^── coder · tutti .* ─+$/);
    expect(text.filter((row) => row.includes('Ctrl-b d detach'))).toHaveLength(1);
    expect(all).toMatch(/coder {5}slug\.js is mended/);
  });

  it('has the same scrollback after ten resizes', async () => {
    const before = rows();
    const sizes = [
      [60, 24],
      [60, 10],
      [120, 30],
      [40, 12],
      [80, 40],
      [100, 8],
      [33, 24],
      [140, 50],
      [61, 15],
      [200, 50],
    ];
    for (const [cols = 0, lines = 0] of sizes) {
      ours('resize-window', '-t', '=coder:', '-x', String(cols), '-y', String(lines));
      await waitFor('the footer has the new width', () => {
        const [status = '', input = ''] = ours('capture-pane', '-p', '-t', '=coder:').trimEnd().split('\n').slice(-2);
        return /since/.test(status) && input.startsWith('>') && status.length >= cols - 2;
      });
    }
    expect(rows()).toEqual(before);
  });

  it('is shown again where its tmux server died: the agent lives on', async () => {
    const before = await home.agent('coder');
    const server = Number(ours('display-message', '-p', '#{pid}'));
    expect(server).toBeGreaterThan(1);
    process.kill(server, 'SIGKILL');
    await home.run(['send', 'coder', 'are you there?']);
    const after = await home.until(
      'coder',
      (agent) => agent.state === 'idle' && agent.queued === 0 && agent.turns > before.turns,
    );
    expect(after.conversationId).toBe(before.conversationId);
    await waitFor('its pane is there again', () => {
      if (!existsSync(tmuxSocketPath(home.tmuxSocket))) return false;
      try {
        return rows().some((row) => row.includes('ack are you there?'));
      } catch (error) {
        if (error instanceof Error && 'status' in error) return false;
        throw error;
      }
    });
  });
});
