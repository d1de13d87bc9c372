import { describe, expect, it } from 'vitest';
import { type Alert, type AlertsState, noAlerts, type NotifySettings } from '../../../../src/core/alerts/alert.ts';
import { alertsDue, dueAlerts, GATHER_MS, isTold, isWanted } from '../../../../src/core/alerts/timing.ts';
import { NOTIFY_DEFAULTS } from '../../../../src/core/config/notify.ts';
import { minuteOfDay, nextMinuteOfDay } from '../../../../src/core/local-time.ts';
import { iso } from '../../../../src/core/time.ts';

const at = (text: string): number => Date.parse(`2026-01-15T${text}:00.000Z`);
const MINUTE = 60_000;

const settings = (change: Partial<NotifySettings> = {}): NotifySettings => ({
  ...NOTIFY_DEFAULTS,
  floor: 'info',
  ...change,
});
const alert = (time: number, severity: Alert['severity'] = 'warning', key = `k ${time}`): Alert => ({
  ...{ key, severity, text: 't', hint: null, agentId: null, agent: null },
  at: iso(time),
});
const waiting = (open: Alert[], sentAt: number[] = []): AlertsState => ({
  ...noAlerts(),
  open,
  sentAt: sentAt.map(iso),
});
const NIGHT = { from: 22 * 60, to: 7 * 60 };

describe('an alert is due', () => {
  it.each([
    { id: 'a moment after it was raised', open: [alert(at('12:00'))], change: {}, due: at('12:00') + GATHER_MS },
    {
      id: 'at the end of the night',
      open: [alert(at('23:00'))],
      change: { quiet: NIGHT },
      due: Date.parse('2026-01-16T07:00:00.000Z'),
    },
    { id: 'at the end of the same night', open: [alert(at('03:00'))], change: { quiet: NIGHT }, due: at('07:00') },
    {
      id: 'at night, when it is urgent',
      open: [alert(at('03:00'), 'urgent')],
      change: { quiet: NIGHT },
      due: at('03:00') + GATHER_MS,
    },
    {
      id: 'by day, with quiet hours at noon',
      open: [alert(at('14:00'))],
      change: { quiet: { from: 12 * 60, to: 13 * 60 } },
      due: at('14:00') + GATHER_MS,
    },
    {
      id: 'by the clock of the named zone',
      open: [alert(at('12:30'))],
      change: { quiet: NIGHT, timeZone: 'Asia/Tokyo' },
      due: at('12:30') + GATHER_MS,
    },
    {
      id: 'by the clock of the named zone, where it is night',
      open: [alert(at('13:30'))],
      change: { quiet: NIGHT, timeZone: 'Asia/Tokyo' },
      due: at('22:00'),
    },
  ])('$id', ({ open, change, due }) => {
    expect(alertsDue(waiting(open), settings(change))).toBe(due);
  });

  it('never, when nothing waits', () => {
    expect(alertsDue(noAlerts(), settings())).toBeNull();
  });

  it('later, when too much was told lately; unless it is urgent', () => {
    const rate = { max: 2, withinMs: 10 * MINUTE };
    const sent = [at('11:55'), at('11:58')];
    expect(alertsDue(waiting([alert(at('12:00'))], sent), settings({ rate }))).toBe(at('12:05'));
    expect(alertsDue(waiting([alert(at('12:00'), 'urgent')], sent), settings({ rate }))).toBe(at('12:00') + GATHER_MS);
  });
});

describe('one notification', () => {
  it('takes along what came a moment later, and leaves what has to wait for the morning', () => {
    const first = alert(at('23:00'), 'urgent', 'a');
    const second = alert(at('23:00') + 1_000, 'urgent', 'b');
    const quiet = alert(at('23:00'), 'warning', 'c');
    const now = at('23:00') + GATHER_MS;
    expect(dueAlerts(waiting([quiet, first, second]), settings({ quiet: NIGHT }), now)).toEqual([first, second]);
    expect(dueAlerts(waiting([quiet, first]), settings({ quiet: NIGHT }), now - 1)).toEqual([]);
  });

  it('is never due without something to tell: what was due before the night is told by a late tick', () => {
    const late = alert(at('21:59'));
    expect(dueAlerts(waiting([late]), settings({ quiet: NIGHT }), at('22:30'))).toEqual([late]);
  });
});

describe('a cause', () => {
  it('is told once within the time that a repetition takes', () => {
    const alerts = { ...noAlerts(), told: { k: iso(at('12:00')) } };
    expect(isTold('k', alerts, settings({ repeatMs: MINUTE }), at('12:00') + MINUTE - 1)).toBe(true);
    expect(isTold('k', alerts, settings({ repeatMs: MINUTE }), at('12:00') + MINUTE)).toBe(false);
    expect(isTold('other', alerts, settings(), at('12:00'))).toBe(false);
  });

  it.each([
    ['info', 'warning', false],
    ['warning', 'warning', true],
    ['urgent', 'info', true],
    ['urgent', null, false],
  ] as const)('of severity %s concerns a sink with the floor %s: %s', (severity, floor, wanted) => {
    expect(isWanted({ severity }, settings({ floor }))).toBe(wanted);
  });
});

describe('the local clock', () => {
  it('knows summer time', () => {
    expect(minuteOfDay(Date.parse('2026-07-01T10:30:00Z'), 'Europe/Berlin')).toBe(12 * 60 + 30);
    expect(minuteOfDay(Date.parse('2026-01-01T10:30:00Z'), 'Europe/Berlin')).toBe(11 * 60 + 30);
  });

  it.each([
    ['2026-03-28T23:30:00Z', '2026-03-29T06:00:00.000Z'],
    ['2026-10-24T23:30:00Z', '2026-10-25T07:00:00.000Z'],
    ['2026-05-05T06:00:00Z', '2026-05-05T06:00:00.000Z'],
    ['2026-05-05T06:00:01Z', '2026-05-06T06:00:00.000Z'],
  ])('from %s on it is eight in Berlin at %s', (from, next) => {
    const expected = Date.parse(next);
    expect(nextMinuteOfDay(Date.parse(from), 8 * 60, 'Europe/Berlin')).toBe(expected);
  });
});
