/** Weeks for a bounded time: fewer agents, one day of work and one of rest. `npm run sim -- --weeks 100` runs whole ones. */
import { describe, expect, it } from 'vitest';
import { REGRESSIONS } from './regressions.ts';
import { runWeek, WEEK, type WeekOptions } from './week.ts';

const SMALL: WeekOptions = { ...WEEK, agents: 8, days: 1 };
const SMALL_WEEKS = 4;
const FROM = 1_000_000;

const failures = (seeds: number[], options: WeekOptions): string[] =>
  seeds.flatMap((seed) => {
    const { broken } = runWeek(seed, options);
    const { agents, days } = options;
    return broken === null ? [] : [`npm run sim -- --week ${seed} --agents ${agents} --days ${days}: ${broken}`];
  });

describe('a fleet left alone', () => {
  it('keeps every invariant', () => {
    const seeds = Array.from({ length: SMALL_WEEKS }, (_, i) => FROM + i);
    expect(failures(seeds, SMALL)).toEqual([]);
  });

  it.each(REGRESSIONS.map(({ what, ...run }) => [what, run]))('keeps them where once %s', (_what, run) => {
    expect(failures([run.seed], { ...WEEK, ...run })).toEqual([]);
  });

  it('runs the same from the same seed', () => {
    const options: WeekOptions = { agents: 3, days: 1, trace: true };
    expect(runWeek(42, options)).toEqual(runWeek(42, options));
  });

  it('meets trouble of every kind, and every rung of the ladder', () => {
    const runs = [1, 2, 3].map((seed) => runWeek(seed, { agents: 20, days: 1, trace: true }));
    const all = runs.flatMap(({ trace }) => trace ?? []).join('\n');
    for (const trouble of [
      'LIMITS',
      'tells exact',
      'tells nothing',
      'STORM',
      'SLEEPS',
      'MASS DEATH',
      'POWER LOSS',
      'is AWAY',
      'FROZEN',
      'is CURED',
      'is polling',
      'is building',
      '"verdict":"budget_used_up"',
      '"action":"redirect"',
      '"action":"restart"',
      '"action":"fresh"',
      '"action":"ask"',
    ]) {
      expect(all.includes(trouble), `no week has ${trouble}`).toBe(true);
    }
  });
});
