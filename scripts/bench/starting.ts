/** Bench 4: starting many agents at once, against as many bare node listeners in tmux sessions. */
import { withBareHosts } from './bare-hosts.ts';
import { withFleet } from './fleet.ts';
import { monotonic } from './numbers.ts';
import { cpuMs } from './proc.ts';
import type { Outcome } from './row.ts';
import { until } from './wait.ts';

const TARGET = { kind: 'ratio', value: 1.5 } as const;

interface Times {
  listenMs: number;
  readyMs: number;
}

/** Time on a core until all were ready. Milliseconds. */
interface Spent {
  hosts: number;
  supervisor: number;
}

export async function starting({ quick }: { quick: boolean }): Promise<Outcome> {
  const agents = quick ? 10 : 50;
  const ours = await measure(agents);
  const bare = await withBareHosts({ count: agents, cli: false, flags: [] }, ({ listenMs }) => listenMs);
  const withCli = await withBareHosts({ count: agents, cli: true, flags: [] }, ({ readyMs }) => readyMs);
  return {
    rows: [
      {
        bench: 4,
        what: `${agents} agents, until all hosts are up`,
        measured: ours.listenMs / 1_000,
        limit: bare / 1_000,
        unit: 's',
        target: TARGET,
      },
      {
        bench: 4,
        what: `${agents} agents, until all CLIs are ready`,
        measured: ours.readyMs / 1_000,
        limit: withCli / 1_000,
        unit: 's',
        target: TARGET,
      },
    ],
    notes: [
      `4: ${agents} spawn requests at once, until the last host has greeted and the last CLI takes messages; the limits are bare listeners alone, and bare listeners that start the same fake CLI. Until then the hosts had spent ${(ours.spent.hosts / agents).toFixed(0)} ms on a core each, and the supervisor ${(ours.spent.supervisor / agents).toFixed(0)} ms for each.`,
    ],
  };
}

function measure(agents: number): Promise<Times & { spent: Spent }> {
  return withFleet(async (fleet) => {
    const hosts = new Set<string>();
    const ready = new Set<string>();
    let from = 0;
    const times: Times = { listenMs: 0, readyMs: 0 };
    const stream = await fleet.watch((event) => {
      if (event.agentId === null) return;
      if (event.type === 'host' && event.phase === 'up') hosts.add(event.agentId);
      if (event.type === 'command' && event.verb === 'host.ready') ready.add(event.agentId);
      if (hosts.size === agents && times.listenMs === 0) times.listenMs = monotonic() - from;
      if (ready.size === agents && times.readyMs === 0) times.readyMs = monotonic() - from;
    });
    from = monotonic();
    await fleet.spawn(agents);
    await until('all agents', 180_000, () => (times.readyMs > 0 ? true : null));
    stream.close();
    const { agents: all } = await fleet.client.list();
    const hostPids = all.map(({ hostPid }) => hostPid).filter((pid) => pid !== null);
    const spent = { hosts: hostPids.reduce((sum, pid) => sum + cpuMs(pid), 0), supervisor: cpuMs(fleet.supervisorPid) };
    return { ...times, spent };
  });
}
