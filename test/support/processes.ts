/** Which processes belong to a test home: by marker, by environment, by command line. */
import { readFileSync } from 'node:fs';
import { hunt } from '../../src/system/proc/index.ts';
import { environmentOf, listProcesses, type ProcessEntry } from '../../src/system/proc/table.ts';
import type { NotedHome } from './run.ts';

/** Command line of a process; '' when it is gone. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}

/** Live processes of these homes, this one excepted. */
export function processesOf(homes: NotedHome[]): ProcessEntry[] {
  return listProcesses().filter((entry) => {
    if (entry.zombie || entry.pid === process.pid) return false;
    const environment = environmentOf(entry.pid) ?? [];
    const command = commandLine(entry.pid);
    return homes.some(
      ({ home, home8 }) =>
        environment.some((line) => line.startsWith(`TUTTI_AGENT=${home8}/`) || line === `TUTTI_HOME=${home}`) ||
        command.split(' ').some((word) => word === home || word.startsWith(`${home}/`)),
    );
  });
}

/** Ends them by id. */
export async function endAll(found: ProcessEntry[], home8: string): Promise<void> {
  await hunt({ marker: `${home8}/`, known: found, own: found, protect: [], graceMs: 500 });
}
