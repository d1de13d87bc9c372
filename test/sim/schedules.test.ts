/** The simulation for a bounded time; `npm run sim` runs it for as long as one likes. */
import { describe, expect, it } from 'vitest';
import { REGRESSIONS } from './regressions.ts';
import { runSchedule } from './schedule.ts';

const SCHEDULES = 1_500;
const FROM = 1_000_000;

function failures(seeds: number[]): string[] {
  return seeds.flatMap((seed) => {
    const { broken } = runSchedule(seed);
    return broken === null ? [] : [`npm run sim -- --seed ${seed}: ${broken}`];
  });
}

describe('the core under faults', () => {
  it(`keeps every invariant in ${SCHEDULES} schedules`, () => {
    expect(failures(Array.from({ length: SCHEDULES }, (_, i) => FROM + i))).toEqual([]);
  });

  it('keeps them for the seeds that once broke one', () => {
    expect(failures(Object.keys(REGRESSIONS).map(Number))).toEqual([]);
  });

  it('runs the same from the same seed', () => {
    expect(runSchedule(42, { trace: true })).toEqual(runSchedule(42, { trace: true }));
  });

  it('makes trouble worth the name', () => {
    const traces = Array.from({ length: 500 }, (_, seed) => runSchedule(seed, { trace: true }).trace?.join('\n') ?? '');
    const all = traces.join('\n');
    for (const trouble of [
      'POWER LOSS',
      'CRASHES before the append',
      'CRASHES in the append',
      'CRASHES before the effects',
      'FROZEN',
      'confirm ',
      'already has',
      '"state":"failed"',
      '"state":"limited"',
      '"state":"waiting"',
      '"verdict":"host_hung"',
      'HANGS: silent',
      'HANGS: deaf',
      'HANGS: circles',
      '"action":"nudge"',
      '"action":"redirect"',
      '"action":"restart"',
      '"action":"fresh"',
      '"phase":"clearing"',
      '"blind":true',
      'You were interrupted',
      'could not be resumed',
    ]) {
      expect(all.includes(trouble), `no schedule has ${trouble}`).toBe(true);
    }
  });
});
