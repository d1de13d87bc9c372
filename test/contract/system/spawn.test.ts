import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alive } from '../../../src/system/proc/index.ts';
import { spawnCli } from '../../../src/system/spawn.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';

let home: TempHome;
beforeEach(() => {
  home = tempHome();
});
afterEach(() => home.remove());

describe('starting a CLI', () => {
  it('gives it exactly these arguments, this folder and this environment, whatever is in them', async () => {
    const odd = ['a b', '$HOME', "it's", '"q"', '; rm -rf x', 'new\nline', '*', '', 'é🎉'];
    const script =
      'process.stdin.resume(); console.log(JSON.stringify({argv:process.argv.slice(1),cwd:process.cwd(),env:process.env}))';
    const env = { ODD: 'x\ny', PATH: home.env['PATH'] ?? '' };
    const result = await spawnCli({ argv: ['node', '-e', script, '--', ...odd], cwd: home.home, env });
    if (!result.ok) throw new Error(result.message);
    expect(alive({ pid: result.pid, start: result.start })).toBe(true);
    result.child.stdin.end();
    let text = '';
    for await (const chunk of result.child.stdout) text += String(chunk);
    expect(JSON.parse(text)).toEqual({ argv: odd, cwd: home.home, env });
  });

  it('keeps it in the session of its host', async () => {
    const result = await spawnCli({ argv: ['/bin/sh', '-c', 'ps -o sid= -p $$'], cwd: '/', env: home.env });
    if (!result.ok) throw new Error(result.message);
    let text = '';
    for await (const chunk of result.child.stdout) text += String(chunk);
    const mine = await spawnCli({ argv: ['ps', '-o', 'sid=', '-p', String(process.pid)], cwd: '/', env: home.env });
    if (!mine.ok) throw new Error(mine.message);
    let own = '';
    for await (const chunk of mine.child.stdout) own += String(chunk);
    expect(text.trim()).toBe(own.trim());
  });

  it.each([
    { id: 'no such program', argv: ['tutti-no-such-program'], cwd: '/', code: 'missing' },
    { id: 'no such path', argv: ['/no/such/program'], cwd: '/', code: 'missing' },
    { id: 'no such folder', argv: ['/bin/true'], cwd: '/no/such/folder', code: 'missing_folder' },
    { id: 'a file for a folder', argv: ['/bin/true'], cwd: '/etc/passwd', code: 'missing_folder' },
    { id: 'an empty command', argv: [], cwd: '/', code: 'missing' },
    { id: 'a NUL byte', argv: ['/bin/echo', 'a\0b'], cwd: '/', code: 'ERR_INVALID_ARG_VALUE' },
  ])('says what is wrong: $id', async ({ argv, cwd, code }) => {
    expect(await spawnCli({ argv, cwd, env: home.env })).toMatchObject({ ok: false, code });
  });

  it('says that a file may not be executed', async () => {
    const file = join(home.home, 'plain');
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o644);
    expect(await spawnCli({ argv: [file], cwd: '/', env: home.env })).toMatchObject({
      ok: false,
      code: 'not_executable',
    });
  });
});
