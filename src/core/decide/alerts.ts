/** Alerts in a step: what its events are worth telling is recorded, and what is due is handed to the sinks. */
import { candidates, requestKey, stillHolds } from '../alerts/raise.ts';
import { alertsDue, dueAlerts, isTold, isWanted } from '../alerts/timing.ts';
import type { Alert, AlertsState, Notification, Severity } from '../alerts/alert.ts';
import { SEVERITIES } from '../alerts/alert.ts';
import { agentsOf } from '../agent.ts';
import type { EventBody, JsonObject } from '../event.ts';
import { ALERTS_IN_ONE, REMIND_FOR_MS } from '../limits.ts';
import type { AgentState, PendingRequest } from '../state.ts';
import { iso, ms } from '../time.ts';
import type { Work } from './work.ts';

/** Records an alert for each new cause among the step's events. */
export function raiseAlerts(w: Work): void {
  for (const candidate of candidates(w.events, w.state)) {
    if (isTold(candidate.key, w.state.alerts, w.settings.notify, w.now)) continue;
    raise(w, candidate);
  }
}

function raise(w: Work, { agentId, agent: _name, ...what }: Omit<Alert, 'at'>): void {
  const send = isWanted(what, w.settings.notify);
  const id = `alert-${w.state.seq + 1}`;
  const args: JsonObject = { ...what, send };
  w.emit(agentId, { type: 'command', id, verb: 'alert', by: 'supervisor', phase: 'done', args, result: null });
}

/** At a tick: what is over by now is dropped, the rest is told in one notification. */
export function sendAlerts(w: Work): void {
  const { notify } = w.settings;
  const due = dueAlerts(w.state.alerts, notify, w.now);
  const over = due.filter((alert) => !stillHolds(alert, w.state));
  for (const { key, agentId } of over) {
    const id = `alert-${w.state.seq + 1}`;
    const agent = agentId !== null && w.state.agents[agentId] ? agentId : null;
    const result = 'over before it was told';
    w.emit(agent, { type: 'command', id, verb: 'alert', by: 'supervisor', phase: 'failed', args: { key }, result });
  }
  const told = due.filter((alert) => !over.includes(alert));
  if (told.length === 0) return;
  const id = `notify-${w.state.logId.slice(0, 8)}-${w.state.seq + 1}`;
  const severity = highest(told);
  const alerts = told.slice(0, ALERTS_IN_ONE);
  const notification: Notification = { id, at: iso(w.now), severity, alerts, more: told.length - alerts.length };
  const args = { notification, keys: told.map((alert) => alert.key) } as unknown as JsonObject;
  w.emit(
    null,
    { type: 'command', id, verb: 'notify', by: 'supervisor', phase: 'accepted', args, result: null },
    { durable: true, by: 'supervisor' },
  );
  w.effect({ do: 'notify', notification });
}

const highest = (alerts: Alert[]): Severity =>
  SEVERITIES.findLast((severity) => alerts.some((alert) => alert.severity === severity)) ?? 'info';

/** What was on its way when the supervisor before this one ended may not have arrived. */
export function sendAgain(w: Work): void {
  for (const notification of Object.values(w.state.alerts.outbox)) w.effect({ do: 'notify', notification });
}

/** Requests that wait for so long that a person is told again. */
export function remind(w: Work): void {
  for (const { id } of agentsOf(w.state)) {
    const agent = w.state.agents[id] as AgentState;
    for (const request of Object.values(agent.requests)) {
      const due = reminderDue(request, w.state.alerts, w.settings.notify.remindMs);
      if (due === null || due > w.now) continue;
      const [candidate] = candidates([{ agentId: id, body: askedAgain(request.requestId) }], w.state);
      if (candidate) raise(w, { ...candidate, text: `${candidate.text} (since ${request.at})` });
    }
  }
}

const askedAgain = (requestId: string): EventBody => ({
  type: 'permission',
  ...{ requestId, tool: 'other', args: {}, decision: 'asked', by: null, kind: 'permission', text: null },
});

/** null: it was never told, or is not to be told again. Milliseconds since the epoch. */
function reminderDue({ requestId, at }: PendingRequest, { told }: AlertsState, remindMs: number): number | null {
  const before = told[requestKey(requestId)];
  if (before === undefined || remindMs === 0) return null;
  const due = ms(before) + remindMs;
  return due > ms(at) + REMIND_FOR_MS ? null : due;
}

/** When alerts have to be looked at; null when nothing waits. Milliseconds since the epoch. */
export function alertDue(state: Work['state'], settings: Work['settings']): number | null {
  let due = alertsDue(state.alerts, settings.notify);
  for (const id in state.agents) {
    const { requests } = state.agents[id] as AgentState;
    for (const requestId in requests) {
      const at = reminderDue(requests[requestId] as PendingRequest, state.alerts, settings.notify.remindMs);
      if (at !== null && (due === null || at < due)) due = at;
    }
  }
  return due;
}
