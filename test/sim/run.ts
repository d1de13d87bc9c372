/** A run to its end: the agenda step by step, the coming to rest, the verdict on every message, and the stop of everything. */
import { startSupervisor } from './faults.ts';
import { checkReplay } from './invariants.ts';
import type { People } from './people.ts';
import { Broken, type Conversation, type Place, type World } from './world.ts';

export class Run {
  readonly world: World;
  readonly people: People;
  steps = 0;
  readonly #stepLimit: number;

  /** @param stepLimit steps of one phase; more means that it does not come to rest */
  constructor(world: World, people: People, stepLimit: number) {
    this.world = world;
    this.people = people;
    this.#stepLimit = stepLimit;
  }

  run(until: () => boolean, limit = this.#stepLimit): void {
    let left = limit;
    while (!until() && this.world.agenda.step()) {
      this.steps += 1;
      left -= 1;
      this.world.check(left > 0, () => `it does not come to rest: ${limit} steps and no end`);
    }
  }

  #rest(): void {
    const { world, people } = this;
    const { supervisor } = world;
    if (supervisor) supervisor.crashAt = null;
    for (let round = 0; round < 60; round++) {
      this.run(() => false);
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
    for (const { host, clis } of world.places.values()) {
      for (const cli of clis) cli.thaw();
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
