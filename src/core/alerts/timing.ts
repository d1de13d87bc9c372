/** When an alert may be told: gathered for a moment, and, unless it is urgent, outside quiet hours and not too often. */
import { minuteOfDay, nextMinuteOfDay } from '../local-time.ts';
import { ms } from '../time.ts';
import { atLeast, type Alert, type AlertsState, type NotifySettings } from './alert.ts';

/** What comes within this of the first is told together with it. Milliseconds. */
export const GATHER_MS = 2_000;

const isQuiet = (at: number, { quiet, timeZone }: NotifySettings): boolean => {
  if (!quiet || quiet.from === quiet.to) return false;
  const minute = minuteOfDay(at, timeZone);
  return quiet.from < quiet.to ? minute >= quiet.from && minute < quiet.to : minute >= quiet.from || minute < quiet.to;
};

/** May it pass at this time, as far as the hour goes? */
const mayPass = (alert: Alert, at: number, settings: NotifySettings): boolean =>
  alert.severity === 'urgent' || !isQuiet(at, settings);

/** The first time at which a further notification keeps the limit on their rate. Milliseconds since the epoch; 0 = any. */
function rateAllows({ sentAt }: AlertsState, { rate }: NotifySettings): number {
  const oldest = sentAt.at(-rate.max);
  return oldest === undefined ? 0 : ms(oldest) + rate.withinMs;
}

/** When this alert is due to be told. Milliseconds since the epoch. */
function dueTime(alert: Alert, alerts: AlertsState, settings: NotifySettings): number {
  if (alert.severity === 'urgent') return ms(alert.at) + GATHER_MS;
  const gathered = Math.max(ms(alert.at) + GATHER_MS, rateAllows(alerts, settings));
  if (mayPass(alert, gathered, settings) || !settings.quiet) return gathered;
  return nextMinuteOfDay(gathered, settings.quiet.to, settings.timeZone);
}

/** When the next notification is due; null when nothing waits. Milliseconds since the epoch. */
export function alertsDue(alerts: AlertsState, settings: NotifySettings): number | null {
  let first: number | null = null;
  for (const alert of alerts.open) {
    const due = dueTime(alert, alerts, settings);
    if (first === null || due < first) first = due;
  }
  return first;
}

/** All that may be told now, if the first of them is due: what still gathers goes along. */
export function dueAlerts(alerts: AlertsState, settings: NotifySettings, now: number): Alert[] {
  const due = alertsDue(alerts, settings);
  if (due === null || due > now) return [];
  // A tick that comes late, when quiet hours have begun, still tells what was due before.
  return alerts.open.filter((alert) => mayPass(alert, now, settings) || dueTime(alert, alerts, settings) <= now);
}

/** Is the cause told already, and not so long ago that it should be said again? */
export function isTold(key: string, { told }: AlertsState, { repeatMs }: NotifySettings, now: number): boolean {
  const at = told[key];
  return at !== undefined && now - ms(at) < repeatMs;
}

/** Does any sink take it? */
export const isWanted = (alert: Pick<Alert, 'severity'>, { floor }: NotifySettings): boolean =>
  floor !== null && atLeast(alert.severity, floor);
