import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Entry, INTERRUPTED, messagesOf, unanswered } from '../../../src/agents/conversation.ts';
import { ConversationRecord } from '../../../src/agents/record.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tutti-record-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (resume: string | null = null) =>
  ConversationRecord.open({ dir, resume, conversationId: 'c1', agent: 'v1' });
const use = (id: string) => ({ type: 'tool_use' as const, id, name: 'bash', input: {} });
const at = '2026-01-01T00:00:00.000Z';

describe('the record on disk', () => {
  test('what was written is there when it is opened again', () => {
    const first = open();
    first.user('m1', 'hello');
    first.assistant([{ type: 'text', text: 'hi' }]);
    first.end('ok');
    first.close();
    const second = open('c1');
    expect(second.resumed).toBe(true);
    expect(second.has('m1')).toBe(true);
    expect(second.entries.map(({ type }) => type)).toEqual(['conversation', 'user', 'assistant', 'end']);
    second.close();
  });

  test('half a last line is cut off, and what follows stands on a line of its own', () => {
    const first = open();
    first.user('m1', 'hello');
    first.close();
    const path = join(dir, 'record.jsonl');
    appendFileSync(path, '{"v":1,"type":"user","id":"m2","te');
    const second = open('c1');
    expect(second.has('m2')).toBe(false);
    second.user('m2', 'again');
    second.close();
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).type)).toEqual(['conversation', 'user', 'user']);
  });

  test('cut anywhere, it opens, and holds a beginning of what was said', () => {
    const whole = open();
    whole.user('m1', 'hello');
    whole.assistant([{ type: 'text', text: 'é' }, use('t1')]);
    whole.result({ callId: 't1', tool: 'bash', text: 'ok', isError: false });
    whole.close();
    const path = join(dir, 'record.jsonl');
    const bytes = readFileSync(path);
    const head = bytes.indexOf(0x0a) + 1;
    for (let size = head; size < bytes.length; size += 1) {
      writeFileSync(path, bytes.subarray(0, size));
      const cut = open('c1');
      expect(cut.damaged).toBe(0);
      const messages = messagesOf(cut.entries);
      cut.close();
      if (messages.length > 1) expect(messages[2]?.content).toMatchObject([{ type: 'tool_result', tool_use_id: 't1' }]);
    }
  });

  test('a damaged line in the middle is left out and counted', () => {
    const first = open();
    first.user('m1', 'hello');
    first.close();
    appendFileSync(join(dir, 'record.jsonl'), 'rubbish\n');
    const second = open('c1');
    expect(second.damaged).toBe(1);
    expect(second.has('m1')).toBe(true);
    second.close();
  });

  test('a call without a result gets one when it is opened again', () => {
    const first = open();
    first.user('m1', 'hello');
    first.assistant([use('t1'), use('t2')]);
    first.result({ callId: 't1', tool: 'bash', text: 'one', isError: false });
    first.close();
    const second = open('c1');
    expect(second.entries.at(-1)).toMatchObject({ type: 'result', callId: 't2', text: INTERRUPTED, isError: true });
    second.close();
  });
});

describe('the messages for the API', () => {
  const user = (id: string): Entry => ({ v: 1, type: 'user', at, id, text: id });
  const assistant = (...content: Extract<Entry, { type: 'assistant' }>['content']): Entry => ({
    v: 1,
    type: 'assistant',
    at,
    content,
  });
  const result = (callId: string): Entry => ({
    v: 1,
    type: 'result',
    at,
    callId,
    tool: 'bash',
    text: callId,
    isError: false,
  });
  const text = (words: string) => ({ type: 'text' as const, text: words });
  const shape = (entries: Entry[]) =>
    messagesOf(entries).map(({ role, content }) => [
      role,
      ...(typeof content === 'string'
        ? [content]
        : content.map((block) =>
            'tool_use_id' in block ? `=${block.tool_use_id}` : block.type === 'text' ? block.text : block.type,
          )),
    ]);
  const cases: { id: string; entries: Entry[]; messages: string[][] }[] = [
    {
      id: 'two messages without an answer become one',
      entries: [user('a'), user('b')],
      messages: [['user', 'a', 'b']],
    },
    {
      id: 'results stand in the order of their calls, before what was said meanwhile',
      entries: [user('a'), assistant(use('t1'), use('t2')), user('b'), result('t2'), result('t1')],
      messages: [
        ['user', 'a'],
        ['assistant', 'tool_use', 'tool_use'],
        ['user', '=t1', '=t2', 'b'],
      ],
    },
    {
      id: 'a call without a result gets one',
      entries: [user('a'), assistant(use('t1')), user('b')],
      messages: [
        ['user', 'a'],
        ['assistant', 'tool_use'],
        ['user', '=t1', 'b'],
      ],
    },
    {
      id: 'an empty answer is left out',
      entries: [user('a'), assistant(), user('b'), assistant(text('ok'))],
      messages: [
        ['user', 'a', 'b'],
        ['assistant', 'ok'],
      ],
    },
  ];
  test.each(cases)('$id', ({ entries, messages }) => expect(shape(entries)).toEqual(messages));

  test('something waits for an answer when a message or a result came after the last one', () => {
    expect(unanswered([user('a')])).toBe(true);
    expect(unanswered([user('a'), assistant(text('ok'))])).toBe(false);
    expect(unanswered([user('a'), assistant(use('t')), result('t')])).toBe(true);
  });
});
