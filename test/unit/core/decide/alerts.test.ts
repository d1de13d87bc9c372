import { describe, expect, it } from 'vitest';
import type { Notification } from '../../../../src/core/alerts/alert.ts';
import { GATHER_MS } from '../../../../src/core/alerts/timing.ts';
import { wordsFor } from '../../../../src/core/alerts/words.ts';
import { alertDue } from '../../../../src/core/decide/alerts.ts';
import { emptyState } from '../../../../src/core/empty-state.ts';
import { reduce } from '../../../../src/core/reduce/index.ts';
import { Desk, ended, ID, SETTINGS, TURN } from '../desk.ts';

const HOUR = 3_600_000;

function desk(notify: Partial<typeof SETTINGS.notify> = {}): Desk {
  const made = new Desk();
  made.settings = { ...SETTINGS, notify: { ...SETTINGS.notify, floor: 'info', ...notify } };
  return made;
}

const notifications = (d: Desk): Notification[] =>
  d.done().flatMap((effect) => (effect.do === 'notify' ? [effect.notification] : []));

const ask = (d: Desk, requestId: string, id = ID) =>
  d.record(
    {
      kind: 'request',
      ...{ requestId, incarnation: d.agent(id).cli.incarnation, what: 'permission', tool: 'bash' },
      ...{ args: { command: 'rm -rf build' }, text: 'rm?' },
    },
    { id },
  );

const told = (d: Desk) =>
  notifications(d).map((n) => ({ severity: n.severity, texts: n.alerts.map((alert) => alert.text), more: n.more }));

describe('an alert', () => {
  it('is raised for a request, told once after a moment, and not again for the same request', () => {
    const d = desk().up();
    d.said(TURN);
    ask(d, 'r-1');
    expect(told(d)).toEqual([]);
    d.wait(GATHER_MS);
    expect(told(d)).toEqual([
      { severity: 'warning', texts: ['alice waits for a person: bash: rm -rf build'], more: 0 },
    ]);
    d.wait(HOUR);
    expect(told(d)).toEqual([]);
  });

  it('is not told when its cause is over before it could be', () => {
    const d = desk().up();
    d.said(TURN);
    ask(d, 'r-1');
    d.record({ kind: 'answered', requestId: 'r-1', decision: 'allowed', by: 'user', text: null });
    d.wait(GATHER_MS);
    expect(told(d)).toEqual([]);
    expect(alertDue(d.state, d.settings)).toBeNull();
  });

  it('is told again while the request stays open, after the time that is configured', () => {
    const d = desk({ remindMs: 4 * HOUR }).up();
    d.said(TURN);
    ask(d, 'r-1');
    d.wait(GATHER_MS);
    d.done();
    d.wait(4 * HOUR);
    d.wait(GATHER_MS);
    expect(told(d)).toMatchObject([{ texts: [expect.stringMatching(/rm -rf build \(since 2026-/)] }]);
    d.wait(2 * HOUR);
    expect(told(d)).toEqual([]);
    d.wait(40 * HOUR);
    d.wait(GATHER_MS);
    expect(told(d)).toHaveLength(1);
    expect(alertDue(d.state, d.settings)).toBeNull();
  });

  it('of an agent that gave up says why and what to do, and is news again after a person has acted', () => {
    const d = desk().up();
    const fail = (): void => {
      d.exit({ retryable: false, message: 'no such model' });
      d.wait(GATHER_MS);
    };
    fail();
    expect(told(d)).toMatchObject([{ texts: ['alice has given up: no such model'] }]);
    d.command({ verb: 'resume', agentId: ID });
    d.upAgain();
    fail();
    expect(told(d)).toHaveLength(1);
  });

  it('is one for an agent that a verdict of the watchdog has made fail', () => {
    const d = desk().up();
    d.settings = { ...d.settings, restarts: { max: 1, withinMs: 600_000 } };
    d.exit();
    d.upAgain();
    d.exit();
    d.wait(GATHER_MS);
    expect(told(d)).toHaveLength(1);
  });

  it('of many agents at once is one notification that counts them', () => {
    const d = desk();
    const names = Array.from({ length: 25 }, (_, i) => `a${i}`);
    d.settings = { ...d.settings, maxStarts: 100 };
    for (const id of names) {
      d.spawn({}, id, id);
      d.hostUp({}, id);
      d.orderDone('start', { pid: 1 }, true, id);
      d.ready(id);
    }
    for (const id of names) ask(d, `r-${id}`, id);
    d.wait(GATHER_MS);
    const [notification, ...others] = notifications(d);
    expect(others).toEqual([]);
    expect(notification).toMatchObject({ more: 5 });
    expect(wordsFor(notification as Notification, 'info')).toMatchObject({
      title: 'tutti: 25 alerts',
      text: expect.stringMatching(/^a0 waits.*\na1 waits.*\na2 waits.*\nand 22 more$/),
      count: 25,
    });
    expect(wordsFor(notification as Notification, 'urgent')).toBeNull();
  });

  it('of one account that several agents share is one', () => {
    const d = desk();
    for (const id of ['x', 'y']) {
      d.spawn({}, id, id);
      d.hostUp({}, id);
      d.orderDone('start', {}, true, id);
      d.ready(id);
      const incarnation = d.agent(id).cli.incarnation;
      d.record({ kind: 'out', incarnation, line: 'x' }, { id, events: [TURN, ended('limit')] });
    }
    d.wait(GATHER_MS);
    expect(told(d)).toMatchObject([{ severity: 'info', texts: [expect.stringContaining('held by a limit')] }]);
  });

  it('of an account that is held is the same when one of its CLIs ends at it', () => {
    const d = desk().up();
    d.send('m-1');
    d.confirm('m-1');
    d.said(TURN);
    d.said(ended('limit'));
    d.wait(GATHER_MS);
    expect(told(d)).toHaveLength(1);
    d.exit({ cause: 'limit', code: 'usage_limit', message: 'usage limit reached' });
    expect(d.agent()).toMatchObject({ state: 'limited', gate: 'limited' });
    d.wait(GATHER_MS);
    expect(told(d)).toEqual([]);
  });

  it('stays on record, and is told to nobody, where no sink takes it', () => {
    const d = desk({ floor: null }).up();
    d.said(TURN);
    ask(d, 'r-1');
    d.wait(GATHER_MS);
    expect(told(d)).toEqual([]);
    expect(d.events('command').filter((event) => event.verb === 'alert')).toHaveLength(1);
  });
});

describe('a notification', () => {
  const sent = (): Desk => {
    const d = desk().up();
    d.said(TURN);
    ask(d, 'r-1');
    d.wait(GATHER_MS);
    return d;
  };

  it('is given again to the sinks after a death of the supervisor in between, and never after its outcome', () => {
    const d = sent();
    const [notification] = notifications(d);
    d.input({ type: 'recovered' });
    expect(notifications(d)).toEqual([notification]);
    const effect = { do: 'notify', notification: notification as Notification } as const;
    d.input({ type: 'effect_done', effect, ok: true, value: { sinks: [] } });
    d.input({ type: 'recovered' });
    expect(notifications(d)).toEqual([]);
  });

  it('that did not arrive is on record with the reason, and not sent again', () => {
    const d = sent();
    const [notification] = notifications(d);
    const effect = { do: 'notify', notification: notification as Notification } as const;
    const error = {
      code: 'RUNTIME_ERROR',
      message: 'webhook x: it answered 500',
      hint: null,
      retryable: false,
    } as const;
    d.input({ type: 'effect_done', effect, ok: false, error });
    expect(d.events('command').at(-1)).toMatchObject({ verb: 'notify', phase: 'failed', result: error.message });
    d.input({ type: 'recovered' });
    expect(notifications(d)).toEqual([]);
  });

  it('and what was told follow from the log alone', () => {
    const d = sent();
    let again = emptyState('log-1234');
    for (const event of d.log) again = reduce(again, event);
    expect(again.alerts).toEqual(d.state.alerts);
  });
});
