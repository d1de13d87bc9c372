/** Reading values out of JSON that somebody else wrote: each function answers null (or empty) for what is not there. */
import type { IsoTime, Json, JsonObject } from '../../core/event.ts';

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
export const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
export const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
export const textOrNull = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

export const numberOrNull = (value: Json | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** A count: never negative, 0 where there is none. */
export const countOf = (value: Json | undefined): number => Math.max(0, numberOrNull(value) ?? 0);

/** Milliseconds as the CLI tells them; a negative one is not a duration. */
export function durationOf(value: Json | undefined): number | null {
  const ms = numberOrNull(value);
  return ms !== null && ms >= 0 ? ms : null;
}

/** Largest time that a Date can hold, in seconds. */
const LATEST_SECONDS = 8.64e12;

/** Seconds since the epoch → ISO 8601 UTC with milliseconds; null for what is no time. Reads no clock. */
export function isoFromSeconds(value: Json | undefined): IsoTime | null {
  const seconds = numberOrNull(value);
  return seconds !== null && Math.abs(seconds) <= LATEST_SECONDS ? new Date(seconds * 1000).toISOString() : null;
}

/** One JSON object, or null when the text is none. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch (error) {
    // Not JSON is an answer here: the caller makes a raw event of the line.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Without the keys whose value is undefined or null: what is unknown is left out of the arguments of a call. */
export function known(entries: { [key: string]: Json | undefined }): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(entries)) if (value !== undefined && value !== null) result[key] = value;
  return result;
}
