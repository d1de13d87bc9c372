/** Tolerant readers for lines that a CLI wrote: a field of the wrong type is the same as a missing one. Nothing here throws. */
import type { Json, JsonObject } from '../../core/event.ts';

export const object = (value: Json | undefined): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;

export const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

export const number = (value: Json | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

export const list = (value: Json | undefined): Json[] | null => (Array.isArray(value) ? value : null);

/** A count of tokens: never negative, never fractional, 0 where missing. */
export const count = (value: Json | undefined): number => Math.max(0, Math.trunc(number(value) ?? 0));

/** The object that a line holds; null when it is not JSON or not an object. */
export function parseObject(line: string): JsonObject | null {
  if (!line.trimStart().startsWith('{')) return null;
  try {
    return object(JSON.parse(line));
  } catch (error) {
    // Not JSON: the caller keeps the line as `raw`. Anything else is a bug and must not hide.
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

/** ISO time from seconds since the epoch; null when that is no date. */
export function isoFromSeconds(seconds: number | null): string | null {
  if (seconds === null || Math.abs(seconds) > 8.64e12) return null;
  return new Date(seconds * 1000).toISOString();
}
