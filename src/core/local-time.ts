/** Times of day in a named zone. Pure: zone and time are given. */

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    formats.set(timeZone, format);
  }
  return format;
}

/** Is it a zone that this machine knows? */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Minutes since local midnight. */
export function minuteOfDay(at: number, timeZone: string): number {
  const [hour = '0', minute = '0'] = formatOf(timeZone).format(at).split(':');
  return Number(hour) * 60 + Number(minute);
}

/** The first full minute after `at` (or at it) that is this minute of the local day. Milliseconds since the epoch. */
export function nextMinuteOfDay(at: number, minute: number, timeZone: string): number {
  const start = Math.ceil(at / MINUTE_MS) * MINUTE_MS;
  const wait = (minute - minuteOfDay(start, timeZone) + DAY_MINUTES) % DAY_MINUTES;
  const guess = start + wait * MINUTE_MS;
  // Clocks that were put forward or back in between shift it.
  const off = minute - minuteOfDay(guess, timeZone);
  const shift = off > DAY_MINUTES / 2 ? off - DAY_MINUTES : off < -DAY_MINUTES / 2 ? off + DAY_MINUTES : off;
  const mended = guess + shift * MINUTE_MS;
  return mended >= start ? mended : guess;
}

/** `HH:MM` → minutes since midnight; null for a text that is none. */
export function parseTimeOfDay(text: string): number | null {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? Number(match[1]) * 60 + Number(match[2]) : null;
}
