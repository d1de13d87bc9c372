/**
 * Ends everything that belongs to an agent. Killing a CLI does not kill its commands: what carries the marker, what was recorded
 * at its tool calls, and all that live below those are ended until none is left. Host-safe.
 */
import type { Processes, ProcessId } from '../../supervisor/ports.ts';
import { sleep } from '../clock.ts';
import { errorCode } from '../disk.ts';
import { carries, isOurs, type MarkerPrefix, markerPrefix } from './marker.ts';
import { alive, below, environmentOf, listProcesses, type ProcessEntry } from './table.ts';

/** Between looks, at first and at most. Milliseconds. */
const LOOK_FIRST_MS = 5;
const LOOK_MOST_MS = 100;
/** After the grace, KILL is repeated for this long against processes that fork as fast as they die. Milliseconds. */
export const KILL_LIMIT_MS = 5_000;

interface Hunt {
  prefix: MarkerPrefix;
  /** pid → start, of all that ever were a target: one that loses its parents meanwhile stays one. */
  met: Map<number, string>;
  /** Our own processes that shall go as well. */
  own: Map<number, string>;
  protect: Set<number>;
  ended: Map<string, ProcessId>;
  /** Told to end, by `pid/start`. */
  told: Set<string>;
}

/** See {@link Processes.hunt}. Throws on a malformed marker; failures to signal show in `left`. */
export const hunt: Processes['hunt'] = async ({ marker, known, own = [], protect, graceMs }) => {
  const state: Hunt = {
    prefix: markerPrefix(marker),
    met: new Map(known.map(({ pid, start }) => [pid, start])),
    own: new Map(own.map(({ pid, start }) => [pid, start])),
    protect: new Set([...protect, 0, 1, process.pid]),
    ended: new Map(),
    told: new Set(),
  };
  const grace = await pursue(state, 'SIGTERM', graceMs);
  const left = grace.length === 0 ? grace : await pursue(state, 'SIGKILL', KILL_LIMIT_MS);
  const stillThere = new Set(left.map(name));
  const ended = [...state.ended.values()].filter((id) => !stillThere.has(name(id)));
  return { ended, left: left.map(({ pid, start }) => ({ pid, start })) };
};

/** Signals all targets, again and again, until none is left or the time is over. Returns who is left. */
async function pursue(state: Hunt, signal: 'SIGTERM' | 'SIGKILL', limitMs: number): Promise<ProcessEntry[]> {
  const end = performance.now() + limitMs;
  for (let wait = LOOK_FIRST_MS; ; wait = Math.min(wait * 2, LOOK_MOST_MS)) {
    const targets = collect(state);
    if (targets.length === 0 || performance.now() >= end) return targets;
    for (const target of targets) strike(state, target, signal);
    await sleep(signal === 'SIGKILL' ? LOOK_FIRST_MS : wait);
  }
}

/** Who is to be ended now, deepest first. */
function collect(state: Hunt): ProcessEntry[] {
  const entries = listProcesses();
  const byPid = new Map(entries.map((entry) => [entry.pid, entry]));
  const roots = new Set<number>();
  for (const entry of entries) {
    if (state.protect.has(entry.pid)) continue;
    const environment = environmentOf(entry.pid);
    // Our own processes are protected even where nobody told us of them: an agent may have run a command that started them.
    if (state.own.get(entry.pid) === entry.start) roots.add(entry.pid);
    else if (environment && isOurs(environment)) state.protect.add(entry.pid);
    else if (state.met.get(entry.pid) === entry.start) roots.add(entry.pid);
    else if (environment && carries(environment, state.prefix)) roots.add(entry.pid);
  }
  const found = new Map<number, ProcessEntry>();
  for (const pid of roots) {
    const entry = byPid.get(pid);
    if (entry && !entry.zombie) found.set(pid, entry);
  }
  for (const entry of below(entries, [...roots], state.protect)) found.set(entry.pid, entry);
  for (const entry of found.values()) state.met.set(entry.pid, entry.start);
  return [...found.values()].sort((a, b) => depth(byPid, b) - depth(byPid, a));
}

function depth(byPid: Map<number, ProcessEntry>, entry: ProcessEntry): number {
  let steps = 0;
  let at: ProcessEntry | undefined = entry;
  while (at && at.ppid > 1 && steps < 1_000) {
    at = byPid.get(at.ppid);
    steps++;
  }
  return steps;
}

/** Signals one process, once for TERM. It is looked at again right before: its pid may be another's by now. */
function strike(state: Hunt, target: ProcessEntry, signal: 'SIGTERM' | 'SIGKILL'): void {
  const key = `${name(target)}/${signal}`;
  if (signal === 'SIGTERM' && state.told.has(key)) return;
  if (!alive(target)) return;
  state.told.add(key);
  try {
    process.kill(target.pid, signal);
    // A stopped process would keep the TERM until somebody continues it.
    if (signal === 'SIGTERM') process.kill(target.pid, 'SIGCONT');
    state.ended.set(name(target), { pid: target.pid, start: target.start });
  } catch (error) {
    // ESRCH: it went by itself. EPERM: not ours to end; it stays in `left`.
    const code = errorCode(error);
    if (code === 'ESRCH') state.ended.set(name(target), { pid: target.pid, start: target.start });
    else if (code !== 'EPERM') throw error;
  }
}

function name(id: ProcessId): string {
  return `${id.pid}/${id.start}`;
}
