/** What every `Clock` must do, real or virtual. `pass` lets time go by: the real one waits, a virtual one moves. */
import { expect, it } from 'vitest';
import type { Clock } from '../../../src/supervisor/ports.ts';

export function clockSuite(make: () => { clock: Clock; pass(ms: number): Promise<void> }): void {
  it('time goes forward, and timers fire in the order of their times', async () => {
    const { clock, pass } = make();
    const before = clock.now();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push('late'), 30);
    clock.setTimeout(() => fired.push('early'), 5);
    const cancelled = clock.setTimeout(() => fired.push('never'), 10);
    cancelled.cancel();
    await pass(60);
    expect(fired).toEqual(['early', 'late']);
    expect(clock.now()).toBeGreaterThanOrEqual(before + 29);
    cancelled.cancel();
  });

  it('random numbers are in [0,1), and ids are UUIDs of their own', () => {
    const { clock } = make();
    for (let i = 0; i < 100; i++) {
      const random = clock.random();
      expect(random).toBeGreaterThanOrEqual(0);
      expect(random).toBeLessThan(1);
    }
    const ids = new Set(Array.from({ length: 100 }, () => clock.uuid()));
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
}
