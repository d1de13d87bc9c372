/** Processes that carry an agent's marker of this home and belong to no agent that runs: what a crash left behind. */
import { hunt } from '../../../system/proc/index.ts';
import { environmentOf, listProcesses, type ProcessEntry } from '../../../system/proc/table.ts';
import { AGENT_VARIABLE } from '../../../system/environment.ts';
import { homePaths } from '../../../system/paths.ts';
import type { Check } from './check.ts';

/** What was given to leave by itself before it is killed. Milliseconds. */
const GRACE_MS = 2_000;

export const checkLeftovers: Check = async ({ home }) => {
  const { home8 } = homePaths(home);
  const prefix = `${AGENT_VARIABLE}=${home8}/`;
  const groups = new Map<string, ProcessEntry[]>();
  const hosts = new Set<string>();
  for (const entry of listProcesses()) {
    if (entry.zombie) continue;
    const environment = environmentOf(entry.pid) ?? [];
    const marker = environment.find((line) => line.startsWith(prefix));
    if (marker) groups.set(agentOf(marker), [...(groups.get(agentOf(marker)) ?? []), entry]);
    if (environment.includes('TUTTI_ROLE=host') && environment.includes(`TUTTI_HOME=${home}`))
      hosts.add(String(entry.pid));
  }
  const parents = new Set([...hosts]);
  const left = [...groups].filter(([, entries]) => !entries.some((entry) => parents.has(String(entry.ppid))));
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
