/**
 * Who asks, and what an agent may ask for (contract.md §6): a client inside an agent says so by its TUTTI_AGENT, and may then
 * command only agents below it. This stops honest programs; the guard is no sandbox.
 */
import type { AgentState, State } from '../core/state.ts';
import type { Caller } from '../core/step.ts';
import { type Asker, Refusal } from './facade.ts';

export interface KnownCaller {
  by: Caller;
  /** `from` of a message: `user` or the agent's name. */
  from: string;
  /** null for a person. */
  agent: AgentState | null;
}

/** A write that no agent may do, whoever it is about. */
export type Forbidden =
  | 'approve, deny or answer requests'
  | 'apply a configuration'
  | 'use down'
  | 'stop the supervisor';

/** Throws DENIED for a marker that is none of ours: whoever sends one is an agent, and not one that we could place. */
export function identify(state: State, asker: Asker, home8: string): KnownCaller {
  if (asker.marker === null) return { by: 'user', from: 'user', agent: null };
  const [home, id = ''] = asker.marker.split('/');
  const agent = home === home8 ? state.agents[id] : undefined;
  if (!agent)
    throw denied('the caller is inside an agent that this supervisor does not know', 'run it outside the agent');
  return { by: `agent:${agent.name}`, from: agent.name, agent };
}

export function forbidAgents(caller: KnownCaller, what: Forbidden): void {
  if (caller.agent) throw denied(`${caller.agent.name} is an agent: agents may not ${what}`, 'a person can');
}

/** Throws DENIED unless the target is below the calling agent. A person may command all. */
export function requireBelow(state: State, caller: KnownCaller, target: AgentState): void {
  if (!caller.agent || isBelow(state, target, caller.agent.id)) return;
  throw denied(
    `${target.name} is not below ${caller.agent.name}: an agent may command only agents that it spawned`,
    'a person can, outside the agent',
  );
}

export function isBelow(state: State, agent: AgentState, above: string): boolean {
  const seen = new Set<string>();
  for (let at = agent.spec.parentId; at !== null && !seen.has(at); at = state.agents[at]?.spec.parentId ?? null) {
    if (at === above) return true;
    seen.add(at);
  }
  return false;
}

function denied(message: string, hint: string): Refusal {
  return new Refusal({ code: 'DENIED', message, hint });
}
