/** Days as people have them: the local date of a time, and when the next one begins. Pure: the time zone is given. */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  formats.set(timezone, format);
  return format;
}

/** Can this be used as a time zone (`Europe/Berlin`, `UTC`)? */
export function isTimezone(timezone: string): boolean {
  try {
    formatOf(timezone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Zones differ by whole quarters of an hour, and change at them: within one, the date is the same. Milliseconds. */
const QUARTER_MS = 900_000;
/** The latest answer by zone: it is asked for at every look. */
const latest = new Map<string, { quarter: number; date: string }>();

/** Local date, as `2026-11-21`: dates compare as texts. @param at milliseconds since the epoch */
export function dateOf(at: number, timezone: string): string {
  const quarter = Math.floor(at / QUARTER_MS);
  const known = latest.get(timezone);
  if (known?.quarter === quarter) return known.date;
  const date = formatOf(timezone).format(at);
  latest.set(timezone, { quarter, date });
  return date;
}

const HOUR_MS = 3_600_000;
/** No day is longer, not even where clocks are put back. Milliseconds. */
const LONGEST_DAY_MS = 26 * HOUR_MS;

/** When the next local date begins: milliseconds since the epoch, exact to the millisecond whatever the clocks do. */
export function nextDay(now: number, timezone: string): number {
  const today = dateOf(now, timezone);
  let before = now;
  let after = now + LONGEST_DAY_MS;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (dateOf(middle, timezone) === today) before = middle;
    else after = middle;
  }
  return after;
}
