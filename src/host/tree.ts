/** The CLI's process tree: recorded at tool calls, ended in rungs, and hunted until nothing of it is alive. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { RecordBody } from '../core/host-wire.ts';
import { sleep, until } from '../system/clock.ts';
import { errorCode } from '../system/disk.ts';
import { completeLines, parseObject } from '../system/journal/lines.ts';
import { descendants, hunt } from '../system/proc/index.ts';

export interface ProcessId {
  pid: number;
  /** Start time, so that a later process with the same pid is not taken for it. */
  start: string;
}

/** A tool's processes start right after the call is announced: they are looked for this long after it. Milliseconds. */
export const LOOK_AFTER_MS = 200;
/** A friendly end: a running turn is interrupted and gets this long. Milliseconds. */
const INTERRUPT_MS = 1_500;
/** After its input is closed. Milliseconds. */
const CLOSE_MS = 2_000;
/** After INT and after TERM. Milliseconds. */
const SIGNAL_MS = 1_000;
/** Between TERM and KILL for what the hunt finds. Milliseconds. */
const HUNT_GRACE_MS = 1_000;
/** How often an exit is looked for. Milliseconds. */
const LOOK_MS = 10;
/** Read of the journal of an earlier host, from its end. Bytes. */
const EARLIER_LIMIT = 8 * 1024 * 1024;

/** Remembers whom the CLI started; new ones are to be recorded. */
export class Tree {
  readonly #known = new Map<string, ProcessId>();

  get known(): ProcessId[] {
    return [...this.#known.values()];
  }

  add(id: ProcessId): void {
    this.#known.set(`${id.pid} ${id.start}`, id);
  }

  /** Descendants not seen before. */
  look(pid: number): ProcessId[] {
    const fresh = descendants(pid).filter((id) => !this.#known.has(`${id.pid} ${id.start}`));
    for (const id of fresh) this.add(id);
    return fresh;
  }

  clear(): void {
    this.#known.clear();
  }
}

/** What the rungs need of a running CLI. */
export interface Stoppable {
  readonly turn: boolean;
  /** It exited, and that is on record. */
  readonly over: boolean;
  interrupt(): void;
  /** Says goodbye and closes its input. */
  close(): void;
  kill(signal: NodeJS.Signals): void;
}

/** Protocol interrupt, end of input, INT, TERM, KILL. Resolves when it exited. */
export async function stopInRungs(cli: Stoppable): Promise<void> {
  const gone = (limitMs: number): Promise<boolean> => waitUntil(() => cli.over, limitMs);
  if (cli.turn && !cli.over) {
    cli.interrupt();
    await waitUntil(() => cli.over || !cli.turn, INTERRUPT_MS);
  }
  if (cli.over) return;
  cli.close();
  if (await gone(CLOSE_MS)) return;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    cli.kill(signal);
    if (await gone(SIGNAL_MS)) return;
  }
  cli.kill('SIGKILL');
  while (!cli.over) await sleep(LOOK_MS);
}

async function waitUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
  return (await until(() => (condition() ? true : null), limitMs, LOOK_MS)) !== null;
}

/** Ends all that carries the agent's marker or was recorded as its own. Returns who could not be ended. */
export async function huntAll(marker: string, known: ProcessId[]): Promise<ProcessId[]> {
  const { left } = await hunt({ marker, known, protect: [process.pid, process.ppid], graceMs: HUNT_GRACE_MS });
  return left;
}

/** Processes that the journal of an earlier host names as the agent's own. A missing journal names none. */
export function recordedProcesses(journalPath: string): ProcessId[] {
  let fd: number;
  try {
    fd = openSync(journalPath, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafe(Math.min(size, EARLIER_LIMIT));
    const read = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    return completeLines(buffer.subarray(0, read), 0).flatMap(({ bytes }) => processesIn(bytes));
  } finally {
    closeSync(fd);
  }
}

function processesIn(line: Buffer): ProcessId[] {
  // Most records are long lines of the CLI: only the two short kinds are parsed.
  const head = line.subarray(0, 120).toString('latin1');
  if (!head.includes('"kind":"spawn"') && !head.includes('"kind":"tree"')) return [];
  const record = parseObject(line.toString('utf8')) as RecordBody | null;
  if (record?.kind === 'spawn') return [{ pid: record.pid, start: record.start }];
  return record?.kind === 'tree' ? record.pids : [];
}
