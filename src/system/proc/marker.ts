/** The marker that everything of an agent carries: `TUTTI_AGENT=<home8>/<id>/<incarnation>`. Host-safe. */
import { AGENT_VARIABLE, ROLE_VARIABLE } from '../environment.ts';

/** A part of a marker: `<home8>/`, `<home8>/<id>/` or the whole, as its segments. */
export type MarkerPrefix = string[];

/** Reads a marker or the beginning of one. Throws on an empty or malformed one: it would match strangers. */
export function markerPrefix(marker: string): MarkerPrefix {
  const segments = marker.replace(/\/$/, '').split('/');
  const wellFormed = segments.length <= 3 && segments.every((segment) => /^[A-Za-z0-9_-]+$/.test(segment));
  if (!wellFormed || !/^[0-9a-f]{8}$/.test(segments[0] ?? '')) {
    throw new Error(`not the beginning of an agent's marker: ${JSON.stringify(marker)}`);
  }
  return segments;
}

/** Compares segment by segment: `a/x/1` is no beginning of `a/x/12`. */
export function carries(environment: string[], prefix: MarkerPrefix): boolean {
  const value = variable(environment, AGENT_VARIABLE);
  if (value === null) return false;
  const segments = value.split('/');
  return prefix.every((segment, i) => segments[i] === segment);
}

/** One of our own processes: it has a role and no agent's marker. */
export function isOurs(environment: string[]): boolean {
  return variable(environment, ROLE_VARIABLE) !== null && variable(environment, AGENT_VARIABLE) === null;
}

function variable(environment: string[], name: string): string | null {
  const entry = environment.find((line) => line.startsWith(`${name}=`));
  return entry === undefined ? null : entry.slice(name.length + 1);
}
