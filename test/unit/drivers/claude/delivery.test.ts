import { describe, expect, test } from 'vitest';
import { message, others, Talk, written } from './talk.ts';

const user = (uuid: string, content: string) => ({ type: 'user', message: { role: 'user', content }, uuid });
const confirmed = (messageId: string, turnFollows: boolean) => ({ do: 'confirmed', messageId, turnFollows });

describe('a message', () => {
  test('is written with its own id, and confirmed by the echo that opens its turn', () => {
    const talk = new Talk().ready();
    expect(written(talk.protocol.message(message('u1', 'one\n"two"')))).toEqual([user('u1', 'one\n"two"')]);
    expect(talk.init()).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(talk.echo('u1')).toEqual([confirmed('u1', true)]);
    expect(talk.protocol.turn).toBe(true);
    expect(talk.result()).toEqual([{ do: 'turn', phase: 'end' }]);
    expect(talk.protocol.turn).toBe(false);
  });

  test('that claude knows already is confirmed by an echo without a time, and no turn follows', () => {
    const talk = new Talk({ resume: true }).ready();
    talk.protocol.confirm(message('u1', 'one'));
    expect(talk.repeatedEcho('u1')).toEqual([confirmed('u1', false)]);
    expect(talk.protocol.turn).toBe(false);
  });

  test('that was taken into a running turn is confirmed at its end, when it is on disk, and before the turn ends', () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('u1', 'one'));
    talk.init();
    talk.echo('u1');
    talk.works();
    talk.protocol.message(message('u2', 'two', true));
    expect(talk.echo('u2')).toEqual([]);
    expect(talk.result()).toEqual([confirmed('u2', true), { do: 'turn', phase: 'end' }]);
  });

  test('waits while another one waits inside claude, which would merge the two', () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('u1', 'one'));
    expect(talk.protocol.message(message('u2', 'two', true))).toEqual([]);
    expect(talk.protocol.message(message('u3', 'three', true))).toEqual([]);
    talk.init();
    const actions = talk.echo('u1');
    expect(others(actions)).toEqual([confirmed('u1', true)]);
    expect(written(actions)).toEqual([user('u2', 'two')]);
    talk.works();
    expect(written(talk.echo('u2'))).toEqual([user('u3', 'three')]);
  });

  test('that was not taken in before the turn ended opens the next one', () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('u1', 'one'));
    talk.init();
    talk.echo('u1');
    talk.works();
    talk.protocol.message(message('u2', 'two', true));
    expect(talk.result()).toEqual([{ do: 'turn', phase: 'end' }]);
    expect(talk.init()).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(talk.echo('u2')).toEqual([confirmed('u2', true)]);
  });

  test('that claude carried out itself (a slash command) is confirmed by the end of its turn', () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('u1', '/compact'));
    talk.init();
    expect(talk.result({ num_turns: 0 })).toEqual([confirmed('u1', true), { do: 'turn', phase: 'end' }]);
  });

  test("that a hook of the user's refused is refused with its words", () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('u1', 'one'));
    talk.init();
    const why = 'UserPromptSubmit operation blocked by hook:\nno';
    expect(talk.result({ num_turns: 0, result: why })).toEqual([
      { do: 'refused', messageId: 'u1', why, retryable: false },
      { do: 'turn', phase: 'end' },
    ]);
  });

  test('waits on while the turn of a finished background command comes and goes', () => {
    const talk = new Talk().ready();
    talk.protocol.message(message('u1', 'one'));
    talk.init();
    expect(talk.result({ origin: { kind: 'task-notification' } })).toEqual([{ do: 'turn', phase: 'end' }]);
    talk.init();
    expect(talk.echo('u1')).toEqual([confirmed('u1', true)]);
  });

  test('of another writer is none of ours', () => {
    const talk = new Talk().ready();
    talk.init();
    expect(talk.echo('someone')).toEqual([]);
  });
});

describe('confirming a message after a kill', () => {
  const transcript = (id: string) => [
    '{"type":"user"}',
    `{"type":"attachment","attachment":{"type":"queued_command","prompt":"x","source_uuid":"${id}"}}`,
  ];

  test('looks into the transcript when claude does not know its id, and lets it in when it is not there', () => {
    const talk = new Talk({ resume: true }).ready();
    talk.protocol.confirm(message('u1', 'one'));
    expect(talk.asksPrompt('r1', 'one')).toEqual([{ do: 'read-file', path: '/t.jsonl', key: 'r1' }]);
    expect(written(talk.protocol.file?.('r1', transcript('other')) ?? [])).toEqual([
      { type: 'control_response', response: { subtype: 'success', request_id: 'r1', response: {} } },
    ]);
    talk.init();
    expect(talk.echo('u1')).toEqual([confirmed('u1', true)]);
  });

  test('lets it in when there is no transcript', () => {
    const talk = new Talk({ resume: true }).ready();
    talk.protocol.confirm(message('u1', 'one'));
    talk.asksPrompt('r1', 'one');
    expect(written(talk.protocol.file?.('r1', null) ?? [])).toMatchObject([{ response: { response: {} } }]);
  });

  test('refuses the repetition of one that had been taken into a turn; the empty turn around that is none', () => {
    const talk = new Talk({ resume: true }).ready();
    talk.protocol.confirm(message('u1', 'one'));
    talk.asksPrompt('r1', 'one');
    const actions = talk.protocol.file?.('r1', transcript('u1')) ?? [];
    expect(written(actions)).toMatchObject([{ response: { request_id: 'r1', response: { decision: 'block' } } }]);
    expect(others(actions)).toEqual([confirmed('u1', false)]);
    expect(talk.protocol.message(message('u2', 'two'))).toEqual([]);
    expect(talk.init()).toEqual([]);
    expect(talk.protocol.turn).toBe(false);
    expect(written(talk.result({ num_turns: 0, result: 'UserPromptSubmit operation blocked by hook' }))).toEqual([
      user('u2', 'two'),
    ]);
    expect(talk.init()).toEqual([{ do: 'turn', phase: 'start' }]);
    expect(talk.echo('u2')).toEqual([confirmed('u2', true)]);
  });

  test('does not mistake the prompt of a finished background command for it', () => {
    const talk = new Talk({ resume: true }).ready();
    talk.protocol.confirm(message('u1', 'one'));
    expect(written(talk.asksPrompt('r1', '<task-notification>\n…'))).toMatchObject([{ response: { response: {} } }]);
  });
});

test('a prompt that is not being confirmed is let in at once', () => {
  const talk = new Talk().ready();
  talk.protocol.message(message('u1', 'one'));
  expect(written(talk.asksPrompt('r1', 'one'))).toMatchObject([{ response: { request_id: 'r1', response: {} } }]);
});
