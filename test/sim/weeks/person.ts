/** The person whose fleet it is: gives work, is told when something waits, and comes after a while, at night after a longer one. */
import type { Notification } from '../../../src/core/alerts/alert.ts';
import type { People } from '../people.ts';
import type { World } from '../world.ts';
import type { Fleet } from './fleet.ts';
import type { LadderOracle } from './ladder-oracle.ts';
import type { Member } from './member.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Messages that wait for an agent before it gets no more. */
const BACKLOG = 3;
/** What a raise adds to a budget, at most. USD. */
const RAISE_USD = 60;
/** States in which an agent does nothing until a person says so. */
const STANDS = new Set(['failed', 'paused', 'stopped', 'done']);

export class Person {
  readonly #world: World;
  readonly #people: People;
  readonly #fleet: Fleet;
  readonly #ladder: LadderOracle;
  /** Nothing more is given, and nobody comes any more. */
  resting = false;

  constructor(fleet: Fleet, people: People, ladder: LadderOracle) {
    this.#fleet = fleet;
    this.#world = fleet.world;
    this.#people = people;
    this.#ladder = ladder;
  }

  begin(): void {
    for (const member of this.#fleet.members) this.#work(member);
    this.#round();
  }

  #soon(delay: number, run: () => void): void {
    this.#world.after(delay, () => {
      if (!this.resting) run();
    });
  }

  #work(member: Member): void {
    const { chance } = this.#world;
    this.#soon(chance.int(2 * MINUTE_MS, 45 * MINUTE_MS), () => {
      const { id } = member.place;
      const queued = this.#world.supervisor?.state.agents[id]?.queue.length ?? BACKLOG;
      if (queued < BACKLOG) this.#give(member);
      this.#work(member);
    });
  }

  #give(member: Member): void {
    const { chance } = this.#world;
    const { id } = member.place;
    if (chance.is(0.03)) {
      this.#push(member);
      this.#people.type(id);
    } else this.#people.send(id, chance.is(0.05));
    if (chance.is(0.01)) this.#meddle(member);
  }

  /** Whatever came next is this person's will. */
  #push(member: Member): void {
    member.pushedAt = this.#world.trueNow;
  }

  #handle(member: Member): void {
    member.handledAt = this.#world.trueNow;
    this.#ladder.pardon(member);
  }

  /** People change their minds. */
  #meddle(member: Member): void {
    const { chance } = this.#world;
    const { id } = member.place;
    this.#handle(member);
    member.shakenAt = this.#world.trueNow;
    chance.of([
      () => this.#people.ask({ verb: 'pause', agentId: id, now: chance.is(0.3) }),
      () => this.#people.ask({ verb: 'stop', agentId: id }),
      () => this.#people.ask({ verb: 'interrupt', agentId: id }),
      () => this.#people.restart(id, false),
      () => {
        this.#push(member);
        this.#people.resume(id, true);
      },
    ])();
  }

  /** Twice a day everything is looked at, told of or not. */
  #round(): void {
    this.#soon(this.#world.chance.int(7 * HOUR_MS, 14 * HOUR_MS), () => {
      for (const member of this.#fleet.members) this.attend(member);
      this.#round();
    });
  }

  told({ alerts }: Notification): void {
    const { chance } = this.#world;
    const hour = new Date(this.#world.now).getUTCHours();
    const asleep = hour >= 22 || hour < 6;
    for (const { agentId } of alerts) {
      const member = agentId === null ? null : this.#fleet.find(agentId);
      if (!member) continue;
      const delay = asleep ? chance.int(HOUR_MS, 8 * HOUR_MS) : chance.int(3 * MINUTE_MS, 90 * MINUTE_MS);
      this.#soon(delay, () => this.attend(member));
    }
  }

  attend(member: Member): void {
    const { id, name } = member.place;
    const agent = this.#world.supervisor?.state.agents[id];
    if (!agent) return;
    if (Object.keys(agent.requests).length > 0) this.#people.answer(id);
    if (!STANDS.has(agent.state)) return;
    this.#handle(member);
    if (member.ailment?.cure === 'person') member.ailment = null;
    const { capUsd } = member;
    if (capUsd !== null && member.spentUsd >= capUsd * 0.9) {
      member.capUsd = member.spentUsd + this.#world.chance.int(5, RAISE_USD);
      member.spec = { ...member.spec, budget: { usd: member.capUsd, tokens: null } };
      this.#people.declare(id, name, member.spec);
      if (agent.state === 'failed') return;
    }
    if (this.#world.chance.is(0.15)) this.#people.restart(id, this.#world.chance.is(0.5));
    else this.#people.resume(id, false);
  }
}
