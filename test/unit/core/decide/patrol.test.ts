import { describe, expect, it } from 'vitest';
import type { Carrier, Survey } from '../../../../src/core/patrol/survey.ts';
import { Desk, ID, SETTINGS } from '../desk.ts';

const GIB = 1024 ** 3;
const MINUTE = 60_000;

const survey = (change: Partial<Survey> = {}): Survey => ({
  carriers: [],
  sessions: [],
  leftovers: [],
  disk: { free: 50 * GIB, total: 100 * GIB },
  memory: { available: 8 * GIB, total: 16 * GIB },
  ...change,
});
const look = (desk: Desk, change: Partial<Survey> = {}) => desk.input({ type: 'survey', survey: survey(change) });
const carrier = (change: Partial<Carrier> = {}): Carrier => ({
  ...{ pid: 77, start: '5', agentId: '9gone', incarnation: 1, hosted: false, seenMs: MINUTE },
  ...change,
});
const verdicts = (desk: Desk) => desk.events('watchdog').map(({ verdict, action, layer }) => [layer, verdict, action]);

describe('a process without an agent', () => {
  it('is ended, at each look until it is gone, and told once', () => {
    const desk = new Desk().up();
    look(desk, { carriers: [carrier()] });
    expect(desk.done()).toEqual([
      { do: 'end_orphans', agentId: '9gone', incarnation: 1, list: [{ pid: 77, start: '5' }] },
    ]);
    look(desk, { carriers: [carrier()] });
    expect(desk.orders()).toEqual(['end_orphans']);
    expect(verdicts(desk)).toEqual([[3, 'orphan_process', 'end']]);
    look(desk);
    expect(desk.state.patrol.found).toEqual({});
    look(desk, { carriers: [carrier()] });
    expect(verdicts(desk)).toHaveLength(2);
  });

  it.each([
    { id: 'seen for the first time', change: { seenMs: 0 } },
    { id: 'of an agent that a living host has', change: { hosted: true } },
    { id: 'of the run that is on', change: { agentId: ID, incarnation: 1, hosted: true } },
    { id: 'of an agent whose host is silent', change: { agentId: ID, incarnation: 1, hosted: false } },
  ])('is none that is $id', ({ change }) => {
    const desk = new Desk().up();
    look(desk, { carriers: [carrier(change)] });
    expect(desk.done()).toEqual([]);
    expect(verdicts(desk)).toEqual([]);
  });

  it.each([
    {
      id: 'an earlier run of an agent that works',
      prepare: (desk: Desk) => {
        desk.up();
        desk.exit();
        desk.upAgain();
        desk.done();
      },
    },
    {
      id: 'an agent that was stopped',
      prepare: (desk: Desk) => {
        desk.up();
        desk.command({ verb: 'stop', agentId: ID });
        desk.record({ kind: 'exit', incarnation: 1, code: 0, signal: null, asked: true, stderr: '' });
        desk.hostDown();
        desk.done();
      },
    },
  ])('is one that is left of $id', ({ prepare }) => {
    const desk = new Desk();
    prepare(desk);
    look(desk, { carriers: [carrier({ agentId: ID })] });
    expect(desk.orders()).toEqual(['end_orphans']);
  });
});

describe('what lies about', () => {
  it('is removed when it is old and of an agent that nobody knows', () => {
    const desk = new Desk().up();
    const file = { path: '/h/env/9gone.json', what: 'environment', agentId: '9gone' } as const;
    look(desk, { leftovers: [{ ...file, ageMs: MINUTE }] });
    look(desk, { leftovers: [{ ...file, agentId: ID, ageMs: 60 * MINUTE }] });
    expect(desk.done()).toEqual([]);
    look(desk, { leftovers: [{ ...file, ageMs: 60 * MINUTE }] });
    expect(desk.done()).toEqual([{ do: 'remove_leftovers', paths: ['/h/env/9gone.json'] }]);
  });

  it.each([
    {
      id: 'is closed when its pane is dead',
      dead: true,
      action: 'close',
      orders: [{ do: 'close_orphan', session: 'old' }],
    },
    { id: 'is named and left to a person while something runs in it', dead: false, action: 'note', orders: [] },
  ])('in tmux, a session of an agent that is gone, $id', ({ dead, action, orders }) => {
    const desk = new Desk().up();
    const sessions = [
      { session: 'alice', pid: 50, dead: false },
      { session: 'old', pid: 51, dead },
    ];
    look(desk, { sessions });
    expect(verdicts(desk)).toEqual([[3, 'orphan_session', action]]);
    expect(desk.done()).toEqual(orders);
  });
});

describe('disk and memory', () => {
  it.each([
    [{ disk: { free: GIB / 2, total: 100 * GIB } }, 'disk_low', 'warning', /512 MiB of 100\.0 GiB are free/],
    [{ disk: { free: 10 * 1024 ** 2, total: 100 * GIB } }, 'disk_full', 'urgent', /10 MiB/],
    [{ memory: { available: GIB / 2, total: 16 * GIB } }, 'memory_low', 'warning', /512 MiB of 16\.0 GiB/],
  ] as const)('%j is told as %s, once while it lasts', (change, verdict, severity, evidence) => {
    const desk = new Desk().up();
    look(desk, change);
    look(desk, change);
    expect(desk.events('watchdog')).toMatchObject([
      { verdict, action: 'alert', evidence: expect.stringMatching(evidence) },
    ]);
    const alerts = desk.events('command').filter(({ verb }) => verb === 'alert');
    expect(alerts).toMatchObject([{ args: { severity } }]);
  });

  it('that cannot be asked say nothing', () => {
    const desk = new Desk().up();
    look(desk, { disk: null, memory: null, sessions: null });
    expect(verdicts(desk)).toEqual([]);
  });
});

describe('what does not get on', () => {
  it('an agent without a process is looked at again, and that starts it', () => {
    const desk = new Desk();
    desk.spawn();
    // The order to start was lost with everything that would have told of it.
    const agent = desk.agent();
    desk.state.agents[ID] = { ...agent, host: { ...agent.host, phase: 'none' } };
    desk.done();
    desk.now += 2 * MINUTE;
    look(desk);
    expect(desk.orders()).toEqual([]);
    desk.now += 2 * MINUTE;
    look(desk);
    expect(verdicts(desk)).toEqual([[3, 'no_process', 'look']]);
    expect(desk.orders()).toEqual(['start_host']);
  });

  it('a message that nothing holds is looked at again, and that sends it', () => {
    const desk = new Desk().up();
    const message = {
      messageId: 'm',
      text: 't',
      from: 'user',
      now: false,
      state: 'queued',
      at: '2026-01-01T00:00:00.000Z',
    };
    const rest = { sentTo: null, unsure: false, turnsBefore: 0, steered: false, attempts: 0 };
    desk.state.agents[ID] = { ...desk.agent(), queue: [{ ...message, ...rest } as never] };
    desk.now += 4 * MINUTE;
    look(desk);
    expect(verdicts(desk)).toEqual([[3, 'queue_stuck', 'look']]);
    expect(desk.orders()).toEqual(['message']);
  });

  it('is nothing where somebody waits for a reason', () => {
    const desk = new Desk();
    desk.settings = { ...SETTINGS, maxAgents: 1 };
    desk.spawn({}, 'x', 'xavier');
    desk.spawn();
    desk.command({ verb: 'pause', agentId: 'x', now: false });
    desk.now += 60 * MINUTE;
    look(desk);
    expect(verdicts(desk)).toEqual([]);
  });
});
