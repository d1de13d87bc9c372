/** The decoder of `codex app-server`: JSON-RPC lines (without the "jsonrpc" field) of both directions → unified events. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';
import { isEmptyKind } from './empty.ts';
import { conversationIsLost, errorEvent } from './errors.ts';
import { Memory } from './memory.ts';
import { NOTIFICATIONS, type Notification } from './notifications.ts';
import { isObject, numberOrNull, objectOf, parseObject, textOf, textOrNull } from './values.ts';

/** Separates what a request is for from the tokens used before it: `turn:<messageId>#<totalTokens>`. */
export const TOTAL_MARK = '#';

/** A message of the protocol, told apart by its fields. */
export type Message =
  | { is: 'request'; method: string; id: string | number; params: JsonObject }
  | { is: 'notification'; method: string; params: JsonObject }
  | { is: 'response'; id: string | number | null; result: JsonObject | null; error: JsonObject | null };

/** One line as a message; null when it is none. */
export function messageOf(line: JsonObject): Message | null {
  const id = typeof line.id === 'string' || typeof line.id === 'number' ? line.id : null;
  if (typeof line.method === 'string') {
    const params = objectOf(line.params);
    return id === null
      ? { is: 'notification', method: line.method, params }
      : { is: 'request', method: line.method, id, params };
  }
  const result = isObject(line.result) ? line.result : null;
  const error = isObject(line.error) ? line.error : null;
  return result === null && error === null ? null : { is: 'response', id, result, error };
}

export const notificationOf = (method: string): Notification | null =>
  (Object.hasOwn(NOTIFICATIONS, method) ? NOTIFICATIONS[method] : undefined) ?? null;

export class CodexDecoder implements Decoder {
  readonly #memory = new Memory();

  get atRest(): boolean {
    return this.#memory.atRest;
  }

  push(line: Line): Decoded {
    return this.take(line, line.dir === 'err' ? null : parseObject(line.text));
  }

  /** Like `push`, for a line that the caller has parsed already. */
  take(line: Line, json: JsonObject | null): Decoded {
    if (line.dir === 'err') return empty('stderr');
    const message = json === null ? null : messageOf(json);
    if (json === null || message === null) return raw(line.text, 'not JSON-RPC');
    if (line.dir === 'in') return this.#ours(message, line.text);
    if (message.is === 'notification') return this.#notification(message.method, message.params, json, line.text);
    if (message.is === 'request') return named(`request:${message.method}`, line.text);
    return response(message, line.text);
  }

  end(): DriverEventBody[] {
    return this.#memory.moreWork();
  }

  /** What we wrote ourselves. */
  #ours(message: Message, text: string): Decoded {
    if (message.is === 'response') return empty('in:answer');
    if (message.is === 'request' && message.method === 'turn/start') {
      const total = totalOf(message.id);
      if (total !== null) this.#memory.totals.set(textOf(message.params.threadId), total);
    }
    return named(`in:${message.method}`, text);
  }

  #notification(method: string, params: JsonObject, json: JsonObject, text: string): Decoded {
    const entry = notificationOf(method);
    if (entry === null) return raw(text, method);
    if (!('read' in entry)) return { events: [], fate: 'empty', kind: method };
    const reading = entry.read(this.#memory, params, json);
    if (reading === null) return raw(text, kindOf(method, params));
    if (typeof reading === 'string') return empty(reading);
    return { events: reading, fate: 'decoded', kind: kindOf(method, params) };
  }
}

const kindOf = (method: string, params: JsonObject): string =>
  method.startsWith('item/') && isObject(params.item) ? `${method}:${textOf(params.item.type)}` : method;

const raw = (line: string, kind: string): Decoded => ({ events: [{ type: 'raw', line }], fate: 'raw', kind });

const empty = (kind: string): Decoded => ({ events: [], fate: 'empty', kind });

/** Empty where the table names it, raw otherwise. */
const named = (kind: string, text: string): Decoded => (isEmptyKind(kind) ? empty(kind) : raw(text, kind));

function totalOf(id: string | number): number | null {
  if (typeof id !== 'string' || !id.includes(TOTAL_MARK)) return null;
  const total = Number(id.slice(id.lastIndexOf(TOTAL_MARK) + 1));
  return Number.isSafeInteger(total) && total >= 0 ? total : null;
}

/** Requests that may be refused because the turn was over just then: no error, the protocol goes the other way. */
const MAY_BE_REFUSED = /^(?:steer|interrupt|look|end):/;

/** Answers to our requests, told apart by their content, so that no memory of the requests is needed. */
function response(message: Message & { is: 'response' }, text: string): Decoded {
  const { id, result, error } = message;
  const purpose = typeof id === 'string' ? id : '';
  if (error !== null) {
    if (MAY_BE_REFUSED.test(purpose)) return empty('response:refused');
    if (purpose === 'thread/resume' && conversationIsLost(textOf(error.message)))
      return notResumed(textOf(error.message));
    const event = errorEvent({ message: `${purpose || 'request'}: ${textOf(error.message)}` });
    return {
      events: [event.code === 'unknown' ? { ...event, code: 'protocol' } : event],
      fate: 'decoded',
      kind: 'response:error',
    };
  }
  if (result === null) return raw(text, 'response');
  if (purpose.startsWith('revert:')) return empty('response:reverted');
  if (isObject(result.thread))
    return { events: [sessionEvent(result, purpose)], fate: 'decoded', kind: 'response:thread' };
  if (isObject(result.turn)) return empty('response:turn');
  if (typeof result.turnId === 'string') return empty('response:steer');
  if (typeof result.userAgent === 'string') return empty('response:initialize');
  if (Array.isArray(result.data)) return empty('response:list');
  return Object.keys(result).length === 0 || purpose.startsWith('end:')
    ? empty('response:done')
    : raw(text, 'response');
}

/** No error of the agent: the protocol begins a new conversation, and `ready` says so. */
const notResumed = (why: string): Decoded => ({
  events: [{ type: 'activity', kind: 'notice', phase: null, detail: `the conversation cannot be resumed: ${why}` }],
  fate: 'decoded',
  kind: 'response:not resumed',
});

/** The answer to thread/start or thread/resume. */
function sessionEvent(result: JsonObject, purpose: string): DriverEventBody {
  const thread = objectOf(result.thread);
  const mode = [textOf(result.approvalPolicy), textOf(objectOf(result.sandbox).type)].filter(Boolean).join(' ');
  return {
    type: 'session',
    conversationId: textOrNull(thread.id),
    model: textOrNull(result.model),
    cliVersion: textOrNull(thread.cliVersion),
    permissionMode: mode || null,
    tools: null,
    // Both answers have the same fields; only our own id tells which it is.
    resumed: purpose === 'thread/resume' ? true : purpose === 'thread/start' ? false : null,
  };
}

/** Used so far, as far as a line tells it: for the `#` of the next turn/start. */
export function totalTold(message: Message): { threadId: string; total: number } | null {
  if (message.is !== 'notification' || message.method !== 'thread/tokenUsage/updated') return null;
  const total = numberOrNull(objectOf(objectOf(message.params.tokenUsage).total).totalTokens);
  return total === null ? null : { threadId: textOf(message.params.threadId), total };
}
