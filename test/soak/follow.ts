/** Follows a fleet through the event stream, across deaths of the supervisor: what ended when, by this process's own clock. */
import type { TuttiEvent } from '../../src/core/event.ts';
import { sleep } from '../../src/system/clock.ts';
import type { Stage } from '../chaos/stage.ts';

export interface Seen {
  /** performance.now() when it was read. */
  at: number;
  event: TuttiEvent;
}

export interface Follower {
  /** The first event read after `from` for which `matches` holds; null when `until` (performance.now()) passes first. */
  first(from: number, until: number, matches: (event: TuttiEvent) => boolean): Promise<Seen | null>;
  /** How often each watchdog verdict was passed, as `layer verdict → action`. */
  verdicts(): Record<string, number>;
  close(): void;
}

/** Events kept to be looked at; older ones go. */
const KEPT = 5_000;

export function follow(stage: Stage): Follower {
  let seen: Seen[] = [];
  const verdicts: Record<string, number> = {};
  let since: number | undefined;
  let closed = false;
  const take = (event: TuttiEvent): void => {
    since = event.seq;
    seen.push({ at: performance.now(), event });
    if (seen.length > 2 * KEPT) seen = seen.slice(-KEPT);
    if (event.type !== 'watchdog') return;
    const key = `layer ${event.layer}: ${event.verdict} → ${event.action}`;
    verdicts[key] = (verdicts[key] ?? 0) + 1;
  };
  const run = async (): Promise<void> => {
    while (!closed) {
      await stage
        .withClient(async (client) => {
          const types = ['turn', 'exit', 'watchdog', 'agent_status', 'host'] as const;
          const stream = client.stream({
            types: [...types],
            ...(since === undefined ? {} : { since }),
            giveUpMs: 2_000,
          });
          for await (const event of stream) {
            if (closed) break;
            take(event);
          }
        })
        .catch(() => sleep(200));
    }
  };
  run().catch((error: unknown) => process.stderr.write(`following ended: ${String(error)}\n`));
  return {
    async first(from, until, matches) {
      for (;;) {
        const found = seen.find(({ at, event }) => at > from && matches(event));
        if (found) return found;
        if (performance.now() > until) return null;
        await sleep(50);
      }
    },
    verdicts: () => verdicts,
    close: () => {
      closed = true;
    },
  };
}
