/** What every `Snapshots` must do, real or fake. */
import { expect, it } from 'vitest';
import type { Snapshots } from '../../../src/supervisor/ports.ts';
import { sampleState } from '../../support/sample-state.ts';

/** @param make opens the same store again each time */
export function snapshotsSuite(make: () => Snapshots): void {
  it('a missing one is no damage', async () => {
    expect(await make().load()).toEqual({ state: null, damage: null });
  });

  it('gives back what was saved last', async () => {
    const store = make();
    await store.save(sampleState(1));
    await store.save(sampleState(2));
    expect(await make().load()).toEqual({ state: sampleState(2), damage: null });
  });

  it('of many saves at once the latest is what stays, and each is told when one as new as its own is there', async () => {
    const store = make();
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.save(sampleState(i + 1))));
    expect((await make().load()).state?.seq).toBe(50);
  });
}
