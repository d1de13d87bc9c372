/** The command line of the built program where no supervisor is needed: help, usage errors, configuration, normalize, agent. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entries } from '../../src/cli/entries.ts';
import { MAIN, projectYaml, type Ran, type TuttiHome, tuttiHome } from '../support/tutti.ts';

const streams = join(import.meta.dirname, '../streams');
const names = entries.map((entry) => entry.name);

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome();
});
afterAll(() => home.remove());

/** A fresh folder beside the home. */
function folder(name: string): string {
  const path = join(dirname(home.home), name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}

function usageError(ran: Ran): void {
  expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status: 2, stdout: '' });
  expect(ran.stderr).toMatch(/^tutti: .+ {2}\(INVALID_ARGUMENT\)\n {2}fix {3}\S/);
}

describe('help', () => {
  it('lists every command, without starting anything', async () => {
    const [bare, flag] = await Promise.all([home.run([]), home.run(['--help'])]);
    expect(bare.status).toBe(0);
    expect(flag).toMatchObject({ status: 0, stdout: bare.stdout, stderr: '' });
    for (const name of names) expect(bare.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(bare.stdout).toContain('Examples:');
    expect(readdirSync(home.paths.events)).toEqual([]);
    expect(home.alive()).toEqual([]);
  });

  it.each(names)('of %s has examples', async (name) => {
    const ran = await home.run([name, '--help']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(new RegExp(`^Usage: tutti ${name} `));
    expect(ran.stdout).toMatch(/\nExamples:\n {2}\$ \S/);
    expect(ran.stdout).toContain('--json');
  });

  it('tells the version', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(await home.run(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });
});

describe('a command line that is wrong', () => {
  const cases: [string, string[], RegExp][] = [
    ['an unknown command suggests the nearest', ['spwan'], /did you mean spawn\?/],
    ['so does an unknown subcommand', ['config', 'chekc'], /did you mean check\?/],
    ['and an unknown option', ['ps', '--wid'], /did you mean --wide\?/],
    ['a family of commands alone', ['supervisor'], /one of: start stop restart status/],
    ['a missing argument', ['spawn'], /missing required argument 'name'/],
    ['an argument too many', ['ps', 'alice'], /too many arguments/],
    ['an option without its value', ['ps', '--home'], /'--home <dir>' argument missing/],
    ['a duration without a unit', ['spawn', 'x', '--timeout', '5'], /a duration such as 250ms, 30s, 5m or 2h/],
    ['a wait for no known state', ['wait', 'x', '--for', 'sleepy'], /one or more of idle, done/],
    ['a time that is none', ['events', '--since', 'yesterday-ish'], /a seq \(a number\) or an ISO 8601 time/],
    ['an event type that is none', ['events', '--type', 'gossip'], /no event type gossip; there are: agent_spawned/],
    ['a dialect that is none', ['normalize', '--from', 'klingon'], /claude, codex, codex-exec, gemini/],
    ['no dialect', ['normalize'], /required option '--from <dialect>'/],
    ['a permission mode that is none', ['spawn', 'x', '--permissions', 'all'], /ask, auto, bypass/],
    ['a budget below zero', ['spawn', 'x', '--budget-usd', '-1'], /expected a number above 0/],
    ['a bad name', ['spawn', 'Alice'], /"Alice" is no name for an agent/],
    ['a name of 33 letters', ['spawn', 'a'.repeat(33)], /is no name for an agent/],
    ['a variable without a value', ['spawn', 'x', '--env', 'FOO'], /--env FOO: expected NAME=VALUE/],
    ['a variable that is ours', ['spawn', 'x', '--env', 'TUTTI_HOME=/'], /TUTTI_HOME cannot be set for an agent/],
    ['--wait with nothing to wait for', ['spawn', 'x', '--wait'], /--wait needs a task/],
    ['two tasks', ['spawn', 'x', '--task', 'a', '--task-file', 'b'], /exclude each other/],
    ['an empty message', ['send', 'x', '  '], /an empty message/],
    ['an account that no configuration has', ['spawn', 'x', '--account', 'rich'], /the account rich/],
    ['a file too many', ['config', 'show', 'a', 'b'], /too many arguments/],
  ];
  it.each(cases)('%s', async (_, args, says) => {
    const ran = await home.run(args);
    usageError(ran);
    expect(ran.stderr).toMatch(says);
  });

  it('is one JSON document where JSON was asked for, wherever the flag stands', async () => {
    const runs = await Promise.all([
      home.run(['spwan', '--json']),
      home.run(['--json', 'spwan']),
      home.run(['--json']),
      home.run(['config', '--json']),
      home.run(['wait', 'x', '--for', 'sleepy', '--json']),
    ]);
    for (const ran of runs) {
      expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 2, stderr: '' });
      expect(Object.keys(ran.json)).toEqual(['status', 'code', 'message', 'hint']);
      expect(ran.json).toMatchObject({ status: 'error', code: 'INVALID_ARGUMENT', hint: expect.any(String) });
    }
    expect(runs[0]?.json.hint).toBe('did you mean spawn?');
  });

  it('starts no supervisor', () => expect(home.alive()).toEqual([]));
});

describe('init', () => {
  it('writes what a repository needs, and overwrites nothing', async () => {
    const cwd = folder('My Repo 2');
    const first = await home.data(['init', '--cli', 'codex'], { cwd });
    expect(first).toEqual({ written: ['tutti.yaml', 'rules/README.md', 'LEARNINGS.md'], kept: [], cli: 'codex' });
    expect(readFileSync(join(cwd, 'tutti.yaml'), 'utf8')).toMatch(/project: my-repo-2\n.*cli: codex/s);
    expect(await home.run(['config', 'check'], { cwd })).toMatchObject({ status: 0, stderr: '' });

    writeFileSync(join(cwd, 'tutti.yaml'), 'version: 1\n');
    rmSync(join(cwd, 'LEARNINGS.md'));
    const again = await home.run(['init'], { cwd });
    expect(again.status).toBe(0);
    expect(again.stdout).toContain('kept   tutti.yaml (it was there)');
    expect(again.stdout).toContain('wrote  LEARNINGS.md');
    expect(readFileSync(join(cwd, 'tutti.yaml'), 'utf8')).toBe('version: 1\n');
  });
});

describe('config', () => {
  it('check tells what it found, for people and for programs', async () => {
    const ran = await home.run(['config', 'check']);
    expect(ran).toMatchObject({
      status: 0,
      stdout: `${join(home.work, 'tutti.yaml')}: ok (project work, 0 agents)\n`,
    });
    expect(await home.data(['config', 'check'])).toMatchObject({ project: 'work', agents: [], userConfig: null });
  });

  it('show fills in the defaults, and shows no value of a variable', async () => {
    const ran = await home.run(['config', 'show']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).not.toContain('scripted-model-needs-none');
    const shown = await home.data(['config', 'show']);
    expect(shown).toMatchObject({ project: 'work', watchdog: { restarts: { max: 5 } } });
    expect(shown['clis'].tutti.env).toEqual({ ANTHROPIC_BASE_URL: '«set»', ANTHROPIC_API_KEY: '«set»' });
  });

  it('schema is a JSON Schema', async () => {
    const ran = await home.run(['config', 'schema']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ $schema: expect.stringContaining('2020-12'), type: 'object' });
    expect((await home.data(['config', 'schema']))['type']).toBe('object');
  });

  const wrong: [string, string, RegExp][] = [
    ['broken YAML', 'version: 1\nagents: [\n', /tutti\.yaml:\d+:\d+: not valid YAML/],
    [
      'a misspelt key',
      'version: 1\nagents:\n  alice: { taks: x }\n',
      /tutti\.yaml:3:12: agents\.alice\.taks: no such key; did you mean "task"\?/,
    ],
    [
      'a wrong value',
      'version: 1\ndefaults:\n  permissions: all\n',
      /tutti\.yaml:3:3: defaults\.permissions: expected "ask" or "auto" or "bypass", found "all"/,
    ],
    [
      'a duration that is none',
      'version: 1\nwatchdog: { restarts: { within: 10 minutes } }\n',
      /tutti\.yaml:2:25: watchdog\.restarts\.within: expected a duration such as 250ms, 30s, 5m or 2h, found "10 min/,
    ],
    ['a bad name', 'version: 1\nagents:\n  Al Ice: {}\n', /tutti\.yaml:3:3: agents\.Al Ice: .*1-32 of a-z/],
    ['no version', 'agents: {}\n', /tutti\.yaml:1:1: version: expected 1, found nothing/],
    [
      'what this version does not do',
      'version: 1\npipelines: { a: 1 }\n',
      /:2:1: pipelines: expected nothing: this version/,
    ],
  ];
  it.each(wrong)('names file, line, column, key and expectation of %s', async (_, yaml, says) => {
    const cwd = folder('wrong');
    writeFileSync(join(cwd, 'tutti.yaml'), yaml);
    const ran = await home.run(['config', 'check'], { cwd });
    usageError(ran);
    expect(ran.stderr).toMatch(says);
    const up = await home.run(['up', '--json'], { cwd });
    expect(up.status).toBe(2);
    expect(up.json.message).toMatch(says);
  });

  it('says so when there is none', async () => {
    const cwd = folder('empty');
    const runs = await Promise.all([home.run(['config', 'check'], { cwd }), home.run(['up'], { cwd })]);
    for (const ran of runs) {
      expect(ran.status).toBe(3);
      expect(ran.stderr).toMatch(/no tutti\.yaml in .* or above {2}\(NOT_FOUND\)\n {2}fix {3}tutti init/);
    }
    const missing = await home.run(['config', 'check'], { cwd, env: { TUTTI_CONFIG: join(cwd, 'none.yaml') } });
    expect(missing).toMatchObject({ status: 3, stderr: expect.stringContaining('unset TUTTI_CONFIG') });
  });

  it('a ${VAR} that nobody has stops the command that would need it', async () => {
    const cwd = folder('variables');
    writeFileSync(join(cwd, 'tutti.yaml'), projectYaml(home.model).replace(home.model.url, '"${NO_SUCH_VAR}"'));
    const ran = await home.run(['spawn', 'var'], { cwd });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/agent var needs \$\{NO_SUCH_VAR\}, which this shell does not have/);
    await home.run(['supervisor', 'stop']);
  });
});

describe('normalize', () => {
  const cases: [string, string][] = [
    ['claude', 'claude/tool.jsonl'],
    ['codex', 'codex/app-server.jsonl'],
    ['codex-exec', 'codex/tool.jsonl'],
    ['gemini', 'gemini/tool.jsonl'],
    ['acp', 'gemini/acp.jsonl'],
    ['opencode', 'opencode/tool.jsonl'],
    ['aider', 'aider/edit-commit.txt'],
  ];
  it.each(cases)('decodes %s, and accounts for every line of it', async (dialect, file) => {
    const input = readFileSync(join(streams, file), 'utf8');
    const ran = await home.run(['normalize', '--from', dialect], { input });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.lines.length).toBeGreaterThan(0);
    expect(ran.lines.map((event) => event['seq'])).toEqual(ran.lines.map((_, i) => i + 1));
    const stats = await home.data(['normalize', '--from', dialect, '--stats'], { input });
    expect(stats['lines']).toBe(stats['decoded'] + stats['empty'] + stats['raw']);
    expect(stats['lines']).toBe(input.split('\n').length - (input.endsWith('\n') ? 1 : 0));
    if (dialect !== 'aider') expect(stats['raw']).toBe(0);
    expect(stats['bytes']).toBe(Buffer.byteLength(input));
    const text = await home.run(['normalize', '--from', dialect, '--stats'], { input });
    expect(text.stdout).toContain(`lines ${stats['lines']} = decoded ${stats['decoded']} + empty ${stats['empty']}`);
  });

  it('keeps what it does not understand', async () => {
    const ran = await home.run(['normalize', '--from', 'claude'], { input: 'not json at all\n{"type":"martian"}\n' });
    expect(ran.status).toBe(0);
    expect(ran.lines).toMatchObject([
      { type: 'raw', line: 'not json at all' },
      { type: 'raw', line: '{"type":"martian"}' },
    ]);
  });
});

describe('a built-in agent by hand', () => {
  const env = () => ({ ANTHROPIC_BASE_URL: home.model.url, ANTHROPIC_API_KEY: 'scripted-model-needs-none' });

  it('does one prompt and prints its JSON lines', async () => {
    const cwd = folder('by-hand');
    const prompt = 'Do it. [[scenario:tool cmd="echo hello > hello.txt"]]';
    const ran = await home.run(['agent', 'v1', prompt], { cwd, env: env() });
    expect(ran.status).toBe(0);
    expect(ran.lines.map((line) => line['type'])).toEqual(
      expect.arrayContaining(['tool_call', 'tool_result', 'message']),
    );
    expect(readFileSync(join(cwd, 'hello.txt'), 'utf8')).toBe('hello\n');
    const v0 = await home.run(['agent', 'v0', 'hi there'], { cwd, env: env() });
    expect(v0.lines.at(-1)).toMatchObject({ type: 'turn', phase: 'end', outcome: 'ok' });
  });

  it('tells of wrong use, and of a turn that did not end well', async () => {
    const [unknown, empty, auth] = await Promise.all([
      home.run(['agent', 'v9', 'x']),
      home.run(['agent', 'v1']),
      home.run(['agent', 'v1', '[[scenario:auth]]'], { env: env() }),
    ]);
    expect(unknown).toMatchObject({ status: 2, stderr: expect.stringContaining('no agent v9') });
    expect(empty).toMatchObject({ status: 2, stderr: expect.stringContaining('a prompt is missing') });
    expect(auth.status).toBe(1);
    expect(auth.lines.some((line) => line['type'] === 'error' && line['code'] === 'auth')).toBe(true);
  });
});

describe('without a supervisor', () => {
  it.each([[['supervisor', 'status']]])('%j tells that none runs, and how to start one', async (args) => {
    const ran = await home.run(args);
    expect(ran.status).toBe(5);
    expect(ran.stderr).toMatch(/no supervisor runs for .*\(UNREACHABLE\)\n {2}fix {3}tutti supervisor start/);
    expect((await home.run([...args, '--json'])).json).toMatchObject({ status: 'error', code: 'UNREACHABLE' });
  });

  it('stopping one that does not run is done at once', async () => {
    const ran = await home.run(['supervisor', 'stop']);
    expect(ran).toMatchObject({ status: 0, stdout: 'no supervisor was running\n' });
  });

  it('says so when tmux is missing', async () => {
    const bin = folder('bin');
    symlinkSync(process.execPath, join(bin, 'node'));
    const ran = await home.run(['spawn', 'alice'], { env: { PATH: bin } });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/tmux is not on PATH.*\(RUNTIME_ERROR\)\n {2}fix {3}install tmux/);
    expect(existsSync(home.paths.supervisorSocket)).toBe(false);
  });

  it('is a program that can be started by a link to it', async () => {
    const bin = folder('linked');
    symlinkSync(MAIN, join(bin, 'tutti'));
    const { execFileSync } = await import('node:child_process');
    const out = execFileSync(join(bin, 'tutti'), ['--version'], { env: home.env, encoding: 'utf8' });
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
