/** Processes that carry an agent's marker of this home and belong to no agent that runs: what a crash left behind. */
import { hunt } from '../../../system/proc/index.ts';
import { environmentOf, listProcesses, type ProcessEntry } from '../../../system/proc/table.ts';
import { AGENT_VARIABLE } from '../../../system/environment.ts';
import { lockOwner } from '../../../system/lock.ts';
import { homePaths } from '../../../system/paths.ts';
import type { Check } from './check.ts';

/** Anything may call itself an agent of ours: only such ids become part of a path. */
const PLAIN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** What was given to leave by itself before it is killed. Milliseconds. */
const GRACE_MS = 2_000;

export const checkLeftovers: Check = async ({ home }) => {
  const paths = homePaths(home);
  const { home8 } = paths;
  const prefix = `${AGENT_VARIABLE}=${home8}/`;
  const groups = new Map<string, ProcessEntry[]>();
  for (const entry of listProcesses()) {
    if (entry.zombie) continue;
    const environment = environmentOf(entry.pid) ?? [];
    const marker = environment.find((line) => line.startsWith(prefix));
    if (marker) groups.set(agentOf(marker), [...(groups.get(agentOf(marker)) ?? []), entry]);
  }
  // A living host has the lock of its agent, and sees to what its own CLI leaves behind.
  const hosted = (agent: string): boolean => PLAIN_ID.test(agent) && lockOwner(paths.hostLock(agent)) !== null;
  const left = [...groups].filter(([agent]) => !hosted(agent));
  if (left.length === 0)
    return [{ id: 'leftovers', grade: 'ok', message: 'no process of a dead agent is left', fix: null }];
  return left.map(([agent, entries]) => ({
    id: 'leftovers',
    grade: 'warn' as const,
    message: `${entries.length} ${entries.length === 1 ? 'process' : 'processes'} of agent ${agent} without a host: ${entries.map((e) => e.pid).join(' ')}`,
    fix: 'tutti doctor --fix ends them',
    repair: async () => {
      const { ended } = await hunt({ marker: `${home8}/${agent}/`, known: entries, protect: [], graceMs: GRACE_MS });
      return `ended ${ended.map((id) => id.pid).join(' ')}`;
    },
  }));
};

/** `TUTTI_AGENT=<home8>/<id>/<incarnation>` → id. */
function agentOf(marker: string): string {
  return marker.split('/')[1] ?? '';
}
