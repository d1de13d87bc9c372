import { describe, expect, test } from 'vitest';
import { message, note, OPENED, others, ROLLOUT, Talk, THREAD, userMessage, written } from './talk.ts';

const confirmed = (messageId: string, turnFollows: boolean) => ({ do: 'confirmed', messageId, turnFollows });
const command = (id: string, fields: object = {}) => ({ type: 'commandExecution', id, command: 'sleep 9', ...fields });

describe('the beginning', () => {
  test('greets, opens a thread with approvals that are asked, and is ready', () => {
    const talk = new Talk({ model: 'gpt-5.5', systemPrompt: 'be brief', permissions: 'bypass' });
    expect(written(talk.protocol.begin())).toMatchObject([
      { id: 'initialize', method: 'initialize', params: { capabilities: { experimentalApi: true } } },
    ]);
    const [initialized, start] = written(talk.hears({ id: 'initialize', result: { userAgent: 'x' } }));
    expect(initialized).toEqual({ method: 'initialized' });
    expect(start).toEqual({
      id: 'thread/start',
      method: 'thread/start',
      params: {
        cwd: '/workspace',
        approvalPolicy: 'untrusted',
        approvalsReviewer: 'user',
        sandbox: 'danger-full-access',
        model: 'gpt-5.5',
        developerInstructions: 'be brief',
      },
    });
    expect(talk.hears({ id: 'thread/start', result: OPENED })).toEqual([
      { do: 'ready', conversationId: THREAD, resumed: false },
    ]);
    expect(talk.events).toMatchObject([{ type: 'session', conversationId: THREAD, resumed: false, model: 'gpt-5.5' }]);
  });

  test.each(['ask', 'auto', 'bypass'] as const)('never lets codex decide alone, also not in mode %s', (permissions) => {
    const talk = new Talk({ permissions });
    const [, start] = written(talk.hears({ id: 'initialize', result: { userAgent: 'x' } }));
    expect(start?.params).toMatchObject({
      approvalPolicy: 'untrusted',
      sandbox: permissions === 'bypass' ? 'danger-full-access' : 'workspace-write',
    });
  });

  test('resumes without having the whole history sent', () => {
    const talk = new Talk({ resume: true, conversationId: THREAD });
    const [, resume] = written(talk.hears({ id: 'initialize', result: { userAgent: 'x' } }));
    expect(resume).toMatchObject({ method: 'thread/resume', params: { threadId: THREAD, excludeTurns: true } });
    expect(talk.hears({ id: 'thread/resume', result: OPENED })).toEqual([
      { do: 'ready', conversationId: THREAD, resumed: true },
    ]);
  });

  test.each([
    'no rollout found for thread id 01a1',
    'failed to read thread: thread-store internal error: failed to read the file',
    'invalid thread id: urn:uuid',
  ])('begins a new thread where there is nothing to resume (%s), and says so', (text) => {
    const talk = new Talk({ resume: true, conversationId: THREAD });
    talk.hears({ id: 'initialize', result: { userAgent: 'x' } });
    const [start] = written(talk.hears({ id: 'thread/resume', error: { code: -32600, message: text } }));
    expect(start).toMatchObject({ method: 'thread/start' });
    expect(talk.hears({ id: 'thread/start', result: OPENED })).toEqual([
      { do: 'ready', conversationId: THREAD, resumed: false },
    ]);
    expect(talk.events.filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('does not give a conversation up for a refusal that may pass', () => {
    const talk = new Talk({ resume: true, conversationId: THREAD });
    const actions = talk.hears({ id: 'thread/resume', error: { code: -32603, message: 'database is locked' } });
    expect(actions).toEqual([{ do: 'broken', why: 'thread/resume: database is locked' }]);
  });
});

describe('a compaction', () => {
  test('is asked for between turns, and makes a turn of its own', () => {
    const talk = Talk.ready();
    expect(written(talk.protocol.compact?.() ?? [])).toEqual([
      { id: 'compact', method: 'thread/compact/start', params: { threadId: THREAD } },
    ]);
    expect(talk.hears({ id: 'compact', result: {} })).toEqual([]);
    expect(talk.hears(note('turn/started', { turn: { id: 't9' } }))).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(talk.protocol.compact?.()).toEqual([]);
    expect(talk.ends('t9')).toEqual([{ do: 'turn', phase: 'end' }]);
  });
});

describe('delivery', () => {
  test('is confirmed by the completed item, not by the answer and not by the started one', () => {
    const talk = Talk.ready();
    const [start] = written(talk.protocol.message(message('m1')));
    expect(start).toEqual({
      id: 'turn:m1',
      method: 'turn/start',
      params: { threadId: THREAD, clientUserMessageId: 'm1', input: [{ type: 'text', text: 'text of m1' }] },
    });
    expect(talk.hears({ id: 'turn:m1', result: { turn: { id: 't1' } } })).toEqual([]);
    expect(talk.hears(note('turn/started', { turn: { id: 't1' } }))).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(talk.hears(note('item/started', { item: userMessage('m1') }))).toEqual([]);
    expect(talk.takesIn('m1')).toEqual([confirmed('m1', true)]);
    expect(talk.takesIn('m1')).toEqual([]);
    expect(talk.protocol.turn).toBe(true);
    expect(talk.ends('t1')).toEqual([{ do: 'turn', phase: 'end' }]);
    expect(talk.protocol.turn).toBe(false);
  });

  test('restates what was used with the next turn', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.hears(note('thread/tokenUsage/updated', { tokenUsage: { total: { totalTokens: 105 }, last: {} } }));
    talk.ends('t1');
    expect(written(talk.protocol.message(message('m2')))).toMatchObject([{ id: 'turn:m2#105' }]);
  });

  test('refuses a queued message in mid-turn, since codex would take it into the running turn', () => {
    const talk = Talk.ready().starts('m1', 't1');
    expect(talk.protocol.message(message('m2'))).toMatchObject([{ do: 'refused', messageId: 'm2', retryable: true }]);
  });

  test('steers the running turn', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.takesIn('m1');
    const [steer] = written(talk.protocol.message(message('m2', true)));
    expect(steer).toMatchObject({ id: 'steer:m2', method: 'turn/steer', params: { expectedTurnId: 't1' } });
    expect(talk.hears({ id: 'steer:m2', result: { turnId: 't1' } })).toEqual([]);
    expect(talk.takesIn('m2')).toEqual([confirmed('m2', true)]);
  });

  test('steers as soon as the turn has an id', () => {
    const talk = Talk.ready();
    talk.protocol.message(message('m1'));
    expect(talk.protocol.message(message('m2', true))).toEqual([]);
    talk.hears({ id: 'turn:m1', result: { turn: { id: 't1' } } });
    expect(written(talk.hears(note('turn/started', { turn: { id: 't1' } })))).toMatchObject([{ id: 'steer:m2' }]);
  });

  test('begins a turn with what was steered too late', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.takesIn('m1');
    talk.protocol.message(message('m2', true));
    talk.ends('t1');
    const error = { code: -32600, message: 'no active turn to steer' };
    expect(written(talk.hears({ id: 'steer:m2', error }))).toMatchObject([{ id: 'turn:m2', method: 'turn/start' }]);
    expect(talk.events.filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('keeps what cannot be steered now until the turn is over', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.takesIn('m1');
    talk.protocol.message(message('m2', true));
    expect(talk.hears({ id: 'steer:m2', error: { message: 'active turn not steerable' } })).toEqual([]);
    expect(written(talk.ends('t1'))).toMatchObject([{ id: 'look:m2' }]);
  });

  test('looks for what an interrupt dropped, and delivers it anew', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.takesIn('m1');
    talk.protocol.message(message('m2', true));
    talk.hears({ id: 'steer:m2', result: { turnId: 't1' } });
    const [look] = written(talk.ends('t1', 'interrupted'));
    expect(look).toMatchObject({ id: 'look:m2', method: 'thread/turns/list' });
    const turns = [{ id: 't1', status: 'interrupted', items: [userMessage('m1')] }];
    expect(written(talk.hears({ id: 'look:m2', result: { data: turns, nextCursor: null } }))).toMatchObject([
      { id: 'look:m2', method: 'thread/items/list', params: { turnId: 't1' } },
    ]);
    const items = [{ item: userMessage('m1') }];
    expect(talk.hears({ id: 'look:m2', result: { data: items, nextCursor: null } })).toEqual([
      { do: 'read-file', path: ROLLOUT, key: 'm2' },
    ]);
    expect(written(talk.protocol.file?.('m2', []) ?? [])).toMatchObject([{ id: 'turn:m2', method: 'turn/start' }]);
  });

  test('looks also where codex accepts for a turn that is over already', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.takesIn('m1');
    talk.protocol.message(message('m2', true));
    talk.ends('t1');
    expect(written(talk.hears({ id: 'steer:m2', result: { turnId: 't1' } }))).toMatchObject([{ id: 'look:m2' }]);
  });

  test('is refused where codex does not take the turn', () => {
    const talk = Talk.ready();
    talk.protocol.message(message('m1'));
    expect(talk.hears({ id: 'turn:m1', error: { message: 'thread is archived' } })).toEqual([
      { do: 'refused', messageId: 'm1', why: 'thread is archived', retryable: true },
    ]);
    expect(talk.protocol.turn).toBe(false);
  });
});

describe('confirming after a kill', () => {
  const resumed = () => Talk.ready({ resume: true, conversationId: THREAD });
  const page = (data: object[], nextCursor: string | null = null) => ({
    id: 'look:m1',
    result: { data, nextCursor },
  });

  test('finds the message that began a turn in its summary', () => {
    const talk = resumed();
    expect(written(talk.protocol.confirm(message('m1')))).toMatchObject([
      { id: 'look:m1', method: 'thread/turns/list', params: { sortDirection: 'desc', itemsView: 'summary' } },
    ]);
    const turns = [{ id: 't2', status: 'completed', items: [userMessage('m1')] }];
    expect(talk.hears(page(turns))).toEqual([confirmed('m1', false)]);
  });

  test('finds a steered message among the items of a turn, page by page', () => {
    const talk = resumed();
    talk.protocol.confirm(message('m1'));
    const turns = [{ id: 't2', status: 'interrupted', items: [userMessage('m0')] }];
    talk.hears(page(turns));
    expect(written(talk.hears(page([{ item: command('c9') }], 'next')))).toMatchObject([
      { params: { turnId: 't2', cursor: 'next' } },
    ]);
    expect(talk.hears(page([{ item: userMessage('m1') }]))).toEqual([confirmed('m1', false)]);
  });

  test('delivers what is in no turn', () => {
    const talk = resumed();
    talk.protocol.confirm(message('m1'));
    talk.hears(page([{ id: 't1', status: 'completed', items: [userMessage('m0')] }]));
    talk.hears(page([{ item: userMessage('m0') }]));
    expect(written(talk.protocol.file?.('m1', null) ?? [])).toMatchObject([{ method: 'turn/start' }]);
    expect(talk.takesIn('m1')).toEqual([confirmed('m1', true)]);
  });

  test('cuts off an interrupted turn without items first: the model may see a message in it', () => {
    const talk = resumed();
    talk.protocol.confirm(message('m1'));
    talk.hears(
      page([
        { id: 't3', status: 'interrupted', items: [] },
        { id: 't2', status: 'interrupted', items: [] },
        { id: 't1', status: 'completed', items: [userMessage('m0')] },
      ]),
    );
    talk.hears(page([]));
    talk.hears(page([]));
    expect(written(talk.hears(page([{ item: userMessage('m0') }])))).toMatchObject([
      { id: 'revert:m1', method: 'thread/revert', params: { threadId: THREAD, beforeTurnId: 't2' } },
    ]);
    expect(written(talk.hears({ id: 'revert:m1', result: { thread: { id: THREAD } } }))).toMatchObject([
      { method: 'turn/start' },
    ]);
    expect(talk.events.filter(({ type }) => type === 'session')).toHaveLength(1);
  });

  test('cuts off no turn that did something', () => {
    const talk = resumed();
    talk.protocol.confirm(message('m1'));
    talk.hears(page([{ id: 't1', status: 'completed', items: [] }]));
    expect(talk.hears(page([]))).toEqual([{ do: 'read-file', path: ROLLOUT, key: 'm1' }]);
  });

  test('delivers also where codex does not cut it off', () => {
    const talk = resumed();
    talk.protocol.confirm(message('m1'));
    talk.hears(page([{ id: 't1', status: 'interrupted', items: [] }]));
    talk.hears(page([]));
    expect(written(talk.hears({ id: 'revert:m1', error: { message: 'no' } }))).toMatchObject([{ id: 'turn:m1' }]);
  });

  test('believes the file where only the model sees a steered message', () => {
    const talk = resumed();
    talk.protocol.confirm(message('m1'));
    talk.hears(page([{ id: 't1', status: 'interrupted', items: [userMessage('m0')] }]));
    talk.hears(page([{ item: userMessage('m0') }]));
    const content = [{ type: 'input_text', text: 'text of m1' }];
    const line = JSON.stringify({ type: 'response_item', payload: { type: 'message', role: 'user', content } });
    expect(talk.protocol.file?.('m1', [line])).toEqual([confirmed('m1', false)]);
  });

  test('delivers into a thread that has no turn yet', () => {
    const talk = Talk.ready();
    talk.protocol.confirm(message('m1'));
    const error = {
      message: 'thread x is not materialized yet; thread/turns/list is unavailable before first user message',
    };
    expect(talk.hears({ id: 'look:m1', error })).toEqual([{ do: 'read-file', path: ROLLOUT, key: 'm1' }]);
    expect(written(talk.protocol.file?.('m1', null) ?? [])).toMatchObject([{ method: 'turn/start' }]);
  });

  test('refuses where the conversation cannot be read: that is no proof of anything', () => {
    const talk = resumed();
    talk.protocol.confirm(message('m1'));
    expect(talk.hears({ id: 'look:m1', error: { message: 'disk I/O error' } })).toMatchObject([
      { do: 'refused', messageId: 'm1', retryable: true },
    ]);
  });
});

describe('an interrupt', () => {
  test('names the turn, and waits for its name where it has none yet', () => {
    const talk = Talk.ready();
    expect(talk.protocol.interrupt()).toEqual([]);
    talk.protocol.message(message('m1'));
    expect(talk.protocol.interrupt()).toEqual([]);
    talk.hears({ id: 'turn:m1', result: { turn: { id: 't1' } } });
    const params = { threadId: THREAD, turnId: 't1' };
    expect(written(talk.hears(note('turn/started', { turn: { id: 't1' } })))).toEqual([
      { id: 'interrupt:t1', method: 'turn/interrupt', params },
    ]);
    talk.takesIn('m1');
    expect(others(talk.ends('t1', 'interrupted'))).toEqual([{ do: 'turn', phase: 'end' }]);
    expect(talk.protocol.close()).toEqual([]);
  });

  test('ends the commands of its turn that codex leaves running, and no others', () => {
    const talk = Talk.ready().starts('m1', 't1');
    talk.takesIn('m1');
    talk.hears(note('item/started', { turnId: 't0', item: command('server') }));
    talk.hears(note('item/started', { turnId: 't1', item: command('c1') }));
    expect(written(talk.ends('t1', 'interrupted'))).toMatchObject([{ method: 'thread/backgroundTerminals/list' }]);
    const data = [
      { itemId: 'server', processId: '7' },
      { itemId: 'c1', processId: '8' },
    ];
    expect(written(talk.hears({ id: 'end:list:t1', result: { data } }))).toEqual([
      { id: 'end:8', method: 'thread/backgroundTerminals/terminate', params: { threadId: THREAD, processId: '8' } },
    ]);
  });
});

test('deltas are drawn and not journaled', () => {
  const text = JSON.stringify(note('item/agentMessage/delta', { itemId: 'x', delta: 'Hel' }));
  const heard = Talk.ready().protocol.line({ dir: 'out', text });
  expect(heard).toEqual({
    actions: [{ do: 'delta', text: 'Hel' }],
    decoded: { events: [], fate: 'empty', kind: 'item/agentMessage/delta' },
    journal: false,
  });
});

test('another thread (a sub-agent) neither begins nor ends our turn', () => {
  const talk = Talk.ready();
  expect(talk.hears({ method: 'turn/started', params: { threadId: 'other', turn: { id: 'x' } } })).toEqual([]);
  expect(talk.protocol.turn).toBe(false);
});

describe('a limit', () => {
  const error = (codexErrorInfo: unknown, willRetry: boolean, message = 'Reconnecting... 1/5') =>
    note('error', { turnId: 't1', willRetry, error: { message, codexErrorInfo, additionalDetails: null } });
  const LIMITED = { responseTooManyFailedAttempts: { httpStatusCode: 429 } };

  test('that codex would wait out by itself ends its turn, once', () => {
    const talk = Talk.ready().starts('m1', 't1');
    expect(written(talk.hears(error(LIMITED, true)))).toMatchObject([
      { method: 'turn/interrupt', params: { turnId: 't1' } },
    ]);
    expect(talk.hears(error(LIMITED, true))).toEqual([]);
    talk.ends('t1', 'interrupted');
    talk.starts('m2', 't2');
    expect(written(talk.hears(error(LIMITED, true)))).toMatchObject([{ params: { turnId: 't2' } }]);
  });

  test.each([
    ['it gives up by itself', LIMITED, false],
    ['the connection broke', { responseStreamDisconnected: { httpStatusCode: null } }, true],
  ])('changes nothing where %s', (_what, info, willRetry) => {
    const talk = Talk.ready().starts('m1', 't1');
    expect(talk.hears(error(info, willRetry))).toEqual([]);
  });
});
