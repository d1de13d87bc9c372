import { describe, expect, it } from 'vitest';
import { nextDue } from '../../../../src/core/due.ts';
import { CRASH, Desk, SETTINGS } from '../desk.ts';

const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `a${i}`);

function fleet(n: number, change: Partial<typeof SETTINGS> = {}): Desk {
  const desk = new Desk();
  desk.settings = { ...SETTINGS, maxStarts: 100, ...change };
  for (const id of ids(n)) {
    desk.spawn({}, id, id);
    if (desk.agent(id).host.phase === 'starting') start(desk, id);
  }
  desk.done();
  return desk;
}

function start(desk: Desk, id: string): void {
  if (desk.agent(id).host.phase === 'starting') desk.hostUp({}, id);
  desk.orderDone('start', { pid: 60 }, true, id);
  desk.ready(id);
}

const crash = (desk: Desk, id: string) =>
  desk.record(
    { kind: 'exit', incarnation: desk.agent(id).cli.incarnation, code: 1, signal: null, asked: false, stderr: '' },
    { id, exit: { ...CRASH, message: 'the model is not there' } },
  );
const started = (desk: Desk): string[] =>
  desk
    .done()
    .flatMap((e) => (e.do === 'start_host' || (e.do === 'host_command' && e.verb === 'start') ? [e.agentId] : []));
const alerts = (desk: Desk): unknown[] =>
  desk.events('command').flatMap((e) => (e.verb === 'alert' ? [[e.args?.['severity'], e.args?.['text']]] : []));
const holding = (desk: Desk): boolean => desk.state.fleet.hold !== null;

describe('many agents that end together', () => {
  const dead = (): Desk => {
    const desk = fleet(8);
    for (const id of ids(8)) {
      crash(desk, id);
      desk.now += 100;
    }
    return desk;
  };

  it('are one cause: one urgent alert with the evidence, and nothing more is started', () => {
    const desk = dead();
    // Those before it was clear were started again at once, as a single crash is.
    expect(started(desk)).toEqual(['a0', 'a1', 'a2', 'a3']);
    expect(alerts(desk)).toEqual([
      [
        'urgent',
        expect.stringMatching(
          /^5 of 8 running agents ended within 10 s: one cause is likely.*\(a0 a1 a2 a3 a4; last: the model is not there\)$/,
        ),
      ],
    ]);
    expect(desk.agent('a7')).toMatchObject({
      state: 'backoff',
      reason: 'held with the fleet: 5 agents ended together; one agent tries first',
      resumeAt: desk.state.fleet.hold?.until,
    });
  });

  it('wait until one of them has tried and stays up; then the others follow', () => {
    const desk = dead();
    for (const id of ids(4)) start(desk, id);
    desk.done();
    desk.wait(15_000);
    expect(started(desk)).toEqual(['a4']);
    expect(desk.agent('a7').reason).toMatch(/a4 tries first/);
    start(desk, 'a4');
    desk.wait(9_999);
    expect(started(desk)).toEqual([]);
    desk.wait(1);
    expect(started(desk)).toEqual(['a5', 'a6', 'a7']);
    expect(holding(desk)).toBe(false);
    expect(desk.agent('a7')).toMatchObject({ state: 'starting', resumeAt: null });
    expect(alerts(desk)).toHaveLength(1);
  });

  it('wait twice as long when the one that tries ends as well, and then it is the turn of another', () => {
    const desk = dead();
    for (const id of ids(4)) start(desk, id);
    desk.done();
    desk.wait(15_000);
    expect(started(desk)).toEqual(['a4']);
    desk.orderDone('start', {}, true, 'a4');
    crash(desk, 'a4');
    expect(started(desk)).toEqual([]);
    desk.wait(29_999);
    expect(started(desk)).toEqual([]);
    desk.wait(1);
    expect(started(desk)).toEqual(['a5']);
    expect(alerts(desk)).toHaveLength(1);
  });

  it('go on at once when a person says so', () => {
    const desk = dead();
    desk.done();
    desk.command({ verb: 'resume', agentId: 'a7' });
    expect(holding(desk)).toBe(false);
    expect(started(desk)).toEqual(expect.arrayContaining(['a4', 'a5', 'a6', 'a7']));
  });

  it('hold nothing any more when all of them were stopped meanwhile', () => {
    const desk = dead();
    for (const id of ids(8)) desk.command({ verb: 'stop', agentId: id });
    desk.wait(15_000);
    expect(holding(desk)).toBe(false);
    desk.done();
  });

  it('are no cause where they are few, spread over time, or far fewer than those that run', () => {
    const few = fleet(4);
    for (const id of ids(4)) crash(few, id);
    const slow = fleet(8);
    for (const id of ids(8)) {
      crash(slow, id);
      slow.now += 3_000;
    }
    const part = fleet(12);
    for (const id of ids(5)) crash(part, id);
    expect([few, slow, part].map(holding)).toEqual([false, false, false]);
  });

  it('are no cause where a supervisor that was just started finds them: the machine was started anew', () => {
    const desk = fleet(8);
    desk.recovering = true;
    desk.input({ type: 'boot', pid: 1, build: 'b', crashed: true });
    for (const id of ids(8)) desk.hostDown(id);
    desk.recovering = false;
    desk.now += 100;
    desk.input({ type: 'recovered' });
    expect(holding(desk)).toBe(false);
    expect(started(desk)).toHaveLength(8);
    crash(desk, 'a0');
    expect(holding(desk)).toBe(false);
  });

  it('stay held through a restart of the supervisor', () => {
    const desk = dead();
    for (const id of ids(4)) start(desk, id);
    desk.input({ type: 'boot', pid: 2, build: 'b', crashed: true });
    for (const id of ids(8)) desk.hostUp({}, id);
    desk.done();
    desk.input({ type: 'recovered' });
    expect(started(desk)).toEqual([]);
    expect(nextDue(desk.state, desk.settings)).not.toBeNull();
  });
});

describe('places', () => {
  it('are as many as configured: who finds none waits, and says for what', () => {
    const desk = fleet(3, { maxAgents: 2 });
    expect(desk.agent('a2')).toMatchObject({
      state: 'starting',
      reason: 'waits for a place: 2 agents run (limits.agents)',
    });
    desk.command({ verb: 'stop', agentId: 'a0' });
    desk.orderDone('quit', {}, true, 'a0');
    desk.hostDown('a0');
    const effect = { do: 'clear', agentId: 'a0', epoch: desk.agent('a0').host.epoch } as const;
    desk.input({ type: 'effect_done', effect, ok: true, value: null });
    expect(started(desk)).toEqual(['a2']);
    desk.hostUp({}, 'a2');
    expect(desk.agent('a2').reason).toBeNull();
  });

  it('below an agent end at the configured depth', () => {
    const desk = new Desk();
    desk.spawn({}, 'top', 'top');
    desk.spawn({ parentId: 'top' }, 'one', 'one');
    expect(desk.spawn({ parentId: 'one' }, 'two', 'two').reply).toMatchObject({ ok: true });
    expect(desk.spawn({ parentId: 'two' }, 'three', 'three').reply).toMatchObject({
      ok: false,
      error: { code: 'DENIED', message: 'three would be 3 levels below a top agent; the most is 2' },
    });
  });
});
