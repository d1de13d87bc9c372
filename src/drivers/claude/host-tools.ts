/** In-band MCP: claude's JSON-RPC to a server of ours, carried in control requests. The tools themselves are the host's. */
import type { Json, JsonObject } from '../../core/event.ts';
import type { Action } from '../driver.ts';
import { mcpReply } from './answers.ts';
import { object, text } from './fields.ts';

const METHOD_NOT_FOUND = -32_601;

export class HostTools {
  /** JSON-RPC ids of open calls, by control request id. */
  readonly #calls = new Map<string, Json>();

  message(requestId: string, asked: JsonObject): Action[] {
    const rpc = object(asked.message) ?? {};
    const id = rpc.id ?? null;
    const params = object(rpc.params) ?? {};
    const method = text(rpc.method) ?? '';
    if (method === 'tools/call') {
      this.#calls.set(requestId, id);
      return [{ do: 'tool', key: requestId, name: text(params.name) ?? '', args: object(params.arguments) ?? {} }];
    }
    return [write(requestId, { jsonrpc: '2.0', id, ...reply(method, params) })];
  }

  result(requestId: string, outcome: { ok: boolean; value: Json }): Action[] {
    const id = this.#calls.get(requestId);
    if (id === undefined) return [];
    this.#calls.delete(requestId);
    const said = typeof outcome.value === 'string' ? outcome.value : JSON.stringify(outcome.value);
    return [
      write(requestId, {
        jsonrpc: '2.0',
        id,
        result: { content: [{ type: 'text', text: said }], isError: !outcome.ok },
      }),
    ];
  }

  withdrawn(requestId: string): void {
    this.#calls.delete(requestId);
  }
}

function reply(method: string, params: JsonObject): JsonObject {
  if (method === 'initialize') {
    const version = text(params.protocolVersion) ?? '2025-11-25';
    return {
      result: { protocolVersion: version, capabilities: { tools: {} }, serverInfo: { name: 'tutti', version: '1' } },
    };
  }
  if (method === 'tools/list') return { result: { tools: [] } };
  if (method === 'ping' || method.startsWith('notifications/')) return { result: {} };
  return { error: { code: METHOD_NOT_FOUND, message: `tutti has no ${method}` } };
}

const write = (requestId: string, response: JsonObject): Action => ({
  do: 'write',
  line: mcpReply(requestId, response),
});
