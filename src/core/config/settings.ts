/** From configuration to the settings that policies read; every default of requirements.md's decision 9 stands here, once. */
import type { Settings } from '../step.ts';
import { parseDuration } from './duration.ts';
import { NOTIFY_DEFAULTS, notifySettings } from './notify.ts';
import type { ProjectConfig, UserConfig } from './schema.ts';

export const DEFAULTS = {
  restarts: { max: 5, withinMs: 600_000 },
  backoff: { baseMs: 1_000, capMs: 60_000, resetAfterMs: 600_000 },
  /** The grace is short of the 5 s within which a limited account has fallen silent. */
  limit: { baseMs: 60_000, capMs: 900_000, graceMs: 3_000 },
  /** Concurrent CLI starts; each costs about a core for a second. */
  maxStarts: 4,
  notify: NOTIFY_DEFAULTS,
} as const satisfies Settings;

type Watchdog = NonNullable<ProjectConfig['watchdog']>;

const ms = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : (parseDuration(text) ?? fallback);

/** Later ones win key by key: pass the user's first, then the project's. */
export function settingsFrom(user: UserConfig | null, ...watchdogs: (Watchdog | undefined)[]): Settings {
  const all = [user?.watchdog, ...watchdogs].filter((w) => w !== undefined);
  const pick = <T>(get: (w: Watchdog) => T | undefined): T | undefined => all.map(get).findLast((v) => v !== undefined);
  return {
    restarts: {
      max: pick((w) => w.restarts?.max) ?? DEFAULTS.restarts.max,
      withinMs: ms(
        pick((w) => w.restarts?.within),
        DEFAULTS.restarts.withinMs,
      ),
    },
    backoff: {
      baseMs: ms(
        pick((w) => w.backoff?.base),
        DEFAULTS.backoff.baseMs,
      ),
      capMs: ms(
        pick((w) => w.backoff?.cap),
        DEFAULTS.backoff.capMs,
      ),
      resetAfterMs: ms(
        pick((w) => w.backoff?.resetAfter),
        DEFAULTS.backoff.resetAfterMs,
      ),
    },
    limit: {
      baseMs: ms(
        pick((w) => w.limit?.base),
        DEFAULTS.limit.baseMs,
      ),
      capMs: ms(
        pick((w) => w.limit?.cap),
        DEFAULTS.limit.capMs,
      ),
      graceMs: ms(
        pick((w) => w.limit?.grace),
        DEFAULTS.limit.graceMs,
      ),
    },
    maxStarts: user?.limits?.starts ?? DEFAULTS.maxStarts,
    notify: notifySettings(user?.notify),
  };
}
