import { describe, expect, it } from 'vitest';
import { Desk, ended, ID, TURN } from '../desk.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** An agent in the middle of its work on m1. */
function working(): Desk {
  const desk = new Desk().up();
  desk.send('m1');
  desk.confirm('m1');
  desk.said(TURN);
  desk.done();
  return desk;
}

describe('delivery', () => {
  it('sends one message at a time, the next when the turn is over', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.send('m2');
    expect(desk.done()).toMatchObject([
      { verb: 'message', id: 'm1', args: { text: 'text of m1', ordinal: 0, now: false } },
    ]);
    desk.confirm('m1');
    expect(desk.orders()).toEqual([]);
    desk.said(TURN);
    desk.said(ended('ok'));
    expect(desk.done()).toMatchObject([{ verb: 'message', id: 'm2', args: { ordinal: 1 } }]);
  });

  it('waits for the turn that a confirmed message promises, and asks for it by a note when none comes', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.send('m2');
    desk.confirm('m1', null);
    desk.done();
    desk.wait(60_000);
    const [note] = desk.done();
    expect(note).toMatchObject({ verb: 'message', args: { from: 'supervisor' } });
    expect(desk.agent().queue.map((m) => m.from)).toEqual(['supervisor', 'user']);
  });

  it('does not wait where the turn had begun, or was over, before the confirmation came', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.said(TURN);
    desk.said(ended('ok'));
    desk.done();
    desk.confirm('m1');
    desk.send('m2');
    expect(desk.orders()).toEqual(['message']);
  });

  it('holds a message until the turn ends, and steers with now', () => {
    const desk = working();
    desk.send('m2');
    expect(desk.orders()).toEqual([]);
    desk.send('m3', { now: true });
    expect(desk.done()).toMatchObject([{ verb: 'message', id: 'm3', args: { now: true } }]);
    // Taken into the turn, and only confirmed by its end: no turn of its own is waited for.
    desk.said(ended('ok'));
    desk.confirm('m3');
    expect(desk.done()).toMatchObject([{ verb: 'message', id: 'm2' }]);
  });

  it('takes what was typed in the pane as a message that is on its way', () => {
    const desk = new Desk().up();
    desk.record({ kind: 'typed', id: 't1', verb: 'message', text: 'hello' });
    expect(desk.agent()).toMatchObject({ state: 'working', queue: [{ messageId: 't1', state: 'sent', now: true }] });
    desk.send('m1');
    expect(desk.orders()).toEqual([]);
    desk.confirm('t1');
    desk.said(TURN);
    desk.said(ended('ok'));
    expect(desk.done()).toMatchObject([{ id: 'm1' }]);
  });

  it('answers a repeated command from the record, and takes a repeated message once', () => {
    const desk = new Desk().up();
    const command = { verb: 'send', agentId: ID, messageId: 'm1', text: 'x', from: 'user', now: false } as const;
    desk.command(command, 'c-77');
    expect(desk.command(command, 'c-77')).toMatchObject({ events: [], reply: { ok: true } });
    expect(desk.command(command, 'c-78')).toMatchObject({ events: [], reply: { ok: true } });
    desk.confirm('m1');
    expect(desk.command(command, 'c-79')).toMatchObject({ events: [], reply: { ok: true } });
    expect(desk.events('delivery').filter((e) => e.state === 'queued')).toHaveLength(1);
  });

  it.each([['too long', 'x'.repeat(1024 * 1024 + 1), 'INVALID_ARGUMENT']])(
    'refuses a message that is %s',
    (_name, text, code) => {
      const desk = new Desk().up();
      const reply = desk.command({ verb: 'send', agentId: ID, messageId: 'm', text, from: 'user', now: false }).reply;
      expect(reply).toMatchObject({ ok: false, error: { code } });
    },
  );

  it('refuses one more than the queue holds', () => {
    const desk = new Desk();
    desk.spawn();
    for (let i = 0; i < 1_000; i++) desk.send(`m${i}`);
    expect(desk.send('more').reply).toMatchObject({ ok: false, error: { code: 'CONFLICT' } });
  });
});

describe('after a death', () => {
  it('asks the conversation for what was on its way, before anything newer', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.send('m2');
    desk.done();
    desk.exit();
    desk.upAgain();
    expect(desk.done().filter((e) => e.do === 'host_command' && e.verb !== 'start')).toMatchObject([
      { verb: 'confirm', id: 'm1', args: { text: 'text of m1' } },
    ]);
  });

  it('asks the next host as well', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.hostDown();
    desk.hostUp();
    desk.upAgain();
    expect(desk.done().at(-1)).toMatchObject({ verb: 'confirm', id: 'm1', epoch: 2 });
  });

  it('sends a note when the turn had no end, and then goes on with the queue', () => {
    const desk = working();
    desk.send('m2');
    desk.exit();
    desk.upAgain();
    const note = desk.done().at(-1);
    expect(note).toMatchObject({
      verb: 'message',
      args: { from: 'supervisor', text: expect.stringContaining('interrupted') },
    });
    const id = note?.do === 'host_command' ? note.id : '';
    expect(id).toMatch(UUID);
    desk.confirm(id);
    desk.said(TURN);
    desk.said(ended('ok'));
    expect(desk.done()).toMatchObject([{ verb: 'message', id: 'm2' }]);
  });

  it('sends a note when the message turns out to be in and nobody works on it', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.exit();
    desk.upAgain();
    desk.done();
    desk.confirm('m1', false);
    expect(desk.done()).toMatchObject([{ verb: 'message', args: { from: 'supervisor' } }]);
  });

  it('sends a note when a confirmed message had not begun its turn', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.exit();
    desk.upAgain();
    expect(desk.done().at(-1)).toMatchObject({ verb: 'message', args: { from: 'supervisor' } });
  });

  it('sends no note where nothing was under way', () => {
    const desk = working();
    desk.said(ended('ok'));
    desk.exit();
    desk.upAgain();
    expect(desk.orders()).toEqual(['start']);
    expect(desk.agent().state).toBe('idle');
  });

  it('believes a confirmation that comes after the exit', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.exit();
    desk.confirm('m1');
    desk.upAgain();
    const last = desk.done().at(-1);
    expect(last).toMatchObject({ verb: 'message', args: { from: 'supervisor' } });
    expect(desk.agent().seen).toContain('m1');
  });

  it('gives an order again to a host that greets a new supervisor, with the same id', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.done();
    desk.recovering = true;
    desk.input({ type: 'boot', pid: 2, build: 'b', crashed: true });
    desk.hostUp();
    desk.recovering = false;
    desk.input({ type: 'recovered' });
    expect(desk.done()).toMatchObject([{ verb: 'message', id: 'm1', args: { text: 'text of m1' } }]);
  });

  it('begins anew with a handoff when the conversation is lost', () => {
    const desk = working();
    desk.said({ type: 'message', role: 'assistant', content: 'half of it', from: null, messageId: null });
    desk.exit();
    desk.orderDone('start');
    desk.done();
    desk.exit({ cause: 'no_conversation', conversationLost: true, retryable: false });
    desk.wait(60_000);
    expect(desk.done()).toMatchObject([{ verb: 'start', args: { resume: false } }]);
    desk.orderDone('start');
    desk.ready(ID, 'conv-2');
    const note = desk.done().at(-1);
    expect(note).toMatchObject({ args: { text: expect.stringContaining('half of it') } });
  });
});

describe('failed deliveries', () => {
  it('asks again at once, then after holds, and in the end fails with the message kept', () => {
    const desk = new Desk().up();
    desk.send('m1');
    for (let i = 0; i < 8; i++) {
      desk.record({ kind: 'done', id: 'm1', ok: false, result: { message: 'no', retryable: true } });
      if (i < 7) desk.wait(60_000);
    }
    expect(desk.agent()).toMatchObject({ state: 'failed', queue: [{ messageId: 'm1' }] });
    expect(desk.orders()).toEqual(['message', ...Array.from({ length: 7 }, () => 'confirm')]);
  });

  it('drops a message that the CLI will never take, and says why', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.record({ kind: 'done', id: 'm1', ok: false, result: { message: 'refused by a hook', retryable: false } });
    expect(desk.events('delivery').at(-1)).toMatchObject({ state: 'refused', why: 'refused by a hook' });
    expect(desk.agent().queue).toEqual([]);
  });

  it('takes back what the host refused, and does not count it as on its way', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.done();
    desk.input({ type: 'refused', agentId: ID, commandId: 'm1', code: 'no_cli', message: 'no CLI runs' });
    desk.exit();
    desk.upAgain();
    expect(desk.done().at(-1)).toMatchObject({ verb: 'confirm', id: 'm1' });
  });
});
