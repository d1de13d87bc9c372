/** `item/started` and `item/completed` of the app-server: one table of item types. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { parentOf } from './call-book.ts';
import type { EmptyKind } from './empty.ts';
import { TOOL_ITEMS } from './items.ts';
import type { Memory } from './memory.ts';
import { isObject, listOf, textOf, textOrNull } from './values.ts';

type Told = DriverEventBody[] | EmptyKind;

interface ItemKind {
  started(memory: Memory, item: JsonObject, parent: string | null): Told;
  completed(memory: Memory, item: JsonObject, parent: string | null): Told;
}

const text: ItemKind = {
  started: (_memory, item) => (item.type === 'plan' ? 'item/started:plan' : 'item/started:agentMessage'),
  completed(memory, item, parent) {
    const content = textOf(item.text);
    if (content === '') return 'item/completed:agentMessage:blank';
    // A sub-agent answers to the agent, not to the user; a commentary says itself that it is not the answer.
    if (parent !== null) return [{ type: 'thinking', content, tokens: null, ...parentOf(parent) }];
    if (item.phase === 'commentary') return [...memory.moreWork(), { type: 'thinking', content, tokens: null }];
    return memory.hold(content);
  },
};

const userMessage: ItemKind = {
  started: () => 'item/started:userMessage',
  completed: (_memory, item, parent) => [
    {
      type: 'message',
      role: 'user',
      content: inputText(item),
      from: null,
      messageId: textOrNull(item.clientId),
      ...parentOf(parent),
    },
  ],
};

/** The text of a user message; pictures and the like by their type. */
function inputText(item: JsonObject): string {
  return listOf(item.content)
    .filter(isObject)
    .map((part) => (part.type === 'text' ? textOf(part.text) : `[${textOf(part.type)}]`))
    .join('\n');
}

const reasoning: ItemKind = {
  started: () => 'item/started:reasoning',
  completed(_memory, item, parent) {
    const content = [...listOf(item.summary), ...listOf(item.content)].map(textOf).filter(Boolean).join('\n\n');
    if (content === '') return 'item/completed:reasoning:blank';
    return [{ type: 'thinking', content, tokens: null, ...parentOf(parent) }];
  },
};

const hookPrompt: ItemKind = {
  started: () => 'item/started:hookPrompt',
  completed(_memory, item) {
    const detail = listOf(item.fragments)
      .filter(isObject)
      .map((fragment) => textOf(fragment.text))
      .join('\n');
    return detail === ''
      ? 'item/completed:hookPrompt:blank'
      : [{ type: 'activity', kind: 'hook', phase: 'prompt', detail }];
  },
};

const subAgentActivity: ItemKind = {
  started(memory, item) {
    memory.knowSubAgent(textOf(item.agentThreadId), null);
    return 'item/started:subAgentActivity';
  },
  completed(memory, item) {
    memory.knowSubAgent(textOf(item.agentThreadId), null);
    const parentCallId = memory.parent(textOf(item.agentThreadId));
    return [
      {
        type: 'activity',
        kind: 'subagent',
        phase: textOf(item.kind),
        detail: textOf(item.agentPath),
        ...parentOf(parentCallId),
      },
    ];
  },
};

const contextCompaction: ItemKind = {
  started: () => [{ type: 'activity', kind: 'compacting', phase: 'start', detail: null }],
  completed: () => [{ type: 'compaction', trigger: null, before: null, after: null }],
};

const reviewMode: ItemKind = {
  started: (_memory, item) =>
    item.type === 'enteredReviewMode'
      ? [{ type: 'activity', kind: 'notice', phase: 'start', detail: `review: ${textOf(item.review)}` }]
      : 'item/started:exitedReviewMode',
  completed: (_memory, item) =>
    item.type === 'enteredReviewMode'
      ? 'item/completed:enteredReviewMode'
      : [{ type: 'activity', kind: 'notice', phase: 'end', detail: `review: ${textOf(item.review)}` }],
};

const OTHER_ITEMS: Record<string, ItemKind> = {
  userMessage,
  agentMessage: text,
  plan: text,
  reasoning,
  hookPrompt,
  subAgentActivity,
  contextCompaction,
  enteredReviewMode: reviewMode,
  exitedReviewMode: reviewMode,
};

/** Every item type of the schema that we understand. */
export const ITEM_TYPES: readonly string[] = [...Object.keys(TOOL_ITEMS), ...Object.keys(OTHER_ITEMS)];

const itemOf = (params: JsonObject): JsonObject | null =>
  isObject(params.item) && typeof params.item.id === 'string' ? params.item : null;

/** `item/started`: the model goes on, so what was held was not the answer. null = no such type of item. */
export function startedItem(memory: Memory, params: JsonObject): Told | null {
  const item = itemOf(params);
  if (item === null) return null;
  const parent = memory.parent(textOf(params.threadId));
  const told = startedTold(memory, item, parent);
  if (told === null || parent !== null) return told;
  const before = memory.moreWork();
  return before.length === 0 ? told : [...before, ...(typeof told === 'string' ? [] : told)];
}

function startedTold(memory: Memory, item: JsonObject, parent: string | null): Told | null {
  const type = textOf(item.type);
  const tool = Object.hasOwn(TOOL_ITEMS, type) ? TOOL_ITEMS[type] : undefined;
  if (tool !== undefined) {
    if (type === 'collabAgentToolCall') memory.knowReceivers(item);
    return memory.calls.started(tool, item, parent);
  }
  return (Object.hasOwn(OTHER_ITEMS, type) ? OTHER_ITEMS[type]?.started(memory, item, parent) : null) ?? null;
}

/** `item/completed`. */
export function completedItem(memory: Memory, params: JsonObject): Told | null {
  const item = itemOf(params);
  if (item === null) return null;
  const type = textOf(item.type);
  const parent = memory.parent(textOf(params.threadId));
  const tool = Object.hasOwn(TOOL_ITEMS, type) ? TOOL_ITEMS[type] : undefined;
  if (tool !== undefined) {
    if (type === 'collabAgentToolCall') memory.knowReceivers(item);
    // The end of a command says nothing about the text after its start; one that never started is more work.
    const before = parent === null && !memory.calls.isOpen(item) ? memory.moreWork() : [];
    return [...before, ...memory.calls.completed(tool, item, parent)];
  }
  return (Object.hasOwn(OTHER_ITEMS, type) ? OTHER_ITEMS[type]?.completed(memory, item, parent) : null) ?? null;
}
