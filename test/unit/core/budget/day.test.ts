import { describe, expect, it } from 'vitest';
import { dateOf, isTimezone, nextDay } from '../../../../src/core/budget/day.ts';

describe('local days', () => {
  const table: [string, string, string, string, string][] = [
    ['in UTC', 'UTC', '2026-11-21T05:00:00Z', '2026-11-21', '2026-11-22T00:00:00.000Z'],
    ['east of it', 'Asia/Tokyo', '2026-11-21T20:00:00Z', '2026-11-22', '2026-11-22T15:00:00.000Z'],
    ['west of it', 'America/New_York', '2026-11-21T02:00:00Z', '2026-11-20', '2026-11-21T05:00:00.000Z'],
    [
      'of 25 hours, when clocks go back',
      'Europe/Berlin',
      '2026-10-24T22:00:00Z',
      '2026-10-25',
      '2026-10-25T23:00:00.000Z',
    ],
    [
      'of 23 hours, when clocks go forward',
      'Europe/Berlin',
      '2026-03-28T23:00:00Z',
      '2026-03-29',
      '2026-03-29T22:00:00.000Z',
    ],
  ];
  for (const [title, zone, at, date, next] of table) {
    it(`have a date and an end ${title}`, () => {
      expect(dateOf(Date.parse(at), zone)).toBe(date);
      expect(new Date(nextDay(Date.parse(at), zone)).toISOString()).toBe(next);
    });
  }

  it('need a time zone that there is', () => {
    expect([isTimezone('Europe/Berlin'), isTimezone('Mars/Olympus')]).toEqual([true, false]);
  });
});
