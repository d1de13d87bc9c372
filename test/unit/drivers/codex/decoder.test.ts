import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY_LINES } from '../../../../src/drivers/codex/empty.ts';
import { codex, codexExec } from '../../../../src/drivers/codex/index.ts';
import { ITEM_TYPES } from '../../../../src/drivers/codex/item-events.ts';
import { NOTIFICATIONS as TABLE } from '../../../../src/drivers/codex/notifications.ts';
import { REFUSED_REQUESTS, REQUESTS } from '../../../../src/drivers/codex/requests.ts';
import type { Decoder, Line } from '../../../../src/drivers/driver.ts';
import { FOR_OTHERS, ITEMS, NOTIFICATIONS } from './specimens.ts';
import { note, THREAD } from './talk.ts';

const file = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const schema: Record<'notifications' | 'requests' | 'items' | 'errors', string[]> = JSON.parse(
  readFileSync(file('fixtures/codex/methods.json'), 'utf8'),
);
const push = (decoder: Decoder, line: object, dir: Line['dir'] = 'out') =>
  decoder.push({ dir, text: JSON.stringify(line) });

describe('the schema of codex 0.169', () => {
  test('has no notification that is neither decoded nor named, and the table no other', () => {
    expect(Object.keys(TABLE).sort()).toEqual(schema.notifications);
  });

  test('has no request that is neither judged, called nor refused', () => {
    const known = [...Object.keys(REQUESTS), ...Object.keys(REFUSED_REQUESTS), 'item/tool/call'];
    expect(known.sort()).toEqual(schema.requests);
    for (const method of schema.requests) {
      const decoded = push(codex.decoder(), { id: 0, method, params: {} });
      expect(decoded, method).toEqual({ events: [], fate: 'empty', kind: `request:${method}` });
    }
  });

  test('has no type of item that is not understood', () => expect([...ITEM_TYPES].sort()).toEqual(schema.items));

  test('has a specimen here for every notification and item', () => {
    const shown = [...NOTIFICATIONS.map(({ method }) => method), ...FOR_OTHERS, 'item/started', 'item/completed'];
    expect([...new Set(shown)].sort()).toEqual(schema.notifications);
    expect(Object.keys(ITEMS).sort()).toEqual(schema.items);
  });
});

describe('a line of each kind', () => {
  test.each(NOTIFICATIONS.map((specimen, index) => [specimen.method, index, specimen] as const))(
    '%s (%i) gives its events',
    (_method, _index, { method, params, events, before }) => {
      const decoder = codex.decoder();
      for (const line of before ?? []) push(decoder, note(line.method, line.params));
      const decoded = push(decoder, note(method, params));
      expect(decoded.events).toMatchObject(events);
      expect(decoded.events).toHaveLength(events.length);
      expect(decoded.fate).toBe(events.length === 0 ? 'empty' : 'decoded');
    },
  );

  test.each(FOR_OTHERS)('%s is named empty', (method) => {
    expect(push(codex.decoder(), note(method, {}))).toEqual({ events: [], fate: 'empty', kind: method });
  });

  test.each(Object.keys(ITEMS))('an item of type %s gives its events', (type) => {
    const { item = {}, started = [], completed = [] } = ITEMS[type] ?? {};
    const decoder = codex.decoder();
    const params = { item: { ...item, type, id: 'c1' } };
    const first = push(decoder, note('item/started', params)).events;
    expect(first).toMatchObject(started);
    expect(first).toHaveLength(started.length);
    const second = push(decoder, note('item/completed', params)).events;
    expect(second).toMatchObject(completed);
    expect(second).toHaveLength(completed.length);
  });

  test('an item that is completed without having started gets its call first', () => {
    const item = { ...ITEMS['commandExecution']?.item, type: 'commandExecution', id: 'c1' };
    const { events } = push(codex.decoder(), note('item/completed', { item }));
    expect(events.map(({ type }) => type)).toEqual(['tool_call', 'tool_result']);
  });

  test.each([
    ['an unknown notification', note('rocket/launched', {})],
    ['an unknown request', { id: 1, method: 'rocket/launch', params: {} }],
    ['an unknown item', note('item/started', { item: { type: 'rocket', id: 'r' } })],
    ['an item without an id', note('item/completed', { item: { type: 'agentMessage', text: 'x' } })],
    ['an answer to nobody', { id: 'x', result: { rocket: true } }],
    ['no message at all', { rocket: true }],
    ['an error without its text', note('error', { willRetry: false })],
    ['a method named like a property of every object', note('constructor', {})],
  ])('%s is raw', (_name, line) => {
    const text = JSON.stringify(line);
    expect(codex.decoder().push({ dir: 'out', text })).toMatchObject({
      events: [{ type: 'raw', line: text }],
      fate: 'raw',
    });
  });

  test.each(Object.keys(EMPTY_LINES).filter((kind) => kind.startsWith('in:') && kind !== 'in:answer'))(
    '%s of ours is named empty',
    (kind) => {
      const line = { id: 'x', method: kind.slice(3), params: {} };
      expect(push(codex.decoder(), line, 'in')).toEqual({ events: [], fate: 'empty', kind });
    },
  );

  test('answers of ours and stderr are named empty', () => {
    expect(push(codex.decoder(), { id: 0, result: {} }, 'in').kind).toBe('in:answer');
    expect(codex.decoder().push({ dir: 'err', text: 'garbage' })).toEqual({
      events: [],
      fate: 'empty',
      kind: 'stderr',
    });
  });
});

describe('answers to our requests', () => {
  const answer = (id: string, rest: object) => push(codex.decoder(), { id, ...rest });

  test.each([
    ['initialize', { userAgent: 'x' }, 'response:initialize'],
    ['turn:m1', { turn: { id: 't' } }, 'response:turn'],
    ['steer:m1', { turnId: 't' }, 'response:steer'],
    ['look:m1', { data: [], nextCursor: null }, 'response:list'],
    ['interrupt:t', {}, 'response:done'],
    ['end:8', { terminated: true }, 'response:done'],
    ['revert:m1', { thread: { id: 'x' } }, 'response:reverted'],
  ])('%s is named empty', (id, result, kind) => {
    expect(answer(id, { result })).toEqual({ events: [], fate: 'empty', kind });
  });

  test.each(['thread/start', 'thread/resume'])('%s tells the session', (id) => {
    const result = {
      thread: { id: THREAD, cliVersion: '0.169.0' },
      model: 'm',
      approvalPolicy: 'untrusted',
      sandbox: { type: 'readOnly' },
    };
    expect(answer(id, { result }).events).toEqual([
      {
        type: 'session',
        conversationId: THREAD,
        model: 'm',
        cliVersion: '0.169.0',
        permissionMode: 'untrusted readOnly',
        tools: null,
        resumed: id === 'thread/resume',
      },
    ]);
  });

  test('a refused request is an error, unless it came too late', () => {
    const error = { code: -32600, message: 'no active turn' };
    expect(answer('turn:m1', { error }).events).toMatchObject([{ type: 'error', code: 'protocol' }]);
    for (const id of ['steer:m1', 'interrupt:t', 'look:m1', 'end:8']) {
      expect(answer(id, { error })).toEqual({ events: [], fate: 'empty', kind: 'response:refused' });
    }
  });
});

describe('texts of the model', () => {
  const text = (content: string, rest: object = {}) =>
    note('item/completed', { item: { type: 'agentMessage', id: content, text: content, ...rest } });
  const call = note('item/started', { item: { type: 'commandExecution', id: 'c1', command: 'ls' } });
  const decode = (lines: object[]) => {
    const decoder = codex.decoder();
    return { decoder, events: lines.flatMap((line) => push(decoder, line).events) };
  };
  const end = note('turn/completed', { turn: { id: 't1', status: 'completed' } });

  test('are thinking where more work follows, and the message where the turn ends', () => {
    const { events } = decode([text('first'), call, text('last'), end]);
    expect(events).toMatchObject([
      { type: 'thinking', content: 'first' },
      { type: 'tool_call' },
      { type: 'message', role: 'assistant', content: 'last' },
      { type: 'turn' },
    ]);
  });

  test('are thinking where a steered message follows', () => {
    const item = { type: 'userMessage', id: 'u', content: [] };
    expect(decode([text('first'), note('item/started', { item })]).events).toMatchObject([{ content: 'first' }]);
  });

  test('stay held over lines that say nothing about them, such as the end of a command', () => {
    const done = note('item/completed', { item: { type: 'commandExecution', id: 'c1', status: 'completed' } });
    const status = note('thread/status/changed', { status: { type: 'idle' } });
    const { events } = decode([call, text('last'), done, status, end]);
    expect(events.map(({ type }) => type)).toEqual(['tool_call', 'tool_result', 'message', 'turn']);
  });

  test('that call themselves a commentary are thinking at once', () => {
    expect(decode([text('by the way', { phase: 'commentary' })]).events).toMatchObject([{ type: 'thinking' }]);
  });

  test('come out as thinking when the process ends', () => {
    const { decoder } = decode([text('cut short')]);
    expect(decoder.atRest).toBe(false);
    expect(decoder.end()).toEqual([{ type: 'thinking', content: 'cut short', tokens: null }]);
    expect(decoder.end()).toEqual([]);
  });
});

describe('sub-agents', () => {
  const sub = (method: string, params: object) => ({ method, params: { threadId: 'sub', ...params } });
  const spawned = () => {
    const decoder = codex.decoder();
    const item = { type: 'collabAgentToolCall', id: 'call-1', tool: 'spawnAgent', receiverThreadIds: ['sub'] };
    push(decoder, note('turn/started', { turn: { id: 't1' } }));
    push(decoder, note('item/started', { item }));
    return decoder;
  };

  test('say their calls and texts for the call that began them', () => {
    const decoder = spawned();
    const command = { type: 'commandExecution', id: 'c9', command: 'ls', status: 'completed' };
    expect(push(decoder, sub('item/started', { item: command })).events).toMatchObject([{ parentCallId: 'call-1' }]);
    expect(push(decoder, sub('item/completed', { item: command })).events).toMatchObject([{ parentCallId: 'call-1' }]);
    const text = { type: 'agentMessage', id: 'x', text: 'found it' };
    expect(push(decoder, sub('item/completed', { item: text })).events).toMatchObject([
      { type: 'thinking', content: 'found it', parentCallId: 'call-1' },
    ]);
  });

  test('begin and end no turn of the agent, and their errors are no errors of it', () => {
    const decoder = spawned();
    const lines = [
      sub('turn/started', { turn: { id: 's1' } }),
      sub('error', { error: { message: 'no' }, willRetry: false }),
      sub('turn/completed', { turn: { id: 's1', status: 'completed' } }),
    ];
    expect(lines.flatMap((line) => push(decoder, line).events).map(({ type }) => type)).toEqual([
      'activity',
      'activity',
      'activity',
    ]);
  });

  test('use tokens of the agent, but not its context', () => {
    const tokenUsage = {
      total: { totalTokens: 9 },
      last: { inputTokens: 8, outputTokens: 1, totalTokens: 9 },
      modelContextWindow: 99,
    };
    expect(push(spawned(), sub('thread/tokenUsage/updated', { tokenUsage })).events).toMatchObject([
      { type: 'usage', input: 8, output: 1, contextUsed: null, contextLimit: null },
    ]);
  });
});

describe('tokens and limits', () => {
  const used = (totalTokens: number, last: number) =>
    note('thread/tokenUsage/updated', {
      tokenUsage: { total: { totalTokens }, last: { inputTokens: last, totalTokens: last } },
    });
  const started = note('turn/started', { turn: { id: 't1' } });
  const ended = note('turn/completed', { turn: { id: 't1', status: 'completed' } });

  test('that are told again count once, also in the next turn', () => {
    const decoder = codex.decoder();
    for (const line of [started, used(105, 105), used(105, 105), ended]) push(decoder, line);
    push(decoder, { id: 'turn:m2#105', method: 'turn/start', params: { threadId: THREAD } }, 'in');
    expect(decoder.atRest).toBe(false);
    push(decoder, started);
    expect(push(decoder, used(105, 105))).toEqual({
      events: [],
      fate: 'empty',
      kind: 'thread/tokenUsage/updated:repeated',
    });
    expect(push(decoder, used(210, 105)).events).toMatchObject([{ type: 'usage', input: 105 }]);
  });

  test('of earlier turns, told after a resume, do not count', () => {
    const decoder = codex.decoder();
    expect(push(decoder, used(500, 100)).kind).toBe('thread/tokenUsage/updated:restated');
    push(decoder, started);
    expect(push(decoder, used(500, 100)).events).toEqual([]);
    expect(push(decoder, used(600, 100)).events).toHaveLength(1);
  });

  const windows = note('account/rateLimits/updated', {
    rateLimits: { primary: { usedPercent: 100, windowDurationMins: 300, resetsAt: 1_795_231_523 }, secondary: null },
  });
  const refused = note('error', {
    error: { message: 'limit', codexErrorInfo: 'usageLimitExceeded' },
    willRetry: false,
  });

  test('a full window is a warning until a request is refused, which has its reset time', () => {
    const decoder = codex.decoder();
    push(decoder, started);
    expect(push(decoder, windows).events).toMatchObject([{ limit: 'warning', utilization: 1 }]);
    expect(push(decoder, refused).events).toMatchObject([
      { type: 'rate_limit', limit: 'rejected', scope: 'five_hour', resetsAt: '2026-11-21T03:25:23.000Z' },
      { type: 'error', code: 'usage_limit', retryable: true },
    ]);
    const failed = { id: 't1', status: 'failed', error: { message: 'limit', codexErrorInfo: 'usageLimitExceeded' } };
    expect(push(decoder, note('turn/completed', { turn: failed })).events).toMatchObject([
      { type: 'turn', outcome: 'limit' },
    ]);
  });

  test('a window that is told after the refusal is the one that refused', () => {
    const decoder = codex.decoder();
    push(decoder, started);
    expect(push(decoder, refused).events).toMatchObject([{ type: 'error' }]);
    expect(push(decoder, windows).events).toMatchObject([{ limit: 'rejected' }]);
  });
});

/** Between turns nothing is held: a decoder that begins there gives the same as one that read from the start. */
test.each(['app-server', 'app-server-approval'])('%s can be read on from every place of rest', (name) => {
  const lines = readFileSync(file(`streams/codex/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const whole = codex.decoder();
  const told: string[] = [];
  const rests: number[] = [];
  for (const [index, text] of lines.entries()) {
    told.push(JSON.stringify(whole.push({ dir: 'out', text })));
    if (whole.atRest) rests.push(index + 1);
  }
  const firstEnd = lines.findIndex((text) => text.includes('"turn/completed"'));
  expect(rests).toContain(firstEnd + 1);
  for (const from of rests) {
    const decoder = codex.decoder();
    const again = lines.slice(from).map((text) => JSON.stringify(decoder.push({ dir: 'out', text })));
    expect(again).toEqual(told.slice(from));
  }
});

describe.each([
  ['app-server', () => codex.decoder(), ['app-server', 'app-server-approval']],
  ['exec', () => codexExec.decoder(), ['write', 'mcp-local-model', 'auth', 'thinking', 'text-unknown-model']],
] as const)('whatever comes, the decoder of %s', (_name, make, streams) => {
  const recorded = streams.flatMap((name) =>
    readFileSync(file(`streams/codex/${name}.jsonl`), 'utf8')
      .trim()
      .split('\n'),
  );

  test('does not throw, and accounts for every line', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(null, '', -1, [], {}, 'c1', { type: 'agentMessage' }));
    const mutated = fc
      .tuple(fc.constantFrom(...recorded), fc.nat(), value)
      .map(([line, nth, put]) => replaced(line, nth, put));
    const line = fc.oneof(mutated, fc.constantFrom(...recorded), fc.string(), fc.json());
    const dir = fc.constantFrom('out', 'in', 'err') as fc.Arbitrary<Line['dir']>;
    fc.assert(
      fc.property(fc.array(fc.record({ dir, text: line }), { maxLength: 30 }), (lines) => {
        const decoder = make();
        for (const each of lines) {
          const { events, fate } = decoder.push(each);
          if (fate === 'raw') expect(events).toEqual([{ type: 'raw', line: each.text }]);
          if (fate === 'empty') expect(events).toEqual([]);
          for (const event of events) expect(JSON.parse(JSON.stringify(event))).toEqual(event);
        }
        decoder.end();
      }),
      { numRuns: 400 },
    );
  });

  test('keeps garbage between lines as raw, and reads the others as if it were not there', () => {
    const clean = make();
    const dirty = make();
    for (const text of recorded) {
      const garbage = `garbage ${text.slice(0, 20)}`;
      expect(dirty.push({ dir: 'out', text: garbage })).toMatchObject({ events: [{ line: garbage }], fate: 'raw' });
      expect(dirty.push({ dir: 'out', text })).toEqual(clean.push({ dir: 'out', text }));
    }
  });
});

/** The line with its nth value (in the order of JSON.stringify) replaced. */
function replaced(line: string, nth: number, put: unknown): string {
  const count = [...line.matchAll(/":/g)].length || 1;
  let at = 0;
  const target = nth % count;
  return JSON.stringify(JSON.parse(line), (key, value) => {
    if (key === '') return value;
    at += 1;
    return at - 1 === target ? put : value;
  });
}
