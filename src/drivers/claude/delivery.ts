/**
 * One message at a time into claude, and the proof that its conversation holds it.
 *
 * Facts (2.1.197, tried): a message that opens a turn is on disk before the turn's `init` when CLAUDE_CODE_EAGER_FLUSH is set; its
 * echo (`isReplay`, with a timestamp) is the proof. Sent again with the same uuid it is echoed without a timestamp and nothing follows.
 * A message taken into a running turn is echoed before it is on disk, and its uuid does NOT make it idempotent after a restart: it is
 * confirmed by the turn's result, which comes after the flush, and looked up in the transcript (`source_uuid`) when it is sent again.
 * Two messages that wait inside claude at the same time are merged into one, with one uuid: so at most one waits there.
 */
import type { JsonObject } from '../../core/event.ts';
import type { Action, OutgoingMessage } from '../driver.ts';
import { acceptPromptReply, refusePromptReply, userMessage } from './answers.ts';
import { resultText } from './failure.ts';
import { object, text } from './fields.ts';

interface Flight {
  id: string;
  /** It may be in already: ask the transcript before it is let in. */
  confirm: boolean;
  /** A turn began after it was written, as far as known its own. */
  opened: boolean;
}

export class Delivery {
  readonly #waiting: { message: OutgoingMessage; confirm: boolean }[] = [];
  #flight: Flight | null = null;
  /** Taken into the running turn, not yet known to be on disk. */
  #steered: string[] = [];
  /** Our own refusal of a prompt still has its empty turn to come. */
  #refusing = false;
  /** The model has worked since the turn's start: an echo now is of a message taken in on the way. */
  #worked = false;

  send(message: OutgoingMessage, confirm: boolean): Action[] {
    this.#waiting.push({ message, confirm });
    return this.#next();
  }

  #next(): Action[] {
    if (this.#flight !== null || this.#refusing) return [];
    const next = this.#waiting.shift();
    if (next === undefined) return [];
    this.#flight = { id: next.message.messageId, confirm: next.confirm, opened: false };
    return [{ do: 'write', line: userMessage(next.message.messageId, next.message.text) }];
  }

  /** UserPromptSubmit: claude did not know the uuid of what it is about to take in, and tells where its transcript is. */
  prompt(requestId: string, input: JsonObject): Action[] {
    const path = text(input.transcript_path);
    const background = text(input.prompt)?.startsWith('<task-notification') === true;
    if (this.#flight?.confirm === true && path !== null && !background)
      return [{ do: 'read-file', path, key: requestId }];
    return [{ do: 'write', line: acceptPromptReply(requestId) }];
  }

  /** The transcript's lines. In it as taken in on the way: refuse the repetition. */
  transcript(requestId: string, lines: Iterable<string> | null): Action[] {
    const id = this.#flight?.id ?? null;
    if (id === null || !holds(lines, id)) return [{ do: 'write', line: acceptPromptReply(requestId) }];
    this.#flight = null;
    this.#refusing = true;
    return [{ do: 'write', line: refusePromptReply(requestId) }, confirmed(id, false)];
  }

  /** `init`. Returns whether it is the start of a real turn. */
  turnStarted(): boolean {
    this.#worked = false;
    if (this.#flight !== null) this.#flight.opened = true;
    return !this.#refusing;
  }

  worked(): void {
    this.#worked = true;
  }

  echo(line: JsonObject): Action[] {
    const id = text(line.uuid);
    if (id === null || id !== this.#flight?.id) return [];
    this.#flight = null;
    if (text(line.timestamp) === null) return [confirmed(id, false), ...this.#next()];
    if (!this.#worked) return [confirmed(id, true), ...this.#next()];
    this.#steered.push(id);
    return this.#next();
  }

  result(line: JsonObject): Action[] {
    const actions = this.#steered.map((id) => confirmed(id, true));
    this.#steered = [];
    this.#refusing = false;
    this.#worked = false;
    actions.push(...this.#settleUnechoed(line));
    return [...actions, ...this.#next()];
  }

  /** Its own turn ended without an echo: a local command that claude carried out itself, or a prompt that a hook of the user's refused. */
  #settleUnechoed(line: JsonObject): Action[] {
    const flight = this.#flight;
    if (flight === null || !flight.opened) return [];
    if (text(object(line.origin)?.kind) === 'task-notification') {
      flight.opened = false;
      return [];
    }
    this.#flight = null;
    const said = resultText(line);
    if (!/blocked by hook|stopped by hook/.test(said)) return [confirmed(flight.id, true)];
    return [{ do: 'refused', messageId: flight.id, why: said, retryable: false }];
  }
}

const confirmed = (messageId: string, turnFollows: boolean): Action => ({ do: 'confirmed', messageId, turnFollows });

function holds(lines: Iterable<string> | null, id: string): boolean {
  const needle = `"source_uuid":${JSON.stringify(id)}`;
  for (const line of lines ?? []) {
    if (line.includes(needle)) return true;
  }
  return false;
}
