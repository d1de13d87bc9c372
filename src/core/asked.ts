/** What an agent waits for, in one line: what it would run, or what it wants to know. Pure. */
import type { PendingRequest } from './state.ts';

/** The arguments that name what a call is about, in the order in which they are looked for. */
const OBJECTS = ['command', 'path', 'url', 'query'] as const;
/** Characters. */
const LENGTH = 160;

export function askedText({ what, tool, args, text }: Pick<PendingRequest, 'what' | 'tool' | 'args' | 'text'>): string {
  if (what !== 'permission') return short(text) || what;
  const object = OBJECTS.map((key) => args[key]).find((value) => typeof value === 'string' && value !== '');
  return typeof object === 'string' ? `${tool}: ${short(object)}` : `${tool} (${short(text)})`;
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > LENGTH ? `${line.slice(0, LENGTH - 1)}…` : line;
}

/** The command that answers it. */
export function answerHint(name: string, { what }: Pick<PendingRequest, 'what'>): string {
  return what === 'permission' ? `tutti approve ${name}, or tutti deny ${name}` : `tutti answer ${name} TEXT`;
}
