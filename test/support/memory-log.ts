/** The event log and the snapshot in memory, for tests that are not about the disk; `fail` makes writes fail as a full disk does. */
import type { TuttiEvent } from '../../src/core/event.ts';
import type { State } from '../../src/core/state.ts';
import type { EventLog, Snapshots } from '../../src/supervisor/ports.ts';

export interface MemoryLog extends EventLog {
  readonly events: TuttiEvent[];
  readonly snapshot: State | null;
  /** Number of group fsyncs that were asked for. */
  readonly syncs: number;
  fail: Error | null;
  /** Called before an fsync is done; a test can hold it. */
  beforeSync: () => Promise<void>;
}

export function memoryLog(events: TuttiEvent[] = []): MemoryLog {
  let snapshot: State | null = null;
  let syncs = 0;
  const log: MemoryLog = {
    events,
    fail: null,
    beforeSync: async () => undefined,
    get snapshot() {
      return snapshot;
    },
    get syncs() {
      return syncs;
    },
    async append(batch, durable) {
      if (log.fail) throw log.fail;
      events.push(...structuredClone(batch));
      if (!durable) return;
      syncs += 1;
      await log.beforeSync();
    },
    async roll(state) {
      snapshot ??= structuredClone(state);
    },
    async read(since, { limit, agentId }) {
      return events
        .filter((event) => event.seq > since && (agentId === undefined || event.agentId === agentId))
        .slice(0, limit);
    },
    close: async () => undefined,
  };
  return log;
}

/** A real log that can be made to fail, and that does not close in good order after it has: as after kill -9. */
export function gateLog(real: EventLog, events: TuttiEvent[]): MemoryLog {
  const log: MemoryLog = {
    events,
    snapshot: null,
    syncs: 0,
    fail: null,
    beforeSync: async () => undefined,
    async append(batch, durable) {
      if (log.fail) throw log.fail;
      await real.append(batch, durable);
      events.push(...structuredClone(batch));
      if (durable) await log.beforeSync();
    },
    async roll(state) {
      if (!log.fail) await real.roll(state);
    },
    read: (since, options) => real.read(since, options),
    async close() {
      if (!log.fail) await real.close();
    },
  };
  return log;
}

export interface MemorySnapshots extends Snapshots {
  saved: State | null;
}

export function memorySnapshots(saved: State | null = null): MemorySnapshots {
  const snapshots: MemorySnapshots = {
    saved,
    load: async () => ({ state: snapshots.saved ? structuredClone(snapshots.saved) : null, damage: null }),
    save: async (state) => {
      snapshots.saved = structuredClone(state);
    },
  };
  return snapshots;
}
