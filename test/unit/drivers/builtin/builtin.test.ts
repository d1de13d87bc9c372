import { describe, expect, test } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { builtin } from '../../../../src/drivers/builtin/index.ts';
import { KINDS } from '../../../../src/drivers/builtin/kinds.ts';
import type { AgentOutput } from '../../../../src/drivers/builtin/wire.ts';
import type { LaunchSpec } from '../../../../src/drivers/driver.ts';

const spec: LaunchSpec = {
  command: ['node', '/opt/tutti/main.js'],
  args: ['--bash-limit', '5'],
  cwd: '/w',
  model: null,
  permissions: 'auto',
  conversationId: null,
  resume: false,
  incarnation: 1,
  marker: 'h/a/1',
  dir: '/home/a',
  systemPrompt: null,
  settings: {},
};

const decode = (text: string, dir: 'out' | 'in' | 'err' = 'out') => builtin.decoder().push({ dir, text });
const out = (line: AgentOutput) => decode(JSON.stringify(line));

describe('the decoder', () => {
  test('reads the lines of the first specification as they stand there', () => {
    const decoder = builtin.decoder();
    const lines = [
      '{"type":"turn","number":1}',
      '{"type":"thinking","content":"I\'ll read the file."}',
      '{"type":"tool_call","tool":"bash","args":{"command":"cat auth.py"}}',
      '{"type":"tool_call","tool":"bash","args":{"command":"ls"}}',
    ];
    expect(lines.flatMap((text) => decoder.push({ dir: 'out', text }).events)).toEqual([
      { type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null },
      { type: 'thinking', content: "I'll read the file.", tokens: null },
      { type: 'tool_call', callId: 'call-1', tool: 'bash', args: { command: 'cat auth.py' }, nativeTool: 'bash' },
      { type: 'tool_call', callId: 'call-2', tool: 'bash', args: { command: 'ls' }, nativeTool: 'bash' },
    ]);
    expect(decoder.end()).toEqual([]);
  });

  const cases: { id: string; line: AgentOutput; event: Partial<DriverEventBody> }[] = [
    {
      id: 'session',
      line: {
        type: 'session',
        conversationId: 'c',
        agent: 'v1',
        model: 'm',
        cliVersion: '1',
        tools: ['bash'],
        resumed: true,
      },
      event: { type: 'session', conversationId: 'c', model: 'm', cliVersion: '1', tools: ['bash'], resumed: true },
    },
    {
      id: 'the end of a turn',
      line: { type: 'turn', number: 3, phase: 'end', outcome: 'limit', durationMs: 5 },
      event: { type: 'turn', number: null, phase: 'end', outcome: 'limit', durationMs: 5 },
    },
    {
      id: 'a message of the user',
      line: { type: 'message', role: 'user', content: 'hi', id: 'm1' },
      event: { type: 'message', role: 'user', content: 'hi', from: null, messageId: 'm1' },
    },
    {
      id: 'an answer',
      line: { type: 'message', role: 'assistant', content: 'hi' },
      event: { type: 'message', role: 'assistant', content: 'hi', from: null, messageId: null },
    },
    {
      id: 'a tool call',
      line: { type: 'tool_call', tool: 'edit', args: { path: 'a' }, id: 't' },
      event: { type: 'tool_call', callId: 't', tool: 'edit', args: { path: 'a' }, nativeTool: 'edit' },
    },
    {
      id: 'a tool result',
      line: { type: 'tool_result', tool: 'bash', id: 't', result: 'r', isError: true, durationMs: 7 },
      event: {
        type: 'tool_result',
        callId: 't',
        tool: 'bash',
        result: 'r',
        isError: true,
        tokens: null,
        durationMs: 7,
      },
    },
    {
      id: 'usage, with what the context holds',
      line: { type: 'usage', input: 1, output: 2, cacheRead: 3, cacheWrite: 4, model: 'm' },
      event: {
        type: 'usage',
        input: 1,
        output: 2,
        cacheRead: 3,
        cacheWrite: 4,
        contextUsed: 10,
        costUsd: null,
        estimated: false,
      },
    },
    {
      id: 'a limit',
      line: {
        type: 'rate_limit',
        limit: 'rejected',
        scope: 'requests',
        resetsAt: '2026-01-01T00:00:00.000Z',
        retryAfterMs: 8000,
        utilization: null,
      },
      event: { type: 'rate_limit', limit: 'rejected', resetsAt: '2026-01-01T00:00:00.000Z', retryAfterMs: 8000 },
    },
    {
      id: 'a retry',
      line: { type: 'retry', attempt: 1, max: 3, delayMs: 10, error: 'x' },
      event: { type: 'retry', attempt: 1, max: 3, delayMs: 10, error: 'x' },
    },
    {
      id: 'an error',
      line: { type: 'error', code: 'auth', message: 'm', retryable: false },
      event: { type: 'error', code: 'auth', message: 'm', retryable: false },
    },
    {
      id: 'thinking',
      line: { type: 'thinking', content: 'hm' },
      event: { type: 'thinking', content: 'hm', tokens: null },
    },
  ];
  test.each(cases)('$id becomes its event', ({ line, event }) => {
    const { events, fate } = out(line);
    expect(fate).toBe('decoded');
    expect(events).toEqual([expect.objectContaining(event)]);
  });

  const empties: AgentOutput[] = [
    { type: 'ready', conversationId: 'c', resumed: false },
    { type: 'accepted', id: 'm', repeat: false },
    { type: 'refused', id: 'm', why: 'w', retryable: true },
    { type: 'ask', key: 'k', callId: 't', tool: 'bash', args: {} },
    { type: 'withdrawn', key: 'k' },
    { type: 'delta', text: 'x' },
  ];
  test.each(empties)('$type gives no event, and the table says why', (line) => {
    expect(out(line)).toMatchObject({ events: [], fate: 'empty', kind: line.type });
    expect(KINDS[line.type as 'ready']).toBeTypeOf('object');
  });

  test('what we wrote gives no event', () => {
    for (const type of ['user', 'interrupt', 'verdict'])
      expect(decode(JSON.stringify({ type }), 'in')).toMatchObject({ fate: 'empty', kind: `in/${type}` });
  });

  const rubbish = [
    ...[
      'rubbish',
      '{"type":',
      '[]',
      '{}',
      '{"type":"nothing"}',
      '{"type":"toString"}',
      '{"type":"thinking"}',
      '\0\uFFFD',
    ],
    ...[
      '{"type":"turn","phase":"middle"}',
      '{"type":"turn","phase":"end","outcome":"great"}',
      '{"type":"message","content":"x"}',
    ],
    ...[
      '{"type":"tool_call"}',
      '{"type":"tool_result","id":"t"}',
      '{"type":"rate_limit","limit":"odd"}',
      '{"type":"error"}',
    ],
    '['.repeat(100_000),
  ];
  test.each(rubbish)('keeps %.40s as raw', (line) => {
    expect(decode(line)).toMatchObject({ fate: 'raw', events: [{ type: 'raw', line }] });
  });
});

describe('the protocol', () => {
  const protocol = () => builtin.protocol(spec);
  const act = (line: AgentOutput, on = protocol()) => on.line({ dir: 'out', text: JSON.stringify(line) }).actions;

  test('a message is written with its id; asking for it again writes the same', () => {
    const message = { messageId: 'm1', text: 'two\nlines', now: true, ordinal: 0 };
    const line = '{"type":"user","id":"m1","text":"two\\nlines"}';
    expect(protocol().message(message)).toEqual([{ do: 'write', line }]);
    expect(protocol().confirm(message)).toEqual([{ do: 'write', line }]);
  });

  test('it is ready when it says so, and confirms what it accepted', () => {
    expect(act({ type: 'ready', conversationId: 'c', resumed: true })).toEqual([
      { do: 'ready', conversationId: 'c', resumed: true },
    ]);
    expect(act({ type: 'accepted', id: 'm', repeat: false })).toEqual([
      { do: 'confirmed', messageId: 'm', turnFollows: true },
    ]);
    expect(act({ type: 'accepted', id: 'm', repeat: true })).toEqual([
      { do: 'confirmed', messageId: 'm', turnFollows: false },
    ]);
    expect(act({ type: 'refused', id: 'm', why: 'full', retryable: true })).toEqual([
      { do: 'refused', messageId: 'm', why: 'full', retryable: true },
    ]);
  });

  test('an interrupt is written only while a turn runs', () => {
    const on = protocol();
    expect(on.interrupt()).toEqual([]);
    expect(act({ type: 'turn', number: 1 }, on)).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(on.turn).toBe(true);
    expect(on.interrupt()).toEqual([{ do: 'write', line: '{"type":"interrupt"}' }]);
    expect(act({ type: 'turn', number: 1, phase: 'end', outcome: 'ok', durationMs: 1 }, on)).toEqual([
      { do: 'turn', phase: 'end' },
    ]);
    expect(on.turn).toBe(false);
  });

  test('a call is judged, and what must be asked stays with the host', () => {
    expect(act({ type: 'ask', key: 'k', callId: 't', tool: 'bash', args: { command: 'ls' } })).toEqual([
      {
        do: 'judge',
        key: 'k',
        what: 'permission',
        gate: true,
        canAsk: false,
        tool: 'bash',
        nativeTool: 'bash',
        args: { command: 'ls' },
        callId: 't',
        text: '',
      },
    ]);
  });

  test('a question without arguments is refused at once', () => {
    const { actions } = protocol().line({ dir: 'out', text: '{"type":"ask","key":"k","tool":"bash"}' });
    expect(actions).toEqual([{ do: 'write', line: expect.stringContaining('"decision":"deny"') }]);
  });

  test('only an allow allows', () => {
    const answers = [
      { verdict: { decision: 'allow' }, line: { decision: 'allow' } },
      { verdict: { decision: 'allow', args: { command: 'x' } }, line: { decision: 'allow', args: { command: 'x' } } },
      { verdict: { decision: 'deny', reason: 'no' }, line: { decision: 'deny', reason: 'no' } },
      { verdict: { decision: 'ask' }, line: { decision: 'deny', reason: expect.any(String) } },
      { verdict: { decision: 'answer', text: 'yes' }, line: { decision: 'deny', reason: expect.any(String) } },
    ] as const;
    for (const { verdict, line } of answers) {
      const [action] = protocol().answer('k', verdict);
      expect(action?.do === 'write' && JSON.parse(action.line)).toEqual({ type: 'verdict', key: 'k', ...line });
    }
  });

  test('deltas are shown and not journaled', () => {
    const line = protocol().line({ dir: 'out', text: '{"type":"delta","text":"wor"}' });
    expect(line).toMatchObject({ journal: false, actions: [{ do: 'delta', text: 'wor' }] });
    expect(protocol().line({ dir: 'out', text: '{"type":"thinking","content":"x"}' }).journal).toBe(true);
  });
});

describe('launch', () => {
  test('a new conversation behind the gate', () => {
    expect(builtin.launch(spec, null).argv).toEqual([
      ...['node', '/opt/tutti/main.js', 'agent', 'v1', '--record', '/home/a', '--stdio', '--gate', '--bash-limit', '5'],
    ]);
  });

  test('a resumed one, with everything that can be set', () => {
    const full: LaunchSpec = {
      ...spec,
      args: [],
      resume: true,
      conversationId: 'c',
      model: 'm',
      systemPrompt: 'p',
      settings: { agent: 'v0', bashLimitS: 9, maxTurns: 7 },
    };
    expect(builtin.launch(full, null).argv.slice(2)).toEqual([
      ...['agent', 'v0', '--record', '/home/a', '--resume', 'c', '--model', 'm', '--append-system-prompt', 'p'],
      ...['--bash-limit', '9', '--max-rounds', '7', '--stdio', '--gate'],
    ]);
    expect(builtin.takeOver(full).argv.at(-1)).toBe('--chat');
  });
});

describe('exits', () => {
  const exit = { code: 0, signal: null, asked: false, stderr: '', silent: false };
  const cases = [
    { id: 'asked', exit: { ...exit, asked: true, signal: 'SIGTERM', code: null }, cause: 'asked', retryable: true },
    { id: 'clean', exit, cause: 'clean', retryable: true },
    { id: 'killed', exit: { ...exit, code: null, signal: 'SIGKILL' }, cause: 'signal', retryable: true },
    { id: 'crashed', exit: { ...exit, code: 1, stderr: 'a\nboom' }, cause: 'crash', retryable: true },
    { id: 'wrong flags', exit: { ...exit, code: 2 }, cause: 'bad_flag', retryable: false },
    { id: 'not installed', exit: { ...exit, code: 127 }, cause: 'missing', retryable: false },
  ];
  test.each(cases)('$id', ({ exit: how, cause, retryable }) => {
    expect(builtin.classifyExit(how)).toMatchObject({ cause, retryable, conversationLost: false });
  });
  test('a record that is gone loses the conversation', () => {
    expect(builtin.classifyExit({ ...exit, code: 3 })).toMatchObject({
      cause: 'no_conversation',
      conversationLost: true,
    });
  });
});
