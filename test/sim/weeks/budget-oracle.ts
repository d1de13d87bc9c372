/** Budgets by the server's own count: nobody asks the model once what was recorded of its spending has reached its cap. */
import type { DriverEventBody } from '../../../src/core/event.ts';
import type { SimRecord } from '../journal.ts';
import type { World } from '../world.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';
import { USD_PER_MILLION } from './server.ts';

/** Sums of fractions are not exact. USD. */
const EXACT = 1e-6;
/** The dearest model call. USD. */
const DEAREST = (20_000 * USD_PER_MILLION) / 1_000_000;

const usdOf = (events: DriverEventBody[]): number =>
  events.reduce((sum, event) => (event.type === 'usage' ? sum + event.input : sum), 0) * (USD_PER_MILLION / 1_000_000);

export class BudgetOracle {
  readonly #fleet: Fleet;
  readonly #world: World;
  /** By account and date. */
  readonly #days = new Map<string, number>();
  stopped = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#world = fleet.world;
  }

  #day(account: string, at: number): string {
    return `${account} ${new Date(at).toISOString().slice(0, 10)}`;
  }

  recorded(member: Member, events: DriverEventBody[], at: number, sign: 1 | -1 = 1): void {
    const usd = sign * usdOf(events);
    if (usd === 0) return;
    member.spentUsd += usd;
    const key = this.#day(member.account, at);
    this.#days.set(key, (this.#days.get(key) ?? 0) + usd);
  }

  /** What the power took was never counted by anybody. */
  lost(member: Member, records: SimRecord[]): void {
    for (const { record, events } of records) this.recorded(member, events, Date.parse(record.at), -1);
  }

  request(member: Member): void {
    const { capUsd, spentUsd, place, account } = member;
    this.#world.check(
      capUsd === null || spentUsd < capUsd + EXACT,
      () => `${place.name} asks the model with ${spentUsd.toFixed(3)} of ${capUsd} USD spent`,
    );
    const daily = this.#world.settings.budgets.accounts[account]?.perDay.usd ?? null;
    if (daily === null) return;
    const spent = this.#days.get(this.#day(account, this.#world.now)) ?? 0;
    const others = this.#fleet.members.filter((other) => other.account === account).length - 1;
    this.#world.check(
      spent < daily + others * DEAREST + EXACT,
      () => `${place.name} asks the model with ${spent.toFixed(3)} of the ${daily} USD spent that ${account} has a day`,
    );
  }
}
