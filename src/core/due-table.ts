/**
 * What is due next, kept by agent and looked at again only where a step changed something: the supervisor asks after every step, and
 * that must not cost more with a larger fleet.
 */
import { keysOf, runnerKeys } from './accounts/keys.ts';
import { agentDue, homeDue } from './due.ts';
import type { TuttiEvent } from './event.ts';
import type { AgentState, State } from './state.ts';
import type { Settings } from './step.ts';

export class DueTable {
  /** By agent; those with nothing due are not in it. Milliseconds since the epoch. */
  readonly #dues = new Map<string, number>();
  /** By agent, the keys of the accounts that concern it. */
  readonly #keys = new Map<string, string[]>();
  readonly #changed = new Set<string>();
  #settings: Settings | null = null;
  /** Everything has to be looked at. */
  #all = true;

  /** Events that were reduced since the last question. */
  changed(events: readonly TuttiEvent[]): void {
    for (const { agentId, type } of events) {
      // What is about no agent, or about an account, can concern any of them.
      if (agentId === null || type === 'account') this.#all = true;
      else this.#changed.add(agentId);
    }
  }

  /** The same as `nextDue`. */
  next(state: State, settings: Settings): number | null {
    if (this.#all || settings !== this.#settings) {
      this.#dues.clear();
      this.#keys.clear();
      for (const id in state.agents) this.#changed.add(id);
    } else this.#addMoving(state);
    for (const id of this.#changed) this.#look(id, state, settings);
    this.#changed.clear();
    this.#all = false;
    this.#settings = settings;
    let first = homeDue(state, settings);
    for (const due of this.#dues.values()) if (first === null || due < first) first = due;
    return first;
  }

  /** While an account is held, or its agents go on one after another, what one of them does is due for others. */
  #addMoving(state: State): void {
    const moving = movingKeys(state);
    if (moving.length === 0) return;
    for (const [id, keys] of this.#keys) if (keys.some((key) => moving.includes(key))) this.#changed.add(id);
  }

  #look(id: string, state: State, settings: Settings): void {
    const agent = Object.hasOwn(state.agents, id) ? state.agents[id] : undefined;
    const due = agent ? agentDue(agent, state, settings) : null;
    if (due === null) this.#dues.delete(id);
    else this.#dues.set(id, due);
    if (agent) this.#keys.set(id, concernedBy(agent));
    else this.#keys.delete(id);
  }
}

/** All accounts that it runs on, or could. */
const concernedBy = (agent: AgentState): string[] => [
  ...keysOf(agent),
  ...[agent.spec, ...agent.spec.fallback].flatMap((runner) => runnerKeys(runner, runner.model)),
];

function movingKeys({ accounts }: State): string[] {
  const moving: string[] = [];
  for (const key in accounts) {
    const account = accounts[key];
    if (!account) continue;
    let moves = account.limit === 'rejected' || account.probe !== null;
    for (const _id in account.turns) moves = true;
    if (moves) moving.push(key);
  }
  return moving;
}
