import { describe, expect, it } from 'vitest';
import { declaredSchedule, scheduleList } from '../../../../src/core/config/schedules.ts';
import { nextDue } from '../../../../src/core/due.ts';
import type { Schedule, When } from '../../../../src/core/schedule/schedule.ts';
import { iso } from '../../../../src/core/time.ts';
import { Desk, ended, ID, SPEC, T0, TURN } from '../desk.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const schedule = (when: When, change: Partial<Schedule> = {}): Schedule => ({
  ...{ id: 'demo.look', name: 'look', project: 'demo', agent: 'alice', message: 'Is it green?', when },
  ...{ missed: 'fire', by: 'user', declared: false },
  ...change,
});
const add = (desk: Desk, when: When, change: Partial<Schedule> = {}) =>
  desk.command({ verb: 'schedule', schedule: schedule(when, change) });
const CRON: When = { kind: 'cron', cron: '0 * * * *', timeZone: null };
const slot = (desk: Desk, at: number) => desk.input({ type: 'slot', scheduleId: 'demo.look', slot: at });
const texts = (desk: Desk): string[] =>
  desk
    .events('delivery')
    .flatMap((event) => (event.state === 'queued' && event.content?.startsWith('Scheduled') ? [event.content] : []));
const outcomes = (desk: Desk): unknown[] =>
  desk.events('command').flatMap((event) => (event.verb === 'slot' ? [event.args?.['outcome']] : []));

describe('a check-in', () => {
  it('for one time wakes the agent with a message that says what it is, and is over', () => {
    const desk = new Desk().up();
    add(desk, { kind: 'at', at: iso(T0 + HOUR) });
    expect(nextDue(desk.state, desk.settings)).toBe(T0 + HOUR);
    desk.wait(HOUR);
    expect(texts(desk)).toEqual([
      `Scheduled check-in "look", asked for by the user, due at ${iso(T0 + HOUR)}.\n\nIs it green?`,
    ]);
    expect(desk.orders()).toContain('message');
    expect(desk.state.schedules).toEqual({});
  });

  it('at intervals comes again and again, once for each time', () => {
    const desk = new Desk().up();
    add(desk, { kind: 'every', everyMs: HOUR });
    for (let round = 1; round <= 3; round += 1) {
      desk.wait(HOUR);
      desk.confirm(desk.agent().queue[0]?.messageId ?? '');
      desk.said(TURN, ended('ok'));
      expect(texts(desk)).toHaveLength(round);
    }
    expect(desk.state.schedules['demo.look']).toMatchObject({ fired: 3, lastSlot: iso(T0 + 3 * HOUR) });
  });

  it('that was missed is made up for once, and says so', () => {
    const desk = new Desk().up();
    add(desk, { kind: 'every', everyMs: HOUR });
    desk.wait(5 * HOUR + 30 * MINUTE);
    expect(texts(desk)).toMatchObject([
      expect.stringMatching(/It comes at .*T05:30:00.000Z: nothing could be delivered/),
    ]);
    expect(desk.state.schedules['demo.look']?.lastSlot).toBe(iso(T0 + 5 * HOUR));
  });

  it('that was missed is left where that is wanted', () => {
    const desk = new Desk().up();
    add(desk, CRON, { missed: 'skip' });
    desk.now += 5 * HOUR;
    slot(desk, T0 + HOUR);
    expect(outcomes(desk)).toEqual(['it was missed, and is not made up for']);
    slot(desk, T0 + 5 * HOUR);
    expect(outcomes(desk)).toHaveLength(2);
    expect(texts(desk)).toHaveLength(1);
  });

  it('by a cron expression is served once for each time, however often the time is told', () => {
    const desk = new Desk().up();
    add(desk, CRON);
    desk.now += HOUR;
    slot(desk, T0 + HOUR);
    slot(desk, T0 + HOUR);
    slot(desk, T0 - HOUR);
    slot(desk, T0 + 9 * HOUR);
    expect(outcomes(desk)).toEqual(['queued']);
  });

  it('does not start a paused agent, and does not pile up in its queue', () => {
    const desk = new Desk().up();
    desk.command({ verb: 'pause', agentId: ID, now: false });
    desk.done();
    add(desk, { kind: 'every', everyMs: HOUR });
    desk.wait(HOUR);
    desk.wait(HOUR);
    desk.wait(HOUR);
    expect(desk.orders()).toEqual([]);
    expect(desk.agent().queue).toHaveLength(1);
    expect(outcomes(desk)).toEqual([
      'queued',
      'the check-in before it still waits',
      'the check-in before it still waits',
    ]);
  });

  it.each([
    {
      id: 'a stopped agent',
      act: (desk: Desk) => desk.command({ verb: 'stop', agentId: ID }),
      why: 'alice is stopped',
    },
    {
      id: 'an agent that is gone',
      act: (desk: Desk) => {
        desk.command({ verb: 'rm', agentId: ID });
        desk.hostDown();
      },
      why: 'there is no agent alice',
    },
  ])('for $id is told to a person instead', ({ act, why }) => {
    const desk = new Desk().up();
    add(desk, CRON);
    act(desk);
    desk.now += HOUR;
    slot(desk, T0 + HOUR);
    expect(outcomes(desk)).toEqual([why]);
    expect(desk.events('watchdog').at(-1)).toMatchObject({ layer: 3, verdict: 'schedule_skipped', action: 'alert' });
    expect(desk.events('command').filter(({ verb }) => verb === 'alert')).toHaveLength(1);
  });

  it('comes once though the supervisor died between its message and its record', () => {
    const desk = new Desk().up();
    add(desk, { kind: 'at', at: iso(T0 + HOUR) });
    const kept = structuredClone(desk.state.schedules);
    desk.wait(HOUR);
    desk.state.schedules = kept;
    desk.input({ type: 'tick' });
    expect(texts(desk)).toHaveLength(1);
  });
});

describe('a name', () => {
  it('is given once in a project', () => {
    const desk = new Desk().up();
    add(desk, CRON);
    expect(add(desk, CRON).reply).toMatchObject({ ok: false, error: { code: 'CONFLICT' } });
    desk.command({ verb: 'unschedule', scheduleId: 'demo.look' });
    expect(add(desk, CRON).reply).toMatchObject({ ok: true });
  });
});

describe("a project's file", () => {
  const apply = (desk: Desk, schedules: Schedule[] | undefined, hash: string) =>
    desk.command({
      ...{ verb: 'apply', project: 'demo', hash, config: {}, prune: false },
      agents: [{ agentId: ID, name: 'alice', spec: SPEC, messageId: null }],
      ...(schedules ? { schedules } : {}),
    });
  const declared = (name: string, cron: string): Schedule =>
    declaredSchedule('demo', { name, agent: 'alice', message: 'look', cron });

  it('brings its check-ins, changes them, and takes them away; what people added stays', () => {
    const desk = new Desk();
    add(desk, CRON);
    apply(desk, [declared('a', '0 1 * * *'), declared('b', '0 2 * * *')], 'h1');
    expect(Object.keys(desk.state.schedules).toSorted()).toEqual(['demo.a', 'demo.b', 'demo.look']);
    const events = desk.log.length;
    apply(desk, [declared('a', '0 1 * * *'), declared('b', '0 2 * * *')], 'h1');
    expect(desk.log.length - events).toBe(1);
    apply(desk, [declared('a', '0 9 * * *')], 'h2');
    expect(desk.state.schedules['demo.a']?.when).toMatchObject({ cron: '0 9 * * *' });
    expect(Object.keys(desk.state.schedules).toSorted()).toEqual(['demo.a', 'demo.look']);
  });

  it.each([
    [{ name: 'a', agent: 'x', message: 'm' }, 'either cron or every'],
    [{ name: 'a', agent: 'x', message: 'm', cron: '0 9 * * *', every: '1h' }, 'either cron or every'],
    [{ name: 'a', agent: 'x', message: 'm', every: '5s' }, 'a duration of a minute or more'],
    [{ name: 'a', agent: 'x', message: 'm', cron: 'tomorrow' }, 'a cron expression'],
    [{ name: 'a', agent: 'x', message: 'm', cron: '0 9 * * *', timezone: 'Mars' }, 'a zone such as'],
  ])('%j is refused: %s', (entry, message) => {
    const parsed = scheduleList.safeParse([entry]);
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toContain(message);
  });

  it('gives each name once', () => {
    const entry = { name: 'a', agent: 'x', message: 'm', every: '1h' };
    expect(scheduleList.safeParse([entry, entry]).success).toBe(false);
    expect(scheduleList.safeParse([entry, { ...entry, name: 'b' }]).success).toBe(true);
  });
});
