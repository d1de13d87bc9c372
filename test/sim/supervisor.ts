/**
 * A simulated supervisor process around the real core: numbers, appends, reduces, performs effects after the fsync,
 * reads journals, and can die between any two of these. What it forgets at its death is exactly what it held in memory.
 */
import { decide } from '../../src/core/decide/index.ts';
import { DueTable } from '../../src/core/due-table.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { ACK_LIMIT_MS } from '../../src/core/host-wire.ts';
import { reduce } from '../../src/core/reduce/index.ts';
import type { State } from '../../src/core/state.ts';
import type { Effect, IngestedRecord, Input, NewEvent, Reply, Step } from '../../src/core/step.ts';
import { iso } from '../../src/core/time.ts';
import { checkDue, checkEffect, checkReplay, checkState } from './invariants.ts';
import { SimHost } from './host.ts';
import type { JournalFile } from './journal.ts';
import { Broken, type Place, type World } from './world.ts';

/** What the log says is compared with the state after so many decisions, and at every crash. */
const REPLAY_EACH = 1_000;

const LONGEST_TIMER_MS = 60_000;

/** Where in a step the process dies. */
export type CrashPoint = 'before-append' | 'torn-append' | 'before-effects';

export class SimSupervisor {
  readonly world: World;
  readonly state: State;
  alive = true;
  recovering = true;
  /** When a turn's text was last streamed, by agent: hosts' beats, which are no events. */
  readonly heard = new Map<string, string>();
  /** Dies within the next step, there. */
  crashAt: CrashPoint | null = null;
  /** How far each journal was taken in before this step. */
  readonly taken = new Map<string, { epoch: number; n: number }>();
  readonly #position = new Map<string, { epoch: number; n: number }>();
  readonly #linked = new Map<string, SimHost>();
  readonly #unacked = new Set<string>();
  readonly #dues = new DueTable();
  /** What the timer is set to; null = it is not. */
  #timer: { due: number } | null = null;
  /** Effects wait for the fsyncs of all steps before them. */
  #gateUntil = 0;

  constructor(world: World) {
    this.world = world;
    this.state = world.log.replay();
    for (const { id, cursor } of Object.values(this.state.agents)) if (cursor) this.taken.set(id, cursor);
  }

  #soon(delay: number, run: () => void): void {
    this.world.after(delay, () => {
      if (this.alive) run();
    });
  }

  // --- the loop

  submit(input: Input): Reply | null {
    if (!this.alive) return null;
    const { world } = this;
    const context = {
      now: world.now,
      random: world.chance.next(),
      settings: world.settings,
      recovering: this.recovering,
      heard: this.heard,
    };
    const step = decide(this.state, input, context);
    world.decisions += 1;
    if (this.crashAt !== null || world.decisions % REPLAY_EACH === 0) this.#compare();
    if (this.crashAt === 'before-append') return this.#crash('before the append');
    const events = this.#seal(step.events, input);
    world.log.append(events);
    if (this.crashAt === 'torn-append' && events.length > 0) {
      world.log.tear(world.log.events.length - world.chance.int(0, events.length));
      return this.#crash('in the append');
    }
    for (const event of events) {
      this.#trace(event);
      reduce(this.state, event);
    }
    this.#dues.changed(events);
    if (input.type === 'recovered') this.recovering = false;
    checkState(world, this.state, step, input, this.taken);
    world.onlooker?.step(this.state, events, input);
    if (this.crashAt === 'before-effects') return this.#crash('before the effects');
    this.#act(step);
    if (world.log.roll(this.state)) world.forgetRead(this.state);
    this.#arm();
    return step.reply;
  }

  /** What is kept from step to step must be what the whole says. */
  #compare(): void {
    const { world, state } = this;
    checkReplay(world, state);
    checkDue(world, state, this.#dues.next(state, world.settings));
  }

  /** A command of people: answered when what it led to is as durable as it has to be. */
  ask(input: Input, answered: (reply: Reply) => void): void {
    const reply = this.submit(input);
    if (reply && this.alive) this.#soon(this.#gateUntil - this.world.agenda.now, () => answered(reply));
  }

  #act(step: Step): void {
    const { world } = this;
    const durable = step.events.some((event) => event.durable);
    const { now } = world.agenda;
    if (durable) this.#gateUntil = Math.max(this.#gateUntil, now + world.chance.int(0, 10));
    if (durable) {
      const upTo = world.log.seq;
      this.#soon(this.#gateUntil - now, () => {
        if (world.log.seq >= upTo) world.log.sync();
      });
    }
    if (step.effects.length === 0) return;
    this.#soon(this.#gateUntil - now, () => {
      for (const effect of step.effects) if (this.alive) this.#perform(effect);
    });
  }

  #seal(events: NewEvent[], input: Input): TuttiEvent[] {
    let { seq } = this.state;
    const now = iso(this.world.now);
    const times = input.type === 'records' ? new Map(input.records.map(({ record }) => [record.n, record.at])) : null;
    return events.map(({ agentId, incarnation, cause, src, body }) => {
      seq += 1;
      return {
        seq,
        at: (src && times?.get(src.n)) ?? now,
        agentId,
        agent: agentId === null ? null : (this.state.agents[agentId]?.name ?? null),
        incarnation: incarnation ?? null,
        ...(cause ? { cause } : {}),
        ...(src ? { src } : {}),
        ...body,
      } as TuttiEvent;
    });
  }

  #trace(event: TuttiEvent): void {
    if (!this.world.trace) return;
    const { seq, type, agent, agentId: _id, at: _at, src, cause: _cause, incarnation, ...rest } = event;
    const name = typeof agent === 'string' ? agent : '-';
    this.world.note(
      'log',
      `${seq} ${name}/${incarnation} ${type} ${JSON.stringify(rest).slice(0, 180)}${src ? ` @${src.epoch}.${src.n}` : ''}`,
    );
  }

  #arm(): void {
    if (this.recovering) return;
    const due = this.#dues.next(this.state, this.world.settings);
    // Set to the same time already, it need not be set again.
    if (due !== null && this.#timer?.due === due) return;
    const timer = due === null ? null : { due };
    this.#timer = timer;
    if (timer === null) return;
    this.#soon(Math.max(timer.due - this.world.now, 0), () => {
      if (timer !== this.#timer) return;
      this.#timer = null;
      // The clock was set back meanwhile: it is not due yet.
      if (timer.due > this.world.now) this.#arm();
      else this.submit({ type: 'tick' });
    });
  }

  // --- life and death

  #crash(where: string): null {
    this.world.note('supervisor', `CRASHES ${where}`);
    this.die();
    return null;
  }

  /** The clock jumped: no timer of the real one runs for longer than a minute before it looks again. */
  clockJumped(): void {
    this.#soon(this.world.chance.int(0, LONGEST_TIMER_MS), () => {
      this.#timer = null;
      this.#arm();
    });
  }

  /** Killed between two steps. */
  kill(): void {
    checkReplay(this.world, this.state);
    this.die();
  }

  die(): void {
    this.alive = false;
    for (const host of this.#linked.values()) host.budget.supervised(false);
    if (this.world.supervisor === this) this.world.supervisor = null;
  }

  /** Recovery, in the order of the contract: ask the hosts, read all journals to their end, and only then act. */
  boot(): void {
    this.submit({ type: 'boot', pid: 1, build: 'sim', crashed: true });
    for (const agent of Object.values(this.state.agents)) {
      const { phase, epoch } = agent.host;
      const place = this.world.place(agent.id, agent.name);
      if (phase === 'none') continue;
      const { host } = place;
      if (host && host.epoch >= epoch) this.#soon(this.world.chance.int(0, 50), () => this.#connect(host));
      else if (phase === 'up' || phase === 'starting') this.#soon(1, () => this.hostEnded(agent.id, epoch));
    }
    this.#soon(60, () => {
      for (const id of Object.keys(this.state.agents)) this.#drain(id);
      this.submit({ type: 'recovered' });
    });
  }

  #connect(host: SimHost): void {
    if (!host.alive || host.frozen || this.#linked.get(host.place.id) === host) return;
    const { id } = host.place;
    this.#linked.set(id, host);
    host.budget.supervised(true);
    this.#drain(id);
    const hello = host.hello();
    this.submit({ type: 'host_up', agentId: id, hello });
    // A greeting that came late, or twice, and one of a host long gone.
    if (this.world.chance.is(this.world.rates.duplicate)) {
      this.#soon(5, () =>
        this.submit({ type: 'host_up', agentId: id, hello: { ...hello, epoch: Math.max(1, hello.epoch - 1) } }),
      );
      this.#soon(6, () => {
        if (!host.alive) return;
        this.#drain(id);
        this.submit({ type: 'host_up', agentId: id, hello: host.hello() });
      });
    }
  }

  hostEnded(agentId: string, epoch: number): void {
    this.#soon(this.world.chance.int(1, 6), () => {
      if (this.#linked.get(agentId)?.epoch === epoch) this.#linked.delete(agentId);
      this.#drain(agentId);
      this.submit({ type: 'host_down', agentId, epoch, why: 'its process is gone' });
    });
  }

  thawed(host: SimHost): void {
    this.#soon(2, () => this.#connect(host));
  }

  tmuxLost(): void {
    this.#soon(2, () => this.submit({ type: 'tmux_lost' }));
  }

  // --- journals

  bell(agentId: string, twice: boolean): void {
    this.#soon(this.world.chance.int(0, 3), () => this.#drain(agentId));
    if (twice) this.#soon(3, () => this.#drain(agentId));
  }

  #drain(agentId: string): void {
    const place = this.world.places.get(agentId);
    const agent = this.state.agents[agentId];
    if (!place || !agent) return;
    for (const epoch of place.journals.keys()) {
      if (this.alive) this.#read(place, epoch);
    }
  }

  #read(place: Place, epoch: number): void {
    const { cursor } = this.state.agents[place.id] ?? {};
    const start = cursor ? { epoch: cursor.epoch, n: cursor.n } : { epoch: 0, n: 0 };
    const at = this.#position.get(place.id) ?? start;
    if (epoch < at.epoch) return;
    const journal = place.journals.get(epoch) as JournalFile;
    let from = epoch === at.epoch ? at.n : 0;
    // What was read before may be read again: the cursor is what makes it count once.
    if (from < journal.n && this.world.chance.is(this.world.rates.duplicate))
      from -= this.world.chance.int(0, Math.min(from, 3));
    while (from < journal.n && this.alive) {
      const to = Math.min(journal.n, from + this.world.chance.int(1, 4));
      const items = journal.slice(from, to).map(({ record, events }) => ingested(epoch, record, events));
      from = to;
      this.#position.set(place.id, { epoch, n: to });
      this.submit({ type: 'records', agentId: place.id, epoch, records: items });
    }
    if (journal.n > 0 || epoch > at.epoch) this.#position.set(place.id, { epoch, n: journal.n });
  }

  // --- hosts' words

  acked(agentId: string, commandId: string): void {
    this.#unacked.delete(`${agentId} ${commandId}`);
  }

  refused(agentId: string, commandId: string, code: string): void {
    this.acked(agentId, commandId);
    this.submit({ type: 'refused', agentId, commandId, code, message: `refused: ${code}` });
  }

  // --- effects

  #perform(effect: Effect): void {
    const { world } = this;
    world.effects += 1;
    checkEffect(world, this.state, effect);
    world.onlooker?.effect(effect, this.state);
    if (effect.do !== 'status_line') world.note('effect', JSON.stringify(effect).slice(0, 160));
    switch (effect.do) {
      case 'start_host':
        return this.#startHost(effect);
      case 'host_command':
        return this.#command(effect);
      case 'clear':
        return this.#clear(effect);
      case 'start_view':
      case 'close_session':
      case 'forget':
        return this.#soon(3, () => this.submit({ type: 'effect_done', effect, ok: true, value: null }));
      case 'digest':
      case 'end_orphans':
      case 'remove_leftovers':
      case 'close_orphan':
      case 'notify':
        return this.#soon(world.chance.int(1, 50), () =>
          this.submit({ type: 'effect_done', effect, ok: true, value: null }),
        );
      case 'status_line':
        return;
    }
  }

  #fail(effect: Effect, message: string): void {
    const error = { code: 'RUNTIME_ERROR' as const, message, hint: null, retryable: true };
    this.submit({ type: 'effect_done', effect, ok: false, error });
  }

  #startHost(effect: Extract<Effect, { do: 'start_host' }>): void {
    const { world } = this;
    const { agentId, epoch } = effect;
    const place = world.place(agentId, this.state.agents[agentId]?.name ?? agentId);
    world.check(
      !place.host?.alive,
      () => `${place.name}: host ${epoch} is started while host ${place.host?.epoch} lives`,
    );
    world.check(epoch > place.epoch, () => `${place.name}: epoch ${epoch} is used a second time`);
    if (world.chance.is(world.rates.hostStartFails))
      return this.#soon(5, () => this.#fail(effect, 'tmux does not answer'));
    const host = new SimHost(world, place, epoch);
    place.host = host;
    this.#soon(5, () => this.submit({ type: 'effect_done', effect, ok: true, value: null }));
    this.#soon(world.chance.int(10, 60), () => this.#connect(host));
  }

  #command(effect: Extract<Effect, { do: 'host_command' }>): void {
    const { agentId, epoch, id, verb, args } = effect;
    const host = this.#linked.get(agentId);
    // Not connected: it is given again at the next greeting.
    if (!host || host.epoch !== epoch) return;
    const key = `${agentId} ${id}`;
    this.#unacked.add(key);
    this.#soon(this.world.chance.int(0, 3), () => {
      host.take({ id, verb, args });
      if (this.world.chance.is(this.world.rates.duplicate)) host.take({ id, verb, args });
    });
    this.#soon(ACK_LIMIT_MS, () => {
      if (!this.#unacked.delete(key) || this.#linked.get(agentId) !== host || !host.alive) return;
      this.submit({ type: 'host_hung', agentId, epoch, commandId: id });
    });
  }

  #clear(effect: Extract<Effect, { do: 'clear' }>): void {
    const { world } = this;
    const { agentId, epoch } = effect;
    this.#soon(world.chance.int(1, 2_500), () => {
      const place = world.places.get(agentId);
      if (!place) throw new Broken(`cleared an unknown agent ${agentId}`);
      if (world.chance.is(world.rates.clearFails)) return this.#fail(effect, 'a process cannot be ended');
      if (place.host && place.host.epoch <= epoch) place.host.kill();
      for (const cli of [...place.clis]) cli.vanish();
      this.#linked.delete(agentId);
      this.#soon(2, () => {
        this.#drain(agentId);
        this.submit({ type: 'effect_done', effect, ok: true, value: null });
      });
    });
  }
}

/** What the ingest of the real supervisor makes of a record: decoded events, and the driver's word on an exit. */
function ingested(epoch: number, record: IngestedRecord['record'], events: IngestedRecord['events']): IngestedRecord {
  const { n } = record;
  const item: IngestedRecord = { record, events, end: { offset: n * 100, rest: { epoch, n, offset: n * 100 } } };
  if (record.kind !== 'exit') return item;
  const lost = record.stderr === 'no_conversation';
  item.exit = {
    cause: record.asked ? 'asked' : record.stderr === 'clean' ? 'clean' : 'crash',
    code: 'crash',
    message: `ended: ${record.stderr}`,
    hint: null,
    retryable: !lost,
    conversationLost: lost,
  };
  return item;
}
