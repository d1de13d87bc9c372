import { describe, expect, it } from 'vitest';
import { Desk, ID } from '../desk.ts';

describe('bringing an agent up', () => {
  it('starts a host, then the CLI in it, and is idle when that is ready', () => {
    const desk = new Desk();
    desk.spawn();
    expect(desk.orders()).toEqual(['start_host']);
    expect(desk.agent()).toMatchObject({ state: 'starting', host: { epoch: 1, phase: 'starting' } });
    desk.hostUp();
    expect(desk.orders()).toEqual(['configure', 'start']);
    desk.orderDone('start', { pid: 60 });
    desk.ready();
    expect(desk.agent()).toMatchObject({ state: 'idle', conversationId: 'conv', cli: { pid: 60, incarnation: 1 } });
  });

  it('makes what cannot be repeated durable', () => {
    const desk = new Desk();
    const spawned = desk.spawn({ task: 'do it' });
    const starting = spawned.events.filter(({ body }) =>
      ['agent_spawned', 'delivery', 'command', 'host'].includes(body.type),
    );
    expect(starting.map((event) => event.durable)).toEqual(starting.map(() => true));
    const up = desk.hostUp();
    const start = up.events.find(({ body }) => body.type === 'command' && body.verb === 'host.start');
    expect(start?.durable).toBe(true);
  });

  it('gives the acceptance of a command last, so that a torn log never has it without its work', () => {
    const { events } = new Desk().spawn({ task: 'do it' });
    const verbs = events.map(({ body }) => (body.type === 'command' ? body.verb : body.type));
    expect(verbs.indexOf('spawn')).toBeGreaterThan(verbs.indexOf('delivery'));
  });

  it('starts no more at once than allowed, and the next when a place is free', () => {
    const desk = new Desk();
    desk.settings = { ...desk.settings, maxStarts: 1 };
    desk.spawn();
    desk.spawn({}, 'a-2', 'bob');
    expect(desk.orders()).toEqual(['start_host']);
    desk.hostUp();
    desk.orderDone('start');
    desk.done();
    desk.ready();
    expect(desk.done()).toMatchObject([{ do: 'start_host', agentId: 'a-2' }]);
  });

  it('orders nothing for a host that has not answered since the supervisor started', () => {
    const desk = new Desk().up();
    desk.recovering = true;
    desk.input({ type: 'boot', pid: 1, build: 'b', crashed: true });
    desk.recovering = false;
    desk.input({ type: 'recovered' });
    desk.command({ verb: 'restart', agentId: ID, fresh: false });
    desk.send('m1');
    expect(desk.orders()).toEqual([]);
    desk.hostUp();
    expect(desk.orders()).toContain('stop');
  });

  it('does nothing while recovering, and all that is missing at its end', () => {
    const desk = new Desk().up();
    desk.recovering = true;
    desk.input({ type: 'boot', pid: 1, build: 'b', crashed: true });
    desk.hostDown();
    expect(desk.orders()).toEqual([]);
    expect(desk.command({ verb: 'stop', agentId: ID }).reply).toMatchObject({
      ok: false,
      error: { code: 'UNREACHABLE' },
    });
    desk.recovering = false;
    desk.input({ type: 'recovered' });
    expect(desk.orders()).toEqual(['start_host']);
  });
});

describe('taking an agent down', () => {
  it('quits the host, and is stopped when that is gone', () => {
    const desk = new Desk().up();
    desk.command({ verb: 'stop', agentId: ID });
    expect(desk.orders()).toEqual(['quit']);
    expect(desk.agent().state).toBe('stopping');
    desk.exit({}, true);
    desk.orderDone('quit', { left: 0 });
    desk.hostDown();
    expect(desk.agent()).toMatchObject({ state: 'stopped', host: { phase: 'down' }, tally: { host: [], cli: [] } });
    expect(desk.orders()).toEqual(['close_session']);
  });

  it('clears what a dead host left behind before it is stopped', () => {
    const desk = new Desk().up();
    desk.command({ verb: 'stop', agentId: ID });
    desk.done();
    desk.hostDown();
    expect(desk.agent().state).toBe('stopping');
    const [clear] = desk.done();
    expect(clear).toMatchObject({ do: 'clear' });
    if (clear) desk.input({ type: 'effect_done', effect: clear, ok: true, value: null });
    expect(desk.agent().state).toBe('stopped');
  });

  it('clears a host that does not do it in time', () => {
    const desk = new Desk().up();
    desk.command({ verb: 'stop', agentId: ID });
    desk.done();
    desk.wait(30_000);
    expect(desk.orders()).toEqual(['clear']);
  });

  it('tries a failed clearing again, one at a time', () => {
    const desk = new Desk().up();
    desk.input({ type: 'host_hung', agentId: ID, epoch: 1, commandId: 'x' });
    const [clear] = desk.done();
    const error = { code: 'RUNTIME_ERROR' as const, message: 'left', hint: null, retryable: true };
    if (clear) desk.input({ type: 'effect_done', effect: clear, ok: false, error });
    desk.command({ verb: 'resume', agentId: ID });
    expect(desk.orders()).toEqual([]);
    desk.wait(60_000);
    expect(desk.orders()).toEqual(['clear']);
  });

  it('forgets a removed agent only when nothing of it lives, and says so once', () => {
    const desk = new Desk().up();
    desk.command({ verb: 'rm', agentId: ID });
    expect(desk.events('agent_killed')).toEqual([]);
    desk.exit({}, true);
    desk.orderDone('quit');
    desk.done();
    desk.hostDown();
    expect(desk.events('agent_killed')).toHaveLength(1);
    const [forget] = desk.done();
    expect(forget).toMatchObject({ do: 'forget' });
    expect(desk.state.removing).toHaveProperty(ID);
    if (forget) desk.input({ type: 'effect_done', effect: forget, ok: true, value: null });
    expect(desk.state).toMatchObject({ agents: {}, removing: {} });
  });

  it('beats everything: a stop during a backoff starts nothing when that is over', () => {
    const desk = new Desk().up();
    desk.exit();
    desk.upAgain();
    desk.exit();
    expect(desk.agent().state).toBe('backoff');
    desk.command({ verb: 'stop', agentId: ID });
    desk.done();
    desk.wait(120_000);
    expect(desk.orders()).not.toContain('start');
  });
});

describe('hosts that come to harm', () => {
  it('starts a new host at once after the first death, and counts it apart from restarts', () => {
    const desk = new Desk().up();
    desk.hostDown();
    expect(desk.orders()).toEqual(['start_host']);
    expect(desk.agent()).toMatchObject({ restarts: 0, host: { epoch: 2 } });
    expect(desk.agent().tally.host).toHaveLength(1);
  });

  it('gives up when the host keeps dying', () => {
    const desk = new Desk();
    desk.spawn();
    for (let i = 0; i < 6; i++) {
      desk.hostDown();
      desk.wait(40_000);
      desk.now -= 39_000;
    }
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: expect.stringContaining('pane host') });
  });

  it('ends a hung host before it starts another', () => {
    const desk = new Desk().up();
    desk.input({ type: 'host_hung', agentId: ID, epoch: 1, commandId: 'x' });
    const [clear, ...rest] = desk.done();
    expect(clear).toMatchObject({ do: 'clear', epoch: 1 });
    expect(rest).toEqual([]);
    if (clear) desk.input({ type: 'effect_done', effect: clear, ok: true, value: null });
    expect(desk.done()).toMatchObject([{ do: 'start_host', epoch: 2 }]);
  });

  it('clears a host that never came up', () => {
    const desk = new Desk();
    desk.spawn();
    desk.done();
    desk.wait(60_000);
    expect(desk.orders()).toEqual(['clear']);
  });

  it('says a failed start of a host with its hint, and does not try what cannot work', () => {
    const desk = new Desk();
    desk.spawn();
    const [start] = desk.done();
    const error = { code: 'NOT_FOUND' as const, message: 'its folder is gone', hint: 'make it', retryable: false };
    if (start) desk.input({ type: 'effect_done', effect: start, ok: false, error });
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: 'its folder is gone', hint: 'make it' });
    expect(desk.orders()).toEqual([]);
  });

  it('moves an idle agent from a blind host, and a working one only after its turn', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN_START);
    desk.done();
    desk.input({ type: 'tmux_lost' });
    expect(desk.orders()).toEqual(['start_view']);
    desk.said(TURN_END);
    expect(desk.orders()).toEqual(['quit']);
    desk.exit({}, true);
    desk.orderDone('quit');
    desk.hostDown();
    expect(desk.orders()).toEqual(['start_host']);
    expect(desk.agent()).toMatchObject({ restarts: 0, tally: { host: [], cli: [] } });
  });

  it('gives an idle agent no view first, for its new pane comes at once', () => {
    const desk = new Desk().up();
    desk.input({ type: 'tmux_lost' });
    expect(desk.orders()).toEqual(['quit']);
  });

  it('leaves a host of an older protocol at the next boundary', () => {
    const desk = new Desk().up();
    desk.hostUp({ protocol: 0 });
    expect(desk.orders()).toEqual(['quit']);
  });

  it.each([
    ['an older epoch', { epoch: 0 }],
    ['the same, from before its journal was read on', { n: 0, cli: null }],
  ])('is not misled by a late greeting: %s', (_name, change) => {
    const desk = new Desk().up();
    const before = desk.agent().cli;
    desk.hostUp(change);
    expect(desk.agent().cli).toEqual(before);
  });

  it('believes a host that its CLI is gone where the journal has a gap', () => {
    const desk = new Desk().up();
    desk.hostUp({ cli: null, n: 1_000 });
    expect(desk.events('exit').at(-1)).toMatchObject({ cause: 'unseen' });
    expect(desk.orders()).toContain('start');
  });
});

describe('pause', () => {
  it('lets the turn end, holds the queue, and goes on at resume', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN_START);
    desk.command({ verb: 'pause', agentId: ID, now: false });
    desk.send('m2');
    expect(desk.agent().state).toBe('working');
    desk.said(TURN_END);
    expect(desk.agent().state).toBe('paused');
    desk.done();
    desk.command({ verb: 'resume', agentId: ID });
    expect(desk.orders()).toEqual(['message']);
  });

  it('interrupts the turn with now', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN_START);
    desk.done();
    desk.command({ verb: 'pause', agentId: ID, now: true });
    expect(desk.done()).toMatchObject([{ verb: 'interrupt', args: { incarnation: 1, turn: 1 } }]);
  });
});

describe('once', () => {
  it('is done when its work is, its host is let go, and a message wakes it', () => {
    const desk = new Desk().up({ once: true, task: 'work' });
    desk.confirm(`task-of-${ID}`);
    desk.said(TURN_START);
    desk.said(TURN_END);
    expect(desk.agent()).toMatchObject({ state: 'done', taskOpen: false });
    expect(desk.orders()).toEqual(['quit']);
    desk.exit({}, true);
    desk.orderDone('quit');
    desk.hostDown();
    expect(desk.agent().state).toBe('done');
    desk.send('m2');
    expect(desk.orders()).toEqual(['start_host']);
  });
});

const TURN_START = { type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null } as const;
const TURN_END = { type: 'turn', number: null, phase: 'end', outcome: 'ok', durationMs: null } as const;
