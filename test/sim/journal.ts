/** A host journal as a file: numbered records, some synced, and the beginning forgotten once nobody can ask for it any more. */
import type { DriverEventBody } from '../../src/core/event.ts';
import type { JournalRecord } from '../../src/core/host-wire.ts';

export interface SimRecord {
  record: JournalRecord;
  events: DriverEventBody[];
}

export class JournalFile {
  #records: SimRecord[] = [];
  /** Records that were forgotten; they count all the same. */
  #forgotten = 0;
  /** Number of the last record that is on the disk. */
  #synced = 0;

  /** Number of the last record. */
  get n(): number {
    return this.#forgotten + this.#records.length;
  }

  append(record: SimRecord): void {
    this.#records.push(record);
  }

  sync(): void {
    this.#synced = this.n;
  }

  /** Records behind number `after`, up to number `to`. */
  slice(after: number, to: number): SimRecord[] {
    return this.#records.slice(Math.max(0, after - this.#forgotten), Math.max(0, to - this.#forgotten));
  }

  /** The power goes: of what was not synced some is kept. Returns what is lost. @param pick whole number in [low, high] */
  cut(pick: (low: number, high: number) => number): SimRecord[] {
    const kept = pick(this.#synced, this.n);
    const lost = this.#records.splice(kept - this.#forgotten);
    this.sync();
    return lost;
  }

  /** Read and safely on record elsewhere. */
  forget(upTo: number): void {
    if (upTo <= this.#forgotten) return;
    this.#records.splice(0, upTo - this.#forgotten);
    this.#forgotten = upTo;
  }
}
