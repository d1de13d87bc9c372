/** Cron expressions on the real clock. */
import { afterEach, describe, expect, it } from 'vitest';
import { cron } from '../../../src/system/cron.ts';
import { waitFor } from '../../support/wait.ts';

const at = (text: string): number => Date.parse(text);
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

describe('an expression', () => {
  it.each([
    ['0 9 * * 1-5', null],
    ['*/5 * * * * *', null],
    ['@daily', null],
    ['61 * * * *', /61/],
    ['0 0 30 2 *', /30/],
    ['* * * *', /fields/],
    ['every day', /./],
    ['', /./],
  ])('%j: what is wrong with it is %s', (expression, problem) => {
    const found = cron.problem(expression);
    if (problem === null) expect(found).toBeNull();
    else expect(found).toMatch(problem);
  });

  it('has a next time, in its zone', () => {
    const now = Date.now();
    const next = cron.next('0 9 * * *', 'Asia/Tokyo') ?? 0;
    expect(next).toBeGreaterThan(now);
    expect(next - now).toBeLessThanOrEqual(86_400_000);
    expect(new Date(next).toISOString()).toMatch(/T00:00:00\.000Z$/);
  });

  it.each([
    ['0 9 * * *', '2026-01-10T00:00:00Z', '2026-01-15T12:00:00Z', '2026-01-15T09:00:00.000Z'],
    ['0 9 * * *', '2026-01-15T09:00:00Z', '2026-01-15T12:00:00Z', null],
    ['0 9 * * 1', '2026-01-10T00:00:00Z', '2026-01-15T12:00:00Z', '2026-01-12T09:00:00.000Z'],
    ['30 * * * *', '2026-01-15T11:00:00Z', '2026-01-15T11:30:00Z', '2026-01-15T11:30:00.000Z'],
    ['*/10 * * * * *', '2026-01-15T11:00:00Z', '2026-01-15T11:00:25Z', '2026-01-15T11:00:20.000Z'],
  ])('%s: its latest time after %s and up to %s is %s', (expression, after, upTo, expected) => {
    const found = cron.latest(expression, 'UTC', at(after), at(upTo));
    expect(found === null ? null : new Date(found).toISOString()).toBe(expected);
  });

  it('is served at each of its times, and never again when it is stopped', async () => {
    const slots: number[] = [];
    const { stop } = cron.watch('* * * * * *', null, (slot) => slots.push(slot));
    stops.push(stop);
    await waitFor('three times', () => slots.length >= 3);
    expect(new Set(slots).size).toBe(slots.length);
    expect(slots.every((slot) => slot % 1_000 === 0)).toBe(true);
    stop();
    const { length } = slots;
    const other: number[] = [];
    stops.push(cron.watch('* * * * * *', null, (slot) => other.push(slot)).stop);
    await waitFor('two more seconds', () => other.length >= 2);
    expect(slots.length).toBeLessThanOrEqual(length + 1);
  });

  it('of an interval in seconds is served about as often', async () => {
    const times: number[] = [];
    stops.push(cron.every(1, (at) => times.push(at)).stop);
    await waitFor('twice', () => times.length >= 2);
    expect(times.length).toBeGreaterThanOrEqual(2);
  });
});
