/** The shape of one check of `tutti doctor`, and what checks get to look at. */
import type { Driver } from '../../../drivers/driver.ts';

/** `fail` stops tutti from working, `warn` makes it weaker, `skip` was not looked at and says why. */
export type Grade = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  id: string;
  grade: Grade;
  /** What was found, in one line. */
  message: string;
  /** What may come of it, where that does not go without saying. */
  why?: string;
  /** What to do; null when nothing is to be done. */
  fix: string | null;
  /** Done by `--fix`; resolves to what was done. */
  repair?: () => Promise<string>;
}

export interface Surroundings {
  home: string;
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  nodeVersion: string;
  /** Commands of CLIs by name, from the configuration. */
  commands: Record<string, string[]>;
  drivers: Driver[];
  /** Runs a program for at most `timeoutMs`; null when it cannot be started. */
  run(argv: string[], timeoutMs: number): Promise<{ code: number | null; stdout: string; stderr: string } | null>;
}

export type Check = (around: Surroundings) => Promise<Finding[]>;

/** A version check that hangs is worth no longer wait. Milliseconds. */
export const VERSION_TIMEOUT_MS = 10_000;

/** First `N.N` or `N.N.N` of a text; null when there is none. */
export function versionOf(text: string): string | null {
  return /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? null;
}

/** Compares dotted numbers; a letter suffix (3.3a) does not count. */
export function atLeast(version: string, minimum: string): boolean {
  const a = version.split('.').map((part) => Number.parseInt(part, 10));
  const b = minimum.split('.').map((part) => Number.parseInt(part, 10));
  for (let i = 0; i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
