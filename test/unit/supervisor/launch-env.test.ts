import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  accountOf,
  filledIn,
  type LaunchFile,
  readLaunchFile,
  removeLaunchFile,
  writeLaunchFile,
} from '../../../src/supervisor/launch-env.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-launch-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file: LaunchFile = {
  ...{ v: 1, name: 'a', cli: 'claude', home8: '00000000', command: ['claude'], args: [], cwd: '/', model: null },
  ...{ env: { A: 'b' }, secrets: {}, permissions: 'auto', systemPrompt: null, settings: {} },
  fallbacks: [],
};

describe('launch files', () => {
  it('are private, whole, and leave nothing else behind', async () => {
    const path = join(folder, 'x.json');
    await writeLaunchFile(path, { ...file, command: ['claude'], args: [] });
    await writeLaunchFile(path, { ...file, command: ['other'], args: [] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await readLaunchFile(path)).toMatchObject({ command: ['other'], env: { A: 'b' } });
    expect(readdirSync(folder)).toEqual(['x.json']);
    await removeLaunchFile(path);
    await removeLaunchFile(path);
    expect(await readLaunchFile(path)).toBeNull();
  });

  it('that are damaged are an error, never an empty environment', async () => {
    const path = join(folder, 'x.json');
    writeFileSync(path, '{"v":1,');
    await expect(readLaunchFile(path)).rejects.toThrow();
  });

  it('leave the old one alone when the new one cannot be written', async () => {
    await expect(writeLaunchFile(join(folder, 'no', 'x.json'), { ...file, command: [], args: [] })).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('accountOf', () => {
  it('is the default one where nothing tells logins apart', () => {
    expect(accountOf('claude', { PATH: '/bin' })).toBe('claude:default');
  });

  it.each([
    ['another key', { OPENAI_API_KEY: 'k1' }, { OPENAI_API_KEY: 'k2' }],
    ['another folder', { CODEX_HOME: '/a' }, { CODEX_HOME: '/b' }],
    ['a key and none', { OPENAI_API_KEY: 'k1' }, {}],
  ])('tells %s apart, the same way each time, without showing it', (_id, one, two) => {
    expect(accountOf('codex', one)).not.toBe(accountOf('codex', two));
    expect(accountOf('codex', one)).toBe(accountOf('codex', one));
    expect(accountOf('codex', one)).toMatch(/^codex:[0-9a-f]{8}$/);
  });
});

describe('accountOf of a CLI', () => {
  it('does not mind keys that the CLI does not use', () => {
    expect(accountOf('codex', { ANTHROPIC_API_KEY: 'k1' })).toBe('codex:default');
    expect(accountOf('claude', { OPENAI_API_KEY: 'k1' })).toBe('claude:default');
  });

  it('minds every key where it is not known which one it uses', () => {
    expect(accountOf('opencode', { ANTHROPIC_API_KEY: 'k1' })).not.toBe('opencode:default');
  });
});

describe('a launch with variables that the shell lacks', () => {
  const launch = {
    ...{ command: null, args: [], systemPrompt: null, missing: ['TOKEN', 'HOST'] },
    env: { A: 'plain', MY_TOKEN: '${TOKEN}', URL: 'http://${HOST}/' },
    secrets: { MY_TOKEN: '${TOKEN}' },
  };

  it('takes the values that were kept, secrets as secrets', () => {
    const kept = {
      ...file,
      env: { MY_TOKEN: 'kept-secret', URL: 'http://kept/' },
      secrets: { MY_TOKEN: 'kept-secret' },
    };
    expect(filledIn(launch, kept)).toMatchObject({
      env: { A: 'plain', MY_TOKEN: 'kept-secret', URL: 'http://kept/' },
      secrets: { MY_TOKEN: 'kept-secret' },
      missing: [],
    });
  });

  it('names those that nobody has', () => {
    expect(filledIn(launch, null).missing).toEqual(['TOKEN', 'HOST']);
    expect(filledIn(launch, { ...file, env: { URL: 'http://kept/' } }).missing).toEqual(['TOKEN']);
  });
});
