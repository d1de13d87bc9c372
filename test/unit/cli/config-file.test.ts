import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findProjectFile,
  loadProjectFile,
  loadUserConfig,
  nearest,
  projectName,
} from '../../../src/cli/config-file.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-config-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string): string => {
  const file = join(folder, 'tutti.yaml');
  writeFileSync(file, text);
  return file;
};

const problem = (text: string): string => {
  const file = write(text);
  try {
    loadProjectFile(file);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
};

describe('a tutti.yaml that is wrong', () => {
  const cases: [string, string, string][] = [
    ['broken yaml', 'version: 1\nagents: [', ':2:10: not valid YAML'],
    [
      'a wrong type',
      'version: 1\nagents:\n  alice:\n    once: 3\n',
      'tutti.yaml:4:5: agents.alice.once: expected a boolean, found 3',
    ],
    [
      'an unknown key',
      'version: 1\nagents:\n  alice:\n    taks: x\n',
      'tutti.yaml:4:5: agents.alice.taks: no such key; did you mean "task"?',
    ],
    [
      'an unknown key at the top',
      'version: 1\nagnets: {}\n',
      'tutti.yaml:2:1: agnets: no such key; did you mean "agents"?',
    ],
    [
      'a bad choice',
      'version: 1\ndefaults:\n  permissions: yolo\n',
      'tutti.yaml:3:3: defaults.permissions: expected "ask" or "auto" or "bypass", found "yolo"',
    ],
    [
      'a bad name',
      'version: 1\nagents:\n  Alice: {}\n',
      'tutti.yaml:3:3: agents.Alice: "Alice" is no valid name here: a name: 1-32 of a-z 0-9 - _, starting with a letter',
    ],
    [
      'a bad duration',
      'version: 1\nwatchdog: { backoff: { base: 5 minutes } }\n',
      'watchdog.backoff.base: expected a duration such as 250ms, 30s, 5m or 2h',
    ],
    ['no version', 'agents: {}\n', 'tutti.yaml:1:1: version: expected 1, found nothing'],
    ['a scalar file', 'hello\n', '(file): expected a mapping (key: value), found "hello"'],
    [
      'a part that this version does not have',
      'version: 1\npipelines: { ship: {} }\n',
      'tutti.yaml:2:1: pipelines: expected nothing',
    ],
  ];
  it.each(cases)('%s is explained with file, line, key and expectation', (_id, text, expected) => {
    expect(problem(text)).toContain(expected);
  });

  it('shows at most ten problems and counts the rest', () => {
    const agents = Array.from({ length: 14 }, (_, i) => `  a${i}: { once: maybe }`).join('\n');
    const text = problem(`version: 1\nagents:\n${agents}\n`);
    expect(text.match(/expected a boolean/g)).toHaveLength(10);
    expect(text).toContain('and 4 more');
  });
});

describe('a tutti.yaml that is right', () => {
  it('takes its project name from the folder when it gives none', () => {
    const inner = join(folder, 'My App');
    mkdirSync(inner);
    writeFileSync(join(inner, 'tutti.yaml'), 'version: 1\nagents: { alice: { task: x }, bob: }\n');
    const loaded = loadProjectFile(join(inner, 'tutti.yaml'));
    expect(loaded.project).toBe('my-app');
    expect(loaded.config.agents).toEqual({ alice: { task: 'x' }, bob: null });
    expect(loaded.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is found upwards from a folder inside', () => {
    const file = write('version: 1\n');
    mkdirSync(join(folder, 'a/b'), { recursive: true });
    expect(findProjectFile(join(folder, 'a/b'))).toBe(file);
  });
});

describe('the user configuration', () => {
  it('may be missing, unless TUTTI_CONFIG names it', () => {
    expect(loadUserConfig({ XDG_CONFIG_HOME: folder })).toBeNull();
    expect(() => loadUserConfig({ TUTTI_CONFIG: join(folder, 'none.yaml') })).toThrow('does not exist');
  });
});

it.each([
  ['My App', 'my-app'],
  ['123', 'default'],
  ['9lives', 'lives'],
  ['x'.repeat(50), 'x'.repeat(32)],
])('the folder %s becomes the project %s', (name, expected) => {
  expect(projectName(`/somewhere/${name}`)).toBe(expected);
});

it('finds the nearest word only when it is near', () => {
  expect(nearest('staus', ['status', 'stop'])).toBe('status');
  expect(nearest('xyz', ['status', 'stop'])).toBeNull();
});

describe('a section of which everything is commented out', () => {
  it('is one that is not there', () => {
    const { config } = loadProjectFile(write('version: 1\nagents:\n  # alice: {}\ndefaults:\n'));
    expect(config).toEqual({ version: 1 });
  });
});
