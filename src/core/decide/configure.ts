/** The `configure` order: what a host needs to know beyond its launch file; sent when it differs from what was sent last. */
import { agentsOf, hostReachable, runnerOf } from '../agent.ts';
import type { JsonObject } from '../event.ts';
import { dateOf } from '../budget/day.ts';
import { budgetOrder } from '../budget/order.ts';
import { digest } from '../id.ts';
import { VIEW_TASK_CHARS } from '../limits.ts';
import type { AgentState, State } from '../state.ts';
import type { Work } from './work.ts';

/** Names of all agents below this one, nearest first. */
export function below(state: State, agent: AgentState): string[] {
  const names: string[] = [];
  const ids = [agent.id];
  const all = agentsOf(state);
  for (const id of ids) {
    for (const other of all) {
      if (other.spec.parentId !== id || ids.includes(other.id)) continue;
      ids.push(other.id);
      names.push(other.name);
    }
  }
  return names;
}

export function configure(w: Work, agent: AgentState): void {
  if (!hostReachable(agent)) return;
  const { spec } = agent;
  const args: JsonObject = {
    permissions: spec.permissions,
    rules: null,
    view: {
      name: agent.name,
      cli: runnerOf(agent).cli,
      model: agent.model,
      task: spec.task === null ? null : spec.task.slice(0, VIEW_TASK_CHARS),
      branch: spec.branch,
    },
    below: below(w.state, agent),
  };
  const { budgets } = w.settings;
  const budget = budgetOrder(w.state, budgets, agent, dateOf(w.now, budgets.timezone));
  const mark = digest(budget ? { ...args, budget: budget.mark as JsonObject } : args);
  if (mark === agent.configured) return;
  const order: JsonObject = budget ? { ...args, budget: budget.order as unknown as JsonObject } : args;
  w.order(agent, 'configure', order, { recorded: { digest: mark } });
}

/** An agent came, went or changed: those above it are told. */
export function configureAbove(w: Work, agent: AgentState): void {
  let parent = agent.spec.parentId;
  for (let depth = 0; parent !== null && depth < 32; depth++) {
    const above = w.touch(parent);
    if (!above) return;
    configure(w, above);
    parent = above.spec.parentId;
  }
}
