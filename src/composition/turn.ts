/** What a supervisor that a service manager started does before it begins: it waits for one that runs, and after crashes. */
import { failureOf } from '../cli/failure.ts';
import { loadUserConfig } from '../cli/config-file.ts';
import { DEFAULTS, settingsFrom } from '../core/config/settings.ts';
import { startDelay } from '../core/own-tally.ts';
import type { Settings } from '../core/step.ts';
import { startHeartbeat } from '../supervisor/heartbeat.ts';
import type { Logger, ServiceLink } from '../supervisor/ports.ts';
import { clock, sleep } from '../system/clock.ts';
import { lockOwner } from '../system/lock.ts';
import type { HomePaths } from '../system/paths.ts';
import { noteStart, readTally } from '../system/service/tally.ts';
import { MANAGED_DELAY_VARIABLE } from '../system/service/unit.ts';

type Env = Record<string, string | undefined>;

/** Between two looks whether it is our turn. Milliseconds. */
const LOOK_MS = 500;

export interface TurnOptions {
  paths: HomePaths;
  env: Env;
  log: Logger;
  service: ServiceLink | null;
  /** The end was asked for meanwhile. */
  ended(): boolean;
}

/** The backoff of config.yaml; with one that cannot be read, the documented one: waiting must not fail. */
export function ownBackoff(env: Env): Settings['backoff'] {
  try {
    return settingsFrom(loadUserConfig(env)).backoff;
  } catch (error) {
    if (!failureOf(error)) throw error;
    return DEFAULTS.backoff;
  }
}

/** Resolves when this process may take the home, or when its end was asked for. */
export async function awaitTurn(options: TurnOptions): Promise<void> {
  await standBy(options);
  if (!options.ended()) await waitAfterCrashes(options);
}

/**
 * One that was started by a command has the home. Ending and being started again each second would cost more than this look
 * at the lock; the manager is told that all is well.
 */
async function standBy({ paths, log, service, ended }: TurnOptions): Promise<void> {
  const owner = lockOwner(paths.supervisorLock);
  if (!owner) return;
  const text = `supervisor ${owner.pid} has this home: waiting for its end`;
  log('info', text);
  await service?.ready(text);
  const heartbeat = service
    ? startHeartbeat({ service, clock, log, pulse: async () => null, status: () => text })
    : { stop: () => undefined };
  while (!ended() && lockOwner(paths.supervisorLock) !== null) await sleep(LOOK_MS);
  heartbeat.stop();
}

/** The growing delay, unless the manager itself has one. A start by a person ends it: that clears the tally. */
async function waitAfterCrashes({ paths, env, log, service, ended }: TurnOptions): Promise<void> {
  const backoff = ownBackoff(env);
  const { crashes } = noteStart(paths.tally, backoff.resetAfterMs);
  const delay = env[MANAGED_DELAY_VARIABLE] ? 0 : startDelay(readTally(paths.tally), backoff);
  if (delay === 0) return;
  const text = `${crashes} ${crashes === 1 ? 'crash' : 'crashes'} in a row: starting in ${Math.ceil(delay / 1_000)} s`;
  log('warn', text);
  await service?.status(text);
  const until = performance.now() + delay;
  while (!ended() && performance.now() < until && readTally(paths.tally).crashes > 0) {
    await sleep(Math.min(LOOK_MS, Math.max(1, until - performance.now())));
  }
}
