import { describe, expect, test } from 'vitest';
import { codex, codexExec } from '../../../../src/drivers/codex/index.ts';
import { bytesOf, countsOf, expectedOf, kindsOf, NOT_JSONL, namesOf, normalized } from '../normalize-streams.ts';

const dialectOf = (name: string) => (name.startsWith('app-server') ? codex : codexExec);
const names = namesOf('codex').filter((name) => NOT_JSONL[`codex/${name}`] === undefined);
const expected: Record<string, object> = expectedOf('codex');

describe('recorded streams of codex', () => {
  test('all have counts by jq', () => expect(namesOf('codex').sort()).toEqual(Object.keys(expected).sort()));

  test.each(names)('%s is understood to the last line, with the counts that jq takes', (name) => {
    const all = normalized(dialectOf(name), [bytesOf('codex', name)]);
    const retries = all.events.filter(({ type }) => type === 'retry').length;
    expect({ ...countsOf(all), retries }).toEqual(expected[name]);
    expect(all.stats.raw).toBe(0);
  });

  test('that are no JSONL are raw, line by line', () => {
    expect(normalized(codexExec, [bytesOf('codex', 'human')]).stats).toMatchObject({ lines: 1, raw: 1 });
  });

  test('say every text of the model once', () => {
    for (const name of names) {
      const texts = new TextDecoder()
        .decode(bytesOf('codex', name))
        .split('\n')
        .filter((line) => line.includes('item.completed') || line.includes('item/completed'))
        .map((line) => JSON.parse(line))
        .map((line) => line.item ?? line.params.item)
        .filter((item) => item.type === 'agent_message' || item.type === 'agentMessage')
        .map((item) => item.text);
      const said = normalized(dialectOf(name), [bytesOf('codex', name)]).events.flatMap((event) =>
        (event.type === 'message' && event.role === 'assistant') ||
        (event.type === 'thinking' && texts.includes(event.content))
          ? [event.content]
          : [],
      );
      expect(said.sort(), name).toEqual(texts.sort());
    }
  });

  test('have these kinds of lines, and each gives these events', () => {
    expect(kindsOf(dialectOf, 'codex')).toEqual({
      'account/rateLimits/updated:unknown': '(empty)',
      configWarning: 'activity',
      error: 'error retry',
      'item.completed:agent_message': '(decoded) thinking',
      'item.completed:command_execution': 'tool_result',
      'item.completed:error': 'activity',
      'item.completed:file_change': 'tool_result',
      'item.completed:mcp_tool_call': 'tool_result',
      'item.completed:reasoning': 'thinking',
      'item.started:command_execution': 'thinking tool_call',
      'item.started:file_change': 'thinking tool_call',
      'item.started:mcp_tool_call': 'thinking tool_call',
      'item/agentMessage/delta': '(empty)',
      'item/completed:agentMessage': '(decoded)',
      'item/completed:commandExecution': 'tool_result',
      'item/completed:userMessage': 'message',
      'item/started:agentMessage': '(empty)',
      'item/started:commandExecution': 'thinking tool_call',
      'item/started:userMessage': '(empty)',
      'remoteControl/status/changed': '(empty)',
      'request:item/commandExecution/requestApproval': '(empty)',
      'response:done': '(empty)',
      'response:initialize': '(empty)',
      'response:steer': '(empty)',
      'response:thread': 'session',
      'response:turn': '(empty)',
      'serverRequest/resolved': '(empty)',
      'thread.started': 'session',
      'thread/started:own': '(empty)',
      'thread/status/changed:known': '(empty)',
      'thread/tokenUsage/updated': 'usage',
      'turn.completed': 'message turn usage',
      'turn.failed': 'turn',
      'turn.started': 'turn',
      'turn/completed': 'message turn',
      'turn/started': 'turn',
    });
  });
});

const outcomes: [string, string, string | null][] = [
  ['text', 'ok', null],
  ['failcmd', 'ok', null],
  ['giveup', 'ok', null],
  ['auth', 'error', 'auth'],
  ['quota', 'error', 'billing'],
  ['toolong', 'error', 'context_overflow'],
  ['overloaded-forever-max2', 'error', 'overloaded'],
  ['error500-max2', 'error', 'overloaded'],
  ['cut-forever', 'error', 'network'],
  ['stall-5s', 'error', 'network'],
  ['ratelimit-forever', 'limit', 'rate_limit'],
  ['usage-limit', 'limit', 'usage_limit'],
  ['nokey', 'error', 'auth'],
];

test.each(outcomes)('%s ends with outcome %s and error %s', (name, outcome, code) => {
  const { events } = normalized(codexExec, [bytesOf('codex', name)]);
  const end = events.find((event) => event.type === 'turn' && event.phase === 'end');
  const error = events.find((event) => event.type === 'error');
  expect(end).toMatchObject({ outcome });
  expect(error?.type === 'error' ? error.code : null).toBe(code);
});

test('a usage limit that only a text tells has no reset time of ours', () => {
  const { events } = normalized(codexExec, [bytesOf('codex', 'usage-limit')]);
  expect(events.filter(({ type }) => type === 'rate_limit')).toEqual([]);
});
