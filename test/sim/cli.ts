/**
 * A simulated CLI process: takes messages into its conversation (each once, by id), works on turns, can be interrupted,
 * and can die between any two of these.
 */
import type { DriverEventBody } from '../../src/core/event.ts';
import type { SimHost } from './host.ts';
import type { Conversation, Place, World } from './world.ts';

const START_TURN: DriverEventBody = { type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null };
const endTurn = (outcome: 'ok' | 'error' | 'interrupted' | 'limit'): DriverEventBody => ({
  type: 'turn',
  number: null,
  phase: 'end',
  outcome,
  durationMs: null,
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
  #stepsLeft = 0;

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
      if (this.alive) run();
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
        this.conversation = known ?? { id: conversationId, items: [] };
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
    this.#stepsLeft = this.world.chance.int(0, 3);
    this.host.out(this, [START_TURN]);
    this.#step(this.#turnNumber);
  }

  #answered(): boolean {
    return this.conversation?.items.at(-1)?.kind !== 'message';
  }

  #step(turn: number): void {
    this.#soon(this.world.chance.int(20, 3_000), () => {
      if (!this.turn || this.#turnNumber !== turn || this.waiting !== null) return;
      if (this.#stepsLeft-- > 0) {
        this.#work();
        if (this.waiting === null) this.#step(turn);
      } else this.#end();
    });
  }

  #work(): void {
    const { chance, rates } = this.world;
    const callId = `call-${this.incarnation}-${this.#turnNumber}-${this.#stepsLeft}`;
    this.host.out(this, [{ type: 'tool_call', callId, tool: 'bash', args: { command: 'make' }, nativeTool: 'Bash' }]);
    if (!chance.is(rates.ask)) return;
    this.waiting = `${this.place.name}-${this.host.epoch}-${callId}`;
    this.host.cliAsks(this, this.waiting);
  }

  answer(requestId: string): void {
    if (this.waiting !== requestId) return;
    this.waiting = null;
    this.#step(this.#turnNumber);
  }

  #end(): void {
    const { chance, rates } = this.world;
    if (chance.is(rates.limit)) {
      this.#finish([
        {
          type: 'rate_limit',
          limit: 'rejected',
          scope: 'five_hour',
          resetsAt: null,
          retryAfterMs: chance.is(0.5) ? chance.int(1_000, 200_000) : null,
          utilization: 1,
        },
        endTurn('limit'),
      ]);
      return;
    }
    if (chance.is(rates.failedTurn)) {
      this.#finish([{ type: 'error', code: 'overloaded', message: 'overloaded', retryable: true }, endTurn('error')]);
      return;
    }
    this.#say();
    this.#finish([{ type: 'message', role: 'assistant', content: 'done', from: null, messageId: null }, endTurn('ok')]);
  }

  #say(): void {
    this.conversation?.items.push({ kind: 'answer', id: `${this.incarnation}.${this.#turnNumber}` });
  }

  #finish(events: DriverEventBody[]): void {
    this.turn = false;
    this.waiting = null;
    this.host.out(this, events);
    this.#soon(this.world.chance.int(0, 5), () => this.#lateMessages(events));
  }

  /** Taken in just as the turn ended: a turn of their own, without being asked. */
  #lateMessages(ended: DriverEventBody[]): void {
    const last = ended.at(-1);
    if (last?.type === 'turn' && last.outcome === 'ok') this.#begin();
  }

  interrupt(): void {
    if (!this.turn) return;
    this.#say();
    this.#finish([endTurn('interrupted')]);
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
