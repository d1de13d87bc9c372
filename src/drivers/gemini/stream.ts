/** `gemini -p … --output-format stream-json`: one prompt, one turn, one process. Decoded only. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { failureOf, outcomeOf } from '../acp/failure.ts';
import { number, object, parseObject, string } from '../acp/fields.ts';
import { usageEvent } from '../acp/memory.ts';
import { OneShot } from '../acp/one-shot.ts';
import { decodeStderr } from '../acp/stderr.ts';
import { argsOf, toolOf } from '../acp/tools.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';

/** null: the line has not the shape of its kind. */
type Handler = (line: JsonObject, turn: OneShot) => DriverEventBody[] | null;

const KINDS: Readonly<Record<string, Handler>> = {
  init,
  message,
  tool_use: toolUse,
  tool_result: toolResult,
  error,
  result,
};

export function streamDecoder(): Decoder {
  const turn = new OneShot();
  return {
    get atRest() {
      return turn.atRest;
    },
    push: (line) => decode(line, turn),
    end: () => turn.flush(),
  };
}

function decode({ dir, text }: Line, turn: OneShot): Decoded {
  if (text.trim() === '') return { events: [], fate: 'empty', kind: 'blank' };
  if (dir === 'err') return decodeStderr(text);
  if (dir === 'in') return { events: [], fate: 'empty', kind: 'in' };
  const line = parseObject(text);
  const kind = string(line?.['type']);
  const handler = kind !== null && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  const events = line === null || handler === undefined ? null : handler(line, turn);
  if (events === null) return { events: [{ type: 'raw', line: text }], fate: 'raw', kind: kind ?? 'not JSON' };
  return { events, fate: 'decoded', kind: kind ?? '' };
}

/** Milliseconds since the epoch of a line's own time. */
function timeOf(line: JsonObject): number | null {
  const time = Date.parse(string(line['timestamp']) ?? '');
  return Number.isNaN(time) ? null : time;
}

function init(line: JsonObject): DriverEventBody[] | null {
  const conversationId = string(line['session_id']);
  if (conversationId === null) return null;
  const model = string(line['model']);
  return [
    { type: 'session', conversationId, model, cliVersion: null, permissionMode: null, tools: null, resumed: null },
  ];
}

function message(line: JsonObject, turn: OneShot): DriverEventBody[] | null {
  const content = string(line['content']);
  if (content === null) return null;
  switch (line['role']) {
    case 'user':
      return [...turn.start(), { type: 'message', role: 'user', content, from: null, messageId: null }];
    case 'assistant':
      return [...turn.start(), ...turn.hold(content, line['delta'] === true)];
    default:
      return null;
  }
}

function toolUse(line: JsonObject, turn: OneShot): DriverEventBody[] | null {
  const callId = string(line['tool_id']);
  const nativeTool = string(line['tool_name']);
  if (callId === null || nativeTool === null) return null;
  const tool = toolOf(nativeTool, null);
  turn.calls.set(callId, { tool, at: timeOf(line) });
  const args = argsOf(tool, object(line['parameters']));
  return [...turn.start(), ...turn.flush(), { type: 'tool_call', callId, tool, args, nativeTool }];
}

/** A command that failed is a `success` without its exit status here: nothing tells it apart. */
function toolResult(line: JsonObject, turn: OneShot): DriverEventBody[] | null {
  const callId = string(line['tool_id']);
  if (callId === null) return null;
  const call = turn.calls.get(callId);
  turn.calls.delete(callId);
  const end = timeOf(line);
  const result = string(line['output']) ?? string(object(line['error'])['message']) ?? '';
  return [
    {
      type: 'tool_result',
      callId,
      tool: call?.tool ?? 'other',
      result,
      isError: line['status'] === 'error',
      tokens: null,
      durationMs: call?.at == null || end === null ? null : end - call.at,
    },
  ];
}

/** A warning such as its own loop detection ends the turn as well, though the result then says success. */
function error(line: JsonObject, turn: OneShot): DriverEventBody[] | null {
  const text = string(line['message']);
  if (text === null) return null;
  const failure = failureOf(text);
  turn.outcome = outcomeOf(failure.code);
  return [{ type: 'error', ...failure }];
}

function result(line: JsonObject, turn: OneShot): DriverEventBody[] | null {
  const status = string(line['status']);
  if (status === null) return null;
  const stats = object(line['stats']);
  const before: DriverEventBody[] = [];
  const total = number(stats['total_tokens']);
  if (total !== null) before.push(usageOf(stats));
  const failed = string(object(line['error'])['message']);
  if (failed !== null) {
    const failure = failureOf(failed);
    before.push({ type: 'error', ...failure });
    turn.outcome = outcomeOf(failure.code);
  } else if (status === 'error' && turn.outcome === 'ok') turn.outcome = 'error';
  return turn.end(turn.outcome, number(stats['duration_ms']), before);
}

/** `input_tokens` holds the cached ones as well, `input` does not. */
function usageOf(stats: JsonObject): DriverEventBody {
  const cacheRead = number(stats['cached']) ?? 0;
  const input = number(stats['input']) ?? (number(stats['input_tokens']) ?? 0) - cacheRead;
  return usageEvent({ input, cacheRead, output: number(stats['output_tokens']) ?? 0 });
}
