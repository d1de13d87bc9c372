/** A state that an older build wrote has not the fields that came since: they get the value of a home, or an agent, without a past. */
import { newAgent } from './agent.ts';
import { emptyPurse, tokensOf } from './budget/purse.ts';
import { emptyState } from './empty-state.ts';
import type { AgentState, State } from './state.ts';

/** State and agents only ever gain fields; a change of meaning is a migration of its own. */
export function completeState(state: State): State {
  const agents = Object.entries(state.agents).map(([id, agent]): [string, AgentState] => [id, completeAgent(agent)]);
  return { ...emptyState(state.logId), ...state, agents: Object.fromEntries(agents) };
}

function completeAgent(agent: AgentState): AgentState {
  const { id, name, project, spec, declared, createdAt } = agent;
  const whole = filled(newAgent({ id, name, project, spec, declared, at: createdAt }), agent);
  return 'purse' in agent ? whole : { ...whole, purse: purseOf(whole) };
}

/** What an agent had used before purses were kept. */
function purseOf({ tokens, costUsd }: AgentState): AgentState['purse'] {
  return { ...emptyPurse(), usd: costUsd ?? 0, reported: costUsd !== null, tokens: tokensOf(tokens) };
}

/** Two levels: an agent, and the groups of fields in it. */
function filled<T extends object>(fresh: T, known: T): T {
  const groups = Object.entries(fresh).flatMap(([key, value]) => {
    const mine: unknown = known[key as keyof T];
    return isGroup(value) && isGroup(mine) ? [[key, { ...value, ...mine }]] : [];
  });
  return { ...fresh, ...known, ...Object.fromEntries(groups) };
}

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
