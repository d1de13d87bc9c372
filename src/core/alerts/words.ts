/** A notification in words: for a desktop bubble, a chat line, a terminal. Pure. */
import { atLeast, type Alert, type Notification, type Severity } from './alert.ts';

/** Alerts that are written out; the rest is counted. */
export const SHOWN = 3;
const LINE_CHARS = 300;
/** One alone may be longer: a digest has several lines. */
const ALONE_CHARS = 1_500;

export interface Words {
  title: string;
  text: string;
  severity: Severity;
  /** What to do, of the first alert. */
  hint: string | null;
  count: number;
}

const short = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** What a sink with this floor is told of a notification; null when nothing of it concerns that sink. */
export function wordsFor(notification: Notification, floor: Severity): Words | null {
  const alerts = notification.alerts.filter((alert) => atLeast(alert.severity, floor));
  const [first] = alerts;
  if (!first) return null;
  const ranked = alerts.toSorted((a, b) => rank(b) - rank(a));
  const count = alerts.length + notification.more;
  const lines = ranked.slice(0, SHOWN).map((alert) => short(alert.text, count === 1 ? ALONE_CHARS : LINE_CHARS));
  const left = count - lines.length;
  if (left > 0) lines.push(`and ${left} more`);
  const severity = (ranked[0] as Alert).severity;
  const title = count === 1 ? `tutti: ${first.agent ?? severity}` : `tutti: ${count} alerts`;
  return { title, text: lines.join('\n'), severity, hint: (ranked[0] as Alert).hint, count };
}

const RANK = { info: 0, warning: 1, urgent: 2 } as const satisfies Record<Severity, number>;
const rank = (alert: Alert): number => RANK[alert.severity];
