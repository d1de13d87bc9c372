import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Tmux } from '../../../src/supervisor/ports.ts';
import { alive, environmentOf } from '../../../src/system/proc/table.ts';
import { runProcess } from '../../../src/system/process.ts';
import { sessionTarget } from '../../../src/system/tmux/index.ts';
import { rememberedServer, socketFile } from '../../../src/system/tmux/server.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';
import { tmuxOf } from '../../support/tmux.ts';
import { waitFor } from '../../support/wait.ts';
import { tmuxSuite } from '../../contract/suites/tmux.ts';

let home: TempHome;
let tmux: Tmux;
beforeEach(() => {
  home = tempHome();
  tmux = tmuxOf(home);
});
afterEach(async () => {
  for (const { session } of await tmux.list()) await tmux.kill(sessionTarget(session));
  await tmux.close();
  await home.remove();
});

const stays = ['sleep', '1000'];
const open = (name: string, argv = stays, to = tmux) =>
  to.open(sessionTarget(name), argv, { cwd: home.home, title: name });
/** A tmux command as a person types it. */
const byHand = async (...words: string[]) => {
  const result = await runProcess(['tmux', '-L', home.tmuxSocket, ...words], { env: home.env, timeoutMs: 10_000 });
  return result.ok ? result.stdout : Promise.reject(new Error(result.stderr));
};
const serverId = () => rememberedServer(home.paths.tmuxPid) ?? { pid: 0, start: '' };

describe('the real tmux', () => {
  tmuxSuite(() => ({
    tmux: tmuxOf(home),
    target: sessionTarget,
    stays,
    ends: ['true'],
    cwd: home.home,
    waitFor,
  }));

  it('gives a program exactly its arguments, whatever is in them', async () => {
    const out = join(home.home, 'argv.json');
    const odd = [
      'a b',
      "it's",
      '"q"',
      ';',
      'end;',
      'new\nline\r',
      '$HOME',
      '~',
      '#{pid}',
      '#(id)',
      '%H',
      '\\',
      '',
      '{',
      '}',
      'é🎉',
      '\t\x1b[1m',
    ];
    const script = 'require("fs").writeFileSync(process.argv[1],JSON.stringify({argv:process.argv.slice(2)}))';
    await open('alice', [process.execPath, '-e', script, out, ...odd]);
    await waitFor('the program ran', async () => (await tmux.list())[0]?.dead === true);
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual({ argv: odd });
  });

  it('runs a single word as a program, not as a shell command', async () => {
    await open('alice', ['sleep 1000; touch nope']);
    await waitFor('it could not run', async () => (await tmux.list())[0]?.dead === true);
    expect(() => readFileSync(join(home.home, 'nope'))).toThrow();
  });

  it('starts a pane in its folder, also with odd characters, and runs nothing from its name', async () => {
    for (const [name, folder] of [
      ['alice', "it's a; dir"],
      ['bob', 'x#(touch gotcha)'],
    ] as const) {
      mkdirSync(join(home.home, folder));
      await tmux.open(sessionTarget(name), stays, { cwd: join(home.home, folder), title: name });
    }
    expect(await byHand('display-message', '-p', '-t', '=alice:', '#{pane_current_path}')).toBe(
      join(home.home, "it's a; dir"),
    );
    await tmux.list();
    expect(() => readFileSync(join(home.home, 'gotcha'))).toThrow();
  });

  it('hands no secret, marker, TMUX, CLAUDE or NODE_OPTIONS variable to the server or a pane, and ignores TMUX_TMPDIR', async () => {
    const unsafe = {
      ...home.env,
      ANTHROPIC_API_KEY: 'sk-secret-value',
      TUTTI_AGENT: `${home.home8}/x/1`,
      TMUX: '/tmp/other,1,0',
      TMUX_TMPDIR: home.home,
      CLAUDECODE: '1',
      NODE_OPTIONS: '--no-warnings',
    };
    const pane = await open('alice', stays, tmuxOf(home, { env: unsafe }));
    const names = (pid: number) => (environmentOf(pid) ?? []).map((line) => line.split('=')[0] ?? '');
    const bad = /KEY|^TUTTI_AGENT$|^CLAUDE|^NODE_OPTIONS|^TMUX_TMPDIR/;
    expect(names(serverId().pid).filter((name) => bad.test(name) || name === 'TMUX')).toEqual([]);
    expect(names(serverId().pid)).toContain('TUTTI_ROLE');
    // TMUX and TMUX_PANE are of our own server here.
    expect(names(pane.pid).filter((name) => bad.test(name))).toEqual([]);
    expect(await byHand('show-environment', '-g')).not.toContain('secret');
  });

  it('reads no configuration of the user', async () => {
    mkdirSync(join(home.env['HOME'] ?? '', '.config/tmux'), { recursive: true });
    for (const file of ['.tmux.conf', '.config/tmux/tmux.conf']) {
      writeFileSync(join(home.env['HOME'] ?? '', file), 'set -g prefix C-a\nset -g @user yes\n');
    }
    await open('alice');
    expect(await byHand('show-options', '-gqv', 'prefix')).toBe('C-b');
    expect(await byHand('show-options', '-gqv', '@user')).toBe('');
    expect(await byHand('show-options', '-gqv', 'history-limit')).toBe('2000');
    expect(await byHand('show-options', '-gwqv', 'remain-on-exit')).toBe('on');
    expect(await byHand('show-messages')).not.toMatch(/unknown|invalid|error/i);
  });

  it('the status line shows text as it is: no format, no time, no command', async () => {
    await open('alice');
    const text = '50% #(touch gotcha) #[fg=red]#{pid} ## %H \u001b[31m';
    await tmux.setStatus(sessionTarget('alice'), text, 'right #S');
    expect(await byHand('display-message', '-p', '-t', '=alice:', '#{T:status-right}')).toBe('right #S');
    const seen = await shownStatus('alice');
    expect(seen).toContain('50% #(touch gotcha) #[fg=red]#{pid} ## %H  [31m');
    expect(seen).toContain('right #S');
  });

  /** The status line as an attached client shows it, in a tmux of the same server. */
  async function shownStatus(name: string): Promise<string> {
    await byHand(
      'new-session',
      '-d',
      '-s',
      'screen',
      '-x',
      '160',
      '-y',
      '20',
      'env',
      '-u',
      'TMUX',
      'tmux',
      '-L',
      home.tmuxSocket,
      'attach',
      '-t',
      `=${name}`,
    );
    const last = async () => (await byHand('capture-pane', '-p', '-t', '=screen:')).trimEnd().split('\n').at(-1) ?? '';
    try {
      return await waitFor('the status line is drawn', async () => ((await last()).includes('right') ? last() : null));
    } finally {
      await byHand('kill-session', '-t', '=screen');
    }
  }

  it('notices that the server was killed, and starts another', async () => {
    await open('alice');
    const gone = new Promise<void>((done) => tmux.onServerGone(done));
    process.kill(serverId().pid, 'SIGKILL');
    await gone;
    expect(await tmux.list()).toEqual([]);
    await open('bob');
    expect((await tmux.list()).map(({ session }) => session)).toEqual(['bob']);
  });

  it('a server whose socket was removed is found again and nothing is started beside it', async () => {
    const pane = await open('alice');
    rmSync(socketFile(home.tmuxSocket));
    const other = tmuxOf(home);
    expect(await other.list()).toEqual([pane]);
    await other.close();
  });

  it('a keeper that somebody closed comes back, and that is no death of the server', async () => {
    const pane = await open('alice');
    let gone = false;
    tmux.onServerGone(() => {
      gone = true;
    });
    await byHand('kill-session', '-t', '=_tutti');
    await waitFor('the keeper is back', async () => (await byHand('list-sessions')).includes('_tutti'));
    expect(await tmux.list()).toEqual([pane]);
    expect(gone).toBe(false);
  });

  it('a stopped server is neither alive nor absent: asking it rejects, and it is asked again when it goes on', async () => {
    const pane = await open('alice');
    process.kill(serverId().pid, 'SIGSTOP');
    try {
      await expect(tmux.list()).rejects.toThrow('went away');
    } finally {
      process.kill(serverId().pid, 'SIGCONT');
    }
    expect(await waitFor('it answers again', () => tmux.list().catch(() => null))).toEqual([pane]);
  });

  it('refuses a server that belongs to another home, and one that is none of ours', async () => {
    await open('alice');
    const other = tempHome();
    const intruder = tmuxOf(other, { socket: home.tmuxSocket });
    await expect(intruder.list()).rejects.toThrow(`belongs to ${home.home}`);
    await other.remove();
  });

  it('windows of a person in an agent’s session are left alone', async () => {
    const pane = await open('alice');
    await byHand('new-window', '-t', '=alice:', 'sleep', '1000');
    await byHand('split-window', '-t', '=alice:0', 'sleep', '1000');
    expect(await tmux.list()).toEqual([pane]);
    await byHand('kill-window', '-t', '=alice:0');
    expect(await tmux.list()).toEqual([]);
    const again = await open('alice');
    expect(await tmux.list()).toEqual([again]);
  });

  it('opens fifty sessions at once', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `agent-${i}`);
    const panes = await Promise.all(names.map((name) => open(name)));
    expect(new Set(panes.map(({ pid }) => pid)).size).toBe(50);
    expect((await tmux.list()).map(({ session }) => session).sort()).toEqual(names.sort());
    await Promise.all(names.map((name) => tmux.kill(sessionTarget(name))));
    expect(await tmux.list()).toEqual([]);
  });

  it('close ends the server process', async () => {
    await open('alice');
    const id = serverId();
    await tmux.kill(sessionTarget('alice'));
    await tmux.close();
    expect(alive(id)).toBe(false);
    tmux = tmuxOf(home);
  });

  it('says which tmux it is', async () => {
    expect(await tmux.version()).toMatch(/^\d+\.\d+/);
    const none = tmuxOf(home, { env: { ...home.env, PATH: '/nonexistent' } });
    await expect(none.version()).rejects.toThrow('cannot be run');
    await expect(none.open(sessionTarget('a'), stays, { cwd: '/', title: '' })).rejects.toThrow('cannot be run');
  });

  it('a supervisor that is killed leaves no control client behind', async () => {
    await open('alice');
    await tmux.close();
    const child = spawn('tmux', ['-L', home.tmuxSocket, '-C', 'attach', '-t', '=alice'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const exited = new Promise((done) => child.once('exit', done));
    child.stdin.end();
    await exited;
    tmux = tmuxOf(home);
  });
});
