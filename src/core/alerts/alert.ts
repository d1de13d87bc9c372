/**
 * Alerts: what a person should hear of. This folder says which events are one (`raise.ts`), when it may be told (`timing.ts`), and in
 * which words (`words.ts`). Pure; the sinks are in `system/notify/`.
 */
import type { IsoTime } from '../event.ts';

export const SEVERITIES = ['info', 'warning', 'urgent'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const atLeast = (severity: Severity, floor: Severity): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(floor);

/** Something that a person should hear of, once for each cause. */
export interface Alert {
  /** The cause: the same one is told once within `notify.repeat`. */
  key: string;
  severity: Severity;
  /** One sentence. */
  text: string;
  /** What to do about it. */
  hint: string | null;
  agentId: string | null;
  agent: string | null;
  at: IsoTime;
}

/** What is handed to the sinks in one go: one alert, or several that came together. */
export interface Notification {
  id: string;
  at: IsoTime;
  /** The highest of its alerts. */
  severity: Severity;
  alerts: Alert[];
  /** Further alerts that are only counted. */
  more: number;
}

export interface AlertsState {
  /** Causes that were told, or wait to be, by key: since when. Bounded. */
  told: Record<string, IsoTime>;
  /** Raised, and not yet on their way. Bounded: the oldest go first. */
  open: Alert[];
  /** On their way: recorded, with no outcome yet. */
  outbox: Record<string, Notification>;
  /** Times of the latest notifications, for the limit on their rate. Bounded. */
  sentAt: IsoTime[];
}

export const noAlerts = (): AlertsState => ({ told: {}, open: [], outbox: {}, sentAt: [] });

/** What policies read of the configuration's `notify`. */
export interface NotifySettings {
  /** The lowest severity that any sink takes; null = there is no sink. */
  floor: Severity | null;
  /** The same cause is not told again within this. Milliseconds. */
  repeatMs: number;
  /** An open request is told of again after this. Milliseconds; 0 = never. */
  remindMs: number;
  rate: { max: number; withinMs: number };
  /** Only urgent alerts pass between these. Minutes of the local day. */
  quiet: { from: number; to: number } | null;
  /** Daily digest at this minute of the local day. */
  digestAt: number | null;
  /** IANA name of the zone that `quiet` and `digestAt` are in. */
  timeZone: string;
}
