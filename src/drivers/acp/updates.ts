/** `session/update`, kind by kind. A kind that gives no event stands here with the reason. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { list, number, object, string } from './fields.ts';
import { type Memory, usageEvent } from './memory.ts';
import { mergeCall } from './tools.ts';

/** Returns the events; none = the update is named as empty. */
type Handler = (update: JsonObject, memory: Memory) => DriverEventBody[];

export const UPDATES: Readonly<Record<string, Handler>> = {
  agent_message_chunk: (update, memory) => chunk('text', update, memory),
  agent_thought_chunk: (update, memory) => chunk('thought', update, memory),
  user_message_chunk: userChunk,
  tool_call: toolUpdate,
  tool_call_update: toolUpdate,
  plan,
  usage_update: usageUpdate,
  // What a person could type in the CLI's own interface: nobody does here.
  available_commands_update: () => [],
  // We set the mode ourselves and ask for every call by request_permission.
  current_mode_update: () => [],
  // The list of models and modes, again after each choice.
  config_option_update: () => [],
  // A title for the CLI's own session list.
  session_info_update: () => [],
};

export const isUpdate = (kind: string): boolean => Object.hasOwn(UPDATES, kind);

function chunk(kind: 'text' | 'thought', update: JsonObject, memory: Memory): DriverEventBody[] {
  const text = string(object(update['content'])['text']);
  // Pictures and the like cannot be shown; that there was one is said.
  const content = text ?? `[${string(object(update['content'])['type']) ?? 'unknown content'}]`;
  return [...memory.implyTurn(), ...memory.hold(kind, content)];
}

/** Our own prompts are told by the line that we wrote; another's (seen on stdout alone) are messages. */
function userChunk(update: JsonObject, memory: Memory): DriverEventBody[] {
  const content = string(object(update['content'])['text']);
  if (content === null || (memory.turn !== null && memory.turn.prompts.size > 0)) return [];
  return [{ type: 'message', role: 'user', content, from: null, messageId: null }];
}

/**
 * A pending call is held: OpenCode tells its arguments only with the next update or in the permission request.
 * Gemini never announces a call that it asks permission for; there the request or the final update does.
 */
function toolUpdate(update: JsonObject, memory: Memory): DriverEventBody[] {
  const callId = string(update['toolCallId']);
  if (callId === null || memory.settled.has(callId)) return [];
  const started = memory.calls.has(callId) ? [] : memory.implyTurn();
  const call = memory.call(callId);
  mergeCall(call, update);
  const status = string(update['status']) ?? 'in_progress';
  if (status === 'completed' || status === 'failed') return [...started, ...memory.settle(call, status, update)];
  return [...started, ...(status === 'pending' ? [] : memory.announce(call))];
}

function plan(update: JsonObject, _memory: Memory): DriverEventBody[] {
  const entries = list(update['entries']).map(object);
  const done = entries.filter((entry) => entry['status'] === 'completed').length;
  const current = entries.find((entry) => entry['status'] === 'in_progress');
  const detail = `${done}/${entries.length}${current === undefined ? '' : ` ${string(current['content']) ?? ''}`}`;
  return [{ type: 'activity', kind: 'notice', phase: 'plan', detail }];
}

/** `cost` is the sum over the whole session: only its growth counts, and after a load the first figure is only the base. */
function usageUpdate(update: JsonObject, memory: Memory): DriverEventBody[] {
  const cost = object(update['cost']);
  const total = cost['currency'] === 'USD' ? number(cost['amount']) : null;
  const base = memory.cost ?? (memory.loaded ? null : 0);
  const costUsd = total === null || base === null ? null : Math.max(0, total - base);
  memory.cost = total ?? memory.cost;
  // OpenCode says 0 after a turn that ended without an answer; the context is not empty then.
  const contextUsed = number(update['used']) || null;
  return [usageEvent({ costUsd, contextUsed, contextLimit: number(update['size']) })];
}
