/** db.json: saved a quarter of a second after a change, and at the end. The log stays the truth; this makes a start fast. */
import type { State } from '../core/state.ts';
import { messageOf } from './loop.ts';
import type { Clock, Snapshots } from './ports.ts';

/** From a change to its save; further changes in between ride along. Milliseconds. */
const DELAY_MS = 250;

export interface Saver {
  changed(): void;
  /** Saves now if anything changed since the last save. Rejects when it cannot. */
  flush(): Promise<void>;
  stop(): void;
}

export function createSaver(options: {
  snapshots: Snapshots;
  clock: Clock;
  state(): State;
  /** null = over. */
  problem(text: string | null): void;
}): Saver {
  let timer: { cancel(): void } | null = null;
  let dirty = false;
  let saving: Promise<void> = Promise.resolve();
  let stopped = false;

  const save = async (): Promise<void> => {
    if (!dirty) return;
    dirty = false;
    try {
      await options.snapshots.save(options.state());
      options.problem(null);
    } catch (error) {
      dirty = true;
      options.problem(`db.json cannot be written: ${messageOf(error)}`);
      throw error;
    }
  };

  const queued = (): Promise<void> => {
    const next = saving.then(save);
    // The chain itself goes on after a failure; who asked for this save is told.
    saving = next.catch(() => undefined);
    return next;
  };

  return {
    changed() {
      dirty = true;
      if (stopped || timer) return;
      timer = options.clock.setTimeout(() => {
        timer = null;
        queued().catch(() => options.clock.setTimeout(() => this.changed(), 1_000));
      }, DELAY_MS);
    },
    flush: queued,
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
