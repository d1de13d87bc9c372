import { describe, expect, test } from 'vitest';
import { opencodeStream } from '../../../../src/drivers/opencode/index.ts';
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

const names = namesOf('opencode').filter((name) => NOT_JSONL[`opencode/${name}`] === undefined);
const expected = expectedOf('opencode');
const typesOf = (name: string): string[] =>
  normalized(opencodeStream, [bytesOf('opencode', name)]).events.map((event) => event.type);

describe('recorded streams of opencode', () => {
  test('all have counts by jq', () => expect(namesOf('opencode').sort()).toEqual(Object.keys(expected).sort()));

  test.each(names)('%s is understood to the last line, with the counts that jq takes', (name) => {
    const counts = expected[name];
    const costUsd = counts?.costUsd == null ? null : Number(counts.costUsd.toFixed(9));
    expect(countsOf(normalized(opencodeStream, [bytesOf('opencode', name)]))).toEqual({ ...counts, costUsd });
  });

  test.each(names)('%s gives the same however its bytes are split', (name) => {
    const all = bytesOf('opencode', name);
    const whole = normalized(opencodeStream, [all]);
    expect(normalized(opencodeStream, byteByByte(all))).toEqual(whole);
    for (const seed of [1, 2, 3]) expect(normalized(opencodeStream, chunked(all, seed))).toEqual(whole);
  });

  test.each(['human', 'serve'])('%s is no JSONL: raw, line by line', (name) => {
    const { stats } = normalized(opencodeStream, [bytesOf('opencode', name)]);
    expect(stats).toMatchObject({ lines: 2, raw: 2 });
  });

  test('have these kinds of lines, and each gives these events', () => {
    expect(kindsOf(() => opencodeStream, 'opencode')).toEqual({
      'catalog.updated': '(empty)',
      error: 'error session turn',
      'integration.updated': '(empty)',
      'message.part.delta': '(empty)',
      'message.part.updated:patch': '(empty)',
      'message.part.updated:step-finish': 'usage',
      'message.part.updated:step-start': '(empty)',
      'message.part.updated:text': '(decoded) message thinking turn',
      'message.part.updated:tool': '(decoded) thinking tool_call tool_result',
      'message.updated': '(decoded)',
      'plugin.added': '(empty)',
      reasoning: 'thinking',
      'reference.updated': '(empty)',
      'server.connected': '(empty)',
      'server.heartbeat': '(empty)',
      'session.created': 'session',
      'session.diff': '(empty)',
      'session.error': '(empty)',
      'session.idle': '(empty) message turn',
      'session.status': '(empty)',
      'session.updated': '(empty)',
      step_finish: 'message thinking turn usage',
      step_start: '(decoded) session turn',
      text: '(decoded) activity thinking',
      tool_use: 'thinking tool_call tool_result',
    });
  });
});

const outcomes: [string, (string | null)[], string[]][] = [
  ['text', ['ok'], []],
  ['auth', ['error'], ['auth']],
  ['ratelimit-forever', ['limit'], ['rate_limit']],
  ['refusal', ['error'], ['model']],
  ['toolong', ['ok'], ['context_overflow']],
  ['serve.events', ['ok', 'ok', 'interrupted'], []],
  ['kill9-midtool', [], []],
];

test.each(outcomes)('the turns of %s end %j, with the errors %j', (name, ends, codes) => {
  const { events } = normalized(opencodeStream, [bytesOf('opencode', name)]);
  const turns = events.filter((event) => event.type === 'turn' && event.phase === 'end');
  expect(turns.map((event) => event.type === 'turn' && event.outcome)).toEqual(ends);
  expect(events.filter((event) => event.type === 'error').map((event) => event.code)).toEqual(codes);
});

test('one whole run of opencode, event by event', () => {
  const { events } = normalized(opencodeStream, [bytesOf('opencode', 'failcmd')]);
  expect(events.map(({ seq, at, n, ...event }) => event)).toMatchObject([
    { type: 'session', conversationId: expect.stringMatching(/^ses_/) },
    { type: 'turn', number: 1, phase: 'start' },
    { type: 'thinking', content: 'Running the tests.' },
    { type: 'tool_call', tool: 'bash', args: { command: expect.stringContaining('exit 3') }, nativeTool: 'bash' },
    { type: 'tool_result', tool: 'bash', isError: true, durationMs: expect.any(Number) },
    { type: 'usage', estimated: false },
    { type: 'message', role: 'assistant' },
    { type: 'usage', costUsd: expect.any(Number) },
    { type: 'turn', number: 1, phase: 'end', outcome: 'ok' },
  ]);
});

test('the event stream of a server is read as it comes over HTTP, too', () => {
  const text = new TextDecoder().decode(bytesOf('opencode', 'serve.events'));
  const sse = text.replaceAll(/^(?=\{)/gm, 'data: ').replaceAll('\n', '\n\n');
  const events = normalized(opencodeStream, [new TextEncoder().encode(sse)]).events.map(({ n, ...event }) => event);
  expect(events).toEqual(
    normalized(opencodeStream, [bytesOf('opencode', 'serve.events')]).events.map(({ n, ...event }) => event),
  );
  expect(typesOf('serve.events')).toContain('tool_result');
});

const event = (type: string, properties: object): string => JSON.stringify({ id: 'e', type, properties });
const part = (fields: object): string =>
  event('message.part.updated', { part: { id: 'p', messageID: 'm', ...fields } });

describe('events of a server that no recording has', () => {
  test.each([
    {
      id: 'a retry',
      line: event('session.status', { status: { type: 'retry', attempt: 2, message: 'slow down' } }),
      types: ['retry'],
    },
    {
      id: 'a retry part',
      line: part({ type: 'retry', attempt: 1, error: { data: { message: 'x' } } }),
      types: ['retry'],
    },
    { id: 'a compaction', line: event('session.compacted', {}), types: ['compaction'] },
    { id: 'a compaction part', line: part({ type: 'compaction' }), types: ['activity'] },
    {
      id: 'an error',
      line: event('session.error', { error: { name: 'APIError', data: { message: 'x', statusCode: 401 } } }),
      types: ['error'],
    },
    {
      id: 'a thought',
      line: part({ type: 'reasoning', text: 'hm', time: { start: 1, end: 2 } }),
      types: ['turn', 'thinking'],
    },
    { id: 'a thought that is coming in', line: part({ type: 'reasoning', text: 'h', time: { start: 1 } }), types: [] },
    { id: 'a status that nobody knows', line: event('session.status', { status: { type: 'new' } }), types: ['raw'] },
    { id: 'a part that nobody knows', line: part({ type: 'new' }), types: ['raw'] },
    { id: 'an event that nobody knows', line: event('new.event', {}), types: ['raw'] },
  ])('$id', ({ line, types }) => {
    expect(
      opencodeStream
        .decoder()
        .push({ dir: 'out', text: line })
        .events.map(({ type }) => type),
    ).toEqual(types);
  });
});
