import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  defaultHome,
  homeFromEnvironment,
  homePaths,
  ownFolder,
  prepareHome,
  shortRunDir,
  SOCKET_PATH_LIMIT,
  tmuxSocketName,
} from '../../../src/system/paths.ts';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-paths-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('homeFromEnvironment', () => {
  const cases: { id: string; env: Record<string, string>; home: string }[] = [
    { id: 'TUTTI_HOME wins', env: { TUTTI_HOME: '/a/b', XDG_STATE_HOME: '/x', HOME: '/h' }, home: '/a/b' },
    { id: 'XDG_STATE_HOME', env: { XDG_STATE_HOME: '/x', HOME: '/h' }, home: '/x/tutti' },
    {
      id: 'a relative XDG_STATE_HOME is ignored',
      env: { XDG_STATE_HOME: 'x', HOME: '/h' },
      home: '/h/.local/state/tutti',
    },
    { id: 'the default', env: { HOME: '/h' }, home: '/h/.local/state/tutti' },
    { id: 'an empty TUTTI_HOME is none', env: { TUTTI_HOME: '', HOME: '/h' }, home: '/h/.local/state/tutti' },
  ];
  it.each(cases)('$id', ({ env, home }) => expect(homeFromEnvironment(env)).toBe(home));
});

describe('homePaths', () => {
  it('names a home by its real path, however it was spelled', () => {
    const real = join(folder, 'real');
    mkdirSync(real);
    symlinkSync(real, join(folder, 'link'));
    const direct = homePaths(real);
    expect(homePaths(join(folder, 'link')).home8).toBe(direct.home8);
    expect(direct.home8).toBe(createHash('sha256').update(real).digest('hex').slice(0, 8));
  });

  it('works for a home that does not exist yet', () => {
    expect(homePaths(join(folder, 'not/yet')).db).toBe(join(folder, 'not/yet/db.json'));
  });

  it('moves sockets to /tmp when their path is too long, and keeps everything else in the home', () => {
    const long = homePaths(join(folder, 'l'.repeat(90)));
    expect(long.hostSocket('abc')).toBe(`${shortRunDir(long.home8)}/hosts/abc.sock`);
    expect(long.supervisorSocket).toBe(`${shortRunDir(long.home8)}/supervisor.sock`);
    expect(long.hostLock('abc').startsWith(long.home)).toBe(true);
    for (const socket of [long.hostSocket('a'.repeat(36)), long.supervisorSocket]) {
      expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(SOCKET_PATH_LIMIT);
    }
  });

  it.each(['', '../x', 'a/b', '.', 'a\0', 'x'.repeat(65)])('refuses the agent id %j', (id) => {
    expect(() => homePaths(folder).hostDir(id)).toThrow('not an agent id');
  });
});

describe('prepareHome', () => {
  it('makes every folder 0700 and narrows wide ones', () => {
    const home = join(folder, 'fresh/home');
    mkdirSync(home, { recursive: true, mode: 0o755 });
    const paths = prepareHome(home);
    for (const path of [paths.home, paths.events, paths.hosts, paths.env, paths.run, `${paths.run}/hosts`]) {
      expect(lstatSync(path).mode & 0o777).toBe(0o700);
    }
  });

  it('makes the folder in /tmp for a long home, 0700', () => {
    const paths = prepareHome(join(folder, 'm'.repeat(90)));
    try {
      expect(lstatSync(shortRunDir(paths.home8)).mode & 0o777).toBe(0o700);
      expect(lstatSync(`${shortRunDir(paths.home8)}/hosts`).mode & 0o777).toBe(0o700);
    } finally {
      rmSync(shortRunDir(paths.home8), { recursive: true });
    }
  });

  it('refuses a symbolic link where a folder of ours belongs', () => {
    symlinkSync('/', join(folder, 'trap'));
    expect(() => ownFolder(join(folder, 'trap'))).toThrow('is not a folder');
  });
});

describe('tmuxSocketName', () => {
  it('is tutti for the default home and carries the home hash for any other', () => {
    const env = { HOME: folder };
    const other = join(folder, 'other');
    expect(tmuxSocketName(defaultHome(env), env)).toBe('tutti');
    expect(tmuxSocketName(other, env)).toBe(`tutti-${homePaths(other).home8}`);
    expect(tmuxSocketName(other, { ...env, TUTTI_TMUX: 'mine' })).toBe('mine');
  });
});
