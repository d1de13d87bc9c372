/** The one place where the supervisor takes in the pure core, so that the loop, the facade and the tests name it alike. */
import { agentView, sessionName } from '../core/agent-view.ts';
import { runnerOf } from '../core/agent.ts';
import { capsOf, nearest } from '../core/budget/caps.ts';
import { dateOf } from '../core/budget/day.ts';
import { decide } from '../core/decide/index.ts';
import { DueTable } from '../core/due-table.ts';
import { emptyState } from '../core/empty-state.ts';
import { reduce } from '../core/reduce/index.ts';
import { concerns, why } from '../core/why/index.ts';

export const core = {
  agentView,
  capsOf,
  concerns,
  dateOf,
  decide,
  dueTable: (): DueTable => new DueTable(),
  emptyState,
  nearest,
  reduce,
  runnerOf,
  sessionName,
  why,
};
export type { AgentObject } from '../core/agent-view.ts';
export type { WhyChain } from '../core/why/index.ts';
