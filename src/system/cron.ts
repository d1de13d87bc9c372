/** Cron expressions, through node-cron: the only importer. It is told times; what they are for is decided elsewhere. */
import { createTask, type ScheduledTask, validateDetailed } from 'node-cron';
import type { Cron } from '../supervisor/ports.ts';
import { clock } from './clock.ts';

/** Steps of a look into the past: a week of minutes. */
const STEPS_BACK = 10_080;
/** A timer that is late by less is on time. Milliseconds. */
const TOLERANCE_MS = 5_000;

const quiet = { info: nothing, warn: nothing, error: nothing, debug: nothing };

function nothing(): void {
  // Its words go nowhere: what it does is seen in the events that follow.
}

function task(expression: string, timeZone: string | null, run: (date: Date) => void): ScheduledTask {
  const made = createTask(expression, ({ date }) => run(date), {
    logger: quiet,
    suppressMissedWarning: true,
    missedExecutionTolerance: TOLERANCE_MS,
    unref: true,
    ...(timeZone === null ? {} : { timezone: timeZone }),
  });
  return made;
}

/** Runs something with a task that is then gone. */
function briefly<T>(expression: string, timeZone: string | null, look: (made: ScheduledTask) => T): T {
  const made = task(expression, timeZone, nothing);
  try {
    return look(made);
  } finally {
    void made.destroy();
  }
}

export const cron: Cron = {
  problem(expression) {
    const { valid, errors } = validateDetailed(expression);
    return valid ? null : (errors[0]?.message ?? 'it is no cron expression');
  },
  next: (expression, timeZone) =>
    briefly(expression, timeZone, (made) => {
      void made.start();
      return made.getNextRun()?.getTime() ?? null;
    }),
  latest: (expression, timeZone, after, upTo) =>
    briefly(expression, timeZone, (made) => {
      const step = expression.trim().split(/\s+/).length === 6 ? 1_000 : 60_000;
      let at = Math.floor(upTo / step) * step;
      for (let steps = 0; steps < STEPS_BACK && at > after; steps += 1, at -= step) {
        if (made.match(new Date(at))) return at;
      }
      return null;
    }),
  watch(expression, timeZone, fire) {
    const made = task(expression, timeZone, (date) => fire(date.getTime()));
    // After a sleep of the machine: the time has passed, and is served late.
    made.on('execution:missed', ({ date }) => fire(date.getTime()));
    void made.start();
    return { stop: () => void made.destroy() };
  },
  every(seconds, run) {
    return this.watch(pattern(seconds), null, () => run(clock.now()));
  },
};

/** The nearest pattern of an interval: seconds below a minute, whole minutes above. */
function pattern(seconds: number): string {
  if (seconds < 60) return `*/${Math.max(1, Math.round(seconds))} * * * * *`;
  return `*/${Math.min(59, Math.round(seconds / 60))} * * * *`;
}
