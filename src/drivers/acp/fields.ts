/** Reading fields of foreign JSON: a missing one or one of another type is null or empty, never an exception. */
import type { Json, JsonObject } from '../../core/event.ts';

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object in a field; an empty one where there is none. */
export function object(from: Json | undefined): JsonObject {
  return isObject(from) ? from : {};
}

export function list(from: Json | undefined): Json[] {
  return Array.isArray(from) ? from : [];
}

/** A string; null for anything else. */
export function string(from: Json | undefined): string | null {
  return typeof from === 'string' ? from : null;
}

/** A finite number; null for anything else. */
export function number(from: Json | undefined): number | null {
  return typeof from === 'number' && Number.isFinite(from) ? from : null;
}

/** The first of these fields that is a string with something in it. */
export function firstString(from: JsonObject, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = string(from[key]);
    if (value) return value;
  }
  return null;
}

/** One line as a JSON object; null for everything else. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** `a.b.c` of a nested object, undefined where the path ends early. */
export function at(from: JsonObject, ...path: string[]): Json | undefined {
  let value: Json | undefined = from;
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  return value;
}
