/**
 * A pane host's own count of what its agent uses, so that a cap holds between two model calls without asking anybody: the
 * supervisor says once what had been used and where the caps are, and the host counts on. Pure.
 */
import type { JournalRef } from '../event.ts';
import type { BudgetOrder } from '../host-wire.ts';
import { estimateUsd, priceOf } from '../prices.ts';
import { capText, isUsedUp, usedUpText } from './caps.ts';
import { addDifference, countUsage, emptyPurse, type Purse, spentUsd, type Usage } from './purse.ts';

/** Usage kept one by one, so that it can be counted on from any of it; older usage is added up. Entries. */
const ENTRIES_KEPT = 1_000;

interface Entry {
  n: number;
  usage: Usage;
}

export class Meter {
  readonly #epoch: number;
  #order: BudgetOrder | null = null;
  /** Behind the order's place in the journal; before the first order, everything of this epoch. */
  #entries: Entry[] = [];
  /** Up to this record, usage has been added up. */
  #foldedTo = 0;
  #purse: Purse = emptyPurse();
  /** What was used of the shares of shared caps: everything since the order was counted. */
  #leased: Purse = emptyPurse();
  #model: string | null = null;
  /** No supervisor is there who counts what all agents use together. */
  #alone = true;

  /** @param epoch of this host's journal */
  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /** null = no caps. */
  configure(order: BudgetOrder | null): void {
    this.#order = order;
    if (order === null) return;
    this.#model ??= order.model;
    const from = this.#place(order.asOf);
    const before = { purse: this.#purse, leased: this.#leased };
    this.#purse = purseOf(order);
    this.#leased = emptyPurse();
    this.#entries = this.#entries.filter(({ n }) => n > from);
    for (const { usage } of this.#entries) this.#add(usage);
    // What was added up cannot be taken apart: the greater of the two counts stands.
    if (this.#foldedTo <= from) return;
    this.#purse = greater(this.#purse, before.purse);
    this.#leased = greater(this.#leased, before.leased);
  }

  /** Number of the record up to which the order has counted. */
  #place(asOf: JournalRef | null): number {
    return asOf !== null && asOf.epoch === this.#epoch ? asOf.n : 0;
  }

  /** A supervisor has greeted, or its connection is gone. */
  supervised(present: boolean): void {
    this.#alone = !present;
  }

  /** The model that answers, where usage does not name it. */
  model(name: string): void {
    this.#model = name;
  }

  /** @param n of the record that it was read from */
  usage(usage: Usage, n: number): void {
    this.#add(usage);
    this.#entries.push({ n, usage });
    if (this.#entries.length <= ENTRIES_KEPT) return;
    const folded = this.#entries.splice(0, ENTRIES_KEPT / 2);
    this.#foldedTo = folded.at(-1)?.n ?? this.#foldedTo;
  }

  #add(usage: Usage): void {
    const price = priceOf(usage.model ?? this.#model, this.#order?.prices ?? []);
    const estimate = estimateUsd(this.#order?.cli ?? '', this.#purse.reported, usage, price);
    const before = this.#purse;
    this.#purse = countUsage(before, usage, estimate, null);
    this.#leased = addDifference(this.#leased, before, this.#purse, null);
  }

  /** The cap that is used up, in words; null = go on. */
  get usedUp(): string | null {
    const order = this.#order;
    if (order === null) return null;
    if (order.stop !== null) return order.stop;
    for (const { name, unit, cap, before } of order.caps) {
      const used = (unit === 'usd' ? spentUsd(this.#purse) : this.#purse.tokens) - before;
      if (isUsedUp({ cap, used })) return usedUpText({ name, unit, cap, used });
    }
    return this.#alone ? this.#share : null;
  }

  /** Its share of a shared cap is used up, and the supervisor is about to say what is left: nothing new is begun until then. */
  get waiting(): boolean {
    return !this.#alone && this.usedUp === null && this.#share !== null;
  }

  get #share(): string | null {
    for (const { name, unit, cap, share } of this.#order?.shared ?? []) {
      const used = unit === 'usd' ? spentUsd(this.#leased) : this.#leased.tokens;
      if (isUsedUp({ cap: share, used }))
        return `its share of what is left of the ${capText({ name, unit, cap })} is used up, and no supervisor is there`;
    }
    return null;
  }

  /** Share of the agent's own nearest cap, 0..1 and beyond; null without one. */
  get share(): number | null {
    const shares = (this.#order?.caps ?? []).map(
      ({ unit, cap, before }) => ((unit === 'usd' ? spentUsd(this.#purse) : this.#purse.tokens) - before) / cap,
    );
    return shares.length === 0 ? null : Math.max(...shares);
  }
}

const purseOf = ({ used }: BudgetOrder): Purse => ({ ...emptyPurse(), ...used });

const greater = (a: Purse, b: Purse): Purse =>
  spentUsd(a) >= spentUsd(b)
    ? { ...a, tokens: Math.max(a.tokens, b.tokens) }
    : { ...b, tokens: Math.max(a.tokens, b.tokens) };
