import { describe, expect, it } from 'vitest';
import { orderSwitch } from '../../../../src/core/decide/switch.ts';
import { Work } from '../../../../src/core/decide/work.ts';
import { nextDue } from '../../../../src/core/due.ts';
import { RESET_MARGIN_MS } from '../../../../src/core/limits.ts';
import type { AgentSpec, Runner } from '../../../../src/core/state.ts';
import { CRASH, ended, T0, TURN } from '../desk.ts';
import { FleetDesk } from './fleet.ts';

const HOUR = 3_600_000;
const CODEX: Runner = { cli: 'codex', model: null, account: 'codex:default', settings: { s: 1 } };
const HAIKU: Runner = { cli: 'claude', model: 'claude-haiku-4-5', account: 'claude:default', settings: {} };
const id = 'a-1';

/** In mid-work when its account is limited for an hour. */
function limited(spec: Partial<AgentSpec> = {}, resetsAt: number | null = T0 + HOUR): FleetDesk {
  const desk = new FleetDesk();
  desk.up({ task: 'Mend the roof', fallback: [CODEX], ...spec }, id, 'n1');
  desk.confirm(`task-of-${id}`);
  desk.said(TURN);
  desk.said({ type: 'message', role: 'user', content: 'Mend the roof', from: null, messageId: `task-of-${id}` });
  desk.done();
  desk.refused(id, resetsAt === null ? {} : { resetsAt });
  return desk;
}

/** The starts among what was ordered. */
const starts = (desk: FleetDesk) => desk.done().filter((e) => e.do === 'host_command' && e.verb === 'start');

/** The order to stop was obeyed; the other CLI comes up. */
function comesUp(desk: FleetDesk, conversation = 'other'): void {
  desk.exit({}, true);
  desk.orderDone('stop');
  desk.orderDone('start', { pid: 70 });
  desk.ready(id, conversation);
}

describe('an agent with a fallback', () => {
  it('goes on there at once when its account is limited for long, with an account of the work', () => {
    const desk = limited();
    expect(desk.orders()).toEqual(['stop']);
    desk.exit({}, true);
    desk.orderDone('stop');
    expect(starts(desk)).toMatchObject([
      { verb: 'start', args: { fallback: 1, resume: false, settings: { s: 1 }, incarnation: 2 } },
    ]);
    desk.orderDone('start', { pid: 70 });
    desk.ready(id, 'other');
    const [message] = desk.done();
    expect(message).toMatchObject({ verb: 'message', args: { text: expect.stringContaining('Mend the roof') } });
    expect(message).toMatchObject({ args: { text: expect.stringContaining('limited') } });
    expect(desk.agent()).toMatchObject({
      conversationId: 'other',
      runner: { n: 1, left: { 0: { conversationId: 'conv' } } },
    });
    expect(desk.agent().restarts).toBe(0);
  });

  it('waits for a reset that is near, and flees only when the hold drags on', () => {
    const desk = limited({}, null);
    expect(desk.orders()).toEqual([]);
    desk.until(60_000);
    desk.takes(id);
    desk.refused(id);
    desk.done();
    expect(nextDue(desk.state, desk.settings)).toBeLessThanOrEqual(T0 + 300_000);
    desk.until(200_000);
    desk.done();
    desk.takes(id);
    desk.refused(id);
    desk.done();
    desk.until(299_000);
    expect(desk.orders()).toEqual([]);
    desk.until(300_000);
    expect(desk.orders()).toEqual(['stop']);
  });

  it('goes on in the same conversation where only the model is another', () => {
    const desk = limited({ model: 'claude-opus-5', fallback: [HAIKU] }, T0 + HOUR);
    // The whole account is limited: another model of it helps nothing.
    expect(desk.orders()).toEqual([]);
    const opus = new FleetDesk();
    opus.up({ model: 'claude-opus-5', fallback: [HAIKU] }, id, 'n1');
    opus.working(id);
    opus.done();
    opus.refused(id, { resetsAt: T0 + HOUR, scope: 'seven_day_opus' });
    expect(opus.orders()).toEqual(['stop']);
    opus.exit({}, true);
    opus.orderDone('stop');
    expect(starts(opus)).toMatchObject([{ args: { conversationId: 'conv', resume: true, fallback: 1 } }]);
    opus.orderDone('start', { pid: 70 });
    opus.ready(id, 'conv');
    expect(opus.done()).toMatchObject([{ verb: 'message', args: { text: expect.stringContaining('go on') } }]);
  });

  it('stays where every fallback is limited too', () => {
    const desk = limited({ fallback: [{ ...CODEX, account: 'claude:default' }] });
    desk.until(10_000);
    expect(desk.orders()).toEqual([]);
  });

  it('returns with the next message after the reset, where that is wanted, to its first conversation', () => {
    const desk = limited({ fallbackReturn: true });
    comesUp(desk);
    desk.takes(id);
    desk.said(
      { type: 'message', role: 'assistant', content: 'half the roof', from: null, messageId: null },
      ended('ok'),
    );
    desk.until(HOUR + RESET_MARGIN_MS, 60_000);
    desk.done();
    expect(desk.agent().runner.n).toBe(1);
    desk.send('next');
    expect(desk.orders()).toEqual(['stop']);
    desk.exit({}, true);
    desk.orderDone('stop');
    expect(starts(desk)).toMatchObject([{ args: { conversationId: 'conv', resume: true } }]);
    desk.orderDone('start', { pid: 80 });
    desk.ready(id, 'conv');
    expect(desk.done()).toMatchObject([{ args: { text: expect.stringContaining('half the roof') } }]);
    expect(desk.agent()).toMatchObject({ runner: { n: 0 }, queue: [expect.anything(), { messageId: 'next' }] });
  });

  it('stays on the fallback where no return is wanted', () => {
    const desk = limited();
    comesUp(desk);
    desk.takes(id);
    desk.said(ended('ok'));
    desk.until(HOUR + 60_000, 60_000);
    desk.done();
    desk.send('next');
    expect(desk.orders()).toEqual(['message']);
  });

  it('comes back to wait when the fallback cannot be started, and does not try it again', () => {
    const desk = limited();
    desk.exit({}, true);
    desk.orderDone('stop');
    desk.orderDone('start', { code: 'missing', message: 'codex was not found' }, false);
    expect(desk.agent()).toMatchObject({ runner: { n: 0, unfit: [1] } });
    desk.orderDone('start', { pid: 80 });
    desk.ready(id, 'conv');
    desk.until(60_000);
    desk.done();
    expect(desk.agent()).toMatchObject({ state: 'limited', runner: { n: 0, wanted: null } });
  });

  it('keeps a message that was sent meanwhile, and gives it to whoever works', () => {
    const desk = limited();
    desk.send('more');
    comesUp(desk);
    desk.takes(id);
    desk.said(ended('ok'));
    expect(desk.agent().queue).toMatchObject([{ messageId: 'more', state: 'sent' }]);
  });

  it('forgets where it ran when its fallbacks are declared anew', () => {
    const desk = limited();
    comesUp(desk);
    const spec = { ...desk.agent().spec, fallback: [] };
    const agents = [{ agentId: id, name: 'n1', spec, messageId: null }];
    desk.command({ verb: 'apply', project: 'demo', hash: 'h', config: {}, agents, prune: false });
    expect(desk.agent()).toMatchObject({ runner: { n: 0, left: {} }, conversationId: 'conv' });
  });
});

describe('the order to hand the work to another runner', () => {
  const order = (desk: FleetDesk, to: number | 'next') => {
    const w = new Work(desk.state, { now: desk.now, random: 0, settings: desk.settings, recovering: false }, 'copy');
    const agent = w.agent(id);
    if (!agent) throw new Error('no agent');
    return {
      taken: orderSwitch(w, agent, { to, when: 'now', why: 'it goes round in circles' }),
      wanted: agent.runner.wanted,
    };
  };

  it.each([
    ['next', 1],
    [2, 2],
  ] as const)('takes %s', (to, n) => {
    const desk = new FleetDesk();
    desk.up({ fallback: [CODEX, HAIKU] }, id, 'n1');
    expect(order(desk, to)).toEqual({ taken: true, wanted: { n, when: 'now', why: 'it goes round in circles' } });
  });

  it.each([['next' as const], [1], [0]])('changes nothing where there is none: %s', (to) => {
    const desk = new FleetDesk();
    desk.up({}, id, 'n1');
    expect(order(desk, to)).toEqual({ taken: false, wanted: null });
  });
});

describe('a crash of a fallback', () => {
  it('is a crash like any other', () => {
    const desk = limited();
    comesUp(desk);
    desk.done();
    desk.exit(CRASH);
    expect(desk.done()).toMatchObject([{ verb: 'start', args: { fallback: 1 } }]);
  });
});
