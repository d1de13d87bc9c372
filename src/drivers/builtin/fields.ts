/** Readers for the fields of a line: null (or the default) where a field is missing or of another type. Nothing here throws. */
import type { ErrorCode, Json, JsonObject, ToolName, TurnOutcome } from '../../core/event.ts';
import { TOOLS } from '../../core/event.ts';

export const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

export const flag = (value: Json | undefined): boolean => value === true;

export const number = (value: Json | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** A count of tokens: never negative, never fractional. */
export const count = (value: Json | undefined): number => Math.max(0, Math.trunc(number(value) ?? 0));

export const object = (value: Json | undefined): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;

export const texts = (value: Json | undefined): string[] | null =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : null;

export const toolOf = (value: Json | undefined): ToolName => TOOLS.find((tool) => tool === value) ?? 'other';

const OUTCOMES: Readonly<Record<TurnOutcome, true>> = {
  ok: true,
  error: true,
  interrupted: true,
  limit: true,
  max_turns: true,
  budget: true,
};
export const outcomeOf = (value: Json | undefined): TurnOutcome | null =>
  typeof value === 'string' && Object.hasOwn(OUTCOMES, value) ? (value as TurnOutcome) : null;

const CODES: Readonly<Record<ErrorCode, true>> = {
  auth: true,
  billing: true,
  overloaded: true,
  rate_limit: true,
  usage_limit: true,
  context_overflow: true,
  model: true,
  network: true,
  protocol: true,
  crash: true,
  unknown: true,
};
export const codeOf = (value: Json | undefined): ErrorCode =>
  typeof value === 'string' && Object.hasOwn(CODES, value) ? (value as ErrorCode) : 'unknown';

/** The object that a line holds; null when it is not JSON or not an object. */
export function parseObject(line: string): JsonObject | null {
  if (!line.trimStart().startsWith('{')) return null;
  try {
    return object(JSON.parse(line));
  } catch (error) {
    // Not JSON (or too deep): the caller keeps the line as `raw`. Anything else is a bug and must not hide.
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}
