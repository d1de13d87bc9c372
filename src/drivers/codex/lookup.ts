/**
 * Is a message in the conversation? Asked page by page, newest first: a whole history would be one line of any size
 * (and codex calls reading it deprecated). First the summaries of the latest turns, which have the message that began each,
 * then their items, where a message stands that was taken in by a running turn.
 *
 * codex writes a message for the model first and for the list of items some 3 ms later. A kill in between leaves a turn without
 * any item whose message the model sees all the same: such a turn is named, so that it is cut off before the message is sent again.
 */
import type { JsonObject } from '../../core/event.ts';
import type { Action, OutgoingMessage } from '../driver.ts';
import { isObject, listOf, textOf, textOrNull } from './values.ts';

/**
 * Turns looked at, newest first. A message of unknown fate was the last thing sent before a kill, with at most a few steered
 * ones beside it: it cannot lie deeper than the messages sent after it.
 */
export const LOOK_TURNS = 16;
/** Items on a page; the output of successful commands is left out of them. */
const PAGE_ITEMS = 100;

/** A conversation that has no message yet has no turns to list. */
const NOTHING_YET = /not materialized|before first user message/i;

export interface Found {
  /** More to ask; null when the answer is known. */
  next: Action[] | null;
  there: boolean;
  failed: string | null;
  /** The oldest of the interrupted turns at the end that have no item at all. */
  emptyTurn: string | null;
}

export class Lookup {
  readonly message: OutgoingMessage;
  readonly #threadId: string;
  /** Turns whose items are still to be read, newest first; null before the first page. */
  #turns: { id: string; interrupted: boolean }[] | null = null;
  #emptyTurn: string | null = null;
  /** Only turns without items were met so far. */
  #onlyEmpty = true;

  constructor(threadId: string, message: OutgoingMessage) {
    this.#threadId = threadId;
    this.message = message;
  }

  begin(): Action[] {
    return this.#ask('thread/turns/list', { limit: LOOK_TURNS, sortDirection: 'desc', itemsView: 'summary' });
  }

  /** Takes the answer to the last question. `error` is its text where it was refused. */
  page(result: JsonObject, error: string | null): Found {
    if (error !== null) return NOTHING_YET.test(error) ? this.#absent() : { ...UNKNOWN, failed: error };
    const data = listOf(result.data).filter(isObject);
    const items =
      this.#turns === null ? data.flatMap((turn) => listOf(turn.items)) : data.map((entry) => entry.item ?? null);
    if (items.some((item) => isObject(item) && item.clientId === this.message.messageId))
      return { ...UNKNOWN, there: true };
    if (this.#turns === null) {
      this.#turns = data.map((turn) => ({ id: textOf(turn.id), interrupted: turn.status === 'interrupted' }));
      return this.#goOn(this.#turns, null);
    }
    return this.#goOn(this.#turns, this.#readItems(this.#turns, items.length, textOrNull(result.nextCursor)));
  }

  /** A page of the first turn's items was read; returns the cursor where the turn goes on. */
  #readItems(turns: { id: string; interrupted: boolean }[], count: number, cursor: string | null): string | null {
    const [turn] = turns;
    if (count > 0 || turn?.interrupted !== true) this.#onlyEmpty = false;
    if (this.#onlyEmpty && turn !== undefined) this.#emptyTurn = turn.id;
    if (count > 0 && cursor !== null) return cursor;
    turns.shift();
    return null;
  }

  #goOn(turns: { id: string }[], cursor: string | null): Found {
    const [turn] = turns;
    return turn === undefined ? this.#absent() : { ...UNKNOWN, next: this.#items(turn.id, cursor) };
  }

  #absent(): Found {
    return { ...UNKNOWN, emptyTurn: this.#emptyTurn };
  }

  #items(turnId: string, cursor: string | null): Action[] {
    return this.#ask('thread/items/list', {
      turnId,
      limit: PAGE_ITEMS,
      sortDirection: 'desc',
      deferOutput: { commandExecution: true, mcpToolCall: true },
      ...(cursor === null ? {} : { cursor }),
    });
  }

  #ask(method: string, params: JsonObject): Action[] {
    const id = `look:${this.message.messageId}`;
    return [{ do: 'write', line: JSON.stringify({ id, method, params: { threadId: this.#threadId, ...params } }) }];
  }
}

const UNKNOWN: Found = { next: null, there: false, failed: null, emptyTurn: null };
