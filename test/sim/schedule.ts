/**
 * One schedule: agents, messages and faults from a seed; then the faults cease, and everything must come to rest as it should;
 * then all are stopped, and nothing may live.
 */
import { DEFAULTS } from '../../src/core/config/settings.ts';
import type { Settings } from '../../src/core/step.ts';
import { deed, fault, startSupervisor } from './faults.ts';
import { checkReplay } from './invariants.ts';
import { People } from './people.ts';
import { shortTurn } from './short-turn.ts';
import { Broken, type Conversation, type Place, QUIET, type Rates, World } from './world.ts';

/** Steps of one phase; more means that it does not come to rest. */
const STEP_LIMIT = 30_000;

const SETTINGS: Settings = {
  ...DEFAULTS,
  restarts: { max: 5, withinMs: 600_000 },
  backoff: { baseMs: 1_000, capMs: 60_000, resetAfterMs: 600_000 },
  limit: { baseMs: 60_000, capMs: 900_000, graceMs: 3_000, fallbackAfterMs: 300_000 },
  budgets: { day: { usd: null, tokens: null }, accounts: {}, timezone: 'UTC', prices: [] },
  maxStarts: 2,
  maxAgents: 100,
  maxDepth: 2,
  massDeath: { agents: 2, withinMs: 10_000, holdMs: 5_000, capMs: 60_000 },
  notify: { ...DEFAULTS.notify, floor: 'info' },
  requests: { denyAfterMs: 30_000, auto: [] },
};

export interface Outcome {
  seed: number;
  broken: string | null;
  steps: number;
  events: number;
  effects: number;
  messages: number;
  trace: string[] | null;
}

function rates(world: World): Rates {
  const { chance } = world;
  const some = (most: number): number => (chance.is(0.5) ? 0 : chance.next() * most);
  return {
    // Now and then it hardly ever comes up, so that it is given up.
    startCrash: chance.is(0.05) ? 0.9 : some(0.3),
    startRefused: some(0.1),
    limit: some(0.2),
    failedTurn: some(0.1),
    hang: some(0.1),
    ask: some(0.2),
    lostConversation: chance.is(0.1) ? 0.2 : 0,
    hostStartFails: some(0.1),
    clearFails: some(0.2),
    slowAck: some(0.2),
    duplicate: some(0.3),
    orphan: 0.5,
  };
}

/** Runs one seed to its end. Never throws for a broken invariant: it is in the outcome. */
export function runSchedule(seed: number, options: { trace?: boolean; replayEach?: boolean } = {}): Outcome {
  const world = new World(seed, { rates: QUIET, settings: SETTINGS, trace: options.trace === true, turns: shortTurn });
  const people = new People(world);
  const run = new Run(world, people, seed);
  let broken: string | null = null;
  try {
    world.rates = rates(world);
    run.disturbed();
    world.rates = { ...QUIET };
    run.settle();
    run.judge();
    run.stopAll();
  } catch (error) {
    if (!(error instanceof Broken) && !(error instanceof Error)) throw error;
    broken = error instanceof Broken ? error.message : (error.stack ?? error.message);
  }
  return {
    seed,
    broken,
    steps: run.steps,
    events: world.log.seq,
    effects: world.effects,
    messages: people.said.length,
    trace: world.trace,
  };
}

/** Every third agent has a cap, in tokens: apart from the schedule's own chance, so that older seeds stay what they are. */
const capOf = (n: number): number | null => (n % 3 === 0 ? 10 + ((n * 7) % 60) : null);

class Run {
  readonly world: World;
  readonly people: People;
  readonly seed: number;
  steps = 0;

  constructor(world: World, people: People, seed: number) {
    this.seed = seed;
    this.world = world;
    this.people = people;
  }

  disturbed(): void {
    const { world, people } = this;
    const { chance } = world;
    startSupervisor(world);
    const agents = chance.int(1, 3);
    world.after(100, () => {
      for (let i = 0; i < agents; i++) {
        const place = world.place(`agent-${i}`, `a${i}`);
        place.cap = capOf(this.seed + i);
        people.spawn(`agent-${i}`, `a${i}`, {
          ...(chance.is(0.5) ? { task: 'work' } : {}),
          parentId: i > 0 && chance.is(0.3) ? 'agent-0' : null,
          budget: { usd: null, tokens: place.cap },
        });
      }
    });
    const length = chance.int(5_000, 120_000);
    const deeds = chance.int(2, 9) * agents;
    for (let i = 0; i < deeds; i++) world.after(chance.int(150, length), () => deed(world, people));
    const faults = chance.int(0, 8);
    for (let i = 0; i < faults; i++) world.after(chance.int(150, length), () => fault(world));
    let over = false;
    world.after(length + 1, () => {
      over = true;
    });
    this.#run(() => over);
  }

  #run(until: () => boolean): void {
    let left = STEP_LIMIT;
    while (!until() && this.world.agenda.step()) {
      this.steps += 1;
      left -= 1;
      this.world.check(left > 0, () => `it does not come to rest: ${STEP_LIMIT} steps and no end`);
    }
  }

  #rest(): void {
    const { world, people } = this;
    const { supervisor } = world;
    if (supervisor) supervisor.crashAt = null;
    for (let round = 0; round < 60; round++) {
      this.#run(() => false);
      startSupervisor(world);
      people.retry();
      for (const id of world.places.keys()) people.answer(id);
      if (world.agenda.size === 0) return;
    }
    throw new Broken('it does not come to rest: something is asked for again and again');
  }

  /** Faults have ceased; whatever was paused, stopped or given up is asked for again. */
  settle(): void {
    const { world, people } = this;
    if (world.supervisor) world.supervisor.crashAt = null;
    for (const { host } of world.places.values()) {
      host?.thaw();
      if (host) world.supervisor?.thawed(host);
    }
    this.#rest();
    for (const { id, name } of world.places.values()) people.lift(id, name);
    this.#rest();
    for (const id of world.places.keys()) people.resume(id);
    this.#rest();
  }

  judge(): void {
    const { world } = this;
    const { supervisor } = world;
    if (!supervisor) throw new Broken('no supervisor at the end');
    checkReplay(world, supervisor.state);
    for (const place of world.places.values()) this.#judgePlace(place);
  }

  #judgePlace(place: Place): void {
    const { world, people } = this;
    const agent = world.supervisor?.state.agents[place.id];
    world.check(agent !== undefined, () => `${place.name} is not there`);
    if (!agent) return;
    const { state, reason, queue } = agent;
    world.check(state === 'idle', () => `${place.name} ends ${state} (${reason}) instead of idle`);
    world.check(queue.length === 0, () => `${place.name} ends with ${queue.length} undelivered messages`);
    world.check(place.clis.size === 1, () => `${place.name} ends with ${place.clis.size} processes`);
    const said = people.said.filter((m) => m.agentId === place.id && m.acked);
    const conversations = [...place.conversations.values()];
    for (const { messageId } of said) {
      const times = conversations.reduce((sum, c) => sum + count(c, messageId), 0);
      const most = place.strayed ? conversations.length : 1;
      world.check(
        times >= 1 || world.unwritten.has(messageId),
        () => `${place.name}: message ${messageId.slice(0, 4)} is lost`,
      );
      world.check(times <= most, () => `${place.name}: message ${messageId.slice(0, 4)} is in ${times} times`);
    }
    for (const conversation of conversations) this.#judgeConversation(place, conversation, said);
  }

  #judgeConversation(place: Place, conversation: Conversation, said: { messageId: string; plain: boolean }[]): void {
    const { world } = this;
    const plain = new Map(said.filter((m) => m.plain).map((m, i) => [m.messageId, i]));
    const order = conversation.items.flatMap((item) => plain.get(item.id) ?? []);
    const sorted = order.every((n, i) => i === 0 || n > (order[i - 1] as number));
    world.check(place.strayed || sorted, () => `${place.name}: messages are out of order: ${order.join(' ')}`);
    const current = conversation.id === world.supervisor?.state.agents[place.id]?.conversationId;
    const last = conversation.items.at(-1);
    world.check(!current || last?.kind !== 'message', () => `${place.name}: the last message has no answer`);
    const ids = conversation.items.filter((item) => item.kind === 'message').map((item) => item.id);
    world.check(new Set(ids).size === ids.length, () => `${place.name}: a message stands twice in one conversation`);
  }

  /** `stop` beats everything, and a stop is over when nothing lives. */
  stopAll(): void {
    const { world, people } = this;
    for (const [id, place] of world.places) {
      // Some hosts die on the way, and leave something behind.
      if (world.chance.is(0.3)) world.after(world.chance.int(0, 100), () => place.host?.kill());
      if (world.chance.is(0.3)) {
        people.removed.add(id);
        people.ask({ verb: 'rm', agentId: id });
      } else people.ask({ verb: 'stop', agentId: id });
    }
    this.#rest();
    const { supervisor } = world;
    for (const place of world.places.values()) {
      world.check(
        place.host === null && place.clis.size === 0,
        () => `${place.name} is stopped and something of it lives`,
      );
      const agent = supervisor?.state.agents[place.id];
      const removed = people.removed.has(place.id);
      world.check(
        removed ? agent === undefined : agent?.state === 'stopped',
        () => `${place.name} ends ${agent?.state}`,
      );
    }
    if (supervisor) checkReplay(world, supervisor.state);
    world.check(
      Object.keys(supervisor?.state.removing ?? {}).length === 0,
      () => 'removed agents leave something behind',
    );
  }
}

const count = (conversation: Conversation, messageId: string): number =>
  conversation.items.filter((item) => item.kind === 'message' && item.id === messageId).length;
