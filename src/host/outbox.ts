/**
 * Messages on their way into the CLI: what may go in now, what waits for the end of a turn, and what was handed over
 * without a proof yet that the conversation has it. Pure; the host does what it returns.
 */

export interface Outgoing {
  /** Of the command, or of the typed message; what its `done` is recorded under. */
  id: string;
  messageId: string;
  text: string;
  /** Steer a running turn where the CLI can. */
  now: boolean;
  ordinal: number;
  /** It may be in the conversation already: ask before delivering. */
  confirm: boolean;
}

/** Messages held at most. */
export const HELD_LIMIT = 1_000;

export interface Circumstances {
  /** A CLI runs and takes messages. */
  ready: boolean;
  turn: boolean;
  steer: boolean;
}

export class Outbox {
  #held: Outgoing[] = [];
  readonly #given = new Map<string, Outgoing>();
  /** A delivered message owes a turn that has not begun yet. */
  #turnDue = false;

  get held(): readonly Outgoing[] {
    return this.#held;
  }

  get full(): boolean {
    return this.#held.length >= HELD_LIMIT;
  }

  /** Ids handed to the CLI and not confirmed. */
  get given(): Set<string> {
    return new Set([...this.#given.values()].map((message) => message.id));
  }

  /** Takes a message in; a held one with the same id is replaced. */
  add(message: Outgoing): void {
    this.#held = this.#held.filter((other) => other.id !== message.id);
    this.#held.push(message);
  }

  /** Those to be handed to the CLI now, in order. */
  next(now: Circumstances): Outgoing[] {
    if (!now.ready) return [];
    const out: Outgoing[] = [];
    if (now.turn) {
      if (now.steer) out.push(...this.#held.filter((message) => message.now && !message.confirm));
    } else if (!this.#turnDue && this.#given.size === 0 && this.#held[0]) out.push(this.#held[0]);
    this.#held = this.#held.filter((message) => !out.includes(message));
    for (const message of out) {
      this.#given.set(message.messageId, message);
      this.#turnDue ||= !now.turn;
    }
    return out;
  }

  /** The conversation has it. */
  confirmed(messageId: string, turnFollows: boolean | null): Outgoing | null {
    const message = this.#given.get(messageId) ?? null;
    this.#given.delete(messageId);
    if (turnFollows !== true) this.#turnDue = false;
    return message;
  }

  /** `again`: keep it for the turn's end. */
  refused(messageId: string, again: boolean): Outgoing | null {
    const message = this.#given.get(messageId) ?? null;
    this.#given.delete(messageId);
    this.#turnDue = false;
    if (message && again) this.#held.unshift({ ...message, now: false });
    return message;
  }

  turnStarted(): void {
    this.#turnDue = false;
  }

  turnEnded(): void {
    this.#turnDue = false;
  }

  /** The CLI is gone: what it was given is of unknown fate, what is held stays. */
  cliEnded(): Outgoing[] {
    const lost = [...this.#given.values()];
    this.#given.clear();
    this.#turnDue = false;
    return lost;
  }

  /** The agent is stopped: nothing held is delivered any more. */
  dropHeld(): Outgoing[] {
    const dropped = this.#held;
    this.#held = [];
    return dropped;
  }
}
