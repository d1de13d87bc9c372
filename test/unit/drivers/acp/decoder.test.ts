import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { acpDecoder } from '../../../../src/drivers/acp/index.ts';
import type { Decoded, Decoder } from '../../../../src/drivers/driver.ts';
import { geminiStream } from '../../../../src/drivers/gemini/index.ts';
import { opencodeStream } from '../../../../src/drivers/opencode/index.ts';

const out = (decoder: Decoder, message: object): Decoded =>
  decoder.push({ dir: 'out', text: JSON.stringify({ jsonrpc: '2.0', ...message }) });
const wrote = (decoder: Decoder, message: object): Decoded =>
  decoder.push({ dir: 'in', text: JSON.stringify({ jsonrpc: '2.0', ...message }) });
const update = (decoder: Decoder, fields: object): Decoded =>
  out(decoder, { method: 'session/update', params: { sessionId: 's', update: fields } });
const chunk = (decoder: Decoder, text: string, kind = 'agent_message_chunk'): Decoded =>
  update(decoder, { sessionUpdate: kind, content: { type: 'text', text } });
const prompt = (decoder: Decoder, text: string, id = 'm'): Decoded =>
  wrote(decoder, {
    id: `prompt:${id}`,
    method: 'session/prompt',
    params: { sessionId: 's', prompt: [{ type: 'text', text }] },
  });
const done = (decoder: Decoder, result: object, id = 'm'): DriverEventBody[] =>
  out(decoder, { id: `prompt:${id}`, result }).events;

/** A decoder in a turn. */
function working(): Decoder {
  const decoder = acpDecoder();
  prompt(decoder, 'do it');
  return decoder;
}

const END = { type: 'turn', number: null, phase: 'end', durationMs: null };
const NO_USAGE = {
  type: 'usage',
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd: null,
  contextUsed: null,
  contextLimit: null,
  model: null,
  estimated: false,
};

describe('a turn', () => {
  test('begins with the prompt that we wrote', () => {
    const decoder = acpDecoder();
    expect(decoder.atRest).toBe(true);
    expect(prompt(decoder, 'do it')).toEqual({
      events: [
        { type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null },
        { type: 'message', role: 'user', content: 'do it', from: null, messageId: 'm' },
      ],
      fate: 'decoded',
      kind: 'in:session/prompt',
    });
    expect(decoder.atRest).toBe(false);
  });

  test.each([
    ['end_turn', 'ok', []],
    ['cancelled', 'interrupted', []],
    ['max_turn_requests', 'max_turns', []],
    ['max_tokens', 'error', ['model']],
    ['refusal', 'error', ['model']],
  ])('that stops by %s ends %s', (stopReason, outcome, codes) => {
    const events = done(working(), { stopReason, usage: { totalTokens: 1, inputTokens: 1 } });
    expect(events.at(-1)).toEqual({ ...END, outcome });
    expect(events.flatMap((event) => (event.type === 'error' ? [event.code] : []))).toEqual(codes);
  });

  test.each([
    [{ code: 429, message: 'quota' }, 'limit'],
    [{ code: -32603, message: 'Internal error' }, 'error'],
  ])('that ends with the error %j ends %s', (error, outcome) => {
    const { events, kind } = out(working(), { id: 'prompt:m', error });
    expect(kind).toBe('error:session/prompt');
    expect(events.map(({ type }) => type)).toEqual(['error', 'usage', 'turn']);
    expect(events.at(-1)).toEqual({ ...END, outcome });
  });

  test('with two prompts ends with the second answer, and its usage counts once', () => {
    const decoder = working();
    expect(prompt(decoder, 'and this', 'n').events.map(({ type }) => type)).toEqual(['message']);
    const usage = { totalTokens: 30, inputTokens: 10, outputTokens: 20, cachedReadTokens: 5, thoughtTokens: 2 };
    expect(done(decoder, { stopReason: 'end_turn', usage })).toEqual([]);
    expect(done(decoder, { stopReason: 'end_turn', usage }, 'n')).toEqual([
      { ...NO_USAGE, input: 10, output: 22, cacheRead: 5 },
      { ...END, outcome: 'ok' },
    ]);
  });

  test('that nobody reported usage of is estimated, and says so', () => {
    const decoder = working();
    chunk(decoder, 'x'.repeat(39));
    expect(done(decoder, { stopReason: 'cancelled' })[1]).toEqual({
      ...NO_USAGE,
      input: 2,
      output: 10,
      estimated: true,
    });
    const cut = working();
    chunk(cut, 'abcd');
    expect(cut.end()).toEqual([
      { type: 'thinking', content: 'abcd', tokens: null },
      { ...NO_USAGE, input: 2, output: 1, estimated: true },
    ]);
  });
});

describe('text', () => {
  test('is a message when the turn ends with it, and thinking when work follows', () => {
    const decoder = working();
    expect(chunk(decoder, 'I will ').events).toEqual([]);
    chunk(decoder, 'look.');
    const call = update(decoder, {
      sessionUpdate: 'tool_call',
      toolCallId: 'c',
      title: 'ls',
      kind: 'execute',
      status: 'in_progress',
    });
    expect(call.events[0]).toEqual({ type: 'thinking', content: 'I will look.', tokens: null });
    chunk(decoder, 'Do', 'agent_thought_chunk');
    chunk(decoder, 'ne?', 'agent_thought_chunk');
    expect(chunk(decoder, 'Done.').events).toEqual([{ type: 'thinking', content: 'Done?', tokens: null }]);
    update(decoder, { sessionUpdate: 'available_commands_update' });
    expect(done(decoder, { stopReason: 'end_turn' })[0]).toMatchObject({
      type: 'message',
      role: 'assistant',
      content: 'Done.',
    });
  });

  test('that comes after the end of the turn opens none', () => {
    const decoder = working();
    done(decoder, { stopReason: 'cancelled' });
    expect(chunk(decoder, 'late').events).toEqual([]);
    expect(prompt(decoder, 'next', 'n').events[0]).toEqual({ type: 'thinking', content: 'late', tokens: null });
  });

  test('of another kind than text is named', () => {
    const decoder = working();
    update(decoder, { sessionUpdate: 'agent_message_chunk', content: { type: 'image', data: '…' } });
    expect(done(decoder, { stopReason: 'end_turn' })[0]).toMatchObject({ content: '[image]' });
  });
});

describe('a tool call', () => {
  const call = (decoder: Decoder, fields: object): DriverEventBody[] =>
    update(decoder, { sessionUpdate: 'tool_call', toolCallId: 'c', status: 'in_progress', ...fields }).events;
  const next = (decoder: Decoder, fields: object): DriverEventBody[] =>
    update(decoder, { sessionUpdate: 'tool_call_update', toolCallId: 'c', ...fields }).events;

  test.each([
    {
      id: 'a command by its title',
      fields: { toolCallId: 'run_shell_command__1', title: 'ls -l', kind: 'execute' },
      tool: 'bash',
      native: 'run_shell_command',
      args: { command: 'ls -l' },
    },
    {
      id: 'a command by its arguments',
      fields: { title: 'bash', kind: 'execute', rawInput: { command: 'ls', cwd: '/w' } },
      tool: 'bash',
      native: 'bash',
      args: { command: 'ls', cwd: '/w' },
    },
    {
      id: 'a file read',
      fields: { title: 'read', kind: 'read', rawInput: { filePath: '/w/f' } },
      tool: 'read',
      native: 'read',
      args: { filePath: '/w/f', path: '/w/f' },
    },
    {
      id: 'a place alone',
      fields: { title: 'Reading f', kind: 'read', locations: [{ path: '/w/f' }] },
      tool: 'read',
      native: 'read',
      args: { path: '/w/f' },
    },
    {
      id: 'a new file as a diff',
      fields: {
        title: 'Writing to f',
        kind: 'edit',
        content: [{ type: 'diff', path: '/w/f', oldText: '', newText: 'a' }],
      },
      tool: 'write',
      native: 'edit',
      args: { path: '/w/f', content: 'a' },
    },
    {
      id: 'a change as a diff',
      fields: { title: 'Edit f', kind: 'edit', content: [{ type: 'diff', path: '/w/f', oldText: 'a', newText: 'b' }] },
      tool: 'edit',
      native: 'edit',
      args: { path: '/w/f', old_string: 'a', new_string: 'b' },
    },
    {
      id: 'a search',
      fields: { title: 'grep', kind: 'search', rawInput: { pattern: 'x' } },
      tool: 'search',
      native: 'grep',
      args: { pattern: 'x', query: 'x' },
    },
    {
      id: 'a page',
      fields: { title: 'webfetch', kind: 'fetch', rawInput: { url: 'http://x' } },
      tool: 'web',
      native: 'webfetch',
      args: { url: 'http://x' },
    },
    {
      id: 'a plan',
      fields: { title: 'todowrite', kind: 'other', rawInput: {} },
      tool: 'todo',
      native: 'todowrite',
      args: {},
    },
    {
      id: 'a sub-agent',
      fields: { title: 'task', kind: 'other', rawInput: { prompt: 'x' } },
      tool: 'task',
      native: 'task',
      args: { prompt: 'x' },
    },
    {
      id: "a server's tool",
      fields: { title: 'pinger_ping', kind: 'other' },
      tool: 'mcp',
      native: 'pinger_ping',
      args: {},
    },
    {
      id: 'anything else',
      fields: { title: 'Thinking about it', kind: 'think' },
      tool: 'other',
      native: 'think',
      args: {},
    },
    {
      id: 'a kind that nobody knows',
      fields: { title: 'Something new', kind: 'new' },
      tool: 'other',
      native: 'new',
      args: {},
    },
  ])('is told as $id', ({ fields, tool, native, args }) => {
    expect(call(working(), fields)).toMatchObject([{ type: 'tool_call', tool, nativeTool: native, args }]);
    expect((call(working(), fields)[0] as { args: object }).args).toEqual(args);
  });

  test('that is pending waits for its arguments, and is told once', () => {
    const decoder = working();
    expect(call(decoder, { title: 'bash', kind: 'execute', status: 'pending', rawInput: { cwd: '/w' } })).toEqual([]);
    const rawInput = { command: 'ls', cwd: '/w' };
    expect(next(decoder, { status: 'in_progress', title: 'ls', rawInput })).toEqual([
      { type: 'tool_call', callId: 'c', tool: 'bash', args: rawInput, nativeTool: 'bash' },
    ]);
    expect(next(decoder, { status: 'in_progress', rawInput })).toEqual([]);
    expect(
      next(decoder, { status: 'completed', content: [{ type: 'content', content: { type: 'text', text: 'f\n' } }] }),
    ).toEqual([
      { type: 'tool_result', callId: 'c', tool: 'bash', result: 'f\n', isError: false, tokens: null, durationMs: null },
    ]);
    expect(next(decoder, { status: 'completed' })).toEqual([]);
  });

  test('is announced by its permission request', () => {
    const decoder = working();
    const toolCall = { toolCallId: 'run_shell_command__1', title: 'rm x', kind: 'execute', status: 'pending' };
    const { events, fate } = out(decoder, {
      id: 0,
      method: 'session/request_permission',
      params: { options: [], toolCall },
    });
    expect(fate).toBe('decoded');
    expect(events).toMatchObject([{ type: 'tool_call', args: { command: 'rm x' } }]);
  });

  test.each([
    { id: 'fails', fields: { status: 'failed', rawOutput: { error: 'no' } }, result: 'no', isError: true },
    {
      id: 'is a command with an exit status',
      fields: { status: 'completed', rawOutput: { output: 'x', metadata: { exit: 2 } } },
      result: 'x',
      isError: true,
    },
    { id: 'gives nothing', fields: { status: 'completed', content: [] }, result: '', isError: false },
  ])('that $id', ({ fields, result, isError }) => {
    const decoder = working();
    call(decoder, {
      title: 'bash',
      content: [{ type: 'content', content: { type: 'text', text: 'what it will do' } }],
    });
    expect(next(decoder, fields)).toMatchObject([{ type: 'tool_result', result, isError }]);
  });

  test('may have its result after the turn, and opens none', () => {
    const decoder = working();
    call(decoder, { title: 'bash' });
    expect(done(decoder, { stopReason: 'cancelled' }).map(({ type }) => type)).toEqual(['usage', 'turn']);
    expect(next(decoder, { status: 'completed' })).toMatchObject([{ type: 'tool_result', callId: 'c' }]);
  });

  test('that never got its arguments is told at the end of the turn', () => {
    const decoder = working();
    call(decoder, { title: 'bash', status: 'pending' });
    expect(done(decoder, { stopReason: 'end_turn' })[0]).toMatchObject({ type: 'tool_call', callId: 'c' });
  });
});

describe('a session', () => {
  test('is told with what the agent said of itself', () => {
    const decoder = acpDecoder();
    wrote(decoder, { id: 'initialize', method: 'initialize', params: {} });
    expect(
      out(decoder, { id: 'initialize', result: { protocolVersion: 1, agentInfo: { version: '1.2.3' } } }).fate,
    ).toBe('empty');
    wrote(decoder, { id: 'session', method: 'session/new', params: {} });
    const result = {
      sessionId: 's',
      models: { currentModelId: 'm' },
      configOptions: [{ id: 'mode', currentValue: 'build' }],
    };
    expect(out(decoder, { id: 'session', result }).events).toEqual([
      {
        type: 'session',
        conversationId: 's',
        model: 'm',
        cliVersion: '1.2.3',
        permissionMode: 'build',
        tools: null,
        resumed: false,
      },
    ]);
  });

  test('that is loaded plays its history back, which is told by nobody', () => {
    const decoder = acpDecoder();
    wrote(decoder, { id: 'session', method: 'session/load', params: { sessionId: 's' } });
    const history = [chunk(decoder, 'old', 'user_message_chunk'), chunk(decoder, 'answer')];
    const session = out(decoder, { id: 'session', result: {} });
    expect(session.events).toMatchObject([{ type: 'session', conversationId: 's', resumed: true }]);
    // Gemini goes on after its response, until our first prompt.
    history.push(
      chunk(decoder, 'more'),
      update(decoder, { sessionUpdate: 'tool_call', toolCallId: 'c', status: 'completed' }),
    );
    wrote(decoder, { id: 'fence:1', method: '_tutti/fence', params: {} });
    history.push(out(decoder, { id: 'fence:1', error: { code: -32601, message: 'Method not found' } }));
    expect(history.map(({ fate, events }) => [fate, events.length])).toEqual(history.map(() => ['empty', 0]));
    prompt(decoder, 'new');
    expect(chunk(decoder, 'x').fate).toBe('decoded');
    expect(done(decoder, { stopReason: 'end_turn' })[0]).toMatchObject({ type: 'message', content: 'x' });
  });

  test('that cannot be loaded is an error, and what follows is told', () => {
    const decoder = acpDecoder();
    wrote(decoder, { id: 'session', method: 'session/load', params: { sessionId: 's' } });
    expect(out(decoder, { id: 'session', error: { code: -32000, message: 'Login' } }).events).toMatchObject([
      { type: 'error', code: 'auth' },
    ]);
    expect(chunk(decoder, 'x').kind).toBe('update:agent_message_chunk');
  });

  test('costs what its sum grew by', () => {
    const decoder = working();
    const cost = (amount: number, currency = 'USD') =>
      update(decoder, { sessionUpdate: 'usage_update', used: 0, size: 9, cost: { amount, currency } }).events;
    expect(cost(0.5)).toEqual([{ ...NO_USAGE, costUsd: 0.5, contextLimit: 9 }]);
    expect(cost(0.75)).toMatchObject([{ costUsd: 0.25 }]);
    expect(cost(9, 'EUR')).toMatchObject([{ costUsd: null }]);
  });
});

describe('other lines', () => {
  test.each([
    {
      id: 'a plan',
      given: { sessionUpdate: 'plan', entries: [{ status: 'completed' }, { status: 'in_progress', content: 'b' }] },
      event: { type: 'activity', phase: 'plan', detail: '1/2 b' },
    },
    { id: 'a mode', given: { sessionUpdate: 'current_mode_update', currentModeId: 'x' }, event: null },
    { id: 'options', given: { sessionUpdate: 'config_option_update', configOptions: [] }, event: null },
    { id: 'a title', given: { sessionUpdate: 'session_info_update', title: 'x' }, event: null },
    {
      id: 'our own words',
      given: { sessionUpdate: 'user_message_chunk', content: { type: 'text', text: 'do it' } },
      event: null,
    },
  ])('$id', ({ given, event }) => {
    const { events, fate } = update(working(), given);
    expect(events).toMatchObject(event === null ? [] : [event]);
    expect(fate).toBe(event === null ? 'empty' : 'decoded');
  });

  test.each([
    ['nonsense', 'raw'],
    ['{"a":1}', 'raw'],
    ['{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"new_kind"}}}', 'raw'],
    ['{"jsonrpc":"2.0","method":"session/update","params":{}}', 'raw'],
    ['{"jsonrpc":"2.0","id":1,"method":"agent/new","params":{}}', 'raw'],
    ['{"jsonrpc":"2.0","id":1,"method":"session/request_permission","params":{}}', 'raw'],
    ['{"jsonrpc":"2.0","id":1,"method":"fs/read_text_file","params":{}}', 'empty'],
    ['{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":1}}', 'empty'],
    ['   ', 'empty'],
  ])('%s is %s', (text, fate) => {
    const decoded = acpDecoder().push({ dir: 'out', text });
    expect(decoded.fate).toBe(fate);
    expect(decoded.events).toEqual(fate === 'raw' ? [{ type: 'raw', line: text }] : []);
  });

  test.each([
    [
      'Attempt 1 failed with status 503. Retrying with backoff... _ApiError: {',
      { attempt: 1, delayMs: null, error: 'with status 503' },
    ],
    [
      'Attempt 2 failed: You exceeded your current quota. Retrying after 5921ms...',
      { attempt: 2, delayMs: 5921, error: 'You exceeded your current quota' },
    ],
  ])('stderr tells a retry: %s', (text, retry) => {
    expect(acpDecoder().push({ dir: 'err', text }).events).toEqual([{ type: 'retry', max: null, ...retry }]);
  });

  test('stderr else tells nothing', () => {
    expect(acpDecoder().push({ dir: 'err', text: 'YOLO' })).toEqual({ events: [], fate: 'empty', kind: 'stderr' });
  });
});

describe('whatever comes', () => {
  const words = [
    'jsonrpc',
    '2.0',
    'method',
    'session/update',
    'session/prompt',
    'session/load',
    'params',
    'update',
    'sessionUpdate',
    'tool_call',
    'toolCallId',
    'usage_update',
    'result',
    'error',
    'id',
    'type',
    'part',
    'properties',
    'tool_use',
    'step_finish',
    'message.part.updated',
    '__proto__',
    'constructor',
  ];
  const key = fc.oneof(fc.constantFrom(...words), fc.string());
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(...words),
      fc.jsonValue(),
      fc.dictionary(key, tie('any')),
      fc.array(tie('any')),
    ),
  })).any;
  const rpc = fc.record(
    {
      jsonrpc: fc.constant('2.0'),
      id: fc.option(fc.constantFrom(1, 'prompt:m')),
      method: fc.constantFrom(...words),
      params: value,
      result: value,
    },
    { requiredKeys: ['jsonrpc'] },
  );
  const text = fc.oneof(
    fc.string(),
    fc.dictionary(key, value).map((fields) => JSON.stringify(fields)),
    rpc.map((fields) => JSON.stringify(fields)),
    value.map((any) => JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { update: any } })),
  );

  test.each([
    ['acp', acpDecoder],
    ['gemini', geminiStream.decoder],
    ['opencode', opencodeStream.decoder],
  ] as const)('the %s decoder never throws, and raw is exactly one raw event', (_name, make) => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ dir: fc.constantFrom('out' as const, 'in' as const, 'err' as const), text }), {
          maxLength: 12,
        }),
        (lines) => {
          const decoder = make();
          for (const line of lines) {
            const { events, fate } = decoder.push(line);
            if (fate === 'raw') expect(events).toEqual([{ type: 'raw', line: line.text }]);
            else expect(events.some((event) => event.type === 'raw')).toBe(false);
            if (fate === 'empty') expect(events).toEqual([]);
          }
          decoder.end();
        },
      ),
      { numRuns: 1500 },
    );
  });
});
