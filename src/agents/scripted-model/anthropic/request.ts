/** Requests of the Messages API as items. Pure. */
import type { Json, JsonObject } from '../../../core/event.ts';
import { listOf, objectOf, textOf } from '../fields.ts';
import type { Item, ModelRequest } from '../script.ts';

/** @throws TypeError when there are no messages */
export function messagesRequest(body: JsonObject): Omit<ModelRequest, 'conversation'> {
  if (!Array.isArray(body['messages'])) throw new TypeError('messages: Field required');
  return {
    model: textOf(body['model']),
    items: body['messages'].flatMap((message) => itemsOf(objectOf(message))),
    tools: listOf(body['tools']).map((tool) => textOf(objectOf(tool)['name'])),
    stream: body['stream'] === true,
  };
}

type Role = 'user' | 'assistant' | 'system';

const roleOf = (value: Json | undefined): Role => (value === 'assistant' || value === 'system' ? value : 'user');

function itemsOf(message: JsonObject): Item[] {
  const role = roleOf(message['role']);
  const content = message['content'];
  if (typeof content === 'string') return [{ role, text: content }];
  return listOf(content).flatMap((block) => blockItem(role, objectOf(block)));
}

function blockItem(role: Role, block: JsonObject): Item[] {
  switch (block['type']) {
    case 'text':
      return [{ role, text: textOf(block['text']) }];
    case 'tool_use':
      return [{ role: 'call', id: textOf(block['id']), name: textOf(block['name']), args: objectOf(block['input']) }];
    case 'tool_result':
      return [
        {
          role: 'result',
          callId: textOf(block['tool_use_id']),
          text: resultText(block['content']),
          isError: block['is_error'] === true,
        },
      ];
    default:
      return [];
  }
}

function resultText(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((part) => textOf(objectOf(part)['text']))
    .join('\n');
}
