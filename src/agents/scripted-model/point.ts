/** Finds out what a request asks the script for: which scenario, how far it has come, what is new. Pure. */
import type { Item, ModelRequest, Point, ResultItem } from './script.ts';

export interface Marker {
  scenario: string;
  params: Record<string, string>;
}

const MARKER = /\[\[scenario:([a-z0-9_]+)((?:\s+[a-z_]+=(?:"[^"]*"|[^\s\]]+))*)\s*\]\]/;
const PARAMETER = /([a-z_]+)=(?:"([^"]*)"|([^\s\]]+))/g;
/** What coding CLIs put into a conversation as user messages of their own. */
const CLIENT_TEXT =
  /^\s*(<(system-reminder|environment_context|user_instructions|permissions|INSTRUCTIONS|session_context|skills_instructions|recommended_plugins|plugins_instructions|apps_instructions|turn_aborted)\b|# AGENTS\.md instructions|This is the Gemini CLI)/;

/** The `[[scenario:NAME key=value key="several words"]]` of a message; null when it has none. */
export function markerOf(text: string): Marker | null {
  // `opencode run` hands its prompt over in quotes, those inside escaped.
  const found = MARKER.exec(text.replaceAll('\\"', '"'));
  if (found === null) return null;
  const params: Record<string, string> = {};
  for (const [, key, quoted, bare] of (found[2] ?? '').matchAll(PARAMETER)) {
    if (key !== undefined) params[key] = quoted ?? bare ?? '';
  }
  return { scenario: found[1] ?? '', params };
}

/** How claude hands on what a person said to a running turn. */
const WRAPPED =
  /^The user sent a new message while you were working:\n([\s\S]*?)(?:\n\nIMPORTANT: After completing [^\n]*)?$/;

/** What a person said with this item; null when the client program wrote it, or it is something else. */
export function saidIn(item: Pick<Item, 'role'> & { text?: string }): string | null {
  if (item.text === undefined) return null;
  if (item.role === 'user') return CLIENT_TEXT.test(item.text) ? null : item.text;
  return item.role === 'system' ? (WRAPPED.exec(item.text)?.[1] ?? null) : null;
}

const markerIn = (item: Item): Marker | null => {
  const said = saidIn(item);
  return said === null ? null : markerOf(said);
};

/** Where the answered part of the conversation ends: behind the last assistant text that no tool call follows. */
function answeredUpTo(items: Item[]): number {
  for (let at = items.length - 1; at >= 0; at -= 1) {
    const next = items[at + 1]?.role;
    if (items[at]?.role === 'assistant' && next !== 'call' && next !== 'assistant') return at + 1;
  }
  return 0;
}

/** The newest marker among the unanswered messages decides; without one, `fallback` does. */
export function pointOf(request: ModelRequest, fallback: Marker): Point {
  const { items, conversation } = request;
  const start = answeredUpTo(items);
  let chosen = fallback;
  let from = start;
  for (let at = items.length - 1; at >= start; at -= 1) {
    const item = items[at];
    const marker = item === undefined ? null : markerIn(item);
    if (marker === null) continue;
    chosen = marker;
    from = at;
    break;
  }
  const results = items.slice(from).filter((item): item is ResultItem => item.role === 'result');
  const told = items.map(saidIn).filter((text) => text !== null);
  const news = items
    .slice(start)
    .map(saidIn)
    .filter((text) => text !== null);
  // Counted in messages with a marker, so that a note added between two attempts does not start a new count.
  const ordinal = items.slice(0, from).filter((item) => markerIn(item) !== null).length;
  const key = `${conversation}\n${ordinal}\n${chosen.scenario}\n${results.length}`;
  return { scenario: chosen.scenario, params: chosen.params, results, news, told, key };
}
