import { describe, expect, test } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { codexExec } from '../../../../src/drivers/codex/index.ts';

const decode = (lines: object[]): DriverEventBody[] => {
  const decoder = codexExec.decoder();
  return lines.flatMap((line) => decoder.push({ dir: 'out', text: JSON.stringify(line) }).events);
};
const item = (phase: string, fields: object) => ({ type: `item.${phase}`, item: { id: 'item_1', ...fields } });

describe('lines of codex exec that no recording holds', () => {
  test.each([
    ['item.updated', { type: 'command_execution', command: 'ls' }, []],
    ['item.started', { type: 'agent_message', text: '' }, []],
    [
      'item.completed',
      { type: 'web_search', query: 'tmux' },
      [{ type: 'tool_call', tool: 'web', args: { query: 'tmux' } }, { type: 'tool_result' }],
    ],
    [
      'item.completed',
      { type: 'collab_tool_call', tool: 'spawn_agent', prompt: 'p', status: 'failed' },
      [
        { type: 'tool_call', tool: 'task', nativeTool: 'spawn_agent' },
        { type: 'tool_result', isError: true },
      ],
    ],
    [
      'item.updated',
      { type: 'todo_list', items: [{ text: 'one', completed: true }] },
      [
        { type: 'tool_call', tool: 'todo', args: { todos: [{ content: 'one', status: 'completed' }] } },
        { type: 'tool_result' },
      ],
    ],
  ])('%s of %o', (type, fields, events) => {
    const told = decode([item(type.slice(5), fields)]);
    expect(told).toMatchObject(events);
    expect(told).toHaveLength(events.length);
  });

  test.each(['started', 'updated', 'completed'])('a to-do list that is %s is one call with the whole list', (phase) => {
    const told = decode([item(phase, { type: 'todo_list', items: [] })]);
    expect(told.map(({ type }) => type)).toEqual(['tool_call', 'tool_result']);
  });

  test('an item of unknown type is raw', () => {
    for (const phase of ['started', 'updated', 'completed']) {
      expect(decode([item(phase, { type: 'rocket' })])).toMatchObject([{ type: 'raw' }]);
    }
  });

  test('calls of the to-do list have ids of their own', () => {
    const list = item('updated', { type: 'todo_list', items: [] });
    const ids = decode([list, list]).flatMap((event) => (event.type === 'tool_call' ? [event.callId] : []));
    expect(new Set(ids).size).toBe(2);
  });
});

test('tokens of a second turn are what it added to the sum', () => {
  const usage = (input_tokens: number, output_tokens: number) => ({
    type: 'turn.completed',
    usage: { input_tokens, cached_input_tokens: 10, cache_write_input_tokens: 0, output_tokens },
  });
  const events = decode([usage(100, 5), usage(250, 9)]).filter(({ type }) => type === 'usage');
  expect(events).toMatchObject([
    { input: 90, cacheRead: 10, output: 5 },
    { input: 150, cacheRead: 0, output: 4 },
  ]);
});

test('turn.failed tells its error itself where no error came before', () => {
  expect(decode([{ type: 'turn.failed', error: { message: 'Quota exceeded.' } }])).toMatchObject([
    { type: 'error', code: 'billing' },
    { type: 'turn', outcome: 'error' },
  ]);
});
