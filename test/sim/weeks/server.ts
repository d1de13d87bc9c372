/**
 * The simulated model server: it knows what no part of the core is asked for. Which accounts are limited and until when, who asked how
 * often, and what everybody has spent: the oracle of the invariants.
 */
import { iso } from '../../../src/core/time.ts';
import type { World } from '../world.ts';
import type { Member } from './member.ts';

/** What a refusal says of the reset: the truth, nothing, a time that is over, one that nobody can mean, or one that is later than it is. */
export const TELLS = ['exact', 'nothing', 'past', 'absurd', 'late'] as const;
export type Tells = (typeof TELLS)[number];

export type Answer =
  | { kind: 'answered'; tokens: number; usd: number }
  | { kind: 'refused'; resetsAt: string | null }
  | { kind: 'overloaded' };

/** Hears of every request, and of what became of it. */
export interface RequestWatcher {
  request(member: Member, answer: Answer): void;
}

interface Limit {
  /** True time. */
  until: number;
  tells: Tells;
}

/** USD for a million tokens, whatever they are. */
export const USD_PER_MILLION = 10;
const HOUR_MS = 3_600_000;

export class ModelServer {
  readonly #world: World;
  readonly #limits = new Map<string, Limit>();
  #storm = { until: 0, share: 0 };
  requests = 0;
  refused = 0;
  /** When the latest storm is over, or was. True time. */
  stormAt = 0;
  watcher: RequestWatcher | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  limit(account: string, forMs: number, tells: Tells): void {
    const until = this.#world.trueNow + forMs;
    this.#limits.set(account, { until, tells });
    this.#world.note('server', `LIMITS ${account} until ${iso(until)}, tells ${tells}`);
  }

  storm(forMs: number, share: number): void {
    this.#storm = { until: this.#world.trueNow + forMs, share };
    this.stormAt = this.#storm.until;
    this.#world.note('server', `STORM for ${Math.round(forMs / 1_000)} s, ${Math.round(share * 100)} % refused`);
  }

  get storming(): boolean {
    return this.#world.trueNow < this.#storm.until;
  }

  isLimited(account: string): boolean {
    return this.#world.trueNow < (this.#limits.get(account)?.until ?? 0);
  }

  /** Everything is answered from now on. */
  calm(): void {
    this.#limits.clear();
    this.#storm.until = 0;
    this.stormAt = Math.min(this.stormAt, this.#world.trueNow);
  }

  ask(member: Member): Answer {
    this.requests += 1;
    const answer = this.#answer(member);
    if (answer.kind === 'refused') this.refused += 1;
    if (answer.kind !== 'answered') this.#world.note('server', `${member.place.name}: ${answer.kind}`);
    this.watcher?.request(member, answer);
    return answer;
  }

  #answer({ account }: Member): Answer {
    const { chance, trueNow } = this.#world;
    const limit = this.#limits.get(account);
    if (limit && trueNow < limit.until) return { kind: 'refused', resetsAt: this.#told(limit) };
    if (this.storming && chance.is(this.#storm.share)) return { kind: 'overloaded' };
    const tokens = chance.int(500, 20_000);
    return { kind: 'answered', tokens, usd: (tokens * USD_PER_MILLION) / 1_000_000 };
  }

  #told({ until, tells }: Limit): string | null {
    const { trueNow } = this.#world;
    switch (tells) {
      case 'exact':
        return iso(until);
      case 'nothing':
        return null;
      case 'past':
        return iso(trueNow - HOUR_MS);
      case 'absurd':
        return iso(trueNow + 40 * 24 * HOUR_MS);
      case 'late':
        return iso(until + HOUR_MS / 4);
    }
  }
}
