/** Ending a running turn. */
import type { AgentState } from '../state.ts';
import { hasPending } from './queue.ts';
import type { Work } from './work.ts';

/** Ends the running turn; false when none runs. The order lapses with its turn. */
export function interruptTurn(w: Work, agent: AgentState): boolean {
  if (!agent.cli.turn || agent.host.phase !== 'up') return false;
  if (!hasPending(agent, 'interrupt'))
    w.order(agent, 'interrupt', { incarnation: agent.cli.incarnation, turn: agent.turns });
  return true;
}
