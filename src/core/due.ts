/** When `decide` has to look again although nothing happened: the supervisor sets one timer to it and sends a `tick`. */
import { ms } from './time.ts';
import { alertDue } from './decide/alerts.ts';
import { fleetDue } from './fleet/fleet.ts';
import { fallbackDue, returnDue } from './accounts/fallback.ts';
import { limitDue } from './accounts/hold.ts';
import { digestDue } from './decide/digest.ts';
import { settingsOf } from './config/project-settings.ts';
import { requestsDue } from './decide/requests.ts';
import { deadlines } from './decide/watch.ts';
import { scheduleDue, type ScheduleState } from './schedule/schedule.ts';
import type { AgentState, State } from './state.ts';
import type { NextDue, Settings } from './step.ts';

/** Milliseconds since the epoch; null when nothing is due by time alone. */
export function agentDue(agent: AgentState, state: State, settings: Settings): number | null {
  let due = Number.POSITIVE_INFINITY;
  if (agent.gate === 'backoff' || agent.gate === 'limited') due = Math.min(due, ms(agent.resumeAt ?? agent.since));
  if (agent.host.clearAt !== null) due = Math.min(due, ms(agent.host.clearAt));
  if (agent.holdUntil !== null) due = Math.min(due, ms(agent.holdUntil));
  const own = settingsOf(state, agent, settings);
  for (const at of [limitDue(state, agent, own), fallbackDue(state, agent, own), returnDue(state, agent)]) {
    due = Math.min(due, at ?? due);
  }
  due = Math.min(due, requestsDue(agent, settings) ?? due);
  for (const { at } of deadlines(agent, own)) due = Math.min(due, at);
  return Number.isFinite(due) ? due : null;
}

/** What is due for no agent in particular. Milliseconds since the epoch; null = nothing. */
export function homeDue(state: State, settings: Settings): number | null {
  let first = alertDue(state, settings);
  const digest = digestDue(state, settings);
  if (digest !== null && (first === null || digest < first)) first = digest;
  const fleet = fleetDue(state);
  if (fleet !== null && (first === null || fleet < first)) first = fleet;
  for (const id in state.schedules) {
    const due = scheduleDue(state.schedules[id] as ScheduleState);
    if (due !== null && (first === null || due < first)) first = due;
  }
  return first;
}

export const nextDue: NextDue = (state, settings) => {
  let first = homeDue(state, settings);
  for (const id in state.agents) {
    const due = agentDue(state.agents[id] as AgentState, state, settings);
    if (due !== null && (first === null || due < first)) first = due;
  }
  return first;
};
