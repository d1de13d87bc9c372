import { expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../../../src/core/config/duration.ts';
import { DEFAULTS, settingsFrom } from '../../../../src/core/config/settings.ts';

it.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1.5s', 1_500],
  ['5', null],
  ['5 m', null],
  ['-5m', null],
  ['99999999h', null],
])('%s is %s ms', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

it.each([
  [850, '850ms'],
  [4_200, '4s'],
  [185_000, '3m'],
  [3_780_000, '1h3m'],
  [3_600_000, '1h'],
  [273_600_000, '3d4h'],
])('%d ms reads %s', (ms, expected) => {
  expect(formatDuration(ms)).toBe(expected);
});

it('lets the project win over the user, key by key', () => {
  const user = {
    version: 1 as const,
    watchdog: { restarts: { max: 9 }, backoff: { base: '2s' } },
    limits: { starts: 2 },
  };
  const settings = settingsFrom(user, { restarts: { within: '1m' }, backoff: { base: '3s' } });
  expect(settings.restarts).toEqual({ max: 9, withinMs: 60_000 });
  expect(settings.backoff).toEqual({ ...DEFAULTS.backoff, baseMs: 3_000 });
  expect(settings.maxStarts).toBe(2);
});
