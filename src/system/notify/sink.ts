/** What a sink is, and the document that commands and webhooks get. */
import type { Notification } from '../../core/alerts/alert.ts';
import type { Words } from '../../core/alerts/words.ts';

export interface Message {
  words: Words;
  document: AlertDocument;
}

export interface Sink {
  /** Names it in records, without its secrets. */
  label: string;
  /** Values that must never be shown: name → value. */
  secrets: Record<string, string>;
  /** Resolves to null, or to why it did not arrive. */
  send(message: Message): Promise<string | null>;
}

export interface AlertDocument {
  id: string;
  at: string;
  severity: string;
  title: string;
  text: string;
  hint: string | null;
  count: number;
  alerts: { at: string; severity: string; agent: string | null; text: string; hint: string | null }[];
}

export function documentOf({ id, at, alerts }: Notification, words: Words): AlertDocument {
  const { severity, title, text, hint, count } = words;
  const list = alerts.map((alert) => ({
    ...{ at: alert.at, severity: alert.severity, agent: alert.agent, text: alert.text, hint: alert.hint },
  }));
  return { id, at, severity, title, text, hint, count, alerts: list };
}
