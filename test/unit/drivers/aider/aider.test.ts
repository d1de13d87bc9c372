import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { tokenCount } from '../../../../src/drivers/aider/grammar.ts';
import { deliveredCount } from '../../../../src/drivers/aider/history.ts';
import { aider } from '../../../../src/drivers/aider/index.ts';
import type { LaunchSpec } from '../../../../src/drivers/driver.ts';

const linesOf = (name: string): string[] =>
  readFileSync(fileURLToPath(new URL(`../../../streams/aider/${name}.txt`, import.meta.url)), 'utf8')
    .split('\n')
    .slice(0, -1);
const TRANSCRIPTS = ['bad-edit-format', 'edit-commit', 'ratelimit-forever', 'test-reflection'];

function decode(lines: string[]) {
  const decoder = aider.decoder();
  const decoded = lines.map((text) => decoder.push({ dir: 'out', text }));
  return { decoded, events: [...decoded.flatMap((each) => each.events), ...decoder.end()] };
}

/** An event in short: its type and the field that matters. */
function brief(event: DriverEventBody): string {
  if (event.type === 'turn') return `turn ${event.phase} ${event.outcome ?? ''}`.trim();
  if (event.type === 'usage') return `usage ${event.input}+${event.output} $${event.costUsd}`;
  if (event.type === 'tool_call') return `call ${event.tool} ${String(event.args.path)}`;
  if (event.type === 'message' || event.type === 'thinking') return `${event.type} ${event.content.split('\n')[0]}`;
  if (event.type === 'activity') return `${event.phase} ${(event.detail ?? '').split('\n')[0]}`;
  if (event.type === 'retry') return `retry ${event.attempt}/${event.max} ${event.delayMs}`;
  if (event.type === 'error') return `error ${event.code} ${event.retryable}`;
  if (event.type === 'session') return `session ${event.model} ${event.cliVersion}`;
  return event.type;
}

const EXPECTED: Record<string, string[]> = {
  'edit-commit': [
    'turn start',
    'session anthropic/claude-sonnet-4-5 0.86.2',
    'usage 2600+141 $0.01',
    'call edit app.py',
    'tool_result',
    'commit Commit 1a2b3c4 feat: print a greeting in main',
    "message I'll add a greeting.",
    'turn end ok',
  ],
  'test-reflection': [
    'turn start',
    'session gpt-4o 0.86.2',
    'usage 2500+60 $0.0068',
    'call edit app.py',
    'tool_result',
    'commit Commit 77aa001 fix: correct the operator in add',
    'output F                                                                        [100%]',
    'reflection Added 3 lines of output to the chat.',
    'thinking app.py',
    'usage 2900+58 $0.0078',
    'call edit app.py',
    'tool_result',
    'commit Commit 9c0de12 fix: add the operands',
    'output .                                                                        [100%]',
    'message app.py',
    'turn end ok',
  ],
  'bad-edit-format': [
    'turn start',
    'session gpt-4o 0.86.2',
    ...[2500, 2800, 3100, 3400].flatMap((input, round) => [
      ...(round === 0 ? [] : ['thinking app.py']),
      `usage ${input}+45 $0.0066`,
      'reflection The LLM did not conform to the edit format.',
      'reason https://aider.chat/docs/troubleshooting/edit-errors.html',
    ]),
    'error model false',
    'message app.py',
    'turn end error',
  ],
  'ratelimit-forever': [
    'turn start',
    'session anthropic/claude-sonnet-4-5 0.86.2',
    ...[200, 500, 1000, 2000, 4000, 8000, 16_000, 32_000].map((delay, at) => `retry ${at + 1}/8 ${delay}`),
    'error rate_limit true',
    'turn end limit',
  ],
};

describe.each(TRANSCRIPTS)('the transcript %s', (name) => {
  test('gives its events, and no raw line', () => {
    const { decoded, events } = decode(linesOf(name));
    expect(decoded.filter((each) => each.fate === 'raw')).toEqual([]);
    expect(events.map(brief)).toEqual(EXPECTED[name]);
  });

  test('with rubbish before it keeps that as raw, and gives the same', () => {
    const { decoded, events } = decode(['Traceback (most recent call last):', ...linesOf(name)]);
    expect(decoded[0]).toMatchObject({
      fate: 'raw',
      events: [{ type: 'raw', line: 'Traceback (most recent call last):' }],
    });
    expect(events.slice(1).map(brief)).toEqual(EXPECTED[name]);
  });
});

describe('a line outside the grammar', () => {
  test.each([
    ['between the start lines', ['Aider v0.86.2', 'Something new']],
    ['after the token line', ['Aider v0.86.2', '', 'hello', 'Tokens: 512 sent, 20 received.', 'Something new']],
  ])('%s is raw', (_where, lines) => {
    expect(decode(lines).decoded.at(-1)).toMatchObject({
      fate: 'raw',
      events: [{ type: 'raw', line: 'Something new' }],
    });
  });
});

describe('a process that ends early', () => {
  test('in mid-answer leaves its turn open, and what came is thinking', () => {
    expect(decode(['Aider v0.86.2', '', 'half an ans']).events.map(brief)).toEqual([
      'turn start',
      'session null 0.86.2',
      'thinking half an ans',
    ]);
  });

  test('while it waits to try again leaves its turn open', () => {
    const lines = linesOf('ratelimit-forever').slice(0, 8);
    expect(decode(lines).events.map(brief).at(-1)).toBe('retry 1/8 200');
  });

  test('before its first line says nothing', () => {
    expect(decode([]).events).toEqual([]);
  });
});

test.each([
  ['litellm.AuthenticationError: no', 'error auth false'],
  ['litellm.ContextWindowExceededError: long', 'error context_overflow false'],
  ['litellm.SomethingNew: what', 'error unknown true'],
  ['Empty response received from LLM. Check your provider account?', 'error model false'],
])('%s ends the turn with %s', (line, error) => {
  expect(decode(['Aider v0.86.2', '', line]).events.map(brief).slice(2)).toEqual([error, 'turn end error']);
});

test.each([
  ['512', 512],
  ['2.6k', 2600],
  ['12k', 12_000],
  ['many', null],
  [undefined, null],
])('the count %s is %s', (printed, count) => {
  expect(tokenCount(printed)).toBe(count);
});

test('both cache numbers put the cost on a line of its own', () => {
  const lines = [
    'Aider v0.86.2',
    '',
    'x',
    'Tokens: 2.6k sent, 1.2k cache write, 9.8k cache hit, 141 received.',
    'Cost: $0.0042 message, $0.02 session.',
  ];
  const usage = decode(lines).events.filter((event) => event.type === 'usage');
  expect(usage).toMatchObject([
    { input: 2600, cacheWrite: 1200, cacheRead: 9800, output: 141, costUsd: null },
    { input: 0, output: 0, costUsd: 0.0042 },
  ]);
});

test('no text makes it throw, and no line vanishes', () => {
  const pieces = TRANSCRIPTS.flatMap(linesOf);
  const line = fc.oneof(fc.constantFrom(...pieces), fc.string());
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
      const { decoded } = decode(lines);
      for (const each of decoded) expect(each.fate === 'raw').toBe(each.events[0]?.type === 'raw');
    }),
  );
});

const SPEC: LaunchSpec = {
  command: [],
  args: [],
  cwd: '/workspace',
  model: 'gpt-4o',
  permissions: 'auto',
  conversationId: null,
  resume: false,
  incarnation: 1,
  marker: 'aaaaaaaa/a1/1',
  dir: '/agent',
  systemPrompt: null,
  settings: {},
};
const MESSAGE = { messageId: 'u1', text: 'do it', now: false, ordinal: 1 };
const segment = (...lines: string[]): string[] => [
  '# aider chat started at 2026-01-01 00:00:00',
  '',
  '> Aider v0.86.2',
  '',
  ...lines,
  '',
];
const HISTORY = segment('#### first', '', 'An answer', '#### with a heading');

describe('the history', () => {
  test.each([
    ['with one message', HISTORY, 1],
    ['with two', [...HISTORY, ...segment('#### second')], 2],
    ['with a process that died before it took its message in', [...HISTORY, ...segment()], 1],
    ['with nothing', [], 0],
  ])('%s', (_what, lines, count) => {
    expect(deliveredCount(lines)).toBe(count);
  });
});

describe('a message', () => {
  const first = (protocol: ReturnType<typeof aider.protocol>, text: string) =>
    protocol.line({ dir: 'out', text }).actions;

  test('is handed over in a file at the start, and confirmed by the history', () => {
    const launch = aider.launch(SPEC, MESSAGE);
    expect(launch.files).toEqual([{ path: '/agent/message.md', text: 'do it' }]);
    expect(launch.argv.join(' ')).toContain('--message-file /agent/message.md');
    const protocol = aider.protocol(SPEC);
    expect(protocol.begin()).toEqual([{ do: 'close-stdin' }, { do: 'ready', conversationId: null, resumed: false }]);
    expect(protocol.message(MESSAGE)).toEqual([]);
    expect(first(protocol, 'Aider v0.86.2')).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(first(protocol, 'Git repo: none')).toEqual([]);
    expect(first(protocol, '')).toEqual([]);
    expect(first(protocol, 'An answer')).toEqual([{ do: 'read-file', path: '/agent/history.md', key: 'message' }]);
    expect(protocol.file?.('message', HISTORY)).toEqual([]);
    expect(first(protocol, 'goes on')).toEqual([{ do: 'read-file', path: '/agent/history.md', key: 'message' }]);
    expect(protocol.file?.('message', [...HISTORY, ...segment('#### do it')])).toEqual([
      { do: 'confirmed', messageId: 'u1', turnFollows: true },
    ]);
    expect(first(protocol, 'and on')).toEqual([]);
  });

  test.each([
    ['is in', [...HISTORY, ...segment('#### do it')], { do: 'confirmed', messageId: 'u1', turnFollows: false }],
    ['is not in', [...HISTORY, ...segment()], { do: 'refused', messageId: 'u1', retryable: true }],
    ['has no history yet', null, { do: 'refused', messageId: 'u1', retryable: true }],
  ])('that %s is found so after a kill', (_what, lines, action) => {
    const protocol = aider.protocol(SPEC);
    expect(protocol.confirm(MESSAGE)).toEqual([{ do: 'read-file', path: '/agent/history.md', key: 'confirm' }]);
    expect(protocol.file?.('confirm', lines)).toMatchObject([action]);
  });

  test('in mid-turn is refused for now', () => {
    const protocol = aider.protocol(SPEC);
    first(protocol, 'Aider v0.86.2');
    expect(protocol.message({ ...MESSAGE, now: true })).toMatchObject([{ do: 'refused', retryable: true }]);
  });
});

test('it resumes by its own history', () => {
  expect(aider.launch({ ...SPEC, resume: true }, MESSAGE).argv).toContain('--restore-chat-history');
  expect(aider.takeOver(SPEC).argv).toEqual([
    'aider',
    '--model',
    'gpt-4o',
    '--chat-history-file',
    '/agent/history.md',
    '--input-history-file',
    '/agent/input.history',
    '--restore-chat-history',
  ]);
});

test.each([
  ['asked for', { asked: true, signal: 'SIGTERM' }, { cause: 'asked' }],
  ['by a signal', { signal: 'SIGKILL' }, { cause: 'signal', retryable: true }],
  ['at the end of its message', { code: 0 }, { cause: 'clean' }],
  ['for a bad flag', { code: 2 }, { cause: 'bad_flag', retryable: false }],
  ['for want of a model or key', { code: 1 }, { cause: 'auth', retryable: false }],
  ['since it is not there', { code: 127, silent: true }, { cause: 'missing', retryable: false }],
])('an exit %s is understood', (_why, change, verdict) => {
  expect(
    aider.classifyExit({ code: null, signal: null, asked: false, stderr: '', silent: false, ...change }),
  ).toMatchObject(verdict);
});
