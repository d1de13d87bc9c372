import { describe, expect, test } from 'vitest';
import { acpDecoder } from '../../../../src/drivers/acp/index.ts';
import { geminiStream } from '../../../../src/drivers/gemini/index.ts';
import {
  byteByByte,
  bytesOf,
  chunked,
  countsOf,
  expectedOf,
  kindsOf,
  NOT_JSONL,
  namesOf,
  normalized,
} from '../normalize-streams.ts';

const dialectOf = (name: string) => (name === 'acp' ? { decoder: acpDecoder } : geminiStream);
const names = namesOf('gemini').filter((name) => NOT_JSONL[`gemini/${name}`] === undefined);
const expected = expectedOf('gemini');

describe('recorded streams of gemini', () => {
  test('all have counts by jq', () => expect(namesOf('gemini').sort()).toEqual(Object.keys(expected).sort()));

  test.each(names)('%s is understood to the last line, with the counts that jq takes', (name) => {
    expect(countsOf(normalized(dialectOf(name), [bytesOf('gemini', name)]))).toEqual(expected[name]);
  });

  test.each(names)('%s gives the same however its bytes are split', (name) => {
    const all = bytesOf('gemini', name);
    const whole = normalized(dialectOf(name), [all]);
    expect(normalized(dialectOf(name), byteByByte(all))).toEqual(whole);
    for (const seed of [1, 2, 3]) expect(normalized(dialectOf(name), chunked(all, seed))).toEqual(whole);
  });

  test('that are no JSONL are raw, line by line', () => {
    const { stats } = normalized(geminiStream, [bytesOf('gemini', 'json')]);
    expect(stats).toMatchObject({ lines: 104, raw: 104 });
  });

  test('have these kinds of lines, and each gives these events', () => {
    expect(kindsOf(dialectOf, 'gemini')).toEqual({
      error: 'error',
      init: 'session',
      message: '(decoded) message turn',
      result: 'error message turn usage',
      'result:initialize': '(empty)',
      'result:other': '(empty)',
      'result:session/new': 'session',
      'result:session/prompt': 'message turn usage',
      tool_result: 'tool_result',
      tool_use: 'thinking tool_call',
      'update:agent_message_chunk': '(decoded) turn',
      'update:available_commands_update': '(empty)',
      'update:tool_call': 'thinking tool_call',
      'update:tool_call_update': 'tool_result',
    });
  });
});

const outcomes: [string, string, string | null][] = [
  ['text', 'ok', null],
  ['auth', 'error', 'auth'],
  ['usage-limit', 'limit', 'usage_limit'],
  ['toolong', 'error', 'context_overflow'],
  ['cut-once', 'error', 'network'],
  ['empty', 'error', 'model'],
  ['loop', 'error', 'model'],
];

test.each(outcomes)('the turn of %s ends %s, with the error %s', (name, outcome, code) => {
  const { events } = normalized(geminiStream, [bytesOf('gemini', name)]);
  expect(events.filter((event) => event.type === 'turn').at(-1)).toMatchObject({ phase: 'end', outcome });
  expect(events.filter((event) => event.type === 'error').map((event) => event.code)).toEqual(
    code === null ? [] : [code],
  );
});

test('a command that was killed with gemini stays open, and its turn too', () => {
  const { events } = normalized(geminiStream, [bytesOf('gemini', 'kill9-midtool')]);
  expect(events.map((event) => event.type)).toEqual(['session', 'turn', 'message', 'thinking', 'tool_call']);
});

test('one whole run of gemini, event by event', () => {
  const { events } = normalized(geminiStream, [bytesOf('gemini', 'tool')]);
  expect(events.map(({ seq, at, n, ...event }) => event)).toMatchObject([
    { type: 'session', conversationId: expect.any(String), model: 'auto' },
    { type: 'turn', number: 1, phase: 'start' },
    { type: 'message', role: 'user', content: '[[scenario:tool]] Do the task.' },
    { type: 'thinking', content: "I'll create the file." },
    { type: 'tool_call', tool: 'bash', args: { command: 'echo hello > hello.txt' }, nativeTool: 'run_shell_command' },
    { type: 'tool_result', tool: 'bash', isError: false, durationMs: expect.any(Number) },
    { type: 'message', role: 'assistant', content: 'All done. The mock model has finished the task.' },
    { type: 'usage', costUsd: null, estimated: false },
    { type: 'turn', number: 1, phase: 'end', outcome: 'ok', durationMs: expect.any(Number) },
  ]);
});
