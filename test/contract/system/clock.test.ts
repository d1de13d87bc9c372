import { describe, expect, it } from 'vitest';
import { clock, isoTime, sleep, until } from '../../../src/system/clock.ts';
import { clockSuite } from '../suites/clock.ts';

describe('the clock of this machine', () => {
  clockSuite(() => ({ clock, pass: sleep }));

  it('writes times as ISO 8601 UTC with milliseconds', () => {
    expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
  });

  it('until gives what it found, or null at the limit', async () => {
    let looks = 0;
    expect(await until(() => (++looks > 2 ? 'found' : null), 10_000, 1)).toBe('found');
    expect(await until(() => null, 5, 1)).toBeNull();
  });
});
