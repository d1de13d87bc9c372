/** What a person sees and types in the pane of a real host, in a real tmux. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { type HostUnderTest, hostUnderTest, type Link, outWith, removeBuiltHost } from './host-harness.ts';

let host: HostUnderTest;
let link: Link;

beforeEach(async () => {
  host = hostUnderTest();
  await host.open(1);
  link = await host.connect();
  const view = { name: 'alice', cli: 'claude', model: 'fake', task: 'T-17 Fix the login test', branch: 'wt/alice' };
  await link.ask('configure', { permissions: 'auto', rules: null, view, below: [] });
  await link.start(1);
  await host.record('ready');
});
afterEach(async () => {
  link.close();
  await host.remove();
});
afterAll(removeBuiltHost);

const shows = (text: string | RegExp): Promise<string> =>
  waitFor(`the pane shows ${text}`, () => {
    const screen = host.screen();
    return (typeof text === 'string' ? screen.includes(text) : text.test(screen)) && screen;
  });
const type = (...keys: string[]): void => void host.tmux('send-keys', '-t', '=alice:', ...keys);

describe('the pane', () => {
  it('shows who works on what, and one line per call with object, result and duration', async () => {
    await link.message('tool printf "one\\ntwo\\n"; exit 3');
    const screen = await shows('✗ exit 3');
    expect(screen.match(/^── alice · claude fake · T-17 Fix the login test · wt\/alice ─+$/gm)).toHaveLength(1);
    expect(screen).toMatch(/\d\d:\d\d:\d\d you {7}tool printf/);
    expect(screen).toMatch(/\d\d:\d\d:\d\d Bash {6}printf .*✗ exit 3 {2}\d\.\ds/);
    expect(screen).toMatch(/│ two/);
    expect(await shows(/○ idle since/)).toContain('Ctrl-b d detach');
  });

  it('keeps escapes, bells and broken lines of the CLI out of the terminal', async () => {
    await link.message('garbage');
    const screen = await shows('after');
    expect(screen).toContain('red');
    expect(host.tmux('capture-pane', '-p', '-e', '-S', '-', '-t', '=alice:')).not.toMatch(/\x1b\[31mred|\x07/);
    expect(host.tmux('list-panes', '-a', '-F', '#{window_bell_flag}').trim()).toBe('0');
  });

  it('delivers what is typed, with the supervisor away too, and records it', async () => {
    link.close();
    type('say typed words', 'Enter');
    const typed = await host.record('typed');
    expect(typed).toMatchObject({ verb: 'message', text: 'say typed words' });
    await host.record('done', (record) => record.id === typed.id && record.ok);
    await shows(/alice {5}typed words/);
  });

  it('keeps a paste of several lines whole, and Alt-Enter adds a line', async () => {
    host.tmux('set-buffer', '-b', 'p', 'say first\nsecond');
    host.tmux('paste-buffer', '-p', '-b', 'p', '-t', '=alice:');
    await shows('> say first⏎second');
    type('M-Enter', 'third', 'Enter');
    expect((await host.record('typed')).text).toBe('say first\nsecond\nthird');
  });

  it('keeps unsent text and edits it', async () => {
    type('say helo', 'BSpace', 'lo', 'Home', 'Delete', 's');
    const screen = await shows('> say hello');
    expect(screen.trimEnd().split('\n').at(-1)).toBe('> say hello');
    type('C-c');
    await waitFor('the input is clear', () => host.screen().trimEnd().split('\n').at(-1) === '>');
  });

  it('interrupts the turn with Ctrl-C, and explains itself at the next', async () => {
    await link.message('sleep');
    await shows('● working');
    type('C-c');
    await shows('turn over: interrupted');
    expect(host.records().some((r) => r.kind === 'typed' && r.verb === 'interrupt')).toBe(true);
    await shows('○ idle');
    type('C-c');
    await shows('tutti stop alice ends the agent');
  });

  it('puts a request to the person, who answers with one key', async () => {
    await link.ask('configure', {
      permissions: 'ask',
      rules: null,
      view: { name: 'alice', cli: 'claude', model: null, task: null, branch: null },
      below: [],
    });
    await link.message('tool echo allowed > said.txt; cat said.txt');
    const request = await host.record('request');
    const screen = await shows('▲ ASKS');
    expect(screen).toMatch(/▲ ASKS {4}Run Bash: echo allowed > said\.txt/);
    expect(screen).toContain(`y once  n deny  (${request.requestId})`);
    await shows('▲ WAITING');
    type('y');
    expect(await host.record('answered')).toMatchObject({
      requestId: request.requestId,
      decision: 'allowed',
      by: 'user',
    });
    await shows('│ allowed');
  });

  it('has the same scrollback after ten resizes, and goes on below it', async () => {
    for (const word of ['alpha', 'beta', 'gamma']) await link.message(`say ${word} ${'lorem ipsum '.repeat(30)}`);
    await link.message('tool seq 40');
    await shows('… 35 more lines');
    await shows('○ idle');
    const rows = (): string[] =>
      host
        .tmux('capture-pane', '-p', '-J', '-S', '-', '-t', '=alice:')
        .split('\n')
        .map((row) => row.trimEnd())
        .filter((row) => row !== '');
    const before = rows();
    expect(before.filter((row) => row.includes('Ctrl-b d detach'))).toHaveLength(1);
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
      [80, 24],
    ];
    for (const [cols, lines] of sizes) {
      host.tmux('resize-window', '-t', '=alice:', '-x', String(cols), '-y', String(lines));
      await waitFor('the footer has the new width', () => {
        const last = host.tmux('capture-pane', '-p', '-t', '=alice:').trimEnd().split('\n').slice(-2);
        const status = last.at(0) ?? '';
        return /since/.test(status) && (last.at(1) ?? '').startsWith('>') && status.length >= (cols ?? 0) - 2;
      });
    }
    expect(rows()).toEqual(before);
    await link.message('say one more');
    await shows(/alice {5}one more/);
    await shows('○ idle');
    const after = rows();
    expect(after.filter((row) => row.includes('Ctrl-b d detach'))).toHaveLength(1);
    expect(after.slice(0, before.length - 2)).toEqual(before.slice(0, -2));
  });

  it('draws wide and combining characters', async () => {
    await link.message('say 漢字 é ✓ done');
    await shows('漢字 é ✓ done');
    expect(outWith(host.records(), '漢字').length).toBeGreaterThan(0);
  });
});
