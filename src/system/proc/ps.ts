/** The process table where there is no /proc (macOS): one `ps` call, parsed. Best effort, said in the docs. Host-safe. */
import { execFileSync } from 'node:child_process';
import { clock } from '../clock.ts';

export interface PsEntry {
  pid: number;
  ppid: number;
  /** `ps -o lstart`: absolute, to the second. */
  start: string;
  zombie: boolean;
  /** Words of the command line and environment that look like NAME=value. */
  environment: string[];
}

/** A table older than this is asked for anew. Milliseconds. */
const TABLE_AGE_MS = 20;
/** Limit of the `ps` call. Milliseconds and bytes. */
const PS_TIMEOUT_MS = 5_000;
const PS_MAX_BYTES = 64 * 1024 * 1024;

let cached: { at: number; table: PsEntry[] } = { at: 0, table: [] };

/** All processes. Throws when `ps` fails: an empty table would mean that everybody is dead. */
export function psTable(): PsEntry[] {
  if (clock.now() - cached.at > TABLE_AGE_MS) {
    const text = execFileSync('ps', ['-Eww', '-Ax', '-o', 'pid=,ppid=,state=,lstart=,command='], {
      encoding: 'latin1',
      timeout: PS_TIMEOUT_MS,
      maxBuffer: PS_MAX_BYTES,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    });
    cached = { at: clock.now(), table: parsePs(text) };
  }
  return cached.table;
}

const LINE = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d{4})\s+(.*)$/;

/** Parses `ps -o pid=,ppid=,state=,lstart=,command=`. */
export function parsePs(text: string): PsEntry[] {
  const entries: PsEntry[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, pid, ppid, state = '', start = '', command = ''] = match;
    entries.push({
      pid: Number(pid),
      ppid: Number(ppid),
      start: start.replace(/\s+/g, ' '),
      zombie: state.startsWith('Z'),
      environment: command.split(' ').filter((word) => /^[A-Z_][A-Z0-9_]*=/.test(word)),
    });
  }
  return entries;
}
