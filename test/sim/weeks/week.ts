/**
 * Weeks of a fleet in virtual time. Twenty agents on three accounts get work from their person, do it honestly or go astray, meet limits and
 * storms, and lose their processes, their supervisor and the power; on the seventh day everything must be in order, and cost nothing.
 *
 * `server.ts` is the model server, which counts by itself; `turns.ts` what agents do; `trouble.ts` what goes wrong; `person.ts` who
 * looks after them. The files named `…-oracle.ts` say in words what must hold, and judge by what the world knows, never by the core's own accounts.
 */
import { DEFAULTS } from '../../../src/core/config/settings.ts';
import type { DriverEventBody, TuttiEvent } from '../../../src/core/event.ts';
import type { State } from '../../../src/core/state.ts';
import type { Effect, Input, Settings } from '../../../src/core/step.ts';
import { startSupervisor } from '../faults.ts';
import type { SimRecord } from '../journal.ts';
import { People, SPEC } from '../people.ts';
import { Run } from '../run.ts';
import { Broken, type Onlooker, type Place, QUIET, type Rates, World } from '../world.ts';
import { AlertsOracle } from './alerts-oracle.ts';
import { BudgetOracle } from './budget-oracle.ts';
import { Fleet } from './fleet.ts';
import { LadderOracle } from './ladder-oracle.ts';
import { LimitsOracle } from './limits-oracle.ts';
import { newMember } from './member.ts';
import { Person } from './person.ts';
import { ModelServer, USD_PER_MILLION } from './server.ts';
import { trouble } from './trouble.ts';
import { weekTurns } from './turns.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LOOK_MS = 600_000;
/** Steps until everything has come to rest; more means that it runs in circles. */
const STEP_LIMIT = 500_000;
/** An idle fleet is looked at for so long, and the core with it at most so often. */
const IDLE_MS = DAY_MS;
const IDLE_DECISIONS = 50;

export interface WeekOptions {
  agents: number;
  /** Days of work before the last, idle one. */
  days: number;
  trace: boolean;
}

export const WEEK: WeekOptions = { agents: 20, days: 6, trace: false };

export interface WeekOutcome {
  seed: number;
  broken: string | null;
  /** Inputs that the core decided on. */
  decisions: number;
  events: number;
  effects: number;
  requests: number;
  counts: Record<string, number>;
  trace: string[] | null;
}

const RATES: Rates = {
  ...QUIET,
  startCrash: 0.02,
  startRefused: 0.01,
  lostConversation: 0.005,
  hostStartFails: 0.02,
  clearFails: 0.05,
  slowAck: 0.01,
  duplicate: 0.02,
};

function settings(seed: number): Settings {
  const perDay = { usd: seed % 3 === 0 ? 120 : null, tokens: null };
  const price = USD_PER_MILLION;
  return {
    ...DEFAULTS,
    notify: { ...DEFAULTS.notify, floor: 'info' },
    budgets: {
      ...DEFAULTS.budgets,
      accounts: { main: { usd: null, tokens: null, perDay } },
      prices: [{ model: 'sim*', input: price, output: price, cacheRead: price, cacheWrite: price }],
    },
  };
}

/** Runs one seed to its end. Never throws for a broken invariant: it is in the outcome. */
export function runWeek(seed: number, options: WeekOptions = WEEK): WeekOutcome {
  const week = new Week(seed, options);
  let broken: string | null = null;
  try {
    week.run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    broken = error instanceof Broken ? error.message : (error.stack ?? error.message);
  }
  const { world, server } = week;
  const { decisions, effects, trace } = world;
  const counts = week.counts;
  return { seed, broken, decisions, effects, events: world.log.seq, requests: server.requests, counts, trace };
}

class Week implements Onlooker {
  readonly world: World;
  readonly server: ModelServer;
  readonly #fleet: Fleet;
  readonly #people: People;
  readonly #person: Person;
  readonly #limits: LimitsOracle;
  readonly #ladder: LadderOracle;
  readonly #budgets: BudgetOracle;
  readonly #alerts: AlertsOracle;
  readonly #options: WeekOptions;
  /** Effects that start or end processes. */
  #processes = 0;

  constructor(seed: number, options: WeekOptions) {
    this.#options = options;
    const turns = weekTurns({
      get server() {
        return server;
      },
      member: (id) => fleet.member(id),
      progressed: (member) => fleet.progressed(member),
    });
    this.world = new World(seed, { rates: RATES, settings: settings(seed), trace: options.trace, turns, long: true });
    const server = new ModelServer(this.world);
    const fleet = new Fleet(this.world, server);
    this.server = server;
    this.#fleet = fleet;
    this.#people = new People(this.world);
    this.#limits = new LimitsOracle(fleet);
    this.#ladder = new LadderOracle(fleet);
    this.#budgets = new BudgetOracle(fleet);
    this.#alerts = new AlertsOracle(fleet);
    this.#person = new Person(fleet, this.#people, this.#ladder);
    this.world.onlooker = this;
    server.watcher = {
      request: (member, answer) => {
        this.#limits.request(member, answer);
        this.#budgets.request(member);
      },
    };
  }

  get counts(): Record<string, number> {
    const { holds, resumed } = this.#limits;
    const { notifications, alerts } = this.#alerts;
    return {
      holds,
      resumed,
      notifications,
      alerts,
      refused: this.server.refused,
      ...Object.fromEntries([...this.#ladder.counts].toSorted()),
    };
  }

  run(): void {
    const { world } = this;
    const run = new Run(world, this.#people, STEP_LIMIT);
    startSupervisor(world);
    this.#enlist();
    this.#person.begin();
    let over = false;
    trouble(this.#fleet, () => over);
    this.#look(() => over);
    world.after(this.#options.days * DAY_MS, () => {
      over = true;
    });
    run.run(() => over, Number.POSITIVE_INFINITY);
    this.#calm();
    run.settle();
    run.judge();
    this.#idle(run);
    run.stopAll();
  }

  #enlist(): void {
    const { world } = this;
    const { chance } = world;
    for (let i = 0; i < this.#options.agents; i++) {
      const claude = i % 2 === 0;
      const spec = {
        ...SPEC,
        cli: claude ? 'claude' : 'opencode',
        model: 'sim-1',
        account: chance.of(['main', 'main', 'main', 'second', 'third']),
        budget: { usd: i % 4 === 1 ? chance.int(5, 60) : null, tokens: null },
        task: chance.is(0.5) ? 'work' : null,
      };
      const place = world.place(`agent-${i}`, `a${i}`);
      place.ownCap = claude;
      this.#fleet.add(newMember(world, place, spec));
      world.after(100, () => this.#people.spawn(place.id, place.name, spec));
    }
  }

  /** From time to time everybody is looked at. */
  #look(over: () => boolean): void {
    const { world } = this;
    world.after(LOOK_MS, () => {
      if (over()) return;
      const agents = world.supervisor?.state.agents;
      for (const member of this.#fleet.members) {
        const agent = agents?.[member.place.id];
        this.#ladder.look(member, agent);
        this.#alerts.look(member, agent);
      }
      startSupervisor(world);
      this.#people.retry();
      this.#look(over);
    });
  }

  /** The work is done, and nothing goes wrong any more. */
  #calm(): void {
    const { world } = this;
    this.#person.resting = true;
    this.server.calm();
    world.rates = { ...QUIET };
    for (const member of this.#fleet.members) {
      member.ailment = null;
      member.capUsd = null;
      member.spec = { ...member.spec, budget: { usd: null, tokens: null } };
      this.#people.declare(member.place.id, member.place.name, member.spec);
    }
  }

  /** Nobody has anything to do: no model call, no process, and hardly a look of the core for a whole day. */
  #idle(run: Run): void {
    const { world, server } = this;
    const before = { requests: server.requests, processes: this.#processes, decisions: world.decisions };
    let over = false;
    world.after(IDLE_MS, () => {
      over = true;
    });
    run.run(() => over);
    const requests = server.requests - before.requests;
    const processes = this.#processes - before.processes;
    const decisions = world.decisions - before.decisions;
    world.check(requests === 0, () => `the idle fleet makes ${requests} model calls`);
    world.check(processes === 0, () => `the idle fleet starts or ends ${processes} processes`);
    world.check(decisions <= IDLE_DECISIONS, () => `the idle fleet is looked at ${decisions} times in a day`);
  }

  // --- what is seen ----------------------------------------------------------------------------------------------------

  step(_state: State, events: TuttiEvent[], input: Input): void {
    if (input.type === 'recovered') {
      this.#fleet.recovered();
      this.world.after(1, () => this.#people.retry());
    }
    for (const event of events) {
      const member = event.agentId === null ? null : this.#fleet.find(event.agentId);
      if (!member) continue;
      if (event.type === 'host' || event.type === 'exit' || isStart(event)) member.shakenAt = this.world.trueNow;
      if (event.type === 'session' && event.conversationId === null) member.place.strayed = true;
      if (event.type === 'watchdog' && event.action === 'fresh') member.place.strayed = true;
      this.#ladder.event(member, event);
    }
  }

  effect(effect: Effect): void {
    if (effect.do === 'notify') {
      this.#alerts.notified(effect.notification);
      this.#person.told(effect.notification);
    } else if (effect.do !== 'host_command' ? effect.do !== 'status_line' : effect.verb === 'start')
      this.#processes += 1;
  }

  recorded(place: Place, events: DriverEventBody[]): void {
    const member = this.#fleet.find(place.id);
    if (!member) return;
    this.#budgets.recorded(member, events, this.world.now);
    if (events.some((event) => event.type === 'rate_limit')) this.#limits.recorded(member);
  }

  lost(place: Place, records: SimRecord[]): void {
    const member = this.#fleet.find(place.id);
    this.#ladder.forget();
    if (!member) return;
    this.#budgets.lost(member, records);
    if (records.some(({ events }) => events.some((event) => event.type === 'rate_limit'))) this.#limits.lost(member);
  }
}

const isStart = (event: TuttiEvent): boolean => event.type === 'command' && event.verb === 'host.start';
