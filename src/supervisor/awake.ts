/** Keeps the machine from going to sleep by itself while agents work, where the configuration asks for it: one child process, or none. */
import type { AgentStateName } from '../core/event.ts';
import type { State } from '../core/state.ts';
import type { Clock, SleepGuard } from './ports.ts';

/** Between two turns an agent is idle for moments: the guard stays this long after the last work. Milliseconds. */
const STAY_MS = 60_000;
/** One that ended by itself is not tried again before this. Milliseconds. */
const RETRY_MS = 600_000;

/** Is there work that sleep would interrupt? A limit or a question may last for hours: the machine may sleep through them. */
const AT_WORK = {
  starting: true,
  working: true,
  stopping: true,
  backoff: true,
  idle: false,
  waiting: false,
  limited: false,
  paused: false,
  taken: false,
  stopped: false,
  done: false,
  failed: false,
} as const satisfies Record<AgentStateName, boolean>;

export interface Awake {
  /** The state may have changed. */
  changed(): void;
  stop(): void;
}

export function createAwake(options: {
  guard: SleepGuard;
  clock: Clock;
  state(): State;
  /** null = over. */
  problem(text: string | null): void;
}): Awake {
  const { guard, clock } = options;
  let held: { release(): void } | null = null;
  let leaving: { cancel(): void } | null = null;
  let notBefore = 0;
  let stopped = false;

  const working = (): boolean => {
    const { agents } = options.state();
    for (const id in agents) if (AT_WORK[agents[id]?.state ?? 'stopped']) return true;
    return false;
  };
  const release = (): void => {
    leaving?.cancel();
    leaving = null;
    held?.release();
    held = null;
  };
  const hold = (): void => {
    if (held || clock.now() < notBefore) return;
    options.problem(null);
    const mine = guard.hold((why) => {
      if (held !== mine) return;
      held = null;
      notBefore = clock.now() + RETRY_MS;
      options.problem(`the machine may go to sleep while agents work: ${why}`);
    });
    held = mine;
  };
  return {
    changed() {
      if (stopped) return;
      if (working()) {
        leaving?.cancel();
        leaving = null;
        hold();
      } else if (held && !leaving) {
        leaving = clock.setTimeout(release, STAY_MS);
      }
    },
    stop() {
      stopped = true;
      release();
    },
  };
}
