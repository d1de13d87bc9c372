/**
 * Journal first: everything the host records and everything it does because of a record goes through here, in order.
 * While the disk is full both wait; the journal is tried again each second, and then all goes on where it stood.
 */
import type { RecordBody } from '../core/host-wire.ts';
import { clock } from '../system/clock.ts';
import type { AppendResult, JournalFailure } from '../system/journal/writer.ts';

/** Between two tries while nothing can be written. Milliseconds. */
export const RETRY_MS = 1_000;

/** What of a journal writer is needed here. */
export interface Journal {
  readonly epoch: number;
  readonly n: number;
  append(body: RecordBody): AppendResult;
  sync(): Promise<{ ok: true } | JournalFailure>;
  close(): Promise<void>;
}

export interface LedgerEvents {
  /** A record is in the file (as it was given here, before secrets were replaced). */
  written(body: RecordBody, n: number): void;
  /** Nothing can be written: stop reading, refuse commands. */
  held(why: string): void;
  /** It can again, and all that waited is written. */
  released(): void;
}

type Item = { record: RecordBody } | { act: () => void };

export class Ledger {
  readonly #journal: Journal;
  readonly #clean: (body: RecordBody) => RecordBody;
  readonly #on: LedgerEvents;
  #waiting: Item[] = [];
  #held = false;
  #draining = false;
  /** A try while held: failing again is no news. */
  #trying = false;
  #retry: { cancel(): void } | null = null;

  /** @param clean replaces secrets in what is written */
  constructor(journal: Journal, clean: (body: RecordBody) => RecordBody, on: LedgerEvents) {
    this.#journal = journal;
    this.#clean = clean;
    this.#on = on;
  }

  get epoch(): number {
    return this.#journal.epoch;
  }

  /** Number of the last record in the file. */
  get n(): number {
    return this.#journal.n;
  }

  /** Nothing can be written at present. */
  get held(): boolean {
    return this.#held;
  }

  record(body: RecordBody): void {
    this.#push({ record: body });
  }

  /** Records at once or not at all; false = nothing can be written at present. */
  attempt(body: RecordBody): boolean {
    if (this.#held || this.#waiting.length > 0) return false;
    const result = this.#journal.append(this.#clean(body));
    if (result.ok) this.#on.written(body, result.n);
    else if (result.reason !== 'closed') this.#hold(result.message);
    return result.ok;
  }

  /** Runs when all records before it are in the file: at once, as a rule. */
  act(run: () => void): void {
    this.#push({ act: run });
  }

  /** Resolves when what was recorded is on the disk; tries again while it fails. */
  async durable(): Promise<void> {
    for (;;) {
      const result = this.#held ? null : await this.#journal.sync();
      if (result?.ok || result?.reason === 'closed') return;
      if (result) this.#hold(result.message);
      await new Promise<void>((done) => clock.setTimeout(done, RETRY_MS));
    }
  }

  /** Syncs and closes the file; records that still wait for room are lost with the process. */
  close(): Promise<void> {
    return this.#journal.close();
  }

  #push(item: Item): void {
    this.#waiting.push(item);
    if (!this.#held) this.#drain();
  }

  #drain(): void {
    // An act may record: its records go behind what waits already, and the outer loop takes them.
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let item = this.#waiting[0]; item; item = this.#waiting[0]) {
        if ('record' in item) {
          const result = this.#journal.append(this.#clean(item.record));
          if (!result.ok) {
            if (result.reason !== 'closed') this.#hold(result.message);
            else this.#waiting = [];
            return;
          }
          this.#waiting.shift();
          this.#on.written(item.record, result.n);
        } else {
          this.#waiting.shift();
          item.act();
        }
      }
    } finally {
      this.#draining = false;
    }
  }

  #hold(why: string): void {
    this.#retry ??= clock.setTimeout(() => this.#tryAgain(), RETRY_MS);
    if (this.#held) return;
    this.#held = true;
    if (!this.#trying) this.#on.held(why);
  }

  #tryAgain(): void {
    this.#retry = null;
    this.#held = false;
    this.#trying = true;
    this.#drain();
    this.#trying = false;
    if (!this.#held) this.#on.released();
  }
}
