/** What a fleet holds: processes, descriptors, memory, files. Sampled through a soak, so that growth shows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listProcesses } from '../../src/system/proc/table.ts';
import { commandLine, processesOf } from '../support/processes.ts';
import { notedHomes } from '../support/run.ts';

export interface Sample {
  /** Seconds since the soak began. */
  s: number;
  processes: number;
  /** Of the supervisor alone. */
  supervisor: { pid: number; fds: number; rssMb: number } | null;
  /** Of all pane hosts: most descriptors, most memory. */
  hosts: { count: number; fds: number; rssMb: number };
  zombies: number;
  /** Entries below run/. */
  runFiles: number;
}

const MB = 1024 * 1024;

function descriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 0;
    throw error;
  }
}

/** Megabytes. */
function resident(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return Math.round((pages * 4096 * 10) / MB) / 10;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 0;
    throw error;
  }
}

const most = (numbers: number[]): number => Math.max(0, ...numbers);

export function sample(home: string, s: number): Sample {
  const mine = processesOf(notedHomes()).map(({ pid }) => ({ pid, command: commandLine(pid) }));
  const supervisor = mine.find(({ command }) => command.includes('supervisor run'));
  const hosts = mine.filter(({ command }) => command.includes('host.cjs'));
  const pids = new Set(mine.map(({ pid }) => pid));
  return {
    s: Math.round(s),
    processes: mine.length,
    supervisor: supervisor
      ? { pid: supervisor.pid, fds: descriptors(supervisor.pid), rssMb: resident(supervisor.pid) }
      : null,
    hosts: {
      count: hosts.length,
      fds: most(hosts.map(({ pid }) => descriptors(pid))),
      rssMb: most(hosts.map(({ pid }) => resident(pid))),
    },
    zombies: listProcesses().filter((entry) => entry.zombie && pids.has(entry.ppid)).length,
    runFiles: readdirSync(join(home, 'run'), { recursive: true }).length,
  };
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** Growth that chance and garbage collection do not explain, in words. Compares the second quarter with the last. */
export function growth(samples: Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  if (quarter < 5) return [];
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  const found: string[] = [];
  const compare = (what: string, get: (s: Sample) => number, factor: number, slack: number): void => {
    const [before, after] = [median(early.map(get)), median(late.map(get))];
    if (after > before * factor + slack) found.push(`${what} grew from ${before} to ${after}`);
  };
  compare('processes', (s) => s.processes, 1.2, 3);
  compare('descriptors of a host', (s) => s.hosts.fds, 1.2, 3);
  compare('memory of a host (MB)', (s) => s.hosts.rssMb, 1.3, 10);
  compare('descriptors of the supervisor', (s) => s.supervisor?.fds ?? 0, 1.2, 5);
  compare('memory of the supervisor (MB)', (s) => s.supervisor?.rssMb ?? 0, 1.3, 30);
  compare('files in run/', (s) => s.runFiles, 1.2, 5);
  return found;
}
