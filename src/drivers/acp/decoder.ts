/** The ACP decoder: JSON-RPC lines of both directions → unified events. Serves every CLI that speaks ACP. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';
import { at, list, object, string } from './fields.ts';
import { Memory } from './memory.ts';
import { failed, result, written } from './responses.ts';
import { decodeStderr } from './stderr.ts';
import { mergeCall } from './tools.ts';
import { isUpdate, UPDATES } from './updates.ts';
import { parseRpc, type RpcId, type RpcMessage } from './wire.ts';

export function acpDecoder(): Decoder {
  return new AcpDecoder();
}

/** Requests of the agent that we refuse: we offered none of this, and the files and terminals are its own. */
const REFUSED = /^(fs|terminal|elicitation)\//;

class AcpDecoder implements Decoder {
  readonly #memory = new Memory();

  get atRest(): boolean {
    return this.#memory.atRest;
  }

  push(line: Line): Decoded {
    if (line.text.trim() === '') return empty('blank');
    if (line.dir === 'err') return decodeStderr(line.text);
    const message = parseRpc(line.text);
    if (message === null) return raw(line.text, 'not JSON-RPC');
    return line.dir === 'in' ? this.#written(message) : this.#read(message, line.text);
  }

  end(): DriverEventBody[] {
    const memory = this.#memory;
    const calls = [...memory.calls.values()].flatMap((call) => memory.announce(call));
    return [...calls, ...memory.flush('thinking'), ...memory.estimate()];
  }

  #written(message: RpcMessage): Decoded {
    this.#memory.sawInput = true;
    if (message.kind === 'request') {
      return decoded(`in:${message.method}`, written(message.method, message.id, message.params, this.#memory));
    }
    if (message.kind === 'result') {
      this.#memory.answered(String(message.id), string(at(object(message.result), 'outcome', 'optionId') ?? null));
    }
    // Our answers (verdicts have records of their own) and session/cancel, whose effect the agent tells.
    return empty(message.kind === 'notification' ? `in:${message.method}` : `in:${message.kind}`);
  }

  #read(message: RpcMessage, line: string): Decoded {
    switch (message.kind) {
      case 'result': {
        const { kind, events } = result(message.id, message.result, this.#memory);
        return decoded(kind, events);
      }
      case 'error': {
        const { kind, events } = failed(message.id, message.error, this.#memory);
        return decoded(kind, events);
      }
      case 'request':
        return this.#asked(message.id, message.method, message.params, line);
      case 'notification':
        return this.#told(message.method, message.params, line);
    }
  }

  /** A permission request announces its call; the request itself has a record of the host's. */
  #asked(id: RpcId, method: string, params: JsonObject, line: string): Decoded {
    if (REFUSED.test(method)) return empty(method);
    if (method !== 'session/request_permission') return raw(line, method);
    const update = object(params['toolCall']);
    const callId = string(update['toolCallId']);
    if (callId === null) return raw(line, method);
    const started = this.#memory.implyTurn();
    const call = this.#memory.call(callId);
    mergeCall(call, update);
    const options = list(params['options']).map(object);
    const allow = options
      .filter((option) => string(option['kind'])?.startsWith('allow'))
      .map((option) => string(option['optionId']));
    this.#memory.asked.set(String(id), { callId, allow: new Set(allow.filter((option) => option !== null)) });
    return decoded(method, [...started, ...this.#memory.announce(call)]);
  }

  #told(method: string, params: JsonObject, line: string): Decoded {
    // The agent stopped waiting for an answer of ours.
    if (method === '$/cancel_request') return empty(method);
    const update = object(params['update']);
    const kind = string(update['sessionUpdate']);
    if (method !== 'session/update' || kind === null) return raw(line, method);
    if (!isUpdate(kind)) return raw(line, `update:${kind}`);
    if (this.#memory.loading) return empty(`replay:${kind}`);
    return decoded(`update:${kind}`, UPDATES[kind]?.(update, this.#memory) ?? []);
  }
}

/**
 * A line that only moved the decoder's state (a piece of text, say) is decoded as well: what it held comes out later.
 * Those that never give anything are named as empty.
 */
const STATEFUL = new Set([
  'update:agent_message_chunk',
  'update:agent_thought_chunk',
  'update:tool_call',
  'update:tool_call_update',
]);

const decoded = (kind: string, events: DriverEventBody[]): Decoded => ({
  events,
  fate: events.length > 0 || STATEFUL.has(kind) ? 'decoded' : 'empty',
  kind,
});
const empty = (kind: string): Decoded => ({ events: [], fate: 'empty', kind });
const raw = (line: string, kind: string): Decoded => ({ events: [{ type: 'raw', line }], fate: 'raw', kind });
