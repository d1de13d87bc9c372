/** What a new conversation is told of the one that was lost, and by whom things were said. */
import { describe, expect, it } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { EARLIER_EXCHANGE_CHARS, EXCHANGE_CHARS, EXCHANGES_KEPT } from '../../../../src/core/limits.ts';
import { Desk, ended, ID, TURN } from '../desk.ts';

const words = (role: 'user' | 'assistant', content: string, messageId: string | null = null): DriverEventBody => ({
  type: 'message',
  role,
  content,
  from: null,
  messageId,
});

/** One message and the turn that answers it. */
function exchange(desk: Desk, messageId: string, text: string, answer: string): void {
  desk.send(messageId);
  desk.said(words('user', text, messageId));
  desk.confirm(messageId);
  desk.said(TURN);
  desk.said(words('assistant', answer));
  desk.said(ended('ok'));
}

/** The conversation is lost; the first message of the next one. */
function handoff(desk: Desk): string {
  desk.exit({ cause: 'no_conversation', conversationLost: true, retryable: false });
  desk.wait(60_000);
  desk.orderDone('start');
  desk.ready(ID, 'conv-2');
  const note = desk.done().at(-1);
  if (note?.do !== 'host_command' || note.verb !== 'message') throw new Error('no note was sent');
  return String(note.args.text);
}

describe('a handoff', () => {
  it('holds what was said before the latest exchange, in order', () => {
    const desk = new Desk().up({ task: null });
    exchange(desk, 'm1', 'remember the word heliotrope', 'I will');
    exchange(desk, 'm2', 'something else', 'done');
    exchange(desk, 'm3', 'the latest', 'half of it');
    const text = handoff(desk);
    const places = ['heliotrope', 'I will', 'something else', 'done', 'the latest', 'half of it'].map((each) =>
      text.indexOf(each),
    );
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(text.match(/the latest/g)).toHaveLength(1);
  });

  it('keeps within its limits however long the conversation was', () => {
    const desk = new Desk().up();
    for (let i = 0; i < EXCHANGES_KEPT + 10; i++)
      exchange(desk, `m${i}`, `<${i}>${'x'.repeat(5_000)}`, 'y'.repeat(5_000));
    const text = handoff(desk);
    expect(text).not.toContain('<8>');
    expect(text).toContain('<9>');
    expect(text.length).toBeLessThan(EXCHANGES_KEPT * 2 * (EARLIER_EXCHANGE_CHARS + 50) + 2 * EXCHANGE_CHARS + 1_000);
  });

  it('says nothing of a conversation that a person wanted to be left', () => {
    const desk = new Desk().up();
    exchange(desk, 'm1', 'an old matter', 'yes');
    desk.command({ verb: 'restart', agentId: ID, fresh: true });
    desk.exit({}, true);
    desk.orderDone('stop');
    desk.orderDone('start');
    desk.ready(ID, 'conv-2');
    exchange(desk, 'm2', 'a new matter', 'yes');
    desk.done();
    desk.exit({ cause: 'no_conversation', conversationLost: true, retryable: false });
    desk.wait(60_000);
    desk.orderDone('start');
    desk.ready(ID, 'conv-3');
    const text = JSON.stringify(desk.done());
    expect(text).toContain('a new matter');
    expect(text).not.toContain('an old matter');
  });
});

describe('the author of a message', () => {
  it('is known by its id, for the CLI does not tell it', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.said(words('user', 'text of m1', 'm1'));
    desk.said(words('user', 'from elsewhere'));
    expect(desk.events('message').map(({ from }) => from)).toEqual(['user', null]);
  });

  it('is the supervisor where it sent a note, which is no exchange of its own', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.said(words('user', 'text of m1', 'm1'));
    desk.confirm('m1');
    desk.said(TURN);
    desk.exit();
    desk.upAgain();
    const note = desk.agent().queue[0];
    desk.said(words('user', note?.text ?? '', note?.messageId ?? null));
    expect(desk.events('message').at(-1)).toMatchObject({ from: 'supervisor' });
    expect(desk.agent().lastExchange.user).toBe('text of m1');
  });
});
