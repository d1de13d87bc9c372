/** Commands as they come over the socket: taken or refused, put on record, acted on once, and answered through the journal. */
import type { Json } from '../core/event.ts';
import type { HostVerb } from '../core/host-wire.ts';
import type { CommandBook } from './command-book.ts';
import type { Command } from './frames.ts';
import type { Ledger } from './ledger.ts';
import { problem } from './lifecycle.ts';
import type { Reply } from './socket.ts';

/** What to do for a command, or why it cannot be taken. */
export type Prepared = (() => void) | { code: string; message: string };

export interface CommandsOptions {
  ledger: Ledger;
  book: CommandBook;
  /** By verb; each reads its arguments. Throws BadFrame on bad ones. */
  handlers: Record<HostVerb, (command: Command) => Prepared>;
}

export class Commands {
  readonly #options: CommandsOptions;
  /** Start, stop and quit, one after the other. */
  #lifecycle: Promise<void> = Promise.resolve();

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  take(command: Command, reply: Reply): void {
    const { book, ledger, handlers } = this.#options;
    const { id, verb, args } = command;
    const taken = book.take(id, verb);
    if (taken.do === 'refuse') return reply.refused(taken.code, taken.message);
    if (ledger.held) return reply.refused('disk_full', 'the journal cannot be written');
    if (taken.do === 'wait') return reply.ack();
    if (taken.do === 'again') {
      reply.ack();
      return ledger.record({ kind: 'done', id, ok: taken.ok, result: taken.result });
    }
    // Arguments are read before the intent is on record: what cannot be understood was never taken.
    const act = handlers[verb](command);
    if (typeof act !== 'function') return reply.refused(act.code, act.message);
    if (!ledger.attempt({ kind: 'intent', id, verb, args })) {
      return reply.refused('disk_full', 'the journal cannot be written');
    }
    book.opened(id, verb);
    reply.ack();
    act();
  }

  /** Puts the result of an open command on record, once. */
  done(id: string, ok: boolean, result: Json): void {
    const { book, ledger } = this.#options;
    if (!book.isOpen(id)) return;
    book.closed(id, { ok, result });
    ledger.record({ kind: 'done', id, ok, result });
  }

  /** Work that starts or ends the CLI: never two at a time. A failure of ours is its result. */
  inTurn(id: string, work: () => Promise<void>): Promise<void> {
    this.#lifecycle = this.#lifecycle.then(work).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      this.#options.ledger.record({ kind: 'note', level: 'error', text: `a command failed: ${message}` });
      this.done(id, false, problem('host', message));
    });
    return this.#lifecycle;
  }
}
