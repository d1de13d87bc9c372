/**
 * A simulated CLI process: takes messages into its conversation (each once, by id), works on turns, can be interrupted,
 * and can die between any two of these.
 */
import type { DriverEventBody, TurnOutcome } from '../../src/core/event.ts';
import type { SimHost } from './host.ts';
import type { Conversation, Pause, Place, World } from './world.ts';

const START_TURN: DriverEventBody = { type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null };
const endTurn = (outcome: TurnOutcome): DriverEventBody => ({
  type: 'turn',
  number: null,
  phase: 'end',
  outcome,
  durationMs: null,
});

/** Of a size that differs from call to call, without a number of the schedule's own chance. */
const used = (before: number): DriverEventBody => ({
  type: 'usage',
  input: 1 + (before % 7),
  output: 1,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd: null,
  contextUsed: null,
  contextLimit: null,
  model: null,
  estimated: false,
});

export class SimCli {
  readonly world: World;
  readonly place: Place;
  readonly host: SimHost;
  readonly incarnation: number;
  readonly pid: number;
  alive = true;
  ready = false;
  turn = false;
  asked = false;
  /** An open question: the turn stands still. */
  waiting: string | null = null;
  conversation: Conversation | null = null;
  #turnNumber = 0;
  #script: Generator<Pause, void> | null = null;
  /** Stopped by a signal: nothing of it moves. What it would have done waits here. */
  #stopped: (() => void)[] | null = null;
  /** It hangs: it does not even hear an interrupt. */
  deaf = false;
  /** What it was told that it may spend. USD; null = nothing was said. */
  maxUsd: number | null = null;

  constructor(host: SimHost, incarnation: number) {
    this.host = host;
    this.world = host.world;
    this.place = host.place;
    this.incarnation = incarnation;
    this.pid = ++this.world.pids;
    this.place.clis.add(this);
  }

  get label(): string {
    return `${this.place.name}.cli${this.incarnation}`;
  }

  #soon(delay: number, run: () => void): void {
    this.world.after(delay, () => {
      if (!this.alive) return;
      if (this.#stopped) this.#stopped.push(run);
      else run();
    });
  }

  start(conversationId: string, resume: boolean): void {
    const { chance, rates } = this.world;
    this.#soon(chance.int(5, 400), () => {
      const known = this.place.conversations.get(conversationId);
      if (resume && (!known || chance.is(rates.lostConversation))) {
        this.place.strayed = true;
        this.place.conversations.delete(conversationId);
        // What was in it counts as gone; the oracle does not ask for it any more.
        if (known) this.place.conversations.set(`${conversationId}-lost`, known);
        this.exit('no_conversation');
      } else if (chance.is(rates.startCrash)) this.exit('crash');
      else {
        this.conversation = known ?? { id: conversationId, items: [], cursed: null };
        this.place.conversations.set(conversationId, this.conversation);
        this.ready = true;
        this.host.cliReady(this, conversationId, resume);
      }
    });
  }

  /** Written to its stdin: taken in a moment later. Only who asks first (`confirm`) is kept from saying a thing twice. */
  message(id: string, confirm: boolean): void {
    this.#soon(this.world.chance.int(1, 40), () => this.#take(id, confirm));
  }

  #take(id: string, ask: boolean): void {
    if (this.deaf) return;
    const conversation = this.conversation as Conversation;
    if (ask && conversation.items.some((item) => item.kind === 'message' && item.id === id)) {
      this.world.note(this.label, `already has ${id.slice(0, 8)}`);
      this.#soon(this.world.chance.int(0, 10), () => this.host.cliConfirmed(this, id, false));
      return;
    }
    conversation.items.push({ kind: 'message', id });
    this.world.note(this.label, `has ${id.slice(0, 8)}`);
    const steered = this.turn;
    const confirm = (): void => this.host.cliConfirmed(this, id, this.world.chance.is(0.3) ? null : true);
    this.#soon(this.world.chance.int(0, steered ? 400 : 20), confirm);
    if (!steered) this.#soon(this.world.chance.int(0, 20), () => this.#begin());
  }

  #begin(): void {
    if (this.turn || this.#answered()) return;
    this.turn = true;
    this.#turnNumber += 1;
    this.#script = this.world.turns(this);
    this.host.out(this, [START_TURN]);
    this.#goOn();
  }

  #answered(): boolean {
    return this.conversation?.items.at(-1)?.kind !== 'message';
  }

  /** To the next pause of the turn. */
  #goOn(): void {
    const pause = this.#script?.next();
    if (!pause || pause.done || pause.value === null) return;
    const turn = this.#turnNumber;
    this.#soon(pause.value, () => {
      if (this.turn && this.#turnNumber === turn) this.#goOn();
    });
  }

  get turnNumber(): number {
    return this.#turnNumber;
  }

  out(events: DriverEventBody[]): void {
    this.host.out(this, events);
  }

  /** A model call: what it used is told at its end. Returns how long it takes. */
  call(ms: number): number {
    this.host.calls(this);
    this.#soon(ms - 1, () => this.host.out(this, [used(this.host.place.spent)]));
    return ms;
  }

  /** Asks a person about a call; the turn goes on with the answer (yield null). */
  ask(callId: string): null {
    this.waiting = `${this.place.name}-${this.host.epoch}-${callId}`;
    this.host.cliAsks(this, this.waiting);
    return null;
  }

  answer(requestId: string): void {
    if (this.waiting !== requestId) return;
    this.waiting = null;
    this.#goOn();
  }

  /** The last word of a turn: the conversation has an answer. */
  endWell(events: DriverEventBody[]): void {
    this.#say();
    this.finish([...events, endTurn('ok')]);
  }

  endBadly(events: DriverEventBody[], outcome: 'error' | 'limit' | 'budget'): void {
    this.finish([...events, endTurn(outcome)]);
  }

  #say(): void {
    this.conversation?.items.push({ kind: 'answer', id: `${this.incarnation}.${this.#turnNumber}` });
  }

  finish(events: DriverEventBody[]): void {
    this.turn = false;
    this.waiting = null;
    this.#script = null;
    this.host.out(this, events);
    this.#soon(this.world.chance.int(0, 5), () => this.#lateMessages(events));
  }

  /** Taken in just as the turn ended: a turn of their own, without being asked. */
  #lateMessages(ended: DriverEventBody[]): void {
    const last = ended.at(-1);
    if (last?.type === 'turn' && last.outcome === 'ok') this.#begin();
  }

  interrupt(): void {
    if (this.#stopped) this.#stopped.push(() => this.interrupt());
    if (!this.turn || this.deaf || this.#stopped) return;
    this.#say();
    this.finish([endTurn('interrupted')]);
  }

  freeze(): void {
    if (this.#stopped) return;
    this.#stopped = [];
    this.world.note(this.label, 'FROZEN');
  }

  thaw(): void {
    const held = this.#stopped;
    if (!held) return;
    this.#stopped = null;
    this.world.note(this.label, 'goes on');
    for (const run of held) this.#soon(0, run);
  }

  get frozen(): boolean {
    return this.#stopped !== null;
  }

  exit(cause: string): void {
    if (!this.alive) return;
    this.vanish();
    this.host.cliExited(this, cause);
  }

  /** Gone without a word. */
  vanish(): void {
    this.alive = false;
    this.place.clis.delete(this);
    this.world.note(this.label, 'ends');
  }
}
