/** A conversation as the record's entries, and as the messages that the API wants. Pure. */
import type Anthropic from '@anthropic-ai/sdk';
import type { IsoTime, ToolName, TurnOutcome } from '../core/event.ts';

/** One line of the record. Nothing is ever changed in it; the newest line is the last. */
export type Entry =
  /** First line of each record. */
  | { v: 1; type: 'conversation'; at: IsoTime; id: string; agent: string }
  /** A message, by the id of whoever sent it: an id stands here once. */
  | { v: 1; type: 'user'; at: IsoTime; id: string; text: string }
  /** A complete answer; half ones are never written. */
  | { v: 1; type: 'assistant'; at: IsoTime; content: Anthropic.ContentBlockParam[] }
  | { v: 1; type: 'result'; at: IsoTime; callId: string; tool: ToolName | null; text: string; isError: boolean }
  | { v: 1; type: 'end'; at: IsoTime; outcome: TurnOutcome };

/** The result of a call that a kill or an interrupt left without one: the API takes no call without a result. */
export const INTERRUPTED = 'Interrupted: this call was not finished, and whatever it did is unknown.';

export interface Call {
  id: string;
  name: string;
}

const callsOf = (content: Anthropic.ContentBlockParam[]): Call[] =>
  content.filter((block) => block.type === 'tool_use').map(({ id, name }) => ({ id, name }));

/** Calls of the last answer that have no result yet. */
export function openCalls(entries: readonly Entry[]): Call[] {
  const last = entries.findLastIndex((entry) => entry.type === 'assistant');
  const answer = entries[last];
  if (answer?.type !== 'assistant') return [];
  const done = new Set(entries.slice(last).flatMap((entry) => (entry.type === 'result' ? [entry.callId] : [])));
  return callsOf(answer.content).filter((call) => !done.has(call.id));
}

/** Does anything wait for an answer of the model: a message, or results? */
export function unanswered(entries: readonly Entry[]): boolean {
  const last = entries.findLastIndex((entry) => entry.type === 'assistant');
  return entries.slice(last + 1).some((entry) => entry.type === 'user' || entry.type === 'result');
}

/**
 * The messages of the API: user and assistant in turn, the results of an answer's calls right behind it, in the order of the calls,
 * before what a person said meanwhile. An empty answer is left out.
 */
export function messagesOf(entries: readonly Entry[]): Anthropic.MessageParam[] {
  const messages: Anthropic.MessageParam[] = [];
  let calls: Call[] = [];
  let results = new Map<string, Anthropic.ToolResultBlockParam>();
  let words: Anthropic.TextBlockParam[] = [];
  const flush = (): void => {
    const inOrder = calls.map(
      ({ id }) =>
        results.get(id) ?? { type: 'tool_result' as const, tool_use_id: id, content: INTERRUPTED, is_error: true },
    );
    if (inOrder.length + words.length > 0) messages.push({ role: 'user', content: [...inOrder, ...words] });
    calls = [];
    results = new Map();
    words = [];
  };
  for (const entry of entries) {
    if (entry.type === 'user') words.push({ type: 'text', text: entry.text });
    else if (entry.type === 'result') results.set(entry.callId, resultBlock(entry));
    else if (entry.type === 'assistant' && entry.content.length > 0) {
      flush();
      messages.push({ role: 'assistant', content: entry.content });
      calls = callsOf(entry.content);
    }
  }
  flush();
  return messages;
}

function resultBlock(entry: Extract<Entry, { type: 'result' }>): Anthropic.ToolResultBlockParam {
  return { type: 'tool_result', tool_use_id: entry.callId, content: entry.text, is_error: entry.isError };
}
