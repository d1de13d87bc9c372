/** What is asked of a service manager, and what it knows of a service; systemd and launchd behind one interface. */
import type { RunResult } from '../process.ts';
import type { ServicePlan } from './plan.ts';

export interface ServiceFacts {
  /** Is it started at login (with lingering: at boot)? */
  enabled: boolean | null;
  /** In the manager's own word: active, activating, inactive, failed, running … */
  active: string | null;
  pid: number | null;
  /** How it last ended. */
  lastExit: string | null;
  /** Restarts by the manager since a person last started it. */
  restarts: number | null;
}

export const UNKNOWN_FACTS: ServiceFacts = { enabled: null, active: null, pid: null, lastExit: null, restarts: null };

export interface ServiceManager {
  /** null: it can be reached; else why not, in one line. */
  trouble(): Promise<string | null>;
  /**
   * Has the files read, started at each login, and started now; one that runs is started anew only with `fresh` (its files
   * have changed). Does not wait until it is up. Rejects with {@link ManagerError}.
   */
  enable(plan: ServicePlan, fresh: boolean): Promise<void>;
  /** Has it stopped and no longer started. Rejects with {@link ManagerError}. */
  disable(plan: ServicePlan): Promise<void>;
  /** Has it see that files are gone. */
  reload(): Promise<void>;
  facts(name: string): Promise<ServiceFacts>;
}

/** The manager refused, in its own words. */
export class ManagerError extends Error {}

/** Throws what a failed call said. */
export function require(result: RunResult, what: string): void {
  if (result.ok) return;
  const words = (result.stderr || result.stdout || result.message).trim().split('\n').at(-1) ?? '';
  throw new ManagerError(`${what}: ${words || 'no word of why'}`);
}
