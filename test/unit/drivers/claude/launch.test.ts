import { describe, expect, test } from 'vitest';
import { claude } from '../../../../src/drivers/claude/index.ts';
import { commonArgs, nativeArgs, toolOf } from '../../../../src/drivers/claude/tools.ts';
import { SPEC } from './talk.ts';

const id = SPEC.conversationId ?? '';
const STREAM =
  '-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages --replay-user-messages --permission-prompt-tool stdio';
const argv = (change: object): string => claude.launch({ ...SPEC, ...change }, null).argv.join(' ');

describe('claude is started', () => {
  test.each([
    ['with a new conversation', {}, `claude ${STREAM} --session-id ${id} --permission-mode default`],
    ['with an old one', { resume: true }, `claude ${STREAM} --resume ${id} --permission-mode default`],
    ['with one of its own choice', { conversationId: null }, `claude ${STREAM} --permission-mode default`],
    [
      'without permissions',
      { permissions: 'bypass' },
      `claude ${STREAM} --session-id ${id} --dangerously-skip-permissions`,
    ],
    ['with a model', { model: 'opus' }, `claude ${STREAM} --session-id ${id} --permission-mode default --model opus`],
    [
      'with a budget',
      { settings: { maxBudgetUsd: 1.5 } },
      `claude ${STREAM} --session-id ${id} --permission-mode default --max-budget-usd 1.5`,
    ],
    [
      'with no budget where it is no number',
      { settings: { maxBudgetUsd: '1' } },
      `claude ${STREAM} --session-id ${id} --permission-mode default`,
    ],
    [
      'with the configured program and arguments',
      { command: ['npx', 'claude'], args: ['--bare'] },
      `npx claude ${STREAM} --session-id ${id} --permission-mode default --bare`,
    ],
  ])('%s', (_what, change, expected) => {
    expect(argv(change)).toBe(expected);
  });

  test('with its transcript written before each turn begins and ends, since a kill would lose it otherwise', () => {
    expect(claude.launch(SPEC, null).env).toEqual({
      CLAUDE_CODE_EAGER_FLUSH: '1',
      CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1',
      DISABLE_AUTOUPDATER: '1',
    });
  });

  test('with its own retries short, unless the configuration says otherwise', () => {
    expect(claude.launch(SPEC, null).defaults).toEqual({ CLAUDE_CODE_MAX_RETRIES: '3', API_TIMEOUT_MS: '240000' });
  });

  test('in its own UI for a person, on the same conversation', () => {
    expect(claude.takeOver({ ...SPEC, resume: true }).argv).toEqual(['claude', '--resume', id]);
  });
});

describe('tools', () => {
  test.each([
    ['Bash', 'bash', { command: 'ls' }, { command: 'ls' }],
    ['Read', 'read', { file_path: '/a', limit: 3 }, { path: '/a', limit: 3 }],
    ['Write', 'write', { file_path: '/a', content: 'x' }, { path: '/a', content: 'x' }],
    ['Edit', 'edit', { file_path: '/a' }, { path: '/a' }],
    ['NotebookEdit', 'edit', { notebook_path: '/n' }, { path: '/n' }],
    ['Grep', 'search', { pattern: 'x', path: 'src' }, { query: 'x', path: 'src' }],
    ['Glob', 'search', { pattern: '*.ts' }, { query: '*.ts' }],
    ['WebFetch', 'web', { url: 'http://a' }, { url: 'http://a' }],
    ['WebSearch', 'web', { query: 'x' }, { query: 'x' }],
    ['Agent', 'task', { prompt: 'x' }, { prompt: 'x' }],
    ['TodoWrite', 'todo', { todos: [] }, { todos: [] }],
    ['mcp__files__read', 'mcp', { file_path: '/a' }, { file_path: '/a' }],
    ['AskUserQuestion', 'other', { questions: [] }, { questions: [] }],
    ['constructor', 'other', {}, {}],
  ])('%s is %s, there and back', (native, tool, input, args) => {
    expect(toolOf(native)).toBe(tool);
    expect(commonArgs(native, input)).toEqual(args);
    expect(nativeArgs(native, args)).toEqual(input);
  });

  test('an argument that would be overwritten keeps its own name', () => {
    expect(commonArgs('Read', { file_path: '/a', path: '/b' })).toEqual({ file_path: '/a', path: '/b' });
  });
});
