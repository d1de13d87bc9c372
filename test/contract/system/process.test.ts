import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processes } from '../../../src/system/proc/index.ts';
import { converse, findProgram, runForeground, runProcess, startDetached } from '../../../src/system/process.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';
import { waitFor } from '../../support/wait.ts';

let home: TempHome;
beforeEach(() => {
  home = tempHome();
});
afterEach(() => home.remove());

const LONG_MS = 20_000;
const run = (argv: string[], timeoutMs = LONG_MS) => runProcess(argv, { env: home.env, timeoutMs });

describe('running a program to its end', () => {
  it('gives status, output and the exact arguments; nothing of our environment is inherited', async () => {
    const result = await run([
      process.execPath,
      '-e',
      'console.log(process.argv[1], Object.keys(process.env).sort().join()); process.exit(3)',
      'a;$b\n',
    ]);
    expect(result).toMatchObject({ ok: false, started: true, code: 3, signal: null, how: 'exit' });
    expect(result.stdout).toBe(`a;$b\n ${Object.keys(home.env).sort().join()}`);
  });

  it.each([
    {
      id: 'a missing program',
      argv: ['tutti-no-such-program'],
      end: { started: false, how: 'not_started', code: null },
    },
    {
      id: 'a killed one',
      argv: ['/bin/sh', '-c', 'kill -9 $$'],
      end: { how: 'signal', signal: 'SIGKILL', code: null },
    },
  ])('$id is told apart', async ({ argv, end }) => {
    expect(await run(argv)).toMatchObject({ ok: false, ...end, message: expect.stringMatching(/./) });
  });

  it('one that takes too long is killed', async () => {
    expect(await run(['sleep', '1000'], 50)).toMatchObject({ ok: false, how: 'timeout' });
  });

  it('takes input, and gives none by default', async () => {
    expect((await runProcess(['cat'], { env: home.env, timeoutMs: LONG_MS, input: 'hé\n\n' })).stdout).toBe('hé\n');
    expect(await run(['cat'])).toMatchObject({ ok: true, stdout: '' });
  });
});

describe('a conversation', () => {
  it('hands on whole lines, however they were cut, and says how it ended', async () => {
    const seen: string[] = [];
    const message = await new Promise<string>((ended) => {
      const talk = converse(
        ['/bin/sh', '-c', 'read a; printf "one\\ntw"; printf "o é\\n$a\\nhalf"; echo words >&2; exit 4'],
        { env: home.env, cwd: '/' },
        { line: (line) => seen.push(line), ended },
      );
      talk.write('hello\n');
    });
    expect(seen).toEqual(['one', 'two é', 'hello']);
    expect(message).toBe('words');
  });

  it('one that cannot be started ends with the reason', async () => {
    const message = await new Promise<string>((ended) => {
      converse(['tutti-no-such-program'], { env: home.env, cwd: '/' }, { line: () => undefined, ended });
    });
    expect(message).toContain('ENOENT');
  });
});

describe('a detached process', () => {
  it('outlives the one that started it, and what it prints goes to the file', async () => {
    const log = join(home.paths.log, 'out');
    const pid = await startDetached(['/bin/sh', '-c', 'echo begun; exec sleep 1000'], {
      env: home.env,
      cwd: '/',
      stderr: log,
    });
    await waitFor('it printed', () => readFileSync(log, 'utf8') === 'begun\n');
    expect(processes.start(pid)).not.toBeNull();
    process.kill(pid, 'SIGKILL');
  });

  it('one that cannot be started rejects', async () => {
    const options = { env: home.env, cwd: '/', stderr: join(home.paths.log, 'out') };
    await expect(startDetached(['tutti-no-such-program'], options)).rejects.toThrow('ENOENT');
  });
});

describe('the foreground', () => {
  it('gives the exit status', async () => {
    expect(await runForeground(['/bin/sh', '-c', 'exit 5'], home.env)).toBe(5);
    await expect(runForeground(['tutti-no-such-program'], home.env)).rejects.toThrow('ENOENT');
  });
});

describe('finding a program', () => {
  it('takes the first executable file on PATH, and starts nothing', () => {
    const [a, b] = [join(home.home, 'a'), join(home.home, 'b')];
    for (const folder of [a, b]) mkdirSync(folder);
    mkdirSync(join(a, 'prog'));
    writeFileSync(join(b, 'prog'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(b, 'plain'), '', { mode: 0o644 });
    expect(findProgram('prog', { PATH: `:relative:${a}:${b}` })).toBe(join(b, 'prog'));
    expect(findProgram('plain', { PATH: b })).toBeNull();
    expect(findProgram(join(b, 'prog'), {})).toBe(join(b, 'prog'));
    expect(findProgram('prog', {})).toBeNull();
    rmSync(b, { recursive: true });
  });
});
