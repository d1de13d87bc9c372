/**
 * The table of the built-in agent's lines: every kind has a handler, or a reason why it gives no event. A kind that is not here, or
 * whose handler misses what it needs (null), is `raw`.
 */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { codeOf, count, flag, number, object, outcomeOf, text, texts, toolOf } from './fields.ts';
import type { AgentInput, AgentOutput } from './wire.ts';

/** What a handler may remember: ids for the calls of the first specification, which has none. */
export interface Memory {
  calls: number;
}

type Handler = (line: JsonObject, memory: Memory) => DriverEventBody[] | null;
type Row = Handler | { empty: string } | { delta: string };

type OutputKind = Exclude<AgentOutput['type'], 'turn'> | 'turn/start' | 'turn/end';
export type Kind = OutputKind | `in/${AgentInput['type']}`;

export const KINDS = {
  session: (line) => [
    {
      type: 'session',
      conversationId: text(line.conversationId),
      model: text(line.model),
      cliVersion: text(line.cliVersion),
      permissionMode: null,
      tools: texts(line.tools),
      resumed: typeof line.resumed === 'boolean' ? line.resumed : null,
    },
  ],
  'turn/start': () => [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }],
  'turn/end': (line) => {
    const outcome = outcomeOf(line.outcome);
    return outcome && [{ type: 'turn', number: null, phase: 'end', outcome, durationMs: number(line.durationMs) }];
  },
  thinking: (line) => {
    const content = text(line.content);
    return content === null ? null : [{ type: 'thinking', content, tokens: number(line.tokens) }];
  },
  message,
  tool_call: toolCall,
  tool_result: toolResult,
  usage,
  rate_limit: rateLimit,
  retry: (line) => [
    {
      type: 'retry',
      attempt: number(line.attempt),
      max: number(line.max),
      delayMs: number(line.delayMs),
      error: text(line.error) ?? '',
    },
  ],
  error: (line) => {
    const words = text(line.message);
    return words === null
      ? null
      : [{ type: 'error', code: codeOf(line.code), message: words, retryable: flag(line.retryable) }];
  },
  ready: { empty: 'the session line before it says the same' },
  accepted: { empty: 'the delivery is confirmed by it; the message has a line of its own' },
  refused: { empty: 'the delivery is refused by it; nothing is in the conversation' },
  ask: { empty: 'the tool call has a line of its own, and the verdict is on record with the host' },
  withdrawn: { empty: 'the question is closed by the host' },
  delta: { delta: 'streamed words; the whole follows' },
  'in/user': { empty: 'what we wrote: the agent says when it has it' },
  'in/interrupt': { empty: 'what we wrote: the end of the turn says what came of it' },
  'in/verdict': { empty: 'what we wrote: the verdict is on record with the host' },
} as const satisfies Record<Kind, Row>;

export const isKind = (kind: string): kind is Kind => Object.hasOwn(KINDS, kind);

/** The kind of a line of the agent's stdout. */
export function kindOf(line: JsonObject): string {
  const type = text(line.type);
  if (type === 'turn')
    return line.phase === undefined || line.phase === 'start' ? 'turn/start' : `turn/${text(line.phase) ?? '?'}`;
  return type ?? 'no type';
}

function message(line: JsonObject): DriverEventBody[] | null {
  const content = text(line.content);
  if (content === null) return null;
  if (line.role === 'assistant') return [{ type: 'message', role: 'assistant', content, from: null, messageId: null }];
  if (line.role !== 'user') return null;
  return [{ type: 'message', role: 'user', content, from: null, messageId: text(line.id) }];
}

function toolCall(line: JsonObject, memory: Memory): DriverEventBody[] | null {
  const nativeTool = text(line.tool);
  if (nativeTool === null) return null;
  let callId = text(line.id);
  if (callId === null) {
    memory.calls += 1;
    callId = `call-${memory.calls}`;
  }
  return [{ type: 'tool_call', callId, tool: toolOf(nativeTool), args: object(line.args) ?? {}, nativeTool }];
}

function toolResult(line: JsonObject): DriverEventBody[] | null {
  const callId = text(line.id);
  const result = text(line.result);
  if (callId === null || result === null) return null;
  const durationMs = number(line.durationMs);
  return [
    {
      type: 'tool_result',
      callId,
      tool: toolOf(line.tool),
      result,
      isError: flag(line.isError),
      tokens: null,
      durationMs,
    },
  ];
}

/** Tokens of one request: an increment. What the model saw and said is what its context holds now. */
function usage(line: JsonObject): DriverEventBody[] {
  const figures = {
    input: count(line.input),
    output: count(line.output),
    cacheRead: count(line.cacheRead),
    cacheWrite: count(line.cacheWrite),
  };
  const contextUsed = figures.input + figures.output + figures.cacheRead + figures.cacheWrite;
  return [
    {
      type: 'usage',
      ...figures,
      costUsd: null,
      contextUsed,
      contextLimit: null,
      model: text(line.model),
      estimated: false,
    },
  ];
}

function rateLimit(line: JsonObject): DriverEventBody[] | null {
  const limit = text(line.limit);
  if (limit !== 'allowed' && limit !== 'warning' && limit !== 'rejected') return null;
  return [
    {
      type: 'rate_limit',
      limit,
      scope: text(line.scope),
      resetsAt: text(line.resetsAt),
      retryAfterMs: number(line.retryAfterMs),
      utilization: number(line.utilization),
    },
  ];
}
