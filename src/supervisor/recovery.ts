/**
 * Recovery, in the order of contract.md §8: snapshot and log tail → sockets and tmux asked (2 s; silent = unknown, nothing is
 * started for it) → all journals to their end, dead hosts' too → only then due timers, queue and writes.
 */
import type { AgentState, State } from '../core/state.ts';
import type { Input } from '../core/step.ts';
import { core } from './core.ts';
import type { Hosts } from './hosts.ts';
import type { Ingest } from './ingest.ts';
import { messageOf } from './loop.ts';
import type { SupervisorOptions } from './options.ts';
import type { EventLogRecovery, PaneInfo, ProcessId } from './ports.ts';

/** How long hosts and tmux are waited for. Milliseconds. */
export const ASK_LIMIT_MS = 2_000;

export interface RecoveredState {
  state: State;
  /** What was wrong, in words. */
  damage: string[];
  /** Events that were reduced on top of the snapshot. */
  replayed: number;
}

/**
 * The newest state that the log supports: db.json where it belongs to this log and is not ahead of it, else the segment's own
 * snapshot; the tail is reduced on top. A db.json that is ahead of the log (cut by power loss) is not used.
 */
export function rebuildState(
  snapshot: { state: State | null; damage: string | null },
  recovery: EventLogRecovery,
  newLogId: string,
): RecoveredState {
  const damage = [...recovery.damage, ...(snapshot.damage ? [snapshot.damage] : [])];
  const base = recovery.snapshot;
  const lastSeq = recovery.tail.at(-1)?.seq ?? base?.seq ?? 0;
  const db = snapshot.state;
  const usable = db !== null && base !== null && db.logId === base.logId && db.seq >= base.seq && db.seq <= lastSeq;
  let state = usable ? db : (base ?? core.emptyState(newLogId));
  if (base === null && recovery.tail.length === 0 && db !== null) {
    // The log is gone and its state is not: agents may be running. A new log begins with what is known.
    damage.push('the event log is gone: a new one begins with the state of db.json');
    state = { ...db, logId: newLogId };
  }
  if (db !== null && base !== null && db.logId === base.logId && db.seq > lastSeq) {
    damage.push(`the event log ends at ${lastSeq} and had reached ${db.seq}: its end was lost`);
  }
  if (recovery.cut) state = { ...state, logId: newLogId };
  let replayed = 0;
  for (const event of recovery.tail) {
    if (event.seq <= state.seq) continue;
    state = core.reduce(state, event);
    replayed += 1;
  }
  return { state, damage, replayed };
}

export interface RecoveryContext {
  supervisor: SupervisorOptions;
  hosts: Hosts;
  ingest: Ingest;
  state(): State;
  submit(input: Input): Promise<unknown>;
}

/**
 * Asks the world and takes in what happened meanwhile. Resolves to the reason when a living host cannot be spoken to
 * (a newer build's): then nothing was touched and this supervisor must not run.
 */
export async function recover(context: RecoveryContext): Promise<{ refusal: string | null }> {
  const { supervisor, hosts } = context;
  await context.submit({ type: 'boot', pid: supervisor.pid, build: supervisor.build, crashed: supervisor.crashed });
  const panes = await askTmux(context);
  const agents = Object.values(context.state().agents);
  await Promise.all(agents.map((agent) => find(agent, panes, context)));
  await Promise.all(agents.map((agent) => hosts.settled(agent.id, ASK_LIMIT_MS)));
  const [refused] = hosts.refusals();
  if (refused) {
    const name = context.state().agents[refused.agentId]?.name ?? refused.agentId;
    return { refusal: `${name}: ${refused.why}` };
  }
  await Promise.all(agents.map((agent) => context.ingest.drain(agent.id, agent.host.epoch)));
  await context.submit({ type: 'recovered' });
  return { refusal: null };
}

/** null: tmux does not answer; then an absent session proves nothing. */
async function askTmux({ supervisor }: RecoveryContext): Promise<PaneInfo[] | null> {
  const { tmux, clock, log } = supervisor.ports;
  let timer: { cancel(): void } | null = null;
  const limit = new Promise<null>((resolve) => {
    timer = clock.setTimeout(() => resolve(null), ASK_LIMIT_MS);
  });
  try {
    return await Promise.race([tmux.list(), limit]);
  } catch (error) {
    log('warn', `tmux cannot be asked: ${messageOf(error)}`);
    return null;
  } finally {
    // A timer that is left would keep a supervisor alive that has been told to end.
    (timer as { cancel(): void } | null)?.cancel();
  }
}

/** Begins to look for the host that an agent should have, and for a later one that its journals tell of. */
async function find(agent: AgentState, panes: PaneInfo[] | null, context: RecoveryContext): Promise<void> {
  const { ports } = context.supervisor;
  const epochs = await ports.journals.epochs(agent.id);
  const newest = Math.max(agent.host.epoch, ...epochs);
  const gone = agent.host.phase === 'none' || agent.host.phase === 'lost' || agent.host.phase === 'down';
  if (gone && newest <= agent.host.epoch) return;
  const pane = panes?.find((info) => info.session === core.sessionName(agent.name) && !info.dead);
  // Where there is a journal, its first record names the process.
  const process = epochs.includes(newest) ? null : pane ? processOf(pane.pid, context) : deadBefore(agent, context);
  context.hosts.expect(agent.id, newest, { process, fresh: false, nobody: panes !== null && !pane });
}

function processOf(pid: number, { supervisor }: RecoveryContext): ProcessId {
  return { pid, start: supervisor.ports.processes.start(pid) ?? 'gone' };
}

/** A recorded pid that no process has proves the host dead; one that some process has proves nothing. */
function deadBefore(agent: AgentState, { supervisor }: RecoveryContext): ProcessId | null {
  const { pid } = agent.host;
  return pid !== null && supervisor.ports.processes.start(pid) === null ? { pid, start: 'gone' } : null;
}
