/**
 * `tutti why`: the chain of causes behind an agent's present state, in plain words. This file puts it together: first what holds
 * now (`facts.ts`, from the state), then what happened (`tell.ts`, from the events), newest first.
 */
import type { TuttiEvent } from '../event.ts';
import { keysOf } from '../accounts/keys.ts';
import type { AgentState, State } from '../state.ts';
import type { Settings } from '../step.ts';
import { factsOf } from './facts.ts';
import { tell } from './tell.ts';

export interface WhyLink {
  at: string | null;
  seq: number | null;
  text: string;
}

export interface WhyChain {
  agent: string;
  state: string;
  reason: string | null;
  hint: string | null;
  chain: WhyLink[];
}

/** What an agent's state follows from beside itself. */
export interface Around {
  state: State;
  settings: Settings;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Longest chain. */
const CHAIN_LIMIT = 20;
const TEXT_LIMIT = 300;

/** An event of another agent, or of the fleet, that may be a cause of this one's state: what is known of its accounts, and of a held fleet. */
export function concerns(agent: AgentState, event: TuttiEvent): boolean {
  if (event.agentId === agent.id) return true;
  if (event.type === 'account') return keysOf(agent).includes(event.account) && OF_ALL.has(event.phase ?? '');
  return event.type === 'command' && event.verb === 'fleet';
}

/** Phases that concern every agent of an account; the others are those of one. */
const OF_ALL: ReadonlySet<string> = new Set(['held', 'refused', 'probe', 'open', 'clock']);

/**
 * @param events recent events that concern this agent, oldest first
 * The chain begins with the state and its facts, then goes back from the last change of state to the last time it was well.
 */
export function why(agent: AgentState, events: TuttiEvent[], around: Around): WhyChain {
  const chain: WhyLink[] = factsOf(agent, around).map((text) => ({ at: null, seq: null, text }));
  let turns = 0;
  for (const event of events.toReversed()) {
    if (chain.length >= CHAIN_LIMIT) break;
    const text = tell(event, agent.id);
    // Twenty refusals of one account are one cause.
    if (text === null || chain.at(-1)?.text === text) continue;
    const { at, seq } = event;
    chain.push({ at, seq, text: text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text });
    // Two turns back nothing is a cause of the present any more.
    if (event.type === 'turn' && event.phase === 'start') turns += 1;
    if (turns > 1) break;
  }
  const { name, state, reason, hint } = agent;
  return { agent: name, state, reason, hint, chain };
}
