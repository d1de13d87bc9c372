/** Thresholds of the watchdog: what is taken, and what is refused with the reason. */
import { describe, expect, it } from 'vitest';
import { projectSchema } from '../../../../src/core/config/schema.ts';
import { DEFAULTS, settingsFrom } from '../../../../src/core/config/settings.ts';

const problems = (watchdog: object): string[] => {
  const parsed = projectSchema.safeParse({ version: 1, watchdog });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

it('takes every threshold', () => {
  const stall = { nudgeAfter: '1m', restartAfter: '2m', toolLimit: '1h', silentAfter: '30s' };
  const loop = { repeats: 3, errors: 5, compactions: 4, retries: 6 };
  const ladder = { nudges: 2, redirects: 0, restarts: 1, fresh: 0 };
  const parsed = projectSchema.parse({ version: 1, watchdog: { stall, loop, ladder, maxSteps: 20 } });
  expect(settingsFrom(null, parsed.watchdog)).toMatchObject({
    stall: { nudgeAfterMs: 60_000, restartAfterMs: 120_000, toolLimitMs: 3_600_000, silentAfterMs: 30_000 },
    loop,
    ladder,
    maxSteps: 20,
  });
});

it('has no limit on steps by itself', () => {
  expect(settingsFrom(null).maxSteps).toBeNull();
  expect(DEFAULTS.stall.restartAfterMs).toBeGreaterThan(DEFAULTS.stall.nudgeAfterMs);
});

describe('is refused with the reason', () => {
  it.each<[string, object, RegExp]>([
    [
      'a restart before the nudge',
      { stall: { nudgeAfter: '10m', restartAfter: '5m' } },
      /restartAfter.*longer than nudgeAfter \(10m\)/,
    ],
    [
      'a restart at the time of the nudge',
      { stall: { nudgeAfter: '5m', restartAfter: '5m' } },
      /longer than nudgeAfter/,
    ],
    [
      'a nudge after the default restart',
      { stall: { nudgeAfter: '20m' } },
      /stall.nudgeAfter: a restartAfter \(10m\) at least 10s longer/,
    ],
    [
      'a restart before the default nudge',
      { stall: { restartAfter: '1m' } },
      /stall.restartAfter: a restartAfter \(1m\) at least 10s longer/,
    ],
    ['a nudge before a host could tell', { stall: { nudgeAfter: '9s' } }, /stall.nudgeAfter: 10s or more/],
    ['a loop of one', { loop: { repeats: 1 } }, /loop.repeats/],
    ['a negative rung', { ladder: { nudges: -1 } }, /ladder.nudges/],
    ['half a step', { maxSteps: 1.5 }, /maxSteps/],
    ['no steps at all', { maxSteps: 0 }, /maxSteps/],
    ['a bare number for a duration', { stall: { toolLimit: 30 } }, /stall.toolLimit/],
    ['a key that does not exist', { stall: { nudge: '5m' } }, /nudge/],
  ])('%s', (_what, watchdog, message) => {
    expect(problems(watchdog).join('\n')).toMatch(message);
  });
});
