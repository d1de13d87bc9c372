/**
 * The ping that a service manager asks for. It is sent only when the loop has really turned since the last one: a pulse went
 * through the mailbox and the log's fsync. A loop that hangs sends none, and the manager ends us. A loop that stands still
 * because the disk is full says so and is alive: ending it would mend nothing.
 */
import { messageOf } from './loop.ts';
import type { Clock, Logger, ServiceLink } from './ports.ts';

/** Pings per watchdog time: one may be late without a death. */
const PINGS = 3;

export interface HeartbeatOptions {
  service: ServiceLink;
  clock: Clock;
  log: Logger;
  /** As `Loop.pulse`. */
  pulse(): Promise<string | null>;
  /** One line on how things are. */
  status(): string;
}

/** Begins at once; costs nothing where no ping is asked for. */
export function startHeartbeat({ service, clock, log, pulse, status }: HeartbeatOptions): { stop(): void } {
  const { watchdogMs } = service;
  if (watchdogMs === null) return { stop: () => undefined };
  let stopped = false;
  let waiting = false;
  let timer: { cancel(): void } | null = null;

  const beat = async (): Promise<void> => {
    waiting = true;
    const stuck = await pulse();
    if (!stopped) await service.alive(stuck ?? status());
    waiting = false;
  };
  const turn = (): void => {
    timer = clock.setTimeout(turn, watchdogMs / PINGS);
    if (waiting) {
      log('error', 'the loop has not turned since the last ping: the service manager is not told that all is well');
      return;
    }
    beat().catch((error: unknown) => {
      waiting = false;
      if (!stopped) log('warn', `no ping: ${messageOf(error)}`);
    });
  };
  turn();
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
