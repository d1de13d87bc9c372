/** Durations of the configuration and the command line: `250ms 30s 5m 2h`. */

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNITS;

/** Longest duration that a timer can hold: Node's timers overflow beyond 2^31-1 ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** Milliseconds of a duration text; null when it is none. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return null;
  const ms = Number(match[1]) * UNITS[match[2] as Unit];
  return ms <= LONGEST_MS ? Math.round(ms) : null;
}

/** Short text for people: `850ms`, `4s`, `3m`, `1h`, `3d4h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const s = Math.floor(ms / 1_000);
  if (s < 60) return `${s}s`;
  if (s < 3_600) return `${Math.floor(s / 60)}m`;
  if (s < 86_400) {
    const m = Math.floor((s % 3_600) / 60);
    return m > 0 && s < 36_000 ? `${Math.floor(s / 3_600)}h${m}m` : `${Math.floor(s / 3_600)}h`;
  }
  const h = Math.floor((s % 86_400) / 3_600);
  return h > 0 ? `${Math.floor(s / 86_400)}d${h}h` : `${Math.floor(s / 86_400)}d`;
}
