/** What every `EventLog` must do, real or fake. */
import { expect, it } from 'vitest';
import type { EventLog, EventLogRecovery } from '../../../src/supervisor/ports.ts';
import { sampleEvent, sampleEvents, sampleState } from '../../support/sample-state.ts';

/** Opens the same log again each time; the one before has been closed or (`kill`) abandoned as by SIGKILL. */
export interface LogCase {
  open(): Promise<{ log: EventLog; recovery: EventLogRecovery }>;
}

export function eventLogSuite(make: () => LogCase): void {
  const seqs = (events: { seq: number }[]) => events.map(({ seq }) => seq);

  it('an empty log has no snapshot, and takes events after its first roll', async () => {
    const { open } = make();
    const { log, recovery } = await open();
    expect(recovery).toEqual({ snapshot: null, tail: [], damage: [], cut: false });
    await expect(log.append(sampleEvents(1, 1), false)).rejects.toThrow();
    await log.roll(sampleState(0));
    await log.append(sampleEvents(1, 2), true);
    expect(await log.read(0, { limit: 10 })).toEqual(sampleEvents(1, 2));
    await log.close();
  });

  it('opened again it has the snapshot and every event after it, whether it was closed or killed', async () => {
    const { open } = make();
    const first = await open();
    await first.log.roll(sampleState(0));
    await first.log.append(sampleEvents(1, 3), false);
    await first.log.close();
    const second = await open();
    expect(second.recovery).toEqual({ snapshot: sampleState(0), tail: sampleEvents(1, 3), damage: [], cut: false });
    await second.log.append(sampleEvents(4, 4), false);
    await second.log.append([], true);
    const third = await open();
    expect(third.recovery).toEqual({ snapshot: sampleState(0), tail: sampleEvents(1, 4), damage: [], cut: false });
    await third.log.close();
  });

  it('refuses an event that would leave a gap or repeat a number, and a snapshot of another moment', async () => {
    const { open } = make();
    const { log } = await open();
    await log.roll(sampleState(0));
    await log.append(sampleEvents(1, 2), false);
    await expect(log.append([sampleEvent(4)], false)).rejects.toThrow();
    await expect(log.append([sampleEvent(2)], false)).rejects.toThrow();
    await expect(log.append([sampleEvent(3), sampleEvent(5)], false)).rejects.toThrow();
    await expect(log.roll(sampleState(1), { force: true })).rejects.toThrow();
    await log.append([sampleEvent(3)], true);
    expect(seqs(await log.read(0, { limit: 10 }))).toEqual([1, 2, 3]);
    await log.close();
  });

  it('a forced roll begins anew with its snapshot, and reading goes on across it', async () => {
    const { open } = make();
    const { log } = await open();
    await log.roll(sampleState(0));
    await log.append(sampleEvents(1, 3), false);
    await log.roll(sampleState(3, 'log-2'), { force: true });
    await log.roll(sampleState(3, 'log-3'), { force: true });
    await log.append(sampleEvents(4, 5), false);
    expect(await log.read(0, { limit: 10 })).toEqual(sampleEvents(1, 5));
    await log.close();
    const again = await open();
    expect(again.recovery).toEqual({
      snapshot: sampleState(3, 'log-3'),
      tail: sampleEvents(4, 5),
      damage: [],
      cut: false,
    });
    await again.log.close();
  });

  it('reads from any number, by limit and by agent', async () => {
    const { open } = make();
    const { log } = await open();
    await log.roll(sampleState(0));
    await log.append(sampleEvents(1, 500), false);
    for (const since of [0, 1, 249, 498, 499, 500, 501]) {
      expect(seqs(await log.read(since, { limit: 3 }))).toEqual(
        [since + 1, since + 2, since + 3].filter((seq) => seq <= 500),
      );
    }
    expect(seqs(await log.read(10, { limit: 2, agentId: 'b' }))).toEqual([12, 14]);
    expect(await log.read(0, { limit: 5, agentId: 'nobody' })).toEqual([]);
    await log.close();
    await expect(log.append(sampleEvents(501, 501), false)).rejects.toThrow('closed');
  });
}
