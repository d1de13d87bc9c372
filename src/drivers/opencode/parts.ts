/** The parts of OpenCode's messages, which `run --format json` and the event stream of `serve` have in common. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { type Failure, failureOf } from '../acp/failure.ts';
import { number, object, string } from '../acp/fields.ts';
import { usageEvent } from '../acp/memory.ts';
import type { OneShot } from '../acp/one-shot.ts';
import { argsOf, toolOf } from '../acp/tools.ts';

/** The call, announced once; then with its result when it is over. null: not the shape of a tool part. */
export function toolPart(part: JsonObject, turn: OneShot): DriverEventBody[] | null {
  const callId = string(part['callID']);
  const nativeTool = string(part['tool']);
  const state = object(part['state']);
  const status = string(state['status']);
  if (callId === null || nativeTool === null || status === null) return null;
  // Arguments are still coming in.
  if (status === 'pending') return [];
  const tool = toolOf(nativeTool, null);
  const known = turn.calls.has(callId);
  turn.calls.set(callId, { tool, at: null });
  const args = argsOf(tool, object(state['input']));
  const call: DriverEventBody[] = known ? [] : [...turn.flush(), { type: 'tool_call', callId, tool, args, nativeTool }];
  if (status !== 'completed' && status !== 'error') return call;
  turn.calls.delete(callId);
  return [
    ...call,
    {
      type: 'tool_result',
      callId,
      tool,
      result: string(state['output']) ?? string(state['error']) ?? '',
      isError: status === 'error' || failedCommand(state),
      tokens: null,
      durationMs: duration(object(state['time'])),
    },
  ];
}

/** A command that failed is `completed`, with its exit status beside it. */
function failedCommand(state: JsonObject): boolean {
  const exit = number(object(state['metadata'])['exit']);
  return exit !== null && exit !== 0;
}

function duration(time: JsonObject): number | null {
  const start = number(time['start']);
  const end = number(time['end']);
  return start === null || end === null ? null : end - start;
}

/** Tokens and cost of one request. */
export function stepUsage(part: JsonObject): DriverEventBody {
  const tokens = object(part['tokens']);
  const cache = object(tokens['cache']);
  const count = (value: number | null): number => value ?? 0;
  return usageEvent({
    input: count(number(tokens['input'])),
    output: count(number(tokens['output'])) + count(number(tokens['reasoning'])),
    cacheRead: count(number(cache['read'])),
    cacheWrite: count(number(cache['write'])),
    costUsd: number(part['cost']),
  });
}

/** `{name, data{message, statusCode, isRetryable}}`. */
export function failureOfNamed(error: JsonObject): Failure {
  const data = object(error['data']);
  const name = string(error['name']) ?? 'UnknownError';
  const message = string(data['message']) ?? name;
  if (name === 'ContextOverflowError') return { code: 'context_overflow', message, retryable: false };
  if (name === 'ProviderAuthError') return { code: 'auth', message, retryable: false };
  if (name === 'ContentFilterError') return { code: 'model', message, retryable: false };
  const failure = failureOf(message, number(data['statusCode']));
  const retryable = data['isRetryable'];
  return typeof retryable === 'boolean' ? { ...failure, retryable } : failure;
}
