/**
 * The process table: who runs, since when, below whom, and with which marker. Linux reads /proc; elsewhere `ps` is asked
 * (best effort: see {@link ./ps.ts}). Host-safe.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessId } from '../../supervisor/ports.ts';
import { errorCode } from '../disk.ts';
import { psTable } from './ps.ts';

export interface ProcessEntry extends ProcessId {
  ppid: number;
  zombie: boolean;
}

const ON_LINUX = process.platform === 'linux';

/** Errors that mean: this process went away (or is not ours to read) while we looked. */
const GONE = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR']);

function readGone(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (GONE.has(errorCode(error) ?? '')) return null;
    throw error;
  }
}

/** Parses /proc/<pid>/stat. The command name may hold spaces and brackets: fields count from its last bracket. */
export function parseStat(stat: string): ProcessEntry | null {
  const open = stat.indexOf('(');
  const close = stat.lastIndexOf(')');
  if (open < 0 || close < 0) return null;
  const fields = stat.slice(close + 2).split(' ');
  const pid = Number(stat.slice(0, open));
  const [state, ppid] = fields;
  const start = fields[19];
  if (!Number.isInteger(pid) || state === undefined || ppid === undefined || start === undefined) return null;
  return { pid, ppid: Number(ppid), start, zombie: state === 'Z' || state === 'X' };
}

/** One process, or null when it does not exist. */
export function lookUp(pid: number): ProcessEntry | null {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  if (!ON_LINUX) return psTable().find((entry) => entry.pid === pid) ?? null;
  const stat = readGone(`/proc/${pid}/stat`);
  return stat === null ? null : parseStat(stat);
}

/** Every process that can be seen. */
export function listProcesses(): ProcessEntry[] {
  if (!ON_LINUX) return psTable();
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    if (name < '1' || name > '9999999') continue;
    const entry = lookUp(Number(name));
    if (entry) entries.push(entry);
  }
  return entries;
}

/** Start time of a process as text (clock ticks since boot); null when it does not exist or, unless asked for, is a zombie. */
export function startOf(pid: number, options: { zombies?: boolean } = {}): string | null {
  const entry = lookUp(pid);
  return entry && (options.zombies || !entry.zombie) ? entry.start : null;
}

/** Does this very process run? A later one with the same pid does not count. */
export function alive(id: ProcessId): boolean {
  return startOf(id.pid) === id.start;
}

/** This process. */
export function self(): ProcessId {
  return { pid: process.pid, start: startOf(process.pid) ?? '' };
}

/** All that live below `pid` (without itself), parents before children. */
export function descendants(pid: number): ProcessId[] {
  return below(listProcesses(), [pid]).map(({ pid, start }) => ({ pid, start }));
}

/** Entries below the roots, breadth first, not going through `stop`. */
export function below(entries: ProcessEntry[], roots: number[], stop: ReadonlySet<number> = new Set()): ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of entries) {
    const siblings = children.get(entry.ppid);
    if (siblings) siblings.push(entry);
    else children.set(entry.ppid, [entry]);
  }
  const found: ProcessEntry[] = [];
  const seen = new Set(roots);
  const next = [...roots];
  for (let at = 0; at < next.length; at++) {
    for (const child of children.get(next[at] ?? 0) ?? []) {
      if (seen.has(child.pid) || stop.has(child.pid)) continue;
      seen.add(child.pid);
      next.push(child.pid);
      if (!child.zombie) found.push(child);
    }
  }
  return found;
}

/**
 * The initial environment of a process, as far as it can be read: null when it is gone or somebody else's.
 * (On macOS the variables come from `ps -E`, cut at spaces: good for markers alone.)
 */
export function environmentOf(pid: number): string[] | null {
  if (!ON_LINUX) return psTable().find((entry) => entry.pid === pid)?.environment ?? null;
  const text = readGone(`/proc/${pid}/environ`);
  return text === null ? null : text.split('\0');
}

/** Id of this boot: pids and start times of another boot mean nothing. '' where start times are absolute (macOS). */
export function bootId(): string {
  return ON_LINUX ? readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() : '';
}
