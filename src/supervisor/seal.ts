/**
 * From what `decide` wants recorded to events of the log: envelope, one gapless `seq`, and large fields of journaled
 * events cut to their first 4 KiB (the host journal keeps the whole; law 2).
 */
import type { Json, JsonObject, JournalRef, TuttiEvent } from '../core/event.ts';
import type { State } from '../core/state.ts';
import type { NewEvent } from '../core/step.ts';

/** A field of an event that the journal holds is cut here. Bytes. */
export const FIELD_LIMIT = 4 * 1024;

export interface SealContext {
  state: State;
  /** Time of the step, ISO. */
  now: string;
  /** When the journal record `n` was written; null where it is not of this step. */
  recordedAt: (n: number) => string | null;
}

/** Numbers and dates the events of one step. Does not change the state. */
export function seal(events: NewEvent[], context: SealContext): TuttiEvent[] {
  let { seq } = context.state;
  const born = new Map<string, string>();
  return events.map((event) => {
    seq += 1;
    const { body } = event;
    if (body.type === 'agent_spawned' && event.agentId !== null && typeof body.agent.name === 'string') {
      born.set(event.agentId, body.agent.name);
    }
    const known = event.agentId === null ? undefined : context.state.agents[event.agentId];
    const at = (event.src && context.recordedAt(event.src.n)) ?? context.now;
    const sealed = {
      seq,
      at,
      agentId: event.agentId,
      agent: event.agentId === null ? null : (born.get(event.agentId) ?? known?.name ?? null),
      incarnation: event.incarnation === undefined ? (known?.cli.incarnation ?? null) : event.incarnation,
      ...(event.cause ? { cause: event.cause } : {}),
      ...(event.src ? { src: event.src } : {}),
      ...body,
    } as TuttiEvent;
    return event.src ? cutEvent(sealed, event.src) : sealed;
  });
}

/** The fields that can be large, by event type; user's own words in `delivery` are not in a journal yet and stay whole. */
function cutEvent(event: TuttiEvent, src: JournalRef): TuttiEvent {
  if (event.ref !== undefined) return event;
  const ref = { epoch: src.epoch, n: src.n };
  switch (event.type) {
    case 'thinking':
    case 'message': {
      const cut = cutText(event.content);
      return cut ? { ...event, content: cut.text, bytes: cut.bytes, ref } : event;
    }
    case 'tool_result': {
      const cut = cutText(event.result);
      return cut ? { ...event, result: cut.text, bytes: cut.bytes, ref } : event;
    }
    case 'raw': {
      const cut = cutText(event.line);
      return cut ? { ...event, line: cut.text, bytes: cut.bytes, ref } : event;
    }
    case 'tool_call':
    case 'permission':
    case 'guard': {
      const cut = cutArgs(event.args);
      return cut ? { ...event, args: cut.args, bytes: cut.bytes, ref } : event;
    }
    default:
      return event;
  }
}

/** null when the text is within the limit. The cut never splits a character. */
export function cutText(text: string, limit = FIELD_LIMIT): { text: string; bytes: number } | null {
  if (text.length * 3 <= limit) return null;
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return null;
  // A streaming decoder keeps back the bytes of a character that the cut has split.
  const head = new TextDecoder().decode(Buffer.from(text.slice(0, limit)).subarray(0, limit), { stream: true });
  return { text: head, bytes };
}

/** Arguments keep their shape: their strings are cut, longest share first come first served, until they fit. */
export function cutArgs(args: JsonObject, limit = FIELD_LIMIT): { args: JsonObject; bytes: number } | null {
  const bytes = Buffer.byteLength(JSON.stringify(args));
  if (bytes <= limit) return null;
  let left = limit;
  const shrink = (value: Json): Json => {
    if (left <= 0) return null;
    if (typeof value === 'string') {
      const text = cutText(value, Math.max(16, left))?.text ?? value;
      left -= Buffer.byteLength(text) + 2;
      return text;
    }
    if (Array.isArray(value)) return shrinkList(value);
    if (value !== null && typeof value === 'object') return shrinkObject(value);
    left -= 8;
    return value;
  };
  function shrinkList(list: Json[]): Json[] {
    const out: Json[] = [];
    for (const value of list) {
      left -= 3;
      if (left <= 0) break;
      out.push(shrink(value));
    }
    return out;
  }
  function shrinkObject(object: JsonObject): JsonObject {
    const out: JsonObject = {};
    for (const [key, value] of Object.entries(object)) {
      left -= key.length + 4;
      if (left <= 0) break;
      out[key] = shrink(value);
    }
    return out;
  }
  return { args: shrinkObject(args), bytes };
}
