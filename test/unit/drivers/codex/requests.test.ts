import { describe, expect, test } from 'vitest';
import { note, Talk, THREAD, written } from './talk.ts';

describe('what codex asks', () => {
  const approval = (method: string, params: object, id: number | string = 0) => ({
    id,
    method,
    params: { threadId: THREAD, turnId: 't1', itemId: 'c1', ...params },
  });

  test.each([
    ['allow', { decision: 'allow' }, 'accept'],
    ['deny', { decision: 'deny', reason: 'no' }, 'decline'],
    ['words', { decision: 'answer', text: 'yes' }, 'decline'],
  ] as const)('a command is put to the host, and %s is told', (_name, verdict, decision) => {
    const talk = Talk.ready().starts('m1', 't1');
    const params = { command: "/bin/bash -lc 'touch a.txt'", cwd: '/workspace', reason: 'outside the sandbox' };
    const [judge] = talk.hears(approval('item/commandExecution/requestApproval', params));
    expect(judge).toEqual({
      do: 'judge',
      key: 'n0',
      what: 'permission',
      gate: false,
      tool: 'bash',
      nativeTool: 'commandExecution',
      args: { command: 'touch a.txt', cwd: '/workspace' },
      callId: 'c1',
      text: 'touch a.txt (outside the sandbox)',
    });
    expect(written(talk.protocol.answer('n0', verdict))).toEqual([{ id: 0, result: { decision } }]);
    expect(talk.protocol.answer('n0', verdict)).toEqual([]);
  });

  test('a file change names every file of the item before it', () => {
    const talk = Talk.ready().starts('m1', 't1');
    const changes = [
      { path: '/workspace/a.txt', kind: { type: 'update', move_path: '/etc/b.txt' }, diff: '-a' },
      { path: '/etc/c.txt', kind: { type: 'add' }, diff: 'c' },
    ];
    talk.hears(note('item/started', { item: { type: 'fileChange', id: 'c1', changes } }));
    expect(talk.hears(approval('item/fileChange/requestApproval', {}))).toMatchObject([
      {
        do: 'judge',
        tool: 'edit',
        args: { path: '/workspace/a.txt', paths: ['/workspace/a.txt', '/etc/b.txt', '/etc/c.txt'] },
      },
    ]);
  });

  test.each([
    ['a file change without its item', 'item/fileChange/requestApproval', {}, 'other'],
    ['keys for a command that is not told', 'item/commandExecution/requestApproval', { kind: 'writeStdin' }, 'other'],
    [
      'a host to reach',
      'item/commandExecution/requestApproval',
      { command: 'curl x', networkApprovalContext: { host: 'example.com', protocol: 'https' } },
      'web',
    ],
    ['wider permissions', 'item/permissions/requestApproval', { permissions: { network: { enabled: true } } }, 'other'],
  ] as const)('%s is nothing that a mode allows by itself', (_name, method, params, tool) => {
    const talk = Talk.ready().starts('m1', 't1');
    expect(talk.hears(approval(method, params))).toMatchObject([{ do: 'judge', what: 'permission', tool }]);
  });

  test('wider permissions are given for the turn, or not at all', () => {
    const talk = Talk.ready().starts('m1', 't1');
    const permissions = { network: { enabled: true } };
    talk.hears(approval('item/permissions/requestApproval', { permissions }, 'a'));
    talk.hears(approval('item/permissions/requestApproval', { permissions }, 'b'));
    expect(written(talk.protocol.answer('sa', { decision: 'allow' }))).toEqual([
      { id: 'a', result: { permissions, scope: 'turn' } },
    ]);
    expect(written(talk.protocol.answer('sb', { decision: 'deny', reason: 'no' }))).toEqual([
      { id: 'b', result: { permissions: {}, scope: 'turn' } },
    ]);
  });

  test('questions get the words of the person, line by line where there are as many', () => {
    const talk = Talk.ready().starts('m1', 't1');
    const questions = [
      { id: 'q1', header: 'H', question: 'Which?', options: [{ label: 'A' }, { label: 'B' }] },
      { id: 'q2', header: 'H', question: 'Why?', options: null },
    ];
    const ask = (id: number) => talk.hears(approval('item/tool/requestUserInput', { questions }, id));
    expect(ask(1)).toMatchObject([{ do: 'judge', what: 'question', text: 'Which? (A / B)\nWhy?' }]);
    expect(written(talk.protocol.answer('n1', { decision: 'answer', text: 'A\nbecause' }))).toEqual([
      { id: 1, result: { answers: { q1: { answers: ['A'] }, q2: { answers: ['because'] } } } },
    ]);
    ask(2);
    expect(written(talk.protocol.answer('n2', { decision: 'answer', text: 'both' }))).toEqual([
      { id: 2, result: { answers: { q1: { answers: ['both'] }, q2: { answers: ['both'] } } } },
    ]);
    ask(3);
    expect(written(talk.protocol.answer('n3', { decision: 'deny', reason: 'no' }))).toEqual([
      { id: 3, result: { answers: {} } },
    ]);
  });

  const form = (fields: string[]) => ({
    serverName: 's',
    mode: 'form',
    message: 'ok?',
    requestedSchema: { type: 'object', properties: Object.fromEntries(fields.map((f) => [f, { type: 'string' }])) },
  });
  test.each([
    ['a yes', form([]), 'permission', { decision: 'allow' }, { action: 'accept', content: {} }],
    ['a no', form([]), 'permission', { decision: 'deny', reason: 'no' }, { action: 'decline' }],
    [
      'a value',
      form(['name']),
      'question',
      { decision: 'answer', text: 'Ann' },
      { action: 'accept', content: { name: 'Ann' } },
    ],
    ['half an answer', form(['a', 'b']), 'question', { decision: 'answer', text: 'x' }, { action: 'decline' }],
    [
      'a page',
      { mode: 'url', url: 'https://x', message: 'log in' },
      'login',
      { decision: 'allow' },
      { action: 'accept', content: {} },
    ],
  ] as const)('an MCP server gets %s', (_name, params, what, verdict, result) => {
    const talk = Talk.ready().starts('m1', 't1');
    expect(talk.hears(approval('mcpServer/elicitation/request', params))).toMatchObject([{ do: 'judge', what }]);
    expect(written(talk.protocol.answer('n0', verdict))).toEqual([{ id: 0, result }]);
  });

  test.each([
    ['execCommandApproval', { callId: 'c', command: ['/bin/bash', '-lc', 'ls'] }, { command: '/bin/bash -lc ls' }],
    ['applyPatchApproval', { callId: 'c', fileChanges: { '/a': {}, '/b': {} } }, { path: '/a', paths: ['/a', '/b'] }],
  ] as const)('the first version of the protocol asks with %s', (method, params, args) => {
    const talk = Talk.ready().starts('m1', 't1');
    const [judge] = talk.hears({ id: 5, method, params });
    expect(judge).toMatchObject({ do: 'judge', callId: 'c' });
    if (judge?.do === 'judge' && 'path' in args) expect(judge.args).toEqual(args);
    expect(written(talk.protocol.answer('n5', { decision: 'deny', reason: 'not this' }))).toEqual([
      { id: 5, result: { decision: { denied: { rejection: 'not this' } } } },
    ]);
  });

  test('a host tool is called and answered', () => {
    const talk = Talk.ready().starts('m1', 't1');
    const params = { callId: 'c', tool: 'tutti_ps', arguments: { all: true } };
    expect(talk.hears({ id: 9, method: 'item/tool/call', params })).toEqual([
      { do: 'tool', key: 'n9', name: 'tutti_ps', args: { all: true } },
    ]);
    expect(written(talk.protocol.toolResult('n9', { ok: true, value: { agents: [] } }))).toEqual([
      { id: 9, result: { contentItems: [{ type: 'inputText', text: '{"agents":[]}' }], success: true } },
    ]);
  });

  test.each(['account/chatgptAuthTokens/refresh', 'attestation/generate', 'currentTime/read', 'new/thing'])(
    '%s is refused at once, so that codex does not wait',
    (method) => {
      expect(written(Talk.ready().hears({ id: 4, method, params: {} }))).toMatchObject([
        { id: 4, error: { code: -32601 } },
      ]);
    },
  );

  test('an approval that nobody knows is declined', () => {
    const actions = Talk.ready().hears({ id: 4, method: 'item/rocket/requestApproval', params: {} });
    expect(written(actions)).toEqual([{ id: 4, result: { decision: 'decline' } }]);
  });

  test('what is resolved without us, or ends with its turn, is withdrawn', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.takesIn('m1');
    const ask = (id: number) => talk.hears(approval('item/commandExecution/requestApproval', { command: 'ls' }, id));
    ask(1);
    ask(2);
    expect(talk.hears(note('serverRequest/resolved', { requestId: 1 }))).toEqual([{ do: 'withdrawn', key: 'n1' }]);
    expect(talk.ends('t1', 'interrupted')).toEqual([
      { do: 'withdrawn', key: 'n2' },
      { do: 'turn', phase: 'end' },
    ]);
    expect(talk.protocol.answer('n2', { decision: 'allow' })).toEqual([]);
  });
});
