import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { refusePromptReply } from '../../../../src/drivers/claude/answers.ts';
import { decoder } from '../../../../src/drivers/claude/decoder.ts';
import { KINDS } from '../../../../src/drivers/claude/kinds.ts';
import type { Line } from '../../../../src/drivers/driver.ts';
import { SPECIMENS } from './specimens.ts';
import { decode, linesOf, names, ofType } from './streams.ts';

const out = (value: object): Line => ({ dir: 'out', text: JSON.stringify(value) });
const init = (fields: object = {}): Line =>
  out({
    type: 'system',
    subtype: 'init',
    session_id: 's',
    model: 'm',
    permissionMode: 'default',
    tools: ['Bash'],
    ...fields,
  });
const says = (text: string, id: string, parent: string | null = null): Line =>
  out({
    type: 'assistant',
    message: { id, model: 'm', content: [{ type: 'text', text }] },
    parent_tool_use_id: parent,
  });
const calls = (name: string, input: object, callId = 'c1'): Line =>
  out({
    type: 'assistant',
    message: { id: 'x', model: 'm', content: [{ type: 'tool_use', id: callId, name, input }] },
    parent_tool_use_id: null,
  });
const result = (fields: object = {}): Line =>
  out({ type: 'result', subtype: 'success', is_error: false, num_turns: 1, duration_ms: 5, ...fields });
const run = (lines: Line[]): DriverEventBody[] => {
  const fresh = decoder();
  return lines.flatMap((line) => fresh.push(line).events);
};

describe.each(SPECIMENS)('a line of kind $kind', ({ kind, line, dir, fate, events }) => {
  test('gives its events', () => {
    const text = typeof line === 'string' ? line : JSON.stringify(line);
    const decoded = decoder().push({ dir: dir ?? 'out', text });
    expect(decoded).toMatchObject({ kind, fate, events });
    expect(decoded.events.length).toBe(events.length);
  });
});

describe('a text block', () => {
  test('is a message when the turn ends after it, and never thinking as well', () => {
    const events = run([init(), says('done', 'a'), result()]);
    expect(events.map((event) => event.type)).toEqual(['session', 'turn', 'message', 'turn']);
    expect(ofType(events, 'message')[0]).toMatchObject({ role: 'assistant', content: 'done', from: null });
  });

  test.each([
    ['a tool call', calls('Bash', { command: 'ls' })],
    ['the text of another message', says('more', 'b')],
    ['a message that was taken in', out({ type: 'user', isReplay: true, uuid: 'u', message: { content: 'hi' } })],
    ['the feedback of a hook', out({ type: 'user', isSynthetic: true, message: { content: 'Stop hook feedback' } })],
    [
      'a tool result',
      out({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'c', content: 'x' }] } }),
    ],
  ])('is thinking when %s follows', (_what, next) => {
    const events = run([init(), says('first', 'a'), next]);
    expect(events.slice(2)[0]).toEqual({ type: 'thinking', content: 'first', tokens: null });
  });

  test('of the same message as the one before it ends the turn together with it', () => {
    const events = run([init(), says('one', 'a'), says('two', 'a'), result()]);
    expect(ofType(events, 'message').map((event) => event.content)).toEqual(['one', 'two']);
  });

  test('of a sub-agent is thinking under its call at once, and leaves what the agent said alone', () => {
    const events = run([init(), says('mine', 'a'), says('theirs', 'b', 'call'), result()]);
    expect(ofType(events, 'thinking')).toEqual([
      { type: 'thinking', content: 'theirs', tokens: null, parentCallId: 'call' },
    ]);
    expect(ofType(events, 'message').map((event) => event.content)).toEqual(['mine']);
  });

  test('that is held when the process ends comes out as thinking', () => {
    const fresh = decoder();
    for (const line of [init(), says('cut', 'a')]) fresh.push(line);
    expect(fresh.end()).toEqual([{ type: 'thinking', content: 'cut', tokens: null }]);
    expect(fresh.end()).toEqual([]);
  });
});

describe('the session', () => {
  test('is told once while init repeats itself, and again when something in it changed', () => {
    const events = run([init(), result(), init(), result(), init({ model: 'other' })]);
    expect(ofType(events, 'session').map((event) => event.model)).toEqual(['m', 'other']);
    expect(ofType(events, 'turn').filter((turn) => turn.phase === 'start').length).toBe(3);
  });

  test('is told again when the permission mode changes', () => {
    const events = run([init(), out({ type: 'system', subtype: 'status', status: null, permissionMode: 'plan' })]);
    expect(ofType(events, 'session').map((event) => event.permissionMode)).toEqual(['default', 'plan']);
  });
});

test('the empty turn around a prompt that we refused as a repetition is none', () => {
  const refused: Line = { dir: 'in', text: refusePromptReply('r') };
  const note = out({ type: 'system', subtype: 'informational', content: 'blocked by hook' });
  const events = run([
    refused,
    init(),
    note,
    result({ num_turns: 0, result: 'blocked' }),
    init(),
    says('next', 'a'),
    result(),
  ]);
  expect(events.map((event) => event.type)).toEqual(['session', 'turn', 'message', 'turn']);
});

describe('usage', () => {
  const usage = (input: number, output: number) => ({
    input_tokens: input,
    output_tokens: output,
    cache_read_input_tokens: 3,
    cache_creation_input_tokens: 1,
  });
  const start = (id: string, input: number): Line =>
    out({
      type: 'stream_event',
      parent_tool_use_id: null,
      event: { type: 'message_start', message: { id, model: 'm', usage: usage(input, 1) } },
    });
  const delta = (output: number): Line =>
    out({
      type: 'stream_event',
      parent_tool_use_id: null,
      event: { type: 'message_delta', usage: { output_tokens: output } },
    });
  const totals = (input: number, output: number, cost: number) => ({
    total_cost_usd: cost,
    modelUsage: {
      m: {
        inputTokens: input,
        outputTokens: output,
        cacheReadInputTokens: 3,
        cacheCreationInputTokens: 1,
        contextWindow: 200_000,
      },
    },
  });

  test('of a request is told when it ends, and the result brings only the cost and what is left', () => {
    const events = run([init(), start('a', 10), delta(7), says('x', 'a'), result(totals(12, 9, 0.5))]);
    expect(ofType(events, 'usage')).toMatchObject([
      { input: 10, output: 7, cacheRead: 3, cacheWrite: 1, costUsd: null, contextUsed: 21, contextLimit: null },
      { input: 2, output: 2, cacheRead: 0, cacheWrite: 0, costUsd: 0.5, contextUsed: 21, contextLimit: 200_000 },
    ]);
  });

  test('is an increment: a second result with the same totals adds nothing', () => {
    const events = run([init(), result(totals(12, 9, 0.5)), init(), result(totals(12, 9, 0.5))]);
    expect(ofType(events, 'usage').length).toBe(1);
  });

  test('of totals that went down is that of another process, and counts in full', () => {
    const events = run([init(), result(totals(12, 9, 0.5)), init(), result(totals(5, 4, 0.2))]);
    expect(ofType(events, 'usage')[1]).toMatchObject({ input: 5, output: 4, costUsd: 0.2 });
  });

  test('of a turn that was cut short is estimated from its open requests and says so', () => {
    const fresh = decoder();
    const whole = out({
      type: 'assistant',
      message: { id: 'a', model: 'm', content: [{ type: 'text', text: 'x'.repeat(40) }], usage: usage(10, 1) },
      parent_tool_use_id: null,
    });
    for (const line of [init(), whole]) fresh.push(line);
    expect(ofType(fresh.end(), 'usage')).toMatchObject([
      { input: 10, output: 10, cacheRead: 3, cacheWrite: 1, costUsd: null, estimated: true },
    ]);
  });

  test('of a request that told its tokens is not estimated again', () => {
    const fresh = decoder();
    const whole = out({
      type: 'assistant',
      message: { id: 'a', model: 'm', content: [{ type: 'text', text: 'xx' }], usage: usage(10, 1) },
      parent_tool_use_id: null,
    });
    for (const line of [init(), start('a', 10), delta(7), whole]) fresh.push(line);
    expect(ofType(fresh.end(), 'usage')).toEqual([]);
  });

  test('in mid-command is estimated in the recording of a killed run', () => {
    const { end } = decode(linesOf('sleep-sigkill'));
    expect(ofType(end, 'usage')).toMatchObject([{ estimated: true, input: 4 }]);
  });
});

describe('a failed turn', () => {
  test.each([
    ['ratelimit-forever-max2', 'rate_limit', true, 'limit'],
    ['usage-limit-oauth', 'usage_limit', true, 'limit'],
    ['usage-limit-apikey', 'rate_limit', true, 'limit'],
    ['overloaded-forever', 'overloaded', true, 'error'],
    ['error500-max2', 'overloaded', true, 'error'],
    ['auth-max1', 'auth', false, 'error'],
    ['nokey', 'auth', false, 'error'],
    ['quota', 'billing', false, 'error'],
    ['toolong', 'context_overflow', false, 'error'],
    ['cut-forever-max2', 'network', true, 'error'],
    ['refused-max2', 'network', true, 'error'],
    ['hang-timeout', 'network', true, 'error'],
    ['garbage', 'network', true, 'error'],
    ['refusal', 'model', false, 'error'],
  ])('of the recording %s is %s', (name, code, retryable, outcome) => {
    const { events } = decode(linesOf(name));
    expect(ofType(events, 'error')).toMatchObject([{ code, retryable }]);
    expect(ofType(events, 'turn').at(-1)).toMatchObject({ phase: 'end', outcome });
  });

  test.each([
    ['sleep-sigint', 'interrupted'],
    ['stdin-interrupt', 'interrupted'],
    ['loop-max-turns', 'max_turns'],
    ['loop-budget', 'budget'],
    ['text', 'ok'],
  ])('of the recording %s has the outcome %s, which is no error', (name, outcome) => {
    const { events } = decode(linesOf(name));
    expect(ofType(events, 'turn').find((turn) => turn.phase === 'end')).toMatchObject({ outcome });
    expect(ofType(events, 'error')).toEqual([]);
  });

  test('of an unknown conversation is an error without a turn', () => {
    const { events } = decode(linesOf('resume-unknown'));
    expect(events.map((event) => event.type)).toEqual(['error']);
  });
});

test.each([
  [
    'usage-limit-oauth',
    { limit: 'rejected', scope: 'five_hour', resetsAt: '2026-11-21T01:29:12.000Z', utilization: null },
  ],
  [
    'usage-warning-oauth',
    { limit: 'warning', scope: 'five_hour', resetsAt: '2026-11-21T01:29:15.000Z', utilization: 0.93 },
  ],
  ['usage-ok-oauth', { limit: 'allowed', scope: 'five_hour', resetsAt: '2026-11-21T01:29:14.000Z', utilization: null }],
])('the limits of the recording %s are told with their reset time', (name, limit) => {
  expect(ofType(decode(linesOf(name)).events, 'rate_limit')).toMatchObject([limit]);
});

test('calls of a sub-agent and their results carry the call they belong to', () => {
  const { events } = decode(linesOf('subagent'));
  const task = ofType(events, 'tool_call').find((call) => call.nativeTool === 'Agent');
  expect(task?.tool).toBe('task');
  expect(ofType(events, 'tool_call').map((call) => call.parentCallId)).toEqual([undefined, task?.callId, task?.callId]);
  expect(ofType(events, 'tool_result').map((call) => call.parentCallId)).toEqual([
    task?.callId,
    task?.callId,
    undefined,
  ]);
  expect(ofType(events, 'activity').map(({ kind, phase }) => `${kind} ${phase}`)).toEqual([
    'subagent start',
    'subagent prompt',
    'subagent progress',
    'subagent progress',
    'subagent update',
    'subagent completed',
  ]);
});

describe('at rest', () => {
  test('until the first line that counts, and not after it: the totals are cumulative', () => {
    const fresh = decoder();
    fresh.push(out({ type: 'control_response', response: { subtype: 'success', request_id: 'tutti-initialize' } }));
    expect(fresh.atRest).toBe(true);
    for (const line of [init(), says('x', 'a'), result()]) fresh.push(line);
    expect(fresh.atRest).toBe(false);
  });
});

describe('streamed pieces', () => {
  test('change nothing: without them the same events come', () => {
    for (const name of names) {
      const lines = linesOf(name);
      const journaled = lines.filter((text) => {
        const kind = decoder().push({ dir: 'out', text }).kind;
        return !(kind in KINDS && 'delta' in KINDS[kind as keyof typeof KINDS]);
      });
      expect(decode(journaled).events).toEqual(decode(lines).events);
    }
  });
});

describe('rubbish', () => {
  const RUBBISH = [
    '',
    ' ',
    '\u0000',
    '{',
    '{"type":',
    '[]',
    'null',
    '42',
    '"text"',
    '{"type":"system"}',
    '{"type":"new_thing"}',
    '{"a":1}',
    '}{',
    '\ufeff{}',
  ];

  test.each(RUBBISH.filter((text) => text.trim() !== ''))('%j is kept as raw', (text) => {
    expect(decoder().push({ dir: 'out', text })).toMatchObject({ fate: 'raw', events: [{ type: 'raw', line: text }] });
  });

  test('between lines harms nothing else', () => {
    for (const name of names) {
      const lines = linesOf(name);
      const mixed = lines.flatMap((line, at) => [RUBBISH[at % RUBBISH.length] ?? '', line]);
      const events = decode(mixed).events.filter((event) => event.type !== 'raw');
      expect(events).toEqual(decode(lines).events);
    }
  });

  test('of any form never makes it throw', () => {
    const fresh = decoder();
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('out', 'in', 'err'), (text, dir) => {
        fresh.push({ dir, text });
      }),
    );
  });

  test('in any field of any line never makes it throw, and no line vanishes', () => {
    const all = names.flatMap(linesOf).map((line) => JSON.parse(line));
    const value = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.constant(-1e308), fc.constant('__proto__'));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(all.length - 1), fc.nat(40), value), { maxLength: 20 }), (changes) => {
        const fresh = decoder();
        for (const [at, path, put] of changes) {
          const decoded = fresh.push({ dir: 'out', text: JSON.stringify(damaged(all[at], path, put)) });
          expect(decoded.fate === 'raw').toBe(decoded.events.some((event) => event.type === 'raw'));
          for (const event of decoded.events)
            if (event.type === 'usage') expect(Number.isFinite(event.input + event.output)).toBe(true);
        }
        fresh.end();
      }),
      { numRuns: 300 },
    );
  });
});

/** A copy of the value with its n-th field (depth first) replaced. */
function damaged(value: unknown, at: number, put: unknown): unknown {
  let left = at;
  return JSON.parse(
    JSON.stringify(value, (key, field) => {
      if (key === '') return field;
      left -= 1;
      return left === 0 ? put : field;
    }) ?? 'null',
  );
}
