/** JSON-RPC 2.0 as ACP uses it: one object a line, ids of both sides independent of each other. */
import type { Json, JsonObject } from '../../core/event.ts';
import { isObject, number, object, parseObject, string } from './fields.ts';

export type RpcId = string | number;

export type RpcMessage =
  | { kind: 'request'; id: RpcId; method: string; params: JsonObject }
  | { kind: 'notification'; method: string; params: JsonObject }
  | { kind: 'result'; id: RpcId; result: Json }
  | { kind: 'error'; id: RpcId; error: RpcError };

export interface RpcError {
  code: number | null;
  message: string;
  data: Json;
}

/** JSON-RPC and ACP error codes. */
export const METHOD_NOT_FOUND = -32601;
export const AUTH_REQUIRED = -32000;

/** null: not a JSON-RPC message. */
export function parseRpc(text: string): RpcMessage | null {
  const line = parseObject(text);
  if (line === null || line['jsonrpc'] !== '2.0') return null;
  const method = string(line['method']);
  const id = line['id'];
  const known = typeof id === 'string' || typeof id === 'number' ? id : null;
  if (method !== null) {
    const params = object(line['params']);
    if (known !== null) return { kind: 'request', id: known, method, params };
    return id === undefined ? { kind: 'notification', method, params } : null;
  }
  if (known === null) return null;
  if (isObject(line['error'])) return { kind: 'error', id: known, error: errorOf(line['error']) };
  return line['result'] === undefined ? null : { kind: 'result', id: known, result: line['result'] };
}

function errorOf(error: JsonObject): RpcError {
  return { code: number(error['code']), message: string(error['message']) ?? '', data: error['data'] ?? null };
}

const line = (fields: JsonObject): string => JSON.stringify({ jsonrpc: '2.0', ...fields });

export const rpcRequest = (id: RpcId, method: string, params: JsonObject): string => line({ id, method, params });
export const rpcNotification = (method: string, params: JsonObject): string => line({ method, params });
export const rpcResult = (id: RpcId, result: Json): string => line({ id, result });
export const rpcError = (id: RpcId, code: number, message: string): string => line({ id, error: { code, message } });

/**
 * An extension method that no agent knows: its error comes when everything before it was dealt with. Gemini answers session/load
 * before it has played the history back; when a fence comes back and no history came before it, there is no more.
 */
export const FENCE = '_tutti/fence';

/** Our requests say in their id what they are, so that a response explains itself. */
export const promptId = (messageId: string): string => `prompt:${messageId}`;
export const messageIdOf = (id: RpcId): string | null =>
  typeof id === 'string' && id.startsWith('prompt:') ? id.slice('prompt:'.length) : null;
