/** Alerts and notifications: `alert` (raised, or over before it was told) and `notify` (on its way, then told or not). */
import type { Alert, Notification } from '../alerts/alert.ts';
import type { Json, JsonObject } from '../event.ts';
import { ALERTS_OPEN, CAUSES_KEPT, NOTIFICATIONS_KEPT } from '../limits.ts';
import type { State } from '../state.ts';
import type { EventOf } from './index.ts';

export function onAlert(state: State, event: EventOf<'command'>): void {
  const { alerts } = state;
  const args = event.args ?? {};
  const key = textOf(args.key) ?? '';
  if (event.phase === 'failed') {
    state.alerts = { ...alerts, open: alerts.open.filter((alert) => alert.key !== key) };
    return;
  }
  const told = remembered(alerts.told, key, event.at);
  if (args.send !== true) {
    state.alerts = { ...alerts, told };
    return;
  }
  const alert: Alert = {
    key,
    severity: args.severity === 'info' || args.severity === 'urgent' ? args.severity : 'warning',
    text: textOf(args.text) ?? '',
    hint: textOf(args.hint),
    agentId: event.agentId,
    agent: event.agent,
    at: event.at,
  };
  const others = alerts.open.filter((known) => known.key !== key);
  state.alerts = { ...alerts, told, open: [...others.slice(-(ALERTS_OPEN - 1)), alert] };
}

export function onNotify(state: State, event: EventOf<'command'>): void {
  const { alerts } = state;
  if (event.phase === 'accepted') {
    const { notification, keys } = event.args as JsonObject & { keys: string[] };
    const gone = new Set(keys);
    state.alerts = {
      ...alerts,
      open: alerts.open.filter((alert) => !gone.has(alert.key)),
      outbox: { ...alerts.outbox, [event.id]: notification as unknown as Notification },
      sentAt: [...alerts.sentAt.slice(-(NOTIFICATIONS_KEPT - 1)), event.at],
    };
    return;
  }
  const { [event.id]: _ended, ...outbox } = alerts.outbox;
  state.alerts = { ...alerts, outbox };
}

/** A person acted on this agent: what happens from now on is news again. */
export function forgetCauses(state: State, agentId: string): void {
  const key = `failed ${agentId}`;
  if (!(key in state.alerts.told)) return;
  const { [key]: _past, ...told } = state.alerts.told;
  state.alerts = { ...state.alerts, told };
}

function remembered(told: Record<string, string>, key: string, at: string): Record<string, string> {
  const { [key]: _before, ...others } = told;
  const kept = Object.entries(others).slice(-(CAUSES_KEPT - 1));
  return { ...Object.fromEntries(kept), [key]: at };
}

const textOf = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
