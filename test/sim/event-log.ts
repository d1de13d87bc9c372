/** The event log as a file: batches appended, some synced; a crash may tear the last batch, power loss all that was not synced. */
import { emptyState } from '../../src/core/empty-state.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { reduce } from '../../src/core/reduce/index.ts';
import type { State } from '../../src/core/state.ts';

export class EventLogFile {
  events: TuttiEvent[] = [];
  synced = 0;
  /** State before the first event kept, as text: the snapshot record that begins a segment. */
  #snapshot = JSON.stringify(emptyState('sim-log'));
  /** Sequence number of the last event before those kept. */
  #base = 0;
  readonly #segment: number;

  /** @param segment events kept before a snapshot is taken, as in segments */
  constructor(segment: number) {
    this.#segment = segment;
  }

  get seq(): number {
    return this.#base + this.events.length;
  }

  append(events: TuttiEvent[]): void {
    for (const event of events) {
      if (event.seq !== this.seq + 1) throw new Error(`seq ${event.seq} follows ${this.seq}`);
      this.events.push(event);
    }
  }

  sync(): void {
    this.synced = this.events.length;
  }

  /** Starts a new segment where the present one is long enough: replay then begins at its snapshot. Returns whether it did. */
  roll(state: State): boolean {
    if (this.events.length < this.#segment || this.synced < this.events.length) return false;
    this.#snapshot = JSON.stringify(state);
    this.#base = state.seq;
    this.events = [];
    this.synced = 0;
    return true;
  }

  /** Only whole record groups count: what ends in the middle of one was never written. */
  tear(keep: number): void {
    let end = keep;
    while (end > this.synced && !isGroupEnd(this.events[end - 1])) end -= 1;
    this.events.length = end;
  }

  /** @param share of what was not synced, that survives the power loss; [0,1) */
  cut(share: number): void {
    this.tear(this.synced + Math.floor(share * (this.events.length - this.synced + 1)));
    this.sync();
  }

  replay(): State {
    let state = JSON.parse(this.#snapshot) as State;
    for (const event of this.events) state = reduce(state, event);
    return state;
  }
}

const isGroupEnd = (event: TuttiEvent | undefined): boolean => event?.src === undefined || event.src.end !== undefined;
