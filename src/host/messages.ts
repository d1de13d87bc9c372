/** Messages into the CLI, whether commanded or typed: handed over when they may go in, and done when the conversation has them. */
import { clock } from '../system/clock.ts';
import type { Asks } from './asks.ts';
import type { CommandBook } from './command-book.ts';
import type { Commands } from './commands.ts';
import type { Incarnation } from './incarnation.ts';
import type { Ledger } from './ledger.ts';
import { problem } from './lifecycle.ts';
import { type Outgoing, Outbox } from './outbox.ts';
import type { Requests } from './requests.ts';
import type { TypedInput } from './socket.ts';

export interface MessagesOptions {
  ledger: Ledger;
  book: CommandBook;
  commands: Commands;
  requests: Requests;
  asks: Asks;
  /** The CLI that takes messages; null while there is none, or while it is being stopped. */
  run(): Incarnation | null;
  /** Nothing may go in: a budget is used up. */
  held(): boolean;
  /** The state that the pane shows may have changed. */
  changed(): void;
}

export class Messages {
  readonly #options: MessagesOptions;
  readonly #outbox = new Outbox();
  /** How many messages the conversation holds, as far as known. */
  #ordinal = 0;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  get queued(): number {
    return this.#outbox.held.length;
  }

  get full(): boolean {
    return this.#outbox.full;
  }

  send(message: Outgoing): void {
    this.#ordinal = Math.max(this.#ordinal, message.ordinal);
    this.#outbox.add(message);
    this.pump();
  }

  /** Hands over what may go in now. */
  pump(): void {
    const run = this.#options.run();
    if (run && !this.#options.held()) {
      const steer = run.driver.capabilities.steer;
      for (const message of this.#outbox.next({ ready: run.ready, turn: run.turn, steer })) {
        const { messageId, text, now, ordinal } = message;
        run.deliver({ messageId, text, now: now && run.turn, ordinal }, message.confirm);
      }
    }
    this.#options.changed();
  }

  confirmed(messageId: string, turnFollows: boolean | null): void {
    const { ledger, commands } = this.#options;
    const message = this.#outbox.confirmed(messageId, turnFollows);
    if (!message) return;
    this.#ordinal = Math.max(this.#ordinal, message.ordinal + 1);
    // On the disk before anybody is told: a lost `done` costs a question, a lost message would be a lost word.
    ledger.durable().then(
      () => commands.done(message.id, true, { turnFollows }),
      (error: unknown) => ledger.record({ kind: 'note', level: 'error', text: `no sync: ${String(error)}` }),
    );
    this.pump();
  }

  refused(messageId: string, why: string, retryable: boolean): void {
    // In mid-turn it only came too early: it is kept for the end of the turn.
    const again = retryable && (this.#options.run()?.turn ?? false);
    const message = this.#outbox.refused(messageId, again);
    if (message && !again) this.#options.commands.done(message.id, false, { ...problem('refused', why), retryable });
    this.#options.ledger.act(() => this.pump());
  }

  turnStarted(): void {
    this.#outbox.turnStarted();
  }

  turnEnded(): void {
    this.#outbox.turnEnded();
  }

  /** What was handed over and not confirmed is of unknown fate now; returns the ids of other commands that lapsed. */
  cliEnded(): string[] {
    const lapsed = this.#options.book.cliEnded(this.#outbox.given);
    this.#outbox.cliEnded();
    return lapsed;
  }

  /** A command to end the running turn. */
  interrupt(id: string, incarnation: number | null): void {
    const run = this.#options.run();
    if (!run?.turn || (incarnation !== null && incarnation !== run.number)) {
      return this.#options.commands.done(id, false, problem('lapsed', 'that turn is over'));
    }
    run.interrupt();
  }

  /** What a person typed; works with the supervisor away. */
  typed(input: TypedInput): void {
    const { ledger, requests } = this.#options;
    if (ledger.held)
      return ledger.record({ kind: 'note', level: 'warn', text: 'the disk is full: what was typed is lost' });
    if (input.key === 'text') return this.#typedText(input.text);
    if (input.key === 'interrupt') return this.#typedInterrupt();
    const request = requests.first;
    if (request) this.#answer(request.requestId, input.key, null);
  }

  #answer(requestId: string, decision: 'allow' | 'deny' | 'answer', text: string | null): void {
    this.#options.asks.answer(this.#options.run(), { requestId, decision, text, by: 'user' });
  }

  /** Words answer an open question; else they are a message. */
  #typedText(text: string): void {
    if (text.trim() === '') return;
    const { ledger, book, requests } = this.#options;
    const request = requests.first;
    if (request && request.what !== 'permission') return this.#answer(request.requestId, 'answer', text);
    const id = clock.uuid();
    ledger.record({ kind: 'typed', id, verb: 'message', text });
    book.opened(id, 'message');
    ledger.act(() => this.send({ id, messageId: id, text, now: true, ordinal: this.#ordinal, confirm: false }));
  }

  #typedInterrupt(): void {
    const { ledger, book } = this.#options;
    const run = this.#options.run();
    if (!run?.turn) return;
    const id = clock.uuid();
    ledger.record({ kind: 'typed', id, verb: 'interrupt', text: '' });
    book.opened(id, 'interrupt');
    ledger.act(() => run.interrupt());
  }
}
