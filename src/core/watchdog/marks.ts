/** Marks: short digests by which calls, results and texts are compared. What is looked at is bounded, however large the whole. */
import type { DriverEventBody, Json, JsonObject } from '../event.ts';
import type { CallMark } from './types.ts';
import { endingOf, waitsByWords } from './words.ts';

/** Of a long text its length, head and tail are compared. Characters. */
const END_CHARS = 500;
/** Of a list its first items, of an object its first keys, and this deep. */
const ITEMS = 20;
const DEPTH = 4;
/** A text that is said again and again counts from here: "Done." is no sign. Characters. */
const TEXT_MIN = 40;

/** 53 bits of hash (cyrb53), as text; not for secrets. */
export function markOf(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2_654_435_761);
    b = Math.imul(b ^ c, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & b) + (a >>> 0)).toString(36);
}

/** A text within bounds: itself, or its length, head and tail. */
const ends = (text: string): string =>
  text.length <= 2 * END_CHARS ? text : `${text.length} ${text.slice(0, END_CHARS)} ${text.slice(-END_CHARS)}`;

/** What a caller adds in its own words, or differs without meaning: not part of what a call is. */
const BESIDE = new Set(['description', 'explanation', 'justification', 'reason', 'timeout', 'timeout_ms']);

function outline(value: Json | undefined, depth: number): string {
  if (typeof value === 'string') return ends(value);
  if (value === null || value === undefined || typeof value !== 'object') return String(value);
  if (depth === 0) return '…';
  if (Array.isArray(value)) {
    const items = value.slice(0, ITEMS).map((item) => outline(item, depth - 1));
    return `[${value.length} ${items.join('\u0001')}]`;
  }
  const keys = Object.keys(value).filter((key) => !BESIDE.has(key));
  const fields = keys.slice(0, ITEMS).map((key) => `${key}\u0002${outline(value[key], depth - 1)}`);
  return `{${fields.join('\u0001')}}`;
}

const firstText = (args: JsonObject, ...keys: string[]): string | null => {
  const found = keys.map((key) => args[key]).find((value) => typeof value === 'string');
  return typeof found === 'string' ? found : null;
};

function callMark({ tool, nativeTool, args }: Extract<DriverEventBody, { type: 'tool_call' }>): CallMark {
  const mark: CallMark = { call: markOf(`${tool}\u0000${nativeTool}\u0000${outline(args, DEPTH)}`) };
  if (tool === 'bash' && waitsByWords(args)) mark.waits = true;
  if (tool !== 'edit') return mark;
  const before = firstText(args, 'old_string', 'oldString');
  const after = firstText(args, 'new_string', 'newString');
  if (before === null || after === null) return mark;
  const path = firstText(args, 'path') ?? '';
  return { ...mark, from: markOf(`${path}\u0000${ends(before)}`), to: markOf(`${path}\u0000${ends(after)}`) };
}

const textMark = (content: string): string | null => {
  const text = content.trim();
  return text.length < TEXT_MIN ? null : markOf(ends(text));
};

/** The event with what it is compared by, where there is something to compare. Made from the whole, for the log keeps only heads. */
export function marked(body: DriverEventBody): DriverEventBody {
  if (body.type === 'tool_call') return { ...body, mark: callMark(body) };
  if (body.type === 'tool_result') return { ...body, mark: markOf(`${body.isError}\u0000${ends(body.result)}`) };
  if (body.type !== 'thinking' && (body.type !== 'message' || body.role !== 'assistant')) return body;
  if (body.parentCallId !== undefined) return body;
  const mark = textMark(body.content);
  const ending = endingOf(body.content, body.type === 'message');
  if (mark === null && ending === null) return body;
  return { ...body, ...(mark === null ? {} : { mark }), ...(ending === null ? {} : { ending }) };
}
