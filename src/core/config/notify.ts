/** From the `notify` section to what policies read of it, and to its sinks. Pure. */
import { type NotifySettings, SEVERITIES, type Severity } from '../alerts/alert.ts';
import { parseTimeOfDay } from '../local-time.ts';
import { parseDuration } from './duration.ts';
import type { NotifyConfig, SinkConfig } from './notify-schema.ts';

/** What a sink takes that names no severity. */
const DEFAULT_FLOOR: Severity = 'warning';

export const NOTIFY_DEFAULTS = {
  floor: null,
  /** A cause that lasts is told again after this, so that it is not forgotten. */
  repeatMs: 3_600_000,
  /** Nobody answers a question at once, and more than half a working day is too long to leave it. */
  remindMs: 14_400_000,
  /** More than this is read by nobody. */
  rate: { max: 10, withinMs: 600_000 },
  quiet: null,
  digestAt: null,
  timeZone: 'UTC',
} as const satisfies NotifySettings;

export const sinksOf = (config: NotifyConfig | undefined): SinkConfig[] => config?.sinks ?? [];

export const floorOf = (sink: SinkConfig): Severity => sink.severity ?? DEFAULT_FLOOR;

/** @param timeZone the machine's, for a configuration that names none */
export function notifySettings(
  config: NotifyConfig | undefined,
  timeZone: string = NOTIFY_DEFAULTS.timeZone,
): NotifySettings {
  const floors = sinksOf(config).map(floorOf);
  const floor = SEVERITIES.find((severity) => floors.includes(severity)) ?? null;
  const time = (text: string | undefined): number | null => (text === undefined ? null : parseTimeOfDay(text));
  const from = time(config?.quiet?.from);
  const to = time(config?.quiet?.to);
  return {
    floor,
    repeatMs: duration(config?.repeat, NOTIFY_DEFAULTS.repeatMs),
    remindMs: duration(config?.remind, NOTIFY_DEFAULTS.remindMs),
    rate: {
      max: config?.rate?.max ?? NOTIFY_DEFAULTS.rate.max,
      withinMs: duration(config?.rate?.within, NOTIFY_DEFAULTS.rate.withinMs),
    },
    quiet: from === null || to === null ? null : { from, to },
    digestAt: time(config?.digest),
    timeZone: config?.timezone ?? timeZone,
  };
}

const duration = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : (parseDuration(text) ?? fallback);
