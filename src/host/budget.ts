/**
 * Keeps the agent to its caps, supervisor or not: when one is used up, the running turn is ended between two model calls. A tool that
 * runs is never ended for it: what follows is refused, and the turn ends when nothing runs any more. Of a cap that it shares with
 * others it uses its share, and then waits a moment for the supervisor to say what is left.
 */
import { Meter } from '../core/budget/meter.ts';
import { clock } from '../system/clock.ts';
import type { DriverEventBody } from '../core/event.ts';
import type { BudgetOrder } from '../core/host-wire.ts';
import type { Incarnation, JudgeAction } from './incarnation.ts';
import type { Ledger } from './ledger.ts';

/** A call waits this long for a new share; claude takes no answer after 5 s. Beyond it the turn is ended. Milliseconds. */
const SHARE_LIMIT_MS = 3_000;

export interface BudgetOptions {
  ledger: Ledger;
  run(): Incarnation | null;
  /** What holds messages back, or what the pane shows of it, may have changed. */
  changed(): void;
}

export class Budget {
  readonly #options: BudgetOptions;
  readonly #meter: Meter;
  /** Calls that were announced and have no result, and were not refused by us. */
  readonly #open = new Set<string>();
  /** The running turn is being ended. */
  #ending = false;
  #shown = '';
  /** Calls that wait for a new share. */
  #waiting: { timer: { cancel(): void }; go(refusal: string | null): void }[] = [];

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#meter = new Meter(options.ledger.epoch);
  }

  /** The cap that is used up, in words; null = go on. */
  get usedUp(): string | null {
    return this.#meter.usedUp;
  }

  /** Nothing more is handed to the CLI. */
  get held(): boolean {
    return this.usedUp !== null || this.#meter.waiting;
  }

  /** Share of the nearest cap of its own, 0..1; null without one. */
  get share(): number | null {
    return this.#meter.share;
  }

  configure(order: BudgetOrder | null): void {
    this.#meter.configure(order);
    this.#look();
  }

  supervised(present: boolean): void {
    this.#meter.supervised(present);
    this.#look();
  }

  turn(phase: 'start' | 'end'): void {
    this.#ending = false;
    this.#open.clear();
    if (phase === 'end') this.#release('its turn ended');
    // The CLI began one by itself (work in the background came to an end): its first call is all there is.
    if (phase === 'start' && this.usedUp !== null) this.#end();
    this.#look();
  }

  /** Behind the record that they were read from. */
  events(events: DriverEventBody[]): void {
    const { ledger } = this.#options;
    let end = false;
    for (const event of events) {
      if (event.type === 'tool_call') this.#open.add(event.callId);
      else if (event.type === 'session' && event.model !== null) this.#meter.model(event.model);
      else if (event.type === 'tool_result') end = this.#open.delete(event.callId) || end;
      else if (event.type === 'usage') {
        if (event.model !== null) this.#meter.model(event.model);
        this.#meter.usage(event, ledger.n);
        // Where every call is judged, a call that follows is refused; where none does, the turn ends by itself with its last words.
        end = end || !this.#judgesAll();
      }
    }
    if (end) this.#endIfIdle();
    if (events.some((event) => event.type === 'usage')) this.#look();
  }

  #judgesAll(): boolean {
    return this.#options.run()?.driver.capabilities.gate === 'all';
  }

  /** Before a call is judged: `go` gets the reason to refuse it, or null. Where nothing else runs, the turn is ended first. */
  judge(action: JudgeAction, go: (refusal: string | null) => void): void {
    if (action.what !== 'permission') return go(null);
    const decided = (why: string | null): void => {
      if (why !== null) this.#refused(action);
      go(why);
    };
    if (!this.#meter.waiting) return decided(this.usedUp);
    const late = 'its share of a budget is used up, and the supervisor gives no other';
    const timer = clock.setTimeout(() => this.#release(late), SHARE_LIMIT_MS);
    this.#waiting.push({ timer, go: decided });
  }

  #refused({ callId }: JudgeAction): void {
    if (callId !== null) this.#open.delete(callId);
    if (this.#open.size === 0) this.#end();
  }

  #release(refusal: string | null): void {
    for (const { timer, go } of this.#waiting.splice(0)) {
      timer.cancel();
      go(refusal);
    }
  }

  #endIfIdle(): void {
    if (this.#open.size === 0 && this.usedUp !== null) this.#end();
  }

  #end(): void {
    const { ledger } = this.#options;
    const run = this.#options.run();
    // One process per turn cannot be stopped between two calls: the end of its turn is its boundary.
    if (this.#ending || !run?.turn || !run.driver.capabilities.persistent) return;
    this.#ending = true;
    ledger.record({ kind: 'budget', incarnation: run.number, why: this.usedUp ?? 'the budget is used up' });
    ledger.act(() => {
      if (!run.over && run.turn) run.interrupt();
    });
  }

  #look(): void {
    if (!this.#meter.waiting) this.#release(this.usedUp);
    const shown = `${this.held} ${this.usedUp}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#options.changed();
  }
}
