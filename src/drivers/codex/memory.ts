/** What the decoder of the app-server holds between lines. Empty between turns, so that a supervisor can begin there anew. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { CallBook } from './call-book.ts';
import { listOf, textOf } from './values.ts';

export class Memory {
  readonly calls = new CallBook();
  /** Text of the model of which the next line tells whether it was the answer (contract.md §8). */
  #held: string | null = null;
  turnOpen = false;
  /** An `error` came in this turn: the one in turn/completed is the same. */
  errorTold = false;
  /** A request of this turn was refused by the account's limit. */
  refused = false;
  /** The account's windows as last told in this turn: a refusal that follows takes its reset time from here. */
  windows: JsonObject | null = null;
  /** Total tokens by thread, as last told: an equal total is a repetition, not use. */
  readonly totals = new Map<string, number>();
  /** Threads of sub-agents → the call they work for (their own id where no call names them). */
  readonly #subAgents = new Map<string, string>();

  /** Nothing is held that a later line needs. */
  get atRest(): boolean {
    return (
      !this.turnOpen &&
      this.#held === null &&
      this.calls.size === 0 &&
      this.totals.size === 0 &&
      this.#subAgents.size === 0
    );
  }

  hold(text: string): DriverEventBody[] {
    const before = this.moreWork();
    this.#held = text;
    return before;
  }

  /** More work follows, or the process ended: what was held was not the answer. */
  moreWork(): DriverEventBody[] {
    const content = this.#held;
    this.#held = null;
    return content === null ? [] : [{ type: 'thinking', content, tokens: null }];
  }

  /** A turn begins: what belongs to one turn is forgotten. */
  beginTurn(): void {
    this.turnOpen = true;
    this.errorTold = false;
    this.refused = false;
    this.windows = null;
  }

  /**
   * The turn is over: what was held is the answer. Its tokens are forgotten too: the next turn/start of ours restates them,
   * so that whoever begins to read here knows as much as who read from the start.
   */
  endTurn(threadId: string): DriverEventBody[] {
    const content = this.#held;
    this.#held = null;
    this.turnOpen = false;
    this.errorTold = false;
    this.refused = false;
    this.windows = null;
    this.totals.delete(threadId);
    return content === null ? [] : [{ type: 'message', role: 'assistant', content, from: null, messageId: null }];
  }

  /** The call that a thread works for; null for the agent's own thread. */
  parent(threadId: string): string | null {
    return this.#subAgents.get(threadId) ?? null;
  }

  knowSubAgent(threadId: string, callId: string | null): void {
    if (threadId !== '' && (callId !== null || !this.#subAgents.has(threadId))) {
      this.#subAgents.set(threadId, callId ?? threadId);
    }
  }

  forgetSubAgent(threadId: string): void {
    if (this.#subAgents.delete(threadId)) this.totals.delete(threadId);
  }

  /** The threads that a call began or speaks to. The first call that names a thread is the one that began it. */
  knowReceivers(item: JsonObject): void {
    for (const id of listOf(item.receiverThreadIds)) {
      const threadId = textOf(id);
      const known = this.#subAgents.get(threadId);
      if (known === undefined || known === threadId) this.knowSubAgent(threadId, textOf(item.id));
    }
  }
}
