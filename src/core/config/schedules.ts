/** The `schedules` section of tutti.yaml, and what it becomes. */
import { z } from 'zod';
import { isTimeZone } from '../local-time.ts';
import { type Schedule, scheduleId, type When } from '../schedule/schedule.ts';
import { parseDuration } from './duration.ts';

/** A more frequent check-in would be a loop. Milliseconds. */
export const SHORTEST_INTERVAL_MS = 60_000;
/** Characters. */
const MESSAGE_CHARS = 64 * 1024;

const name = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, {
  error: 'a name: 1-32 of a-z 0-9 - _, starting with a letter',
});

/** Its numbers are checked where it is taken in: here only its shape, so that a slip is named with its line. */
const cron = z
  .string()
  .regex(/^(@[a-z]+|\S+(\s+\S+){4,5})$/, { error: 'a cron expression of five fields such as 0 9 * * 1-5' });

const every = z.string().refine((text) => (parseDuration(text) ?? 0) >= SHORTEST_INTERVAL_MS, {
  error: 'a duration of a minute or more, such as 30m',
});

export const scheduleEntry = z
  .strictObject({
    name: name.meta({ description: 'name of the check-in, once per project' }),
    agent: name.meta({ description: 'name of the agent that is woken' }),
    message: z.string().min(1).max(MESSAGE_CHARS).meta({ description: 'what it is told' }),
    cron: cron.optional().meta({ description: 'cron expression: minute, hour, day of month, month, day of week' }),
    every: every.optional().meta({ description: 'or an interval of a minute or more' }),
    timezone: z
      .string()
      .refine(isTimeZone, { error: 'a zone such as Europe/Berlin' })
      .optional()
      .meta({ description: 'zone of `cron` (default: that of the machine)' }),
    missed: z.enum(['fire', 'skip']).optional().meta({
      description: '`fire` (default): what was missed while nothing ran is made up for once; `skip`: it is left',
    }),
  })
  .refine((entry) => (entry.cron === undefined) !== (entry.every === undefined), {
    error: 'either cron or every',
  });

/** Names are given once. */
export const scheduleList = z
  .array(scheduleEntry)
  .max(200)
  .refine((list) => new Set(list.map((entry) => entry.name)).size === list.length, {
    error: 'names that differ: one is given twice',
  });

export type ScheduleEntry = z.infer<typeof scheduleEntry>;

export function declaredSchedule(project: string, entry: ScheduleEntry): Schedule {
  const { name, agent, message, missed = 'fire' } = entry;
  const id = scheduleId(project, name);
  return { id, name, project, agent, message, when: whenOf(entry), missed, by: 'config', declared: true };
}

function whenOf({ cron, every, timezone }: ScheduleEntry): When {
  if (cron !== undefined) return { kind: 'cron', cron, timeZone: timezone ?? null };
  return { kind: 'every', everyMs: parseDuration(every ?? '') ?? SHORTEST_INTERVAL_MS };
}
