/** Looks at real processes while a chaos run goes on: who is alive, and whether an agent ever has two CLIs. */
import { readFileSync } from 'node:fs';
import { environmentOf, listProcesses } from '../../src/system/proc/table.ts';

export interface Watched {
  id: string;
  name: string;
  /** What the command line of this agent's CLI holds (its commands' do not). */
  program: string;
}

export interface Watcher {
  /** Samples in which an agent had more than one CLI process. */
  readonly doubles: string[];
  readonly samples: number;
  stop(): void;
}

const EVERY_MS = 40;

/** Live CLI processes of an agent: they carry its marker, and no parent that does. */
export function cliProcesses(home8: string, watched: Watched): number[] {
  const entries = listProcesses().filter((entry) => !entry.zombie);
  const marked = new Set(entries.filter((entry) => carries(entry.pid, home8, watched.id)).map((entry) => entry.pid));
  return entries
    .filter(
      (entry) => marked.has(entry.pid) && !marked.has(entry.ppid) && commandOf(entry.pid).includes(watched.program),
    )
    .map((entry) => entry.pid);
}

function carries(pid: number, home8: string, id: string): boolean {
  return (environmentOf(pid) ?? []).some((line) => line.startsWith(`TUTTI_AGENT=${home8}/${id}/`));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}

export function watchDoubles(home8: string, agents: Watched[]): Watcher {
  const doubles: string[] = [];
  let samples = 0;
  const timer = setInterval(() => {
    samples++;
    for (const agent of agents) {
      const pids = cliProcesses(home8, agent);
      if (pids.length > 1) doubles.push(`${agent.name}: ${pids.join(' ')}`);
    }
  }, EVERY_MS);
  return {
    doubles,
    get samples() {
      return samples;
    },
    stop: () => clearInterval(timer),
  };
}
