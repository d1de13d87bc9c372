/**
 * Check-ins: a message to an agent at a time, at intervals, or by a cron expression. This folder says what one is, when it is due by
 * time alone, and in which words the agent is woken. Pure: which times a cron expression names is asked of `system/cron.ts`.
 */
import type { IsoTime } from '../event.ts';
import { iso, ms } from '../time.ts';

export type When =
  | { kind: 'cron'; cron: string; timeZone: string | null }
  /** Once. */
  | { kind: 'at'; at: IsoTime }
  | { kind: 'every'; everyMs: number };

export interface Schedule {
  /** `<project>.<name>`. */
  id: string;
  name: string;
  project: string;
  /** By name: who bears it when the time has come. */
  agent: string;
  message: string;
  when: When;
  /** What was missed while nothing ran is made up for once, or left. */
  missed: 'fire' | 'skip';
  /** `user`, `config` or an agent's name: the message is from them. */
  by: string;
  /** In the project's file: gone from it, it is gone here. */
  declared: boolean;
}

export interface ScheduleState extends Schedule {
  createdAt: IsoTime;
  /** The latest time that was served, whatever came of it. Nothing at or before it is served again. */
  lastSlot: IsoTime | null;
  /** What came of it. */
  lastOutcome: string | null;
  lastMessageId: string | null;
  fired: number;
}

export const scheduleId = (project: string, name: string): string => `${project}.${name}`;

/** Nothing at or before this is served. Milliseconds since the epoch. */
export const servedUpTo = (schedule: ScheduleState): number => ms(schedule.lastSlot ?? schedule.createdAt);

/** When it is due by time alone; null for a cron expression, whose times are announced. Milliseconds since the epoch. */
export function scheduleDue(schedule: ScheduleState): number | null {
  const { when } = schedule;
  if (when.kind === 'cron') return null;
  if (when.kind === 'at') return ms(when.at);
  return servedUpTo(schedule) + when.everyMs;
}

/** The slot that is served now: of an interval the latest that has passed, so that a long absence is made up for once. */
export function slotAt(schedule: ScheduleState, now: number): number | null {
  const due = scheduleDue(schedule);
  if (due === null || due > now) return null;
  if (schedule.when.kind !== 'every') return due;
  const { everyMs } = schedule.when;
  return due + Math.floor((now - due) / everyMs) * everyMs;
}

/** Later than this it counts as missed. Milliseconds. */
export const LATE_MS = 60_000;

/** What the agent reads. It says that it is a check-in, and when it was due. */
export function checkInText(schedule: Schedule, slot: number, now: number): string {
  const who = schedule.by === schedule.agent ? 'you' : schedule.by === 'user' ? 'the user' : schedule.by;
  const by = schedule.by === 'config' ? 'the project’s configuration' : who;
  const late = now - slot > LATE_MS;
  const parts = [`Scheduled check-in "${schedule.name}", asked for by ${by}, due at ${iso(slot)}.`];
  if (late)
    parts.push(
      `It comes at ${iso(now)}: nothing could be delivered before. Other times may have been missed in between.`,
    );
  return `${parts.join(' ')}\n\n${schedule.message}`;
}
