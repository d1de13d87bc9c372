/** What is done to a fleet during a soak: each fault is real, and is over when its agent (or the fleet) has ended a turn well again. */
import { randomUUID } from 'node:crypto';
import type { Client } from '../../src/client/index.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { sleep } from '../../src/system/clock.ts';
import { pidOf, type Victim } from '../chaos/kills.ts';
import type { Stage } from '../chaos/stage.ts';

export interface Fault {
  kind: string;
  /** How often it is chosen, against the others. */
  weight: number;
  /** It meets every agent at once: no second one meanwhile. */
  fleet: boolean;
  /** Returns when it is done; false = there was nothing to do it to. */
  inject(stage: Stage, agent: string): Promise<boolean>;
}

const signal = (victim: Victim, name: NodeJS.Signals, stage: Stage, agent: string): Promise<number | null> =>
  stage.withClient(async (client: Client) => {
    const pid = await pidOf(client, victim, agent, stage.tmuxSocket);
    return pid !== null && send(pid, name) ? pid : null;
  });

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

const kill = (victim: Victim, weight: number): Fault => ({
  kind: `kill ${victim}`,
  weight,
  fleet: victim === 'supervisor' || victim === 'tmux',
  inject: async (stage, agent) => (await signal(victim, 'SIGKILL', stage, agent)) !== null,
});

/** Stopped for good: nothing but the watchdog gets the agent going again. */
const stop = (victim: 'cli' | 'host', weight: number): Fault => ({
  kind: `stop ${victim}`,
  weight,
  fleet: false,
  inject: async (stage, agent) => (await signal(victim, 'SIGSTOP', stage, agent)) !== null,
});

/** How long what everybody needs is stopped. Milliseconds. */
const PAUSE_MS = 5_000;

const pause = (victim: 'supervisor' | 'tmux', weight: number): Fault => ({
  kind: `pause ${victim} for ${PAUSE_MS / 1_000} s`,
  weight,
  fleet: true,
  inject: async (stage, agent) => {
    const pid = await signal(victim, 'SIGSTOP', stage, agent);
    if (pid === null) return false;
    await sleep(PAUSE_MS);
    send(pid, 'SIGCONT');
    return true;
  },
});

/** The model's service fails once (or for ever, where the marker has no `n`), at a message that asks for it. */
const model = (kind: string, marker: string, weight: number): Fault => ({
  kind: `model: ${kind}`,
  weight,
  fleet: false,
  inject: async (stage, agent) => {
    await stage.deliver(agent, `Some trouble comes. [[scenario:${marker}]] ${randomUUID()}`, randomUUID());
    return true;
  },
});

export const FAULTS: readonly Fault[] = [
  kill('cli', 10),
  kill('host', 8),
  kill('supervisor', 3),
  kill('tmux', 2),
  stop('cli', 6),
  stop('host', 5),
  pause('supervisor', 2),
  pause('tmux', 2),
  model('hangs', 'hang n=1', 4),
  model('stalls in mid-answer', 'stall n=1', 4),
  model('cuts the connection', 'cut n=1', 4),
  model('500', 'error500 n=1', 4),
  model('529', 'overloaded n=1', 4),
  model('429', 'ratelimit n=1 retry_after=2', 4),
  model('usage limit, reset in 15 s', 'usage_limit n=1 reset=15', 2),
  model('a circle of one call', 'loop heeds=1', 3),
  model('a circle of three calls', 'loop3 heeds=1', 2),
  model('a circle that heeds nothing', 'loop', 1),
];

/** What shows that it works again. */
export const worksAgain =
  (fault: Fault, agentId: string) =>
  (event: TuttiEvent): boolean =>
    event.type === 'turn' &&
    event.phase === 'end' &&
    event.outcome === 'ok' &&
    (fault.fleet || event.agentId === agentId);
