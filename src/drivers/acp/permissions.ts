/** Permission requests of an ACP agent: what is asked, and the only answers that are ever written. */
import type { JsonObject } from '../../core/event.ts';
import type { Action, Verdict } from '../driver.ts';
import { list, object, string } from './fields.ts';
import { type AcpCall, callArgs, callTool, mergeCall, newCall } from './tools.ts';
import { type RpcId, rpcResult } from './wire.ts';

interface Asked {
  id: RpcId;
  allow: string | null;
  reject: string | null;
}

const CANCELLED: JsonObject = { outcome: { outcome: 'cancelled' } };
const selected = (optionId: string): JsonObject => ({ outcome: { outcome: 'selected', optionId } });

/**
 * Only `allow_once` and `reject_once` are chosen: a choice that holds for later calls would take them past our gate.
 * Where the agent offers no such option, or anything is odd, the answer is the refusal.
 */
function answerTo(asked: Asked, verdict: Verdict): JsonObject {
  if (verdict.decision === 'allow' && verdict.args === undefined && asked.allow !== null) return selected(asked.allow);
  return asked.reject === null ? CANCELLED : selected(asked.reject);
}

export class Permissions {
  readonly #open = new Map<string, Asked>();
  /** Calls by id, so that a request that names its call alone is judged with what was told before. */
  readonly #calls = new Map<string, AcpCall>();

  /** A `tool_call` or its update passed by. */
  seen(update: JsonObject): void {
    const callId = string(update['toolCallId']);
    if (callId === null) return;
    const status = string(update['status']);
    if (status === 'completed' || status === 'failed') this.#calls.delete(callId);
    else mergeCall(this.#call(callId), update);
  }

  ask(id: RpcId, params: JsonObject): Action[] {
    const update = object(params['toolCall']);
    const callId = string(update['toolCallId']);
    const options = list(params['options']).map(object);
    const option = (kind: string): string | null => string(options.find((one) => one['kind'] === kind)?.['optionId']);
    const asked: Asked = { id, allow: option('allow_once'), reject: option('reject_once') ?? option('reject_always') };
    if (callId === null)
      return [{ do: 'write', line: rpcResult(id, answerTo(asked, { decision: 'deny', reason: 'no call' })) }];
    const call = this.#call(callId);
    mergeCall(call, update);
    const key = keyOf(id);
    this.#open.set(key, asked);
    return [
      {
        do: 'judge',
        key,
        what: 'permission',
        gate: false,
        tool: callTool(call),
        nativeTool: call.native ?? call.kind ?? 'unknown',
        args: callArgs(call),
        callId,
        text: call.title || `Allow ${call.native ?? 'this tool call'}?`,
      },
    ];
  }

  /** Nothing to write for a key that is not open (answered, or withdrawn with its turn). */
  answer(key: string, verdict: Verdict): Action[] {
    const asked = this.#open.get(key);
    if (asked === undefined) return [];
    this.#open.delete(key);
    return [{ do: 'write', line: rpcResult(asked.id, answerTo(asked, verdict)) }];
  }

  /** The agent gave one up. */
  withdraw(id: RpcId): Action[] {
    return this.#open.delete(keyOf(id)) ? [{ do: 'withdrawn', key: keyOf(id) }] : [];
  }

  /** The turn is cancelled or over: ACP wants every open request answered with `cancelled`. */
  cancelAll(): Action[] {
    const actions = [...this.#open].flatMap(([key, asked]): Action[] => [
      { do: 'write', line: rpcResult(asked.id, CANCELLED) },
      { do: 'withdrawn', key },
    ]);
    this.#open.clear();
    this.#calls.clear();
    return actions;
  }

  #call(callId: string): AcpCall {
    const call = this.#calls.get(callId) ?? newCall(callId);
    this.#calls.set(callId, call);
    return call;
  }
}

const keyOf = (id: RpcId): string => `permission:${JSON.stringify(id)}`;
