import { describe, expect, test } from 'vitest';
import { acp, acpDriver } from '../../../../src/drivers/acp/index.ts';
import type { Action, LaunchSpec, OutgoingMessage, Protocol } from '../../../../src/drivers/driver.ts';
import { gemini } from '../../../../src/drivers/gemini/index.ts';
import { opencode } from '../../../../src/drivers/opencode/index.ts';
import { spec } from './conversation.ts';

const say = (protocol: Protocol, message: object): Action[] =>
  protocol.line({ dir: 'out', text: JSON.stringify({ jsonrpc: '2.0', ...message }) }).actions;
const wrote = (actions: Action[]): unknown[] =>
  actions.flatMap((action) => (action.do === 'write' ? [JSON.parse(action.line)] : []));
const others = (actions: Action[]): Action[] => actions.filter((action) => action.do !== 'write');
const message = (messageId: string, text: string, change: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  messageId,
  text,
  now: false,
  ordinal: 0,
  ...change,
});
const update = (fields: object): object => ({ method: 'session/update', params: { sessionId: 's', update: fields } });
const user = (text: string, messageId?: string): object =>
  update({
    sessionUpdate: 'user_message_chunk',
    content: { type: 'text', text },
    ...(messageId === undefined ? {} : { messageId }),
  });
const INITIALIZED = {
  id: 'initialize',
  result: { protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] },
};

function ready(driver = gemini, change: Partial<LaunchSpec> = {}): Protocol {
  const protocol = driver.protocol(spec(change));
  protocol.begin();
  say(protocol, INITIALIZED);
  say(protocol, { id: 'session', result: { sessionId: 's' } });
  return protocol;
}

/** A protocol that resumed, after this history. */
function resumed(history: object[]): { protocol: Protocol; actions: Action[] } {
  const protocol = gemini.protocol(spec({ conversationId: 's', resume: true }));
  protocol.begin();
  say(protocol, INITIALIZED);
  for (const line of history) say(protocol, line);
  say(protocol, { id: 'session', result: {} });
  return { protocol, actions: say(protocol, { id: 'fence:1', error: { code: -32601, message: 'Method not found' } }) };
}

const permission = (id: number, options: object[]): object => ({
  id,
  method: 'session/request_permission',
  params: {
    sessionId: 's',
    options,
    toolCall: { toolCallId: 'c', title: 'ls', kind: 'execute', status: 'pending', rawInput: { command: 'ls' } },
  },
});
const OPTIONS = [
  { optionId: 'always', kind: 'allow_always' },
  { optionId: 'once', kind: 'allow_once' },
  { optionId: 'never', kind: 'reject_always' },
  { optionId: 'no', kind: 'reject_once' },
];

describe('opening a session', () => {
  test('offers nothing that the host would have to serve', () => {
    expect(wrote(gemini.protocol(spec()).begin())).toEqual([
      {
        jsonrpc: '2.0',
        id: 'initialize',
        method: 'initialize',
        params: {
          protocolVersion: 1,
          clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
          clientInfo: { name: 'tutti', title: 'tutti', version: '1' },
        },
      },
    ]);
  });

  test('logs in with an API key only when the agent demands it, and once', () => {
    const protocol = gemini.protocol(spec());
    protocol.begin();
    say(protocol, {
      ...INITIALIZED,
      result: { protocolVersion: 1, authMethods: [{ id: 'oauth' }, { id: 'gemini-api-key' }] },
    });
    const demanded = { id: 'session', error: { code: -32000, message: 'Authentication required' } };
    expect(wrote(say(protocol, demanded))).toMatchObject([
      { method: 'authenticate', params: { methodId: 'gemini-api-key' } },
    ]);
    expect(wrote(say(protocol, { id: 'authenticate', result: {} }))).toMatchObject([{ method: 'session/new' }]);
    expect(say(protocol, demanded)).toEqual([{ do: 'broken', why: 'session failed: Authentication required' }]);
  });

  test.each([
    {
      id: 'another version',
      given: { ...INITIALIZED, result: { protocolVersion: 2 } },
      resume: false,
      why: /version 2/,
    },
    {
      id: 'no session/load',
      given: { ...INITIALIZED, result: { protocolVersion: 1 } },
      resume: true,
      why: /cannot load/,
    },
    {
      id: 'an error',
      given: { id: 'initialize', error: { code: -32603, message: 'no' } },
      resume: false,
      why: /initialize failed: no/,
    },
  ])('gives up on $id', ({ given, resume, why }) => {
    const protocol = gemini.protocol(spec({ conversationId: resume ? 's' : null, resume }));
    protocol.begin();
    const actions = say(protocol, given);
    expect(actions).toEqual([{ do: 'broken', why: expect.stringMatching(why) }]);
    // Nothing is said any more, whatever comes.
    expect(say(protocol, INITIALIZED)).toEqual([]);
  });

  test('chooses the model with a request where it is no argument', () => {
    const protocol = opencode.protocol(spec({ model: 'mock/m' }));
    protocol.begin();
    say(protocol, INITIALIZED);
    const chosen = say(protocol, { id: 'session', result: { sessionId: 's' } });
    expect(wrote(chosen)).toMatchObject([
      { method: 'session/set_model', params: { sessionId: 's', modelId: 'mock/m' } },
    ]);
    expect(say(protocol, { id: 'model', result: {} })).toEqual([{ do: 'ready', conversationId: 's', resumed: false }]);
  });

  test('takes no message before it is ready', () => {
    const protocol = gemini.protocol(spec());
    expect(protocol.message(message('m', 'x'))).toMatchObject([{ do: 'refused', messageId: 'm', retryable: true }]);
    expect(protocol.confirm(message('m', 'x'))).toMatchObject([{ do: 'refused', messageId: 'm', retryable: true }]);
  });
});

describe('after a resume', () => {
  test('sends fences until one comes back with no history before it', () => {
    const protocol = gemini.protocol(spec({ conversationId: 's', resume: true }));
    protocol.begin();
    say(protocol, INITIALIZED);
    expect(wrote(say(protocol, { id: 'session', result: {} }))).toMatchObject([
      { id: 'fence:1', method: '_tutti/fence' },
    ]);
    say(protocol, user('late'));
    // An update that is no history keeps nothing waiting.
    expect(wrote(say(protocol, { id: 'fence:1', error: { code: -32601, message: '' } }))).toMatchObject([
      { id: 'fence:2' },
    ]);
    say(protocol, update({ sessionUpdate: 'available_commands_update', availableCommands: [] }));
    expect(say(protocol, { id: 'fence:2', result: {} })).toEqual([{ do: 'ready', conversationId: 's', resumed: true }]);
    expect(protocol.confirm(message('m', 'late'))).toEqual([{ do: 'confirmed', messageId: 'm', turnFollows: false }]);
  });

  const history = [
    user('<session_context>\nToday'),
    user('go on'),
    user('[Function Response: ls]'),
    user('go on'),
    user(' last\n'),
  ];
  test.each([
    { id: 'the last one', text: 'last', ordinal: 2, isIn: true },
    { id: 'one that came again', text: 'go on', ordinal: 1, isIn: true },
    { id: 'one whose twin was confirmed before', text: 'go on', ordinal: 2, isIn: false },
    { id: 'one that never arrived', text: 'new', ordinal: 3, isIn: false },
    { id: "the agent's own insert", text: '[Function Response: ls]', ordinal: 0, isIn: false },
    { id: 'one behind the end', text: 'last', ordinal: 3, isIn: false },
  ])('asks the history for $id', ({ text, ordinal, isIn }) => {
    const { protocol, actions } = resumed(history);
    expect(actions).toMatchObject([{ do: 'ready', resumed: true }]);
    const answer = protocol.confirm(message('m', text, { ordinal }));
    if (isIn) expect(answer).toEqual([{ do: 'confirmed', messageId: 'm', turnFollows: false }]);
    else expect(wrote(answer)).toMatchObject([{ id: 'prompt:m', method: 'session/prompt' }]);
  });

  test('joins chunks of one message only where the agent says that they are one', () => {
    const { protocol } = resumed([user('ab', 'x'), user('cd', 'x'), user('ef', 'y')]);
    expect(protocol.confirm(message('m', 'abcd'))).toMatchObject([{ do: 'confirmed' }]);
    expect(protocol.confirm(message('m', 'ef', { ordinal: 1 }))).toMatchObject([{ do: 'confirmed' }]);
  });

  test('knows a message that begins with a slash in the form it was sent', () => {
    const sent = wrote(ready().message(message('m', '/tmp is full'))) as { params: { prompt: { text: string }[] } }[];
    const text = sent[0]?.params.prompt[0]?.text ?? '';
    expect(text).toBe('\u200b/tmp is full');
    expect(resumed([user(text)]).protocol.confirm(message('m', '/tmp is full'))).toMatchObject([{ do: 'confirmed' }]);
  });

  test('does not take a refused prompt for a delivered one', () => {
    const { protocol } = resumed([]);
    protocol.message(message('m', 'x'));
    say(protocol, { id: 'prompt:m', error: { code: -32602, message: 'Session not found' } });
    expect(wrote(protocol.confirm(message('m', 'x')))).toMatchObject([{ method: 'session/prompt' }]);
  });
});

describe('a message', () => {
  test('is confirmed once, by work and not by an update about the session', () => {
    const protocol = ready();
    expect(others(protocol.message(message('m', 'x')))).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(protocol.turn).toBe(true);
    expect(say(protocol, update({ sessionUpdate: 'available_commands_update' }))).toEqual([]);
    const chunk = update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'a' } });
    expect(say(protocol, chunk)).toEqual([
      { do: 'confirmed', messageId: 'm', turnFollows: true },
      { do: 'delta', text: 'a' },
    ]);
    expect(say(protocol, chunk)).toEqual([{ do: 'delta', text: 'a' }]);
    expect(say(protocol, { id: 'prompt:m', result: { stopReason: 'end_turn' } })).toEqual([
      { do: 'turn', phase: 'end' },
    ]);
    expect(protocol.turn).toBe(false);
  });

  test.each([
    { id: 'the protocol', code: -32602, expected: { do: 'refused', messageId: 'm', why: 'no', retryable: true } },
    { id: 'the model', code: -32603, expected: { do: 'confirmed', messageId: 'm', turnFollows: true } },
    { id: 'the provider', code: 429, expected: { do: 'confirmed', messageId: 'm', turnFollows: true } },
  ])('that fails with an error of $id', ({ code, expected }) => {
    const protocol = ready();
    protocol.message(message('m', 'x'));
    expect(say(protocol, { id: 'prompt:m', error: { code, message: 'no' } })).toEqual([
      expected,
      { do: 'turn', phase: 'end' },
    ]);
  });

  test.each([
    { id: 'OpenCode takes one into a turn when asked to', driver: opencode, now: true, taken: true },
    { id: 'OpenCode does not when not asked to', driver: opencode, now: false, taken: false },
    { id: 'Gemini would cancel the turn, so never', driver: gemini, now: true, taken: false },
    { id: 'an unknown agent never', driver: acp, now: true, taken: false },
  ])('in mid-turn: $id', ({ driver, now, taken }) => {
    const protocol = ready(driver);
    protocol.message(message('m1', 'x'));
    const actions = protocol.message(message('m2', 'y', { now }));
    if (taken) expect(wrote(actions)).toMatchObject([{ id: 'prompt:m2' }]);
    else expect(actions).toMatchObject([{ do: 'refused', messageId: 'm2', retryable: true }]);
  });

  test('steered into a turn ends with it', () => {
    const protocol = ready(opencode);
    protocol.message(message('m1', 'x'));
    expect(others(protocol.message(message('m2', 'y', { now: true })))).toEqual([]);
    expect(say(protocol, { id: 'prompt:m1', result: { stopReason: 'end_turn' } })).toEqual([
      { do: 'confirmed', messageId: 'm1', turnFollows: true },
    ]);
    expect(say(protocol, { id: 'prompt:m2', result: { stopReason: 'end_turn' } })).toEqual([
      { do: 'confirmed', messageId: 'm2', turnFollows: true },
      { do: 'turn', phase: 'end' },
    ]);
  });
});

describe('a permission request', () => {
  test.each([
    {
      id: 'allow',
      options: OPTIONS,
      verdict: { decision: 'allow' } as const,
      outcome: { outcome: 'selected', optionId: 'once' },
    },
    {
      id: 'deny',
      options: OPTIONS,
      verdict: { decision: 'deny', reason: '' } as const,
      outcome: { outcome: 'selected', optionId: 'no' },
    },
    {
      id: 'ask, which ACP cannot do',
      options: OPTIONS,
      verdict: { decision: 'ask' } as const,
      outcome: { outcome: 'selected', optionId: 'no' },
    },
    {
      id: 'words',
      options: OPTIONS,
      verdict: { decision: 'answer', text: 'yes' } as const,
      outcome: { outcome: 'selected', optionId: 'no' },
    },
    {
      id: 'allow with other arguments, which ACP cannot do',
      options: OPTIONS,
      verdict: { decision: 'allow', args: {} } as const,
      outcome: { outcome: 'selected', optionId: 'no' },
    },
    {
      id: 'allow where only always is offered',
      options: OPTIONS.slice(0, 1),
      verdict: { decision: 'allow' } as const,
      outcome: { outcome: 'cancelled' },
    },
    {
      id: 'deny where only never is offered',
      options: OPTIONS.slice(0, 3),
      verdict: { decision: 'deny', reason: '' } as const,
      outcome: { outcome: 'selected', optionId: 'never' },
    },
    {
      id: 'allow without options',
      options: [],
      verdict: { decision: 'allow' } as const,
      outcome: { outcome: 'cancelled' },
    },
  ])('answered with $id', ({ options, verdict, outcome }) => {
    const protocol = ready();
    protocol.message(message('m', 'x'));
    const [confirmed, judge] = say(protocol, permission(7, options));
    expect(confirmed).toMatchObject({ do: 'confirmed' });
    expect(judge).toEqual({
      do: 'judge',
      key: 'permission:7',
      what: 'permission',
      gate: false,
      tool: 'bash',
      nativeTool: 'ls',
      args: { command: 'ls' },
      callId: 'c',
      text: 'ls',
    });
    expect(wrote(protocol.answer('permission:7', verdict))).toEqual([{ jsonrpc: '2.0', id: 7, result: { outcome } }]);
    expect(protocol.answer('permission:7', verdict)).toEqual([]);
  });

  test('that names no call is refused by itself', () => {
    const protocol = ready();
    const actions = say(protocol, { id: 1, method: 'session/request_permission', params: { options: OPTIONS } });
    expect(wrote(actions)).toEqual([
      { jsonrpc: '2.0', id: 1, result: { outcome: { outcome: 'selected', optionId: 'no' } } },
    ]);
  });

  test('is judged with what its call told before', () => {
    const protocol = ready(opencode);
    protocol.message(message('m', 'x'));
    say(
      protocol,
      update({
        sessionUpdate: 'tool_call',
        toolCallId: 'c',
        title: 'write',
        kind: 'edit',
        status: 'pending',
        rawInput: { filePath: '/w/f' },
      }),
    );
    const actions = say(protocol, {
      id: 1,
      method: 'session/request_permission',
      params: { options: OPTIONS, toolCall: { toolCallId: 'c' } },
    });
    expect(actions).toMatchObject([{ do: 'judge', tool: 'write', nativeTool: 'write', args: { path: '/w/f' } }]);
  });

  test('is answered as cancelled and withdrawn with an interrupt', () => {
    const protocol = ready();
    protocol.message(message('m', 'x'));
    say(protocol, permission(7, OPTIONS));
    const actions = protocol.interrupt();
    expect(wrote(actions)).toEqual([
      { jsonrpc: '2.0', method: 'session/cancel', params: { sessionId: 's' } },
      { jsonrpc: '2.0', id: 7, result: { outcome: { outcome: 'cancelled' } } },
    ]);
    expect(others(actions)).toEqual([{ do: 'withdrawn', key: 'permission:7' }]);
    expect(protocol.answer('permission:7', { decision: 'allow' })).toEqual([]);
  });

  test('may be given up by the agent', () => {
    const protocol = ready();
    say(protocol, permission(7, OPTIONS));
    const cancel = { method: '$/cancel_request', params: { requestId: 7 } };
    expect(say(protocol, cancel)).toEqual([{ do: 'withdrawn', key: 'permission:7' }]);
    expect(say(protocol, cancel)).toEqual([]);
  });
});

test.each(['fs/write_text_file', 'fs/read_text_file', 'terminal/create', '_agent/anything'])(
  'answers the request %s with an error',
  (method) => {
    expect(wrote(say(ready(), { id: 3, method, params: {} }))).toEqual([
      { jsonrpc: '2.0', id: 3, error: { code: -32601, message: `${method} is not supported` } },
    ]);
  },
);

test('interrupts nothing when no turn runs', () => expect(ready().interrupt()).toEqual([]));

describe('launching', () => {
  const all = spec({ args: ['--debug'], model: 'm', conversationId: 'c', resume: true });
  test.each([
    {
      driver: gemini,
      argv: ['cli', '--acp', '--approval-mode', 'default', '--model', 'm', '--debug'],
      take: ['cli', '--resume', 'c', '--model', 'm', '--debug'],
    },
    { driver: opencode, argv: ['cli', 'acp', '--debug'], take: ['cli', '--session', 'c', '--debug'] },
    { driver: acp, argv: ['cli', '--debug'], take: ['cli', '--debug'] },
  ])('builds the arguments of $driver.id', ({ driver, argv, take }) => {
    expect(driver.launch(all, null).argv).toEqual(argv);
    expect(driver.takeOver(all).argv).toEqual(take);
  });

  test('lets OpenCode ask before it acts, and Gemini be one process', () => {
    expect(JSON.parse(opencode.launch(all, null).env['OPENCODE_PERMISSION'] ?? '')).toMatchObject({
      bash: 'ask',
      edit: 'ask',
    });
    expect(gemini.launch(all, null).env).toEqual({
      GEMINI_CLI_NO_RELAUNCH: 'true',
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    });
  });

  test('builds a driver from a profile alone', () => {
    const exit = { name: 'X', login: '', codes: {} };
    const launch = () => ({ argv: ['x'], env: {} });
    const driver = acpDriver({
      id: 'acp',
      program: 'x',
      minVersion: '1.0.0',
      resume: 'handoff',
      steer: true,
      setModel: false,
      launch,
      takeOver: launch,
      exit,
    });
    expect(driver.capabilities).toEqual({
      persistent: true,
      steer: true,
      gate: 'asked',
      resume: 'handoff',
      confirm: 'replay',
    });
  });
});

describe('a limit', () => {
  const stderr = (protocol: Protocol, text: string): Action[] => protocol.line({ dir: 'err', text }).actions;
  const LIMITED = 'Attempt 1 failed with status 429. Retrying with backoff... Retrying after 5921ms...';

  test('that the CLI would wait out by itself ends its turn, once', () => {
    const protocol = ready();
    protocol.message(message('m1', 'hello'));
    const first = `Attempt 1 failed: ${LIMITED.slice('Attempt 1 failed '.length)}`;
    expect(wrote(stderr(protocol, first))).toMatchObject([{ method: 'session/cancel' }]);
    expect(stderr(protocol, first.replace('1', '2'))).toEqual([]);
  });

  test('is one in the words of the recordings too', () => {
    const protocol = ready();
    protocol.message(message('m1', 'hello'));
    const quota = 'Attempt 1 failed: You exceeded your current quota, please check your plan and billing details.';
    expect(wrote(stderr(protocol, quota))).toMatchObject([{ method: 'session/cancel' }]);
  });

  test('ends no turn where none runs, or where it is none', () => {
    const protocol = ready();
    expect(stderr(protocol, LIMITED)).toEqual([]);
    protocol.message(message('m1', 'hello'));
    expect(stderr(protocol, 'Attempt 1 failed: fetch failed. Retrying after 100ms...')).toEqual([]);
  });
});
