/** What /proc tells of a process: memory, time on a core, children. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_KIB = 1_024;

/** Proportional set size: its own memory, and its share of what it shares. MB of 10^6 bytes. */
export function pssMb(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  if (!match) throw new Error(`process ${pid} tells no PSS`);
  return (Number(match[1]) * PAGE_KIB) / 1e6;
}

/** Time that all threads of a process have spent on a core. Milliseconds, from the scheduler's own nanoseconds. */
export function cpuMs(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return total / 1e6;
}

/** Page faults of children that it has waited for: grows with every child process that ended. */
export function reapedFaults(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[8]);
}

/** Live child processes. */
export function childrenOf(pid: number): number[] {
  const text = readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'))
    .join(' ');
  return text
    .split(' ')
    .filter((part) => part.trim() !== '')
    .map(Number);
}

export function commandLine(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** Load of the machine over the last minute, before the run. */
export const load = (): number => Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);

export function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return false;
    throw error;
  }
}
