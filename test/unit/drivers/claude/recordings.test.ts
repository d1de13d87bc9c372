import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../../src/drivers/claude/kinds.ts';
import { decode, linesOf, names, ofType, STREAMS } from './streams.ts';
import { SPECIMENS } from './specimens.ts';

/** Written by test/fixtures/jq/claude/expected.sh from the recordings, without any code of ours. */
interface Counts {
  lines: number;
  toolCalls: number;
  toolResults: number;
  failedResults: number;
  turnStarts: number;
  turnEnds: number;
  errors: number;
  retries: number;
  costUsd: number | null;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}
const expected: Record<string, Counts> = JSON.parse(readFileSync(`${STREAMS}expected/claude.json`, 'utf8'));
const wanted = (name: string): Counts => {
  const counts = expected[name];
  if (counts === undefined) throw new Error(`no expected counts of ${name}: run test/fixtures/jq/claude/expected.sh`);
  return counts;
};

const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);

describe.each(names)('the recorded stream %s', (name) => {
  const lines = linesOf(name);
  const { decoded, events, end } = decode(lines);

  test('decodes with no raw line, and every line is accounted for', () => {
    expect(decoded.filter((each) => each.fate === 'raw')).toEqual([]);
    expect(decoded.length).toBe(wanted(name).lines);
    for (const each of decoded) expect(each.fate === 'empty' && each.events.length > 0).toBe(false);
  });

  test('gives the counts that jq takes from it', () => {
    const results = ofType(events, 'tool_result');
    const turns = ofType(events, 'turn');
    expect({
      toolCalls: ofType(events, 'tool_call').length,
      toolResults: results.length,
      failedResults: results.filter((each) => each.isError).length,
      turnStarts: turns.filter((each) => each.phase === 'start').length,
      turnEnds: turns.filter((each) => each.phase === 'end').length,
      errors: ofType(events, 'error').length,
      retries: ofType(events, 'retry').length,
    }).toEqual({
      toolCalls: wanted(name).toolCalls,
      toolResults: wanted(name).toolResults,
      failedResults: wanted(name).failedResults,
      turnStarts: wanted(name).turnStarts,
      turnEnds: wanted(name).turnEnds,
      errors: wanted(name).errors,
      retries: wanted(name).retries,
    });
  });

  test('adds up to the final cost and tokens that jq takes from it', () => {
    const usage = ofType(events, 'usage');
    expect(sum(usage.map((each) => each.costUsd ?? 0))).toBeCloseTo(wanted(name).costUsd ?? 0, 9);
    const totals = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    for (const each of wanted(name).turnEnds > 0 ? usage : []) {
      totals.input += each.input;
      totals.output += each.output;
      totals.cacheRead += each.cacheRead;
      totals.cacheWrite += each.cacheWrite;
    }
    const { input, output, cacheRead, cacheWrite } = wanted(name);
    expect(totals).toEqual({ input, output, cacheRead, cacheWrite });
    expect(usage.every((each) => !each.estimated)).toBe(true);
  });

  test('says every text of the model once, as thinking or as a message', () => {
    const texts = lines
      .map((line) => JSON.parse(line))
      .filter((line) => line.type === 'assistant' && line.error === undefined)
      .flatMap((line) => line.message.content)
      .filter((block) => block.type === 'text')
      .map((block) => block.text);
    const said = [...events, ...end].flatMap((event) =>
      (event.type === 'message' && event.role === 'assistant') ||
      (event.type === 'thinking' && texts.includes(event.content))
        ? [event.content]
        : [],
    );
    expect(said.sort()).toEqual(texts.sort());
  });

  test('gives a result for every call only with the tool of its call', () => {
    const tools = new Map(ofType(events, 'tool_call').map((call) => [call.callId, call.tool]));
    for (const result of ofType(events, 'tool_result')) expect(result.tool).toBe(tools.get(result.callId));
  });
});

/** Kinds of line that the recordings hold, and the events that each gives in them (a text is held, and comes with a later line). */
const RECORDED: Record<string, string[]> = {
  'assistant/error': ['error'],
  'assistant/text': [],
  'assistant/thinking': ['thinking'],
  'assistant/tool_use': ['thinking', 'tool_call'],
  'control_request/can_use_tool': [],
  'control_request/hook_callback': [],
  'control_response/error': [],
  'control_response/success': [],
  rate_limit_event: ['rate_limit'],
  'result/error_during_execution': ['error', 'turn', 'usage'],
  'result/error_max_budget_usd': ['turn', 'usage'],
  'result/error_max_turns': ['turn', 'usage'],
  'result/success': ['message', 'turn', 'usage'],
  'stream_event/content_block_delta': [],
  'stream_event/content_block_start': [],
  'stream_event/content_block_stop': [],
  'stream_event/message_delta': ['usage'],
  'stream_event/message_start': [],
  'stream_event/message_stop': [],
  'system/api_retry': ['retry'],
  'system/compact_boundary': ['compaction'],
  'system/hook_response': ['activity'],
  'system/hook_started': ['activity'],
  'system/init': ['session', 'turn'],
  'system/model_refusal_no_fallback': ['activity'],
  'system/session_state_changed': [],
  'system/status': ['activity', 'session'],
  'system/task_notification': ['activity'],
  'system/task_progress': ['activity'],
  'system/task_started': ['activity'],
  'system/task_updated': ['activity'],
  'system/thinking_tokens': [],
  'user/replay': ['message'],
  'user/synthetic': ['activity'],
  'user/text': ['activity'],
  'user/tool_result': ['tool_result'],
};

test('the recordings hold these kinds of line, which give these events', () => {
  const found: Record<string, Set<string>> = {};
  for (const name of names) {
    for (const { kind, events } of decode(linesOf(name)).decoded) {
      found[kind] ??= new Set();
      for (const event of events) found[kind].add(event.type);
    }
  }
  const sorted = Object.fromEntries(Object.entries(found).map(([kind, types]) => [kind, [...types].sort()]));
  expect(sorted).toEqual(RECORDED);
});

test('every kind of the table is in a recording or has a specimen', () => {
  const tested = new Set([...Object.keys(RECORDED), ...SPECIMENS.map((specimen) => specimen.kind)]);
  expect(Object.keys(KINDS).filter((kind) => !tested.has(kind))).toEqual([]);
});
