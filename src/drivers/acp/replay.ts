/** The user's messages that `session/load` plays back: what a resumed conversation is known to hold. */
import type { OutgoingMessage } from '../driver.ts';
import { object, string } from './fields.ts';
import { unprotected } from './responses.ts';
import type { RpcMessage } from './wire.ts';

/** Gemini plays its own inserts back as the user's words. */
const NOT_A_MESSAGE = [/^<session_context>/, /^\[Function Response: /];

/** The other updates are about the session as it is now. */
const HISTORY = new Set([
  'user_message_chunk',
  'agent_message_chunk',
  'agent_thought_chunk',
  'tool_call',
  'tool_call_update',
]);

/** White space at the ends is not kept by every agent. */
const plain = (text: string): string => unprotected(text).trim();

export class Replay {
  readonly #texts: string[] = [];
  #lastId: string | null = null;
  /** Pieces of history so far. */
  pieces = 0;

  /** A line that came during the load. */
  take(message: RpcMessage): void {
    if (message.kind !== 'notification') return;
    const update = object(message.params['update']);
    if (!HISTORY.has(string(update['sessionUpdate']) ?? '')) return;
    this.pieces += 1;
    const text = string(object(update['content'])['text']);
    if (update['sessionUpdate'] !== 'user_message_chunk') {
      this.#lastId = null;
      return;
    }
    if (text === null || NOT_A_MESSAGE.some((pattern) => pattern.test(text))) return;
    const id = string(update['messageId']);
    const last = this.#texts.length - 1;
    // Only with a message id can it be told that two chunks are one message.
    if (id !== null && id === this.#lastId) this.#texts[last] = (this.#texts[last] ?? '') + text;
    else this.#texts.push(text);
    this.#lastId = id;
  }

  /** A message delivered since. */
  add(text: string): void {
    this.#texts.push(text);
  }

  /**
   * The first `ordinal` messages are confirmed ones; what is asked for can only stand behind them.
   * (An agent may have put in messages of its own, so it need not be exactly there.)
   */
  has(message: OutgoingMessage): boolean {
    const wanted = plain(message.text);
    return this.#texts.slice(message.ordinal).some((text) => plain(text) === wanted);
  }
}
