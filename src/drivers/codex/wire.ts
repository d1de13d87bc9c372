/** Lines that the protocol writes, and ids that say what they are for. */
import type { Json, JsonObject } from '../../core/event.ts';
import type { Action } from '../driver.ts';
import { TOTAL_MARK } from './decoder.ts';
import { REFUSED_REQUESTS } from './requests.ts';
import { textOf } from './values.ts';

/** JSON-RPC: no such method. */
const UNKNOWN_METHOD = -32601;

/** Numbers and texts are different ids. */
export const keyOf = (id: string | number): string => `${typeof id === 'number' ? 'n' : 's'}${id}`;

export const request = (id: string, method: string, params: Json): Action => ({
  do: 'write',
  line: JSON.stringify({ id, method, params }),
});

export const respond = (id: string | number, result: Json): Action => ({
  do: 'write',
  line: JSON.stringify({ id, result }),
});

export const refused = (messageId: string, why: string, retryable: boolean): Action => ({
  do: 'refused',
  messageId,
  why,
  retryable,
});

/** An approval that we do not know is declined; anything else is told that we cannot do it. */
export function refuseUnknown(method: string, id: string | number): Action {
  if (/approval$/i.test(method)) return respond(id, { decision: 'decline' });
  const message = REFUSED_REQUESTS[method] ?? `tutti does not know ${method}`;
  return { do: 'write', line: JSON.stringify({ id, error: { code: UNKNOWN_METHOD, message } }) };
}

/** `turn:<messageId>#<tokens>` → what for, and for which message. */
export function purposeOf(id: string): [string, string] {
  const colon = id.indexOf(':');
  if (colon === -1) return [id, ''];
  const rest = id.slice(colon + 1);
  const mark = rest.lastIndexOf(TOTAL_MARK);
  return [id.slice(0, colon), mark === -1 ? rest : rest.slice(0, mark)];
}

export function deltaOf(params: JsonObject, field: string): Action[] {
  const text = field === '' ? '' : textOf(params[field]);
  return [{ do: 'delta', text }];
}
