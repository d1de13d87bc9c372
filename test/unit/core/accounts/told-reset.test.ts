import { describe, expect, it } from 'vitest';
import { toldReset } from '../../../../src/core/accounts/told-reset.ts';
import { iso } from '../../../../src/core/time.ts';

/** Saturday, 12:00:30 UTC; 13:00:30 in Berlin, 04:00:30 in Los Angeles. */
const AT = Date.UTC(2026, 10, 21, 12, 0, 30);
const reset = (text: string, zone = 'Europe/Berlin'): string | null => {
  const time = toldReset(text, AT, zone);
  return time === null ? null : iso(time);
};

describe('a reset time in words', () => {
  it.each([
    ["You've hit your session limit · resets 1:29am (UTC)", '2026-11-22T01:30:00.000Z'],
    ["You've hit your session limit · resets 3pm (America/Los_Angeles)", '2026-11-21T23:01:00.000Z'],
    ["You've hit your weekly limit · resets Nov 23, 7:02am (UTC)", '2026-11-23T07:03:00.000Z'],
    ["You've hit your weekly limit · resets Jan 2, 7am (UTC)", '2027-01-02T07:01:00.000Z'],
    ['You’ve hit your usage limit. Upgrade to Pro or try again at 11:49 PM.', '2026-11-21T22:50:00.000Z'],
    ['You’ve hit your usage limit. Try again at Nov 21st, 2026 1:40 PM.', '2026-11-21T12:41:00.000Z'],
    ['You’ve hit your usage limit, try again at Nov 22nd, 2026 12:05 AM.', '2026-11-21T23:06:00.000Z'],
    ['It resets 12:00pm (UTC), within this minute', '2026-11-21T12:01:30.000Z'],
    ['Rate limit reached. Please try again in 20s.', '2026-11-21T12:00:50.000Z'],
    ['Please try again in 1m30.5s. Visit the site', '2026-11-21T12:02:00.500Z'],
    ['Please retry in 34.5 seconds', '2026-11-21T12:01:04.500Z'],
    ['Your quota will reset after 5h32m10s.', '2026-11-21T17:32:40.000Z'],
    ['You can try again in 2 hours and 5 minutes', '2026-11-21T14:05:30.000Z'],
    ['try again in 450ms', '2026-11-21T12:00:30.450Z'],
  ])('%s', (text, expected) => {
    expect(reset(text)).toBe(expected);
  });

  it.each([
    ['API Error: Request rejected (429)'],
    ['the session resets the cache in the end'],
    ['try again at your own risk'],
    ['It resets on Smarch 13th, 7am'],
    [''],
  ])('is not seen where there is none: %j', (text) => {
    expect(reset(text)).toBeNull();
  });

  it('is taken for local time where the zone that it names is not known', () => {
    expect(reset('resets 2pm (Middle Earth)', 'UTC')).toBe('2026-11-21T14:01:00.000Z');
  });
});
