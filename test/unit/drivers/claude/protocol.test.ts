import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decoder } from '../../../../src/drivers/claude/decoder.ts';
import type { Action, Verdict } from '../../../../src/drivers/driver.ts';
import { linesOf, names, STREAMS } from './streams.ts';
import { message, others, SPEC, Talk, written } from './talk.ts';

const reply = (id: string, response: object) => ({
  type: 'control_response',
  response: { subtype: 'success', request_id: id, response },
});
const gateReply = (id: string, permissionDecision: string, permissionDecisionReason: string, rest: object = {}) =>
  reply(id, {
    hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision, permissionDecisionReason, ...rest },
  });

describe('a compaction', () => {
  test('is a command of claude itself, and its end says how full the context is', () => {
    expect(written(new Talk().protocol.compact?.() ?? [])).toEqual([
      { type: 'user', message: { role: 'user', content: '/compact' } },
    ]);
    const fresh = decoder();
    const events = linesOf('slash-compact').flatMap((text) => fresh.push({ dir: 'out', text }).events);
    expect(events.findLast((event) => event.type === 'compaction')).toMatchObject({ after: 593 });
    expect(events.findLast((event) => event.type === 'usage')).toMatchObject({ contextUsed: 593 });
  });
});

describe('the beginning', () => {
  test('registers both hooks with a time limit, and hands over the system prompt', () => {
    const [request] = written(new Talk({ systemPrompt: 'be brief' }).protocol.begin());
    expect(request).toEqual({
      type: 'control_request',
      request_id: 'tutti-initialize',
      request: {
        subtype: 'initialize',
        hooks: {
          PreToolUse: [{ matcher: null, hookCallbackIds: ['pre'], timeout: 5 }],
          UserPromptSubmit: [{ matcher: null, hookCallbackIds: ['prompt'], timeout: 5 }],
        },
        appendSystemPrompt: 'be brief',
      },
    });
  });

  test('is over when claude answers it', () => {
    const talk = new Talk({ resume: true });
    talk.protocol.begin();
    const actions = talk.hears({
      type: 'control_response',
      response: { subtype: 'success', request_id: 'tutti-initialize', response: { commands: [] } },
    });
    expect(actions).toEqual([{ do: 'ready', conversationId: SPEC.conversationId, resumed: true }]);
  });

  test('is broken when claude refuses it', () => {
    const actions = new Talk().hears({
      type: 'control_response',
      response: { subtype: 'error', request_id: 'tutti-initialize', error: 'no' },
    });
    expect(actions).toMatchObject([{ do: 'broken' }]);
  });

  test('does not mistake the echo of an answer of ours for it', () => {
    expect(new Talk().ready().hears(reply('r1', {}))).toEqual([]);
  });
});

describe('the gate', () => {
  test('passes every call on for a verdict, with our names for tool and arguments', () => {
    expect(new Talk().ready().asksGate('r1', 'Read', { file_path: '/a' })).toEqual([
      {
        do: 'judge',
        key: 'r1',
        what: 'permission',
        gate: true,
        tool: 'read',
        nativeTool: 'Read',
        args: { path: '/a' },
        callId: 'c1',
        text: '',
      },
    ]);
  });

  const CASES: [string, Verdict, object][] = [
    ['allow', { decision: 'allow' }, gateReply('r1', 'allow', 'Allowed by tutti.')],
    [
      'allow with other arguments, in claude’s names',
      { decision: 'allow', args: { path: '/b' } },
      gateReply('r1', 'allow', 'Allowed by tutti.', { updatedInput: { file_path: '/b' } }),
    ],
    ['deny', { decision: 'deny', reason: 'not there' }, gateReply('r1', 'deny', 'not there')],
    ['deny without a reason', { decision: 'deny', reason: ' ' }, gateReply('r1', 'deny', 'Refused by tutti.')],
    ['ask', { decision: 'ask' }, gateReply('r1', 'ask', 'tutti wants this asked.')],
    [
      'words, which a gate cannot take: a refusal',
      { decision: 'answer', text: 'well' },
      gateReply('r1', 'deny', 'well'),
    ],
  ];
  test.each(CASES)('answers %s', (_what, verdict, answer) => {
    const talk = new Talk().ready();
    talk.asksGate('r1', 'Read', { file_path: '/a' });
    expect(written(talk.protocol.answer('r1', verdict))).toEqual([answer]);
    expect(talk.protocol.answer('r1', verdict)).toEqual([]);
  });

  test.each([
    ['no arguments', 'Read', undefined],
    ['arguments that are no object', 'Read', 'x'],
  ])('refuses a call with %s at once', (_what, tool, input) => {
    expect(written(new Talk().ready().asksGate('r1', tool, input))).toEqual([
      gateReply('r1', 'deny', 'tutti did not understand this tool call.'),
    ]);
  });

  test('refuses at a PreToolUse hook that it never registered, since an error would open it', () => {
    const request = { subtype: 'hook_callback', callback_id: 'other', input: { hook_event_name: 'PreToolUse' } };
    expect(written(new Talk().ready().hears({ type: 'control_request', request_id: 'r1', request }))).toEqual([
      gateReply('r1', 'deny', 'tutti has no such hook.'),
    ]);
  });
});

describe('a permission that claude asks for', () => {
  const CASES: [string, Verdict, object][] = [
    ['allow, with the original input', { decision: 'allow' }, { behavior: 'allow', updatedInput: { command: 'ls' } }],
    [
      'allow, with other input',
      { decision: 'allow', args: { command: 'pwd' } },
      { behavior: 'allow', updatedInput: { command: 'pwd' } },
    ],
    ['deny', { decision: 'deny', reason: 'no' }, { behavior: 'deny', message: 'no', interrupt: false }],
    [
      'ask, which makes no sense here: a refusal',
      { decision: 'ask' },
      { behavior: 'deny', message: 'No answer was given.', interrupt: false },
    ],
    [
      'words: a refusal with these words',
      { decision: 'answer', text: 'use pwd' },
      { behavior: 'deny', message: 'use pwd', interrupt: false },
    ],
  ];
  test.each(CASES)('is answered with %s', (_what, verdict, response) => {
    const talk = new Talk().ready();
    expect(talk.asksTool('r1', 'Bash', { command: 'ls' })).toMatchObject([
      { do: 'judge', gate: false, what: 'permission', tool: 'bash', text: 'why', callId: 'c1' },
    ]);
    expect(written(talk.protocol.answer('r1', verdict))).toEqual([reply('r1', response)]);
  });

  test('is withdrawn when claude stops waiting, and an answer after that goes nowhere', () => {
    const talk = new Talk().ready();
    talk.asksTool('r1', 'Bash', { command: 'ls' });
    expect(talk.hears({ type: 'control_cancel_request', request_id: 'r1' })).toEqual([{ do: 'withdrawn', key: 'r1' }]);
    expect(talk.protocol.answer('r1', { decision: 'allow' })).toEqual([]);
  });

  test('is refused at once when it is not understood', () => {
    expect(written(new Talk().ready().asksTool('r1', 'Bash', null))).toMatchObject([
      { response: { response: { behavior: 'deny' } } },
    ]);
  });
});

describe('a question to the user', () => {
  const two = { questions: [{ question: 'Colour?' }, { question: 'Size?' }] };
  const CASES: [string, Verdict, object][] = [
    [
      'one text for all',
      { decision: 'answer', text: 'blue' },
      { behavior: 'allow', updatedInput: { ...two, answers: { 'Colour?': 'blue', 'Size?': 'blue' } } },
    ],
    [
      'a line for each',
      { decision: 'answer', text: 'blue\n\nlarge\n' },
      { behavior: 'allow', updatedInput: { ...two, answers: { 'Colour?': 'blue', 'Size?': 'large' } } },
    ],
    ['a refusal', { decision: 'deny', reason: 'not now' }, { behavior: 'deny', message: 'not now', interrupt: false }],
    [
      'a bare yes, which answers nothing: a refusal',
      { decision: 'allow' },
      { behavior: 'deny', message: 'No answer was given.', interrupt: false },
    ],
  ];
  test.each(CASES)('takes %s', (_what, verdict, response) => {
    const talk = new Talk().ready();
    expect(talk.asksTool('r1', 'AskUserQuestion', two)).toMatchObject([
      { do: 'judge', what: 'question', gate: false, text: 'Colour?\nSize?' },
    ]);
    expect(written(talk.protocol.answer('r1', verdict))).toEqual([reply('r1', response)]);
  });
});

describe('host tools', () => {
  const asks = (talk: Talk, method: string, params: object = {}): Action[] =>
    talk.hears({
      type: 'control_request',
      request_id: 'r1',
      request: { subtype: 'mcp_message', server_name: 'tutti', message: { jsonrpc: '2.0', id: 7, method, params } },
    });

  test.each([
    [
      'initialize',
      { protocolVersion: 'v' },
      { result: { protocolVersion: 'v', capabilities: { tools: {} }, serverInfo: { name: 'tutti', version: '1' } } },
    ],
    ['notifications/initialized', {}, { result: {} }],
    ['ping', {}, { result: {} }],
    ['tools/list', {}, { result: { tools: [] } }],
    ['resources/list', {}, { error: { code: -32601, message: 'tutti has no resources/list' } }],
  ])('answer %s', (method, params, answer) => {
    expect(written(asks(new Talk().ready(), method, params))).toEqual([
      reply('r1', { mcp_response: { jsonrpc: '2.0', id: 7, ...answer } }),
    ]);
  });

  test('pass a call on, and its result back', () => {
    const talk = new Talk().ready();
    expect(asks(talk, 'tools/call', { name: 'mail', arguments: { to: 'bob' } })).toEqual([
      { do: 'tool', key: 'r1', name: 'mail', args: { to: 'bob' } },
    ]);
    expect(written(talk.protocol.toolResult('r1', { ok: false, value: { why: 'x' } }))).toEqual([
      reply('r1', {
        mcp_response: {
          jsonrpc: '2.0',
          id: 7,
          result: { content: [{ type: 'text', text: '{"why":"x"}' }], isError: true },
        },
      }),
    ]);
    expect(talk.protocol.toolResult('r1', { ok: true, value: 'again' })).toEqual([]);
  });
});

test('a request that nobody knows is answered with an error, not left waiting', () => {
  const talk = new Talk().ready();
  talk.hears({ type: 'control_request', request_id: 'r9', request: { subtype: 'elicitation' } });
  const request = { subtype: 'hook_callback', callback_id: 'zzz', input: { hook_event_name: 'Stop' } };
  expect(written(talk.hears({ type: 'control_request', request_id: 'r1', request }))).toMatchObject([
    { response: { subtype: 'error', request_id: 'r1' } },
  ]);
});

test('each interrupt is a request of its own', () => {
  const { protocol } = new Talk().ready();
  const ids = [protocol.interrupt(), protocol.interrupt()]
    .flatMap(written)
    .map((line) => (line as { request_id: string }).request_id);
  expect(new Set(ids).size).toBe(2);
});

describe('streamed pieces', () => {
  const piece = (delta: object, parent: string | null = null) => ({
    type: 'stream_event',
    parent_tool_use_id: parent,
    event: { type: 'content_block_delta', index: 0, delta },
  });
  const line = (value: object) => new Talk().ready().protocol.line({ dir: 'out', text: JSON.stringify(value) });

  test('are shown, and not journaled', () => {
    expect(line(piece({ type: 'text_delta', text: 'Hel' }))).toMatchObject({
      actions: [{ do: 'delta', text: 'Hel' }],
      journal: false,
    });
    expect(line(piece({ type: 'thinking_delta', thinking: 'hm' }))).toMatchObject({
      actions: [{ do: 'delta', text: 'hm' }],
      journal: false,
    });
  });

  test('of tool input and of sub-agents are not shown', () => {
    expect(line(piece({ type: 'input_json_delta', partial_json: '{' }))).toMatchObject({ actions: [], journal: false });
    expect(line(piece({ type: 'text_delta', text: 'x' }, 'call'))).toMatchObject({ actions: [], journal: false });
  });

  test('that carry the tokens of a request are journaled', () => {
    expect(
      line({
        type: 'stream_event',
        parent_tool_use_id: null,
        event: { type: 'message_delta', usage: { output_tokens: 1 } },
      }).journal,
    ).toBe(true);
  });
});

test.each(names)('decodes the recorded stream %s just as the decoder alone', (name) => {
  const alone = decoder();
  const talk = new Talk();
  for (const text of linesOf(name))
    expect(talk.protocol.line({ dir: 'out', text }).decoded).toEqual(alone.push({ dir: 'out', text }));
});

/** Recorded conversations, with what the recorder had written at each point. */
describe('the recorded conversation', () => {
  const recorded = (name: string): { line: string }[] =>
    JSON.parse(readFileSync(`${STREAMS}claude/${name}.meta.json`, 'utf8')).stdin;
  const replay = (name: string, talk = new Talk()): Action[] => linesOf(name).flatMap((line) => talk.hears(line));

  test('stdin-can-use-tool asks twice; our answers have the form that claude took', () => {
    const talk = new Talk();
    const asked = replay('stdin-can-use-tool', talk).filter((action) => action.do === 'judge');
    expect(asked.map(({ tool, args }) => [tool, args.command])).toEqual([
      ['bash', 'touch a.txt'],
      ['bash', 'touch b.txt'],
    ]);
    const verdicts: Verdict[] = [
      { decision: 'deny', reason: 'The supervisor does not allow this command.' },
      { decision: 'allow' },
    ];
    const answers = asked.flatMap(({ key }, at) =>
      written(talk.protocol.answer(key, verdicts[at] ?? { decision: 'ask' })),
    );
    expect(answers).toEqual(
      recorded('stdin-can-use-tool')
        .map(({ line }) => JSON.parse(line))
        .filter((line) => line.type === 'control_response'),
    );
  });

  test('stdin-interrupt ends its turn with the interruption, and takes another message', () => {
    const turns = replay('stdin-interrupt').filter((action) => action.do === 'turn');
    expect(turns.map(({ phase }) => phase)).toEqual(['start', 'end', 'start', 'end']);
    const [ours] = written(new Talk().protocol.interrupt());
    const theirs = recorded('stdin-interrupt')
      .map(({ line }) => JSON.parse(line))
      .find((line) => line.type === 'control_request');
    expect(ours).toMatchObject({ type: theirs.type, request: theirs.request });
  });

  test('stdin-midturn takes two messages into one turn; the second is confirmed by its end', () => {
    const talk = new Talk().ready();
    const [first, second] = recorded('stdin-midturn').map(({ line }) => JSON.parse(line));
    expect(written(talk.protocol.message(message(first.uuid, first.message.content)))).toEqual([first]);
    talk.protocol.message(message(second.uuid, second.message.content, true));
    const actions = replay('stdin-midturn', talk);
    expect(written(actions)).toEqual([second]);
    expect(others(actions)).toEqual([
      { do: 'turn', phase: 'start' },
      { do: 'confirmed', messageId: first.uuid, turnFollows: true },
      { do: 'confirmed', messageId: second.uuid, turnFollows: true },
      { do: 'turn', phase: 'end' },
    ]);
  });

  test('stdin-turns has three turns', () => {
    expect(
      replay('stdin-turns')
        .filter((action) => action.do === 'turn')
        .map(({ phase }) => phase),
    ).toEqual(['start', 'end', 'start', 'end', 'start', 'end']);
  });

  test('stdin-hook-callback asks a gate that we never registered, and is refused in the form that claude took', () => {
    const [answer] = written(replay('stdin-hook-callback'));
    const theirs = recorded('stdin-hook-callback')
      .map(({ line }) => JSON.parse(line))
      .find((line) => line.type === 'control_response');
    const shape = (value: { response: { response: { hookSpecificOutput: object } } }) =>
      Object.keys(value.response.response.hookSpecificOutput);
    expect(shape(answer as typeof theirs)).toEqual(shape(theirs));
    expect(answer).toMatchObject({
      response: { response: { hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny' } } },
    });
  });
});

describe('a limit', () => {
  const retry = { type: 'system', subtype: 'api_retry', attempt: 1, max_retries: 3, retry_delay_ms: 540.2 };
  const turn = { type: 'system', subtype: 'init', session_id: SPEC.conversationId, tools: [] };

  test('that claude would wait out by itself ends its turn, once', () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('m1', 'hello'));
    talk.hears(turn);
    const limited = { ...retry, error: 'rate_limit', error_status: 429 };
    expect(written(talk.hears(limited))).toMatchObject([{ request: { subtype: 'interrupt' } }]);
    expect(talk.hears({ ...limited, attempt: 2 })).toEqual([]);
  });

  test('is not what an overloaded service or a broken connection is', () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('m1', 'hello'));
    talk.hears(turn);
    expect(talk.hears({ ...retry, error: 'overloaded', error_status: 529 })).toEqual([]);
    expect(talk.hears({ ...retry, error: 'unknown', error_status: null })).toEqual([]);
  });

  test.each([
    [25_000, 1, [25_000]],
    [540.2, 1, []],
    [25_000, 2, []],
  ])('tells its end by a first pause of %d ms that is not of its own (attempt %d)', (delay, attempt, told) => {
    const line = { ...retry, attempt, retry_delay_ms: delay, error: 'rate_limit', error_status: 429 };
    const { events } = decoder().push({ dir: 'out', text: JSON.stringify(line) });
    expect(events.flatMap((event) => (event.type === 'rate_limit' ? [event.retryAfterMs] : []))).toEqual(told);
    expect(events.at(-1)).toMatchObject({ type: 'retry', error: 'rate_limit 429' });
  });
});
