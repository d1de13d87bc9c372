/** Responses to our requests, and the requests themselves as they stand in the journal (`in` lines). */
import type { DriverEventBody, Json, JsonObject, TurnOutcome } from '../../core/event.ts';
import { failureOfRpc, outcomeOf } from './failure.ts';
import { at, isObject, list, number, object, string } from './fields.ts';
import { type Memory, usageEvent } from './memory.ts';
import { FENCE, messageIdOf, type RpcError, type RpcId } from './wire.ts';

/** What a request of ours says to the decoder. */
export function written(method: string, id: RpcId, params: JsonObject, memory: Memory): DriverEventBody[] {
  const key = String(id);
  memory.open.set(key, { method, sessionId: string(params['sessionId']) });
  if (method === 'session/load') memory.loading = true;
  if (method !== 'session/prompt') return [];
  // The protocol prompts only when the history was played back to its end.
  memory.loading = false;
  const content = list(params['prompt'])
    .map((block) => string(object(block)['text']))
    .filter((text) => text !== null)
    .join('\n');
  // Text that came after the last turn's end belongs to nothing that follows.
  const started = [...(memory.turn === null ? memory.flush('thinking') : []), ...memory.startTurn()];
  memory.turn?.prompts.add(key);
  if (memory.turn !== null) memory.turn.charactersIn += content.length;
  return [
    ...started,
    { type: 'message', role: 'user', content: unprotected(content), from: null, messageId: messageIdOf(id) },
  ];
}

/** Agents take a text that begins with `/` as a command of theirs and drop it when they know none: a zero-width space stops that. */
const GUARD = '\u200b';
export const protectedText = (text: string): string => (text.trimStart().startsWith('/') ? GUARD + text : text);
export const unprotected = (text: string): string => (text.startsWith(GUARD) ? text.slice(GUARD.length) : text);

export interface Answered {
  kind: string;
  events: DriverEventBody[];
}

/** A result; by its shape where the request was not seen (a recording of stdout alone). */
export function result(id: RpcId, value: Json, memory: Memory): Answered {
  const body = object(value);
  const request = memory.open.get(String(id));
  memory.open.delete(String(id));
  const method = request?.method ?? methodByShape(body);
  switch (method) {
    case 'initialize':
      memory.cliVersion = string(at(body, 'agentInfo', 'version'));
      return { kind: 'result:initialize', events: [] };
    case 'session/new':
      return { kind: 'result:session/new', events: [session(body, string(body['sessionId']), false, memory)] };
    case 'session/load':
      memory.loaded = true;
      return { kind: 'result:session/load', events: [session(body, request?.sessionId ?? null, true, memory)] };
    case 'session/prompt':
      return { kind: 'result:session/prompt', events: promptDone(id, body, memory) };
    default:
      // Authentication, choice of model and mode: they worked, and the session says the rest.
      return { kind: 'result:other', events: [] };
  }
}

function methodByShape(body: JsonObject): string | null {
  if (body['protocolVersion'] !== undefined) return 'initialize';
  if (body['stopReason'] !== undefined) return 'session/prompt';
  return body['sessionId'] === undefined ? null : 'session/new';
}

function session(body: JsonObject, conversationId: string | null, resumed: boolean, memory: Memory): DriverEventBody {
  const options = list(body['configOptions']).map(object);
  const chosen = (id: string): string | null => string(options.find((option) => option['id'] === id)?.['currentValue']);
  return {
    type: 'session',
    conversationId,
    model: string(at(body, 'models', 'currentModelId')) ?? chosen('model'),
    cliVersion: memory.cliVersion,
    permissionMode: string(at(body, 'modes', 'currentModeId')) ?? chosen('mode'),
    tools: null,
    resumed,
  };
}

const STOP: Readonly<Record<string, TurnOutcome>> = {
  end_turn: 'ok',
  cancelled: 'interrupted',
  max_turn_requests: 'max_turns',
  max_tokens: 'error',
  refusal: 'error',
};

const STOP_ERRORS: Readonly<Record<string, string>> = {
  max_tokens: 'The answer was cut at the largest number of tokens',
  refusal: 'The model refused to answer',
};

function promptDone(id: RpcId, body: JsonObject, memory: Memory): DriverEventBody[] {
  const started = memory.implyTurn();
  const usage = usageOf(body, memory);
  if (memory.turn === null) return [];
  // A steered turn answers all its prompts at its end, each with the same figures: the last one counts.
  if (!lastPrompt(id, memory)) return started;
  memory.turn.usageReported = usage !== null;
  const stop = string(body['stopReason']) ?? '';
  const error = STOP_ERRORS[stop];
  const before: DriverEventBody[] = usage === null ? [] : [usage];
  if (error !== undefined) before.push({ type: 'error', code: 'model', message: error, retryable: false });
  return [...started, ...memory.endTurn(STOP[stop] ?? 'ok', before)];
}

function lastPrompt(id: RpcId, memory: Memory): boolean {
  memory.turn?.prompts.delete(String(id));
  return memory.turn === null || memory.turn.prompts.size === 0;
}

/**
 * Gemini: the sum over the prompt's requests, in `_meta.quota`. OpenCode: `usage` of the last request alone, so that a turn
 * with tool calls is reported in part only: then it is marked as estimated.
 */
function usageOf(body: JsonObject, memory: Memory): DriverEventBody | null {
  const quota = at(body, '_meta', 'quota', 'token_count');
  if (isObject(quota)) {
    const model = string(object(list(at(body, '_meta', 'quota', 'model_usage'))[0])['model']);
    return usageEvent({
      input: number(quota['input_tokens']) ?? 0,
      output: number(quota['output_tokens']) ?? 0,
      model,
    });
  }
  const usage = body['usage'];
  if (!isObject(usage) || number(usage['totalTokens']) === 0) return null;
  return usageEvent({
    input: number(usage['inputTokens']) ?? 0,
    output: (number(usage['outputTokens']) ?? 0) + (number(usage['thoughtTokens']) ?? 0),
    cacheRead: number(usage['cachedReadTokens']) ?? 0,
    cacheWrite: number(usage['cachedWriteTokens']) ?? 0,
    estimated: memory.turn?.severalRequests ?? false,
  });
}

/** An error response. To a prompt it ends the turn. */
export function failed(id: RpcId, error: RpcError, memory: Memory): Answered {
  const method = memory.open.get(String(id))?.method ?? (memory.turn === null ? 'unknown' : 'session/prompt');
  memory.open.delete(String(id));
  memory.loading = method === 'session/load' ? false : memory.loading;
  if (method === FENCE) return { kind: 'fence', events: [] };
  const failure = failureOfRpc(error);
  const event: DriverEventBody = { type: 'error', ...failure };
  const kind = `error:${method}`;
  if (method !== 'session/prompt') return { kind, events: [event] };
  if (memory.turn === null || !lastPrompt(id, memory)) return { kind, events: [event] };
  return { kind, events: [...memory.endTurn(outcomeOf(failure.code), [event])] };
}
