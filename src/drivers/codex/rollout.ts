/**
 * The file that codex keeps of a conversation (`thread.path`), read for one question that its protocol does not answer.
 *
 * A message is written for the model (`response_item`) some 3 ms before it is written for the list of items (`item_completed`).
 * A kill in between leaves it where only the model sees it. A turn that holds nothing else is cut off; a message that was steered
 * into a turn with work in it is looked for here.
 */
import { isObject, listOf, objectOf, parseObject, textOf } from './values.ts';

/** Does the last turn hold a message of this text that is in no list of items? */
export function onlyModelSees(lines: Iterable<string>, text: string): boolean {
  let orphan = false;
  for (const line of lines) {
    // Most lines are none of these: only those are parsed.
    if (!/"(?:task_started|UserMessage)"|"role":\s*"user"/.test(line)) continue;
    const { type, payload } = parseObject(line) ?? {};
    if (!isObject(payload)) continue;
    if (type === 'event_msg' && payload.type === 'task_started') orphan = false;
    if (type === 'response_item' && payload.role === 'user' && textIn(payload.content) === text) orphan = true;
    const item = objectOf(payload.item);
    if (type === 'event_msg' && item.type === 'UserMessage' && textIn(item.content) === text) orphan = false;
  }
  return orphan;
}

const textIn = (content: Parameters<typeof listOf>[0]): string =>
  listOf(content)
    .filter(isObject)
    .map((part) => textOf(part.text))
    .join('\n');
