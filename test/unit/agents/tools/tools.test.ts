import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blockedBy } from '../../../../src/agents/tools/blocklist.ts';
import { Clipped, clip } from '../../../../src/agents/tools/clip.ts';
import { confined } from '../../../../src/agents/tools/confine.ts';
import { toolsOf } from '../../../../src/agents/tools/index.ts';
import type { JsonObject } from '../../../../src/core/event.ts';

let root: string;
let cwd: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-tools-')));
  cwd = join(root, 'work');
  mkdirSync(cwd);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const run = (name: string, args: JsonObject, bashLimitMs = 10_000) => {
  const tool = toolsOf.v1.find((each) => each.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool.run(args, { cwd, signal: new AbortController().signal, bashLimitMs });
};

describe('commands that are never run', () => {
  const blocked = [
    ['rm -rf /', 'rm -rf /'],
    ['rm -fr /', 'rm -rf /'],
    ['rm -r -f /*', 'rm -rf /'],
    ['rm -rf --no-preserve-root /', 'rm -rf /'],
    ['cd / && rm -rf "/"', 'rm -rf /'],
    ['rm -Rf ~', 'rm -rf /'],
    ['rm -rf $HOME/', 'rm -rf /'],
    ['rm -rf /usr', 'rm -rf /'],
    ['bash -c "rm -rf /"', 'rm -rf /'],
    ['sudo ls', 'sudo'],
    ['echo x | /usr/bin/sudo tee y', 'sudo'],
    ['shutdown -h now', 'shutdown'],
    ['reboot', 'reboot'],
    ['(reboot)', 'reboot'],
    ['echo x > /dev/sda', '> /dev/'],
    ['echo x >>/dev/sda1', '> /dev/'],
    ['dd if=x of=/dev/nvme0n1', '> /dev/'],
  ];
  test.each(blocked)('%s', (command, by) => expect(blockedBy(command)).toBe(by));

  const allowed = [
    'rm -rf ./build',
    'rm -rf /tmp/x/y',
    'rm file',
    'ls / -R',
    'make 2>/dev/null',
    'echo x >&2 > /dev/stderr',
    'npm run sudoku',
    'cat docs/reboot.md',
    'grep -r pseudo .',
  ];
  test.each(allowed)('%s may run', (command) => expect(blockedBy(command)).toBeNull());
});

describe('paths', () => {
  test('stay inside the working folder', () => {
    mkdirSync(join(cwd, 'sub'));
    symlinkSync(root, join(cwd, 'out'));
    symlinkSync(join(root, 'missing'), join(cwd, 'broken'));
    symlinkSync(join(cwd, 'sub'), join(cwd, 'in'));
    mkdirSync(join(root, 'work-too'));
    const bad = ['../x', '/etc/passwd', 'sub/../../x', 'out/x', 'out', 'broken', '../work-too/x', '..', '', 'a\0b'];
    for (const path of bad) expect(confined(cwd, path).ok, path).toBe(false);
    expect(confined(cwd, 'in/new/file')).toEqual({ ok: true, path: join(cwd, 'sub/new/file') });
    expect(confined(cwd, join(cwd, 'x'))).toEqual({ ok: true, path: join(cwd, 'x') });
    expect(confined(cwd, '..x')).toEqual({ ok: true, path: join(cwd, '..x') });
  });

  test.each(['read', 'write', 'edit'])('%s refuses one outside', async (tool) => {
    writeFileSync(join(root, 'secret'), 'old');
    const output = await run(tool, { path: '../secret', content: 'new', old_string: 'old', new_string: 'new' });
    expect(output).toMatchObject({ isError: true, text: expect.stringContaining('outside the working folder') });
    expect(readFileSync(join(root, 'secret'), 'utf8')).toBe('old');
  });
});

describe('the file tools', () => {
  test('read gives lines from an offset, and clips what is long', async () => {
    writeFileSync(join(cwd, 'a'), 'one\ntwo\nthree\n');
    expect((await run('read', { path: 'a', offset: 2, limit: 1 })).text).toBe('two');
    writeFileSync(join(cwd, 'long'), 'x'.repeat(60_000));
    expect((await run('read', { path: 'long' })).text).toContain('10000 characters left out');
  });

  test('what is not there, is a folder or is not text is an error output', async () => {
    writeFileSync(join(cwd, 'latin1'), Buffer.from([0x61, 0xe9]));
    expect(await run('read', { path: 'nothing' })).toMatchObject({ isError: true });
    expect(await run('read', { path: '.' })).toMatchObject({ isError: true });
    expect(await run('edit', { path: 'latin1', old_string: 'a', new_string: 'b' })).toMatchObject({ isError: true });
    expect(readFileSync(join(cwd, 'latin1'))).toEqual(Buffer.from([0x61, 0xe9]));
  });

  test('edit tells when the text occurs more than once, and when it does not', async () => {
    writeFileSync(join(cwd, 'a'), 'x x x');
    expect((await run('edit', { path: 'a', old_string: 'x', new_string: 'y' })).text).toBe(
      'Edited the first of 3 occurrences in a',
    );
    expect(readFileSync(join(cwd, 'a'), 'utf8')).toBe('y x x');
    expect(await run('edit', { path: 'a', old_string: 'z', new_string: 'y' })).toMatchObject({ isError: true });
  });

  test.each([{}, { path: 1 }, { path: 'a', content: 2 }, { path: 'a', old_string: '', new_string: '' }])(
    'wrong arguments %j are an error output',
    async (args) => {
      for (const tool of ['write', 'edit'])
        expect(await run(tool, args as JsonObject)).toMatchObject({ isError: true });
    },
  );
});

describe('bash', () => {
  test('gives stdout and stderr, and says how it failed', async () => {
    expect(await run('bash', { command: 'echo out; echo err >&2' })).toEqual({ text: 'out\nerr', isError: false });
    expect(await run('bash', { command: 'echo no >&2; exit 3' })).toEqual({ text: 'Exit code 3\nno', isError: true });
    expect(await run('bash', { command: 'true' })).toEqual({ text: '(no output)', isError: false });
    expect(await run('bash', { command: 'kill -9 $$' })).toEqual({ text: 'Ended by SIGKILL', isError: true });
  });

  test('a command over its time is ended with all that it started', async () => {
    const output = await run('bash', { command: 'sleep 300 & echo $! > pid; wait' }, 200);
    expect(output).toEqual({ text: 'Timed out after 0.2 s: the command was ended.', isError: true });
    const stat = `/proc/${readFileSync(join(cwd, 'pid'), 'utf8').trim()}/stat`;
    expect(!existsSync(stat) || readFileSync(stat, 'utf8').includes(' Z ')).toBe(true);
  });

  test('what it leaves in the background does not hold it up', async () => {
    const output = await run('bash', { command: 'sleep 300 & echo $!' });
    expect(output.isError).toBe(false);
    process.kill(Number(output.text), 'SIGKILL');
  });

  test('does not wait for input', async () => {
    expect(await run('bash', { command: 'cat; echo done' })).toEqual({ text: 'done', isError: false });
  });

  test('of a long output the middle is left out', async () => {
    const { text } = await run('bash', { command: 'seq 1 60000' });
    expect(text.length).toBeLessThan(50_100);
    expect(text.startsWith('1\n2\n')).toBe(true);
    expect(text.endsWith('59999\n60000')).toBe(true);
  });

  test('is refused what is on the list', async () => {
    expect(await run('bash', { command: 'sudo true' })).toMatchObject({
      isError: true,
      text: expect.stringContaining('never run'),
    });
  });
});

test('clipping gives the same however the text comes', () => {
  const text = Array.from({ length: 500 }, (_, i) => i).join(' ');
  for (const size of [1, 7, 64, 5000]) {
    const clipped = new Clipped(100);
    for (let at = 0; at < text.length; at += size) clipped.add(text.slice(at, at + size));
    expect(clipped.text()).toBe(clip(text, 100));
  }
  expect(clip('short', 100)).toBe('short');
});
