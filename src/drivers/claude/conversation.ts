/** Lines that carry the conversation itself: what the model said and called, and what came back. */
import type { DriverEventBody, Json, JsonObject } from '../../core/event.ts';
import { errorEvent } from './failure.ts';
import { list, number, object, text } from './fields.ts';
import type { Memory } from './memory.ts';
import { commonArgs, toolOf } from './tools.ts';

/** null = the line has not the shape of its kind: it becomes `raw`. */
export type Handler = (line: JsonObject, memory: Memory) => DriverEventBody[] | null;

type Parent = { parentCallId?: string };
const parentOf = (line: JsonObject): Parent => {
  const parent = text(line.parent_tool_use_id);
  return parent === null ? {} : { parentCallId: parent };
};

/** `assistant`: one content block a line, as a rule; each block counts. */
export const assistant: Handler = (line, memory) => {
  const message = object(line.message);
  const blocks = list(message?.content);
  if (message === null || blocks === null) return null;
  const id = text(message.id) ?? '';
  const parent = parentOf(line);
  memory.usage.request(id, parent.parentCallId ?? null, message, lengthOf(blocks), false);
  const failure = text(line.error);
  if (failure !== null) return apiFailure(blocks, failure, memory);
  return blocks.flatMap((block) => assistantBlock(object(block), id, parent, memory));
};

/** The client's own message in the model's place: the API failed for good. */
function apiFailure(blocks: Json[], failure: string, memory: Memory): DriverEventBody[] {
  const said = blocks.map((block) => text(object(block)?.text) ?? '').join('\n');
  memory.error = errorEvent(said || failure, failure, null);
  return [...memory.flushAsThinking(), memory.error];
}

function assistantBlock(block: JsonObject | null, id: string, parent: Parent, memory: Memory): DriverEventBody[] {
  const type = text(block?.type);
  if (block === null || type === null) return [notice('a content block without a type', parent)];
  if (type === 'text') return textBlock(text(block.text) ?? '', id, parent, memory);
  if (type === 'thinking')
    return [
      ...settle(parent, memory),
      { type: 'thinking', content: text(block.thinking) ?? '', tokens: null, ...parent },
    ];
  if (type === 'redacted_thinking')
    return [...settle(parent, memory), { type: 'thinking', content: '', tokens: null, ...parent }];
  if (type === 'tool_use' || type === 'server_tool_use' || type === 'mcp_tool_use')
    return [...settle(parent, memory), toolCall(block, parent, memory)];
  // Blocks of server-side tools (search results and the like): kept as a note.
  return [...settle(parent, memory), notice(`content block ${type}`, parent)];
}

/** Work of a sub-agent says nothing about the agent's own held text. */
const settle = (parent: Parent, memory: Memory): DriverEventBody[] =>
  parent.parentCallId === undefined ? memory.flushAsThinking() : [];

function textBlock(content: string, id: string, parent: Parent, memory: Memory): DriverEventBody[] {
  // A sub-agent's words are never the end of the turn; its last ones come again as the result of its call.
  if (parent.parentCallId !== undefined) return [{ type: 'thinking', content, tokens: null, ...parent }];
  if (memory.held?.id === id) {
    memory.held.texts.push(content);
    return [];
  }
  const earlier = memory.flushAsThinking();
  memory.held = { id, texts: [content] };
  return earlier;
}

function toolCall(block: JsonObject, parent: Parent, memory: Memory): DriverEventBody {
  const nativeTool = text(block.name) ?? 'unknown';
  const callId = text(block.id) ?? '';
  const tool = toolOf(nativeTool);
  memory.tools.set(callId, tool);
  return {
    type: 'tool_call',
    callId,
    tool,
    args: commonArgs(nativeTool, object(block.input) ?? {}),
    nativeTool,
    ...parent,
  };
}

/** `user` with tool results. */
export const toolResults: Handler = (line, memory) => {
  const blocks = list(object(line.message)?.content);
  if (blocks === null) return null;
  const parent = parentOf(line);
  return [...settle(parent, memory), ...blocks.flatMap((block) => userBlock(object(block), parent, memory))];
};

function userBlock(block: JsonObject | null, parent: Parent, memory: Memory): DriverEventBody[] {
  if (block === null || text(block.type) !== 'tool_result')
    return [notice(plainText(block === null ? [] : [block]), parent)];
  const callId = text(block.tool_use_id) ?? '';
  const tool = memory.tools.get(callId) ?? 'other';
  memory.tools.delete(callId);
  const result = plainText(block.content ?? null);
  return [
    {
      type: 'tool_result',
      callId,
      tool,
      result,
      isError: block.is_error === true,
      tokens: null,
      durationMs: null,
      ...parent,
    },
  ];
}

/** `user` with `isReplay`: a message of ours that the conversation now has. Who wrote it is known by its id. */
export const replay: Handler = (line, memory) => {
  const content = object(line.message)?.content;
  if (content === undefined) return null;
  const said: DriverEventBody = {
    type: 'message',
    role: 'user',
    content: plainText(content),
    from: null,
    messageId: text(line.uuid),
  };
  return [...memory.flushAsThinking(), said];
};

/** `user` with `isSynthetic`, or plain text: the client speaks in the user's place (hook feedback, summary, interruption, a sub-agent's prompt). */
export const spokenByClient: Handler = (line, memory) => {
  const content = object(line.message)?.content;
  if (content === undefined) return null;
  const parent = parentOf(line);
  if (parent.parentCallId !== undefined) {
    return [{ type: 'activity', kind: 'subagent', phase: 'prompt', detail: plainText(content), ...parent }];
  }
  // Hook feedback makes the turn go on; the note of an interruption ends it.
  return [...(line.isSynthetic === true ? memory.flushAsThinking() : []), notice(plainText(content), parent)];
};

const notice = (detail: string, parent: Parent = {}): DriverEventBody => ({
  type: 'activity',
  kind: 'notice',
  phase: null,
  detail,
  ...parent,
});

/** Text of a content field: a string, or blocks of which the texts count and the others are named. */
export function plainText(content: Json): string {
  if (typeof content === 'string') return content;
  return (list(content) ?? [])
    .map((block) =>
      typeof block === 'string' ? block : (text(object(block)?.text) ?? `[${text(object(block)?.type) ?? 'unknown'}]`),
    )
    .join('\n');
}

function lengthOf(blocks: Json[]): number {
  return blocks.reduce<number>((sum, block) => {
    const fields = object(block);
    const said = text(fields?.text) ?? text(fields?.thinking);
    return sum + (said === null ? JSON.stringify(fields?.input ?? '').length : said.length);
  }, 0);
}

/** `stream_event/message_start` and `message_delta`: the tokens of one request. */
export const messageStart: Handler = (line, memory) => {
  const message = object(object(line.event)?.message);
  const id = text(message?.id);
  if (message === null || id === null) return null;
  memory.usage.request(id, text(line.parent_tool_use_id), message, 0, true);
  return [];
};

export const messageDelta: Handler = (line, memory) => {
  const usage = object(object(line.event)?.usage);
  const event = usage === null ? null : memory.usage.finished(text(line.parent_tool_use_id), usage);
  return event === null ? [] : [event];
};

/** A number rounded to whole units, or null. */
export const whole = (value: Json | undefined): number | null => {
  const known = number(value);
  return known === null ? null : Math.round(known);
};
