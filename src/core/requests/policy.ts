/**
 * Requests that need no person: answered by a rule of the user's own, or, where that is configured, denied when nobody has answered in
 * time. Without either a request waits for ever: "later" is not "no". Pure.
 */
import type { ToolName } from '../event.ts';
import type { PendingRequest } from '../state.ts';
import { ms } from '../time.ts';

export interface AutoAnswer {
  tool: ToolName;
  /** What the call is about (command, path, address or query), `*` for any text. */
  match: string;
  decision: 'allow' | 'deny';
}

export interface RequestSettings {
  /** null = never. Milliseconds. */
  denyAfterMs: number | null;
  /** The first that fits counts. */
  auto: readonly AutoAnswer[];
}

export interface PolicyAnswer {
  decision: 'allow' | 'deny';
  text: string | null;
}

/** The arguments that say what a call is about. */
const OBJECTS = ['command', 'path', 'url', 'query'] as const;
/** A command that is more than one: a rule for its first words says nothing about the rest. */
const COMPOUND = /[;&|<>`$\n\r\\(){}]/;

/** A path that climbs out of the folder that a rule names. */
const ASCENDING = /(^|\/)\.\.(\/|$)/;

/** The rule that answers it; null = none. What a guard rule put to a person is not allowed by a rule of convenience. */
export function autoAnswer(request: PendingRequest, auto: readonly AutoAnswer[]): PolicyAnswer | null {
  if (request.what !== 'permission') return null;
  const object = OBJECTS.map((key) => request.args[key]).find((value) => typeof value === 'string');
  if (typeof object !== 'string') return null;
  const rule = auto.find(({ tool, match }) => tool === request.tool && fits(match, object));
  if (!rule) return null;
  if (rule.decision === 'deny') return { decision: 'deny', text: `denied by requests.auto (${rule.match})` };
  const more = request.tool === 'bash' ? COMPOUND : ASCENDING;
  if (request.byRule === true || more.test(object)) return null;
  return { decision: 'allow', text: null };
}

/** `*` stands for any text, also none; everything else for itself. No regular expression, so that none can hang. */
export function fits(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const [first = ''] = parts;
  if (parts.length === 1) return pattern === text;
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** When nobody's answer becomes a no; null = never. Milliseconds since the epoch. */
export function denyDue(request: PendingRequest, { denyAfterMs }: RequestSettings): number | null {
  if (denyAfterMs === null || request.what === 'login' || request.policy === true) return null;
  return ms(request.at) + denyAfterMs;
}
