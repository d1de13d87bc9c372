/** When a limit resets, from the words of an error: the last resort, where no event has a time. Times of day are rounded to minutes there. */
import { isTimeZone, minuteOfDay, nextMinuteOfDay } from '../local-time.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: MINUTE_MS, h: 3_600_000, d: DAY_MS };
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** `try again in 1m30s`, `will reset after 5h32m10s`, `Please retry in 34.07 seconds` */
const SPAN =
  /(?:try again|retry|resets?|available(?: again)?) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)\b[\s,]*(?:and )?|\d+(?:\.\d+)?(?:ms|s|m|h|d))+)/i;
const PIECE = /(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/gi;

/** `resets 1:29am (UTC)`, `resets Nov 23, 7am (Europe/Berlin)`, `try again at 11:49 PM`, `try again at Nov 21st, 2026 1:40 AM` */
const CLOCK =
  /(?:try again at|resets(?: at)?) (?:([A-Z][a-z]{2})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?,?(?: (\d{4}),?)? (?:at )?)?(\d{1,2})(?::(\d{2}))?\s*([ap])\.?m\b\.?(?:\s*\(([^)]+)\))?/i;

/**
 * @param at when it was said, in milliseconds since the epoch
 * @param timeZone of times that name none
 * @returns milliseconds since the epoch; null where the text tells no time
 */
export function toldReset(text: string, at: number, timeZone: string): number | null {
  const span = SPAN.exec(text)?.[1];
  if (span !== undefined) return at + spanMs(span);
  const clock = CLOCK.exec(text);
  if (clock === null) return null;
  const [, month, day, year, hour, minute, half, zone] = clock;
  const where = zone !== undefined && isTimeZone(zone) ? zone : timeZone;
  const minutes = ((Number(hour) % 12) + (half?.toLowerCase() === 'p' ? 12 : 0)) * 60 + Number(minute ?? 0);
  const time = month === undefined ? timeOfDay(at, minutes, where) : onDate(at, { month, day, year }, minutes, where);
  // The minute that is told may have begun before the reset.
  return time === null ? null : time + MINUTE_MS;
}

function spanMs(text: string): number {
  let sum = 0;
  for (const [, count, unit] of text.matchAll(PIECE)) sum += Number(count) * (UNITS[unit?.toLowerCase() ?? ''] ?? 0);
  return Math.round(sum);
}

/** The next such time; the minute that runs counts as it. */
function timeOfDay(at: number, minutes: number, zone: string): number {
  return minuteOfDay(at, zone) === minutes ? at : nextMinuteOfDay(at, minutes, zone);
}

interface Written {
  month: string;
  day: string | undefined;
  year: string | undefined;
}

function onDate(at: number, { month, day, year }: Written, minutes: number, zone: string): number | null {
  const m = MONTHS.indexOf(month.toLowerCase());
  if (m < 0) return null;
  const local = (y: number): number => {
    const asUtc = Date.UTC(y, m, Number(day), 0, minutes);
    return asUtc - offsetMs(asUtc, zone);
  };
  if (year !== undefined) return local(Number(year));
  const thisYear = new Date(at).getUTCFullYear();
  const time = local(thisYear);
  return time < at - DAY_MS ? local(thisYear + 1) : time;
}

/** How far the zone's clock is ahead of UTC, within half a day. */
function offsetMs(at: number, zone: string): number {
  const ahead = minuteOfDay(at, zone) - minuteOfDay(at, 'UTC');
  const halfDay = 720;
  const turned = ahead > halfDay ? ahead - 2 * halfDay : ahead < -halfDay ? ahead + 2 * halfDay : ahead;
  return turned * MINUTE_MS;
}
