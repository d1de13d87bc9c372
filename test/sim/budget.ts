/** A simulated host's keeping to its agent's caps, around the real meter: when one is used up, the turn ends between two model calls. */
import { Meter } from '../../src/core/budget/meter.ts';
import type { DriverEventBody } from '../../src/core/event.ts';
import type { BudgetOrder } from '../../src/core/host-wire.ts';

export class SimBudget {
  readonly #meter: Meter;
  readonly #open = new Set<string>();

  constructor(epoch: number) {
    this.#meter = new Meter(epoch);
  }

  /** The cap that is used up, in words; null = go on. */
  get usedUp(): string | null {
    return this.#meter.usedUp;
  }

  /** Nothing more is handed to the CLI. */
  get held(): boolean {
    return this.usedUp !== null || this.#meter.waiting;
  }

  /** Its share of a shared cap is used up, and the supervisor is about to say what is left. */
  get waiting(): boolean {
    return this.#meter.waiting;
  }

  configure(order: BudgetOrder | null): void {
    this.#meter.configure(order);
  }

  supervised(present: boolean): void {
    this.#meter.supervised(present);
  }

  turnBegins(): void {
    this.#open.clear();
  }

  /** Counts what was read from record `n`. */
  count(events: DriverEventBody[], n: number): void {
    for (const event of events) {
      if (event.type === 'tool_call') this.#open.add(event.callId);
      else if (event.type === 'tool_result') this.#open.delete(event.callId);
      else if (event.type === 'usage') {
        if (event.model !== null) this.#meter.model(event.model);
        this.#meter.usage(event, n);
      }
    }
  }

  /** Is the call that was just announced refused? A tool that runs already is never ended for it. */
  refuses(callId: string): string | null {
    const why = this.usedUp;
    if (why !== null) this.#open.delete(callId);
    return why;
  }

  get toolsRun(): boolean {
    return this.#open.size > 0;
  }
}
