/** Watches the times of all cron schedules, and tells the loop of each; at the start also of the latest that was missed. */
import { cronSchedules } from '../core/decide/schedules.ts';
import { type ScheduleState, servedUpTo } from '../core/schedule/schedule.ts';
import type { State } from '../core/state.ts';
import type { Input } from '../core/step.ts';
import type { Clock, Cron } from './ports.ts';

export interface TimetableOptions {
  cron: Cron;
  clock: Clock;
  state(): State;
  submit(input: Input): Promise<unknown>;
  failed(scheduleId: string, error: unknown): void;
}

export interface Timetable {
  /** The state has changed: watches what is new, leaves what is gone. Cheap when no schedule changed. */
  changed(): void;
  stop(): void;
}

interface Watched {
  /** What it was made of. */
  mark: string;
  stop(): void;
}

export function createTimetable(options: TimetableOptions): Timetable {
  const { cron, clock } = options;
  const watched = new Map<string, Watched>();
  let seen: State['schedules'] | null = null;

  const tell = (scheduleId: string, slot: number): void => {
    options.submit({ type: 'slot', scheduleId, slot }).catch((error) => options.failed(scheduleId, error));
  };

  const watch = (schedule: ScheduleState, mark: string): void => {
    if (schedule.when.kind !== 'cron') return;
    const { id, when } = schedule;
    try {
      const missed = cron.latest(when.cron, when.timeZone, servedUpTo(schedule), clock.now());
      const { stop } = cron.watch(when.cron, when.timeZone, (slot) => tell(id, slot));
      watched.set(id, { mark, stop });
      if (missed !== null) tell(id, missed);
    } catch (error) {
      // Kept as watched, so that it is tried again only when it changes.
      watched.set(id, { mark, stop: () => undefined });
      options.failed(id, error);
    }
  };

  return {
    changed() {
      const { schedules } = options.state();
      if (schedules === seen) return;
      seen = schedules;
      const wanted = new Map(cronSchedules(options.state()).map((s) => [s.id, s]));
      for (const [id, { mark, stop }] of watched) {
        const schedule = wanted.get(id);
        if (schedule && markOf(schedule) === mark) continue;
        stop();
        watched.delete(id);
      }
      for (const schedule of wanted.values()) if (!watched.has(schedule.id)) watch(schedule, markOf(schedule));
    },
    stop() {
      for (const { stop } of watched.values()) stop();
      watched.clear();
    },
  };
}

/** Changes when it has to be watched anew, and not with each time that is served. */
const markOf = ({ when, createdAt }: ScheduleState): string => JSON.stringify([when, createdAt]);
