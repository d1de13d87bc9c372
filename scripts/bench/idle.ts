/** Bench 6: what a fleet costs while nothing happens: time on a core and subprocesses. */
import { setTimeout as sleep } from 'node:timers/promises';
import { withFleet } from './fleet.ts';
import { childrenOf, cpuMs, reapedFaults } from './proc.ts';
import type { Outcome } from './row.ts';
import { withBareHosts } from './bare-hosts.ts';
import { monotonic } from './numbers.ts';

/** After the last start: V8 collects once more some 8 s after a process has come to rest. Milliseconds. */
const SETTLE_MS = 20_000;

interface Idle {
  percent: number;
  /** Processes that have started or waited for a child meanwhile. */
  parents: number;
}

export async function idle({ quick }: { quick: boolean }): Promise<Outcome> {
  const agents = quick ? 10 : 50;
  const windowMs = quick ? 5_000 : 30_000;
  const ours = await withFleet(async (fleet) => {
    await fleet.spawn(agents);
    const settled = await fleet.settled(agents);
    const hosts = settled.map(({ hostPid }) => hostPid).filter((pid) => pid !== null);
    const all = await look([...hosts, fleet.supervisorPid, fleet.tmuxPid()], windowMs);
    return all;
  });
  const bare = await withBareHosts({ count: agents, cli: false, flags: [] }, ({ pids, tmuxPid }) =>
    look([...pids, tmuxPid], windowMs),
  );
  return {
    rows: [
      {
        bench: 6,
        what: `${agents} idle agents: supervisor, hosts and tmux server`,
        measured: ours.percent,
        limit: bare.percent,
        unit: '% of a core',
        target: { kind: 'most', value: 0.5 },
      },
      {
        bench: 6,
        what: `${agents} idle agents: subprocesses`,
        measured: ours.parents / (windowMs / 1_000),
        limit: bare.parents / (windowMs / 1_000),
        unit: '/s',
        target: { kind: 'most', value: 0 },
      },
    ],
    notes: [
      `6: over ${windowMs / 1_000} s, begun ${SETTLE_MS / 1_000} s after the last CLI was ready. Time from the scheduler's own account of each thread (/proc/<pid>/task/*/schedstat); the fake CLIs are not counted. A subprocess shows as a new child or in the page faults of children that were waited for (/proc/<pid>/stat), in each of our processes: other programs on the machine do not disturb it. The limit is as many bare listeners in tmux.`,
    ],
  };
}

async function look(pids: number[], windowMs: number): Promise<Idle> {
  await sleep(SETTLE_MS);
  const before = pids.map(account);
  const from = monotonic();
  await sleep(windowMs);
  const passed = monotonic() - from;
  const after = pids.map(account);
  let cpu = 0;
  let parents = 0;
  for (const [i, now] of after.entries()) {
    const then = before[i] as Account;
    cpu += now.cpu - then.cpu;
    const born = now.children.some((pid) => !then.children.includes(pid));
    if (born || now.reaped !== then.reaped) parents += 1;
  }
  return { percent: (100 * cpu) / passed, parents };
}

interface Account {
  cpu: number;
  reaped: number;
  children: number[];
}

const account = (pid: number): Account => ({
  cpu: cpuMs(pid),
  reaped: reapedFaults(pid),
  children: childrenOf(pid),
});
