/** Effects: what `decide` asked for is done here, and each outcome goes back into the mailbox as an input. */
import { stat } from 'node:fs/promises';
import type { Json } from '../core/event.ts';
import { LOOKS } from '../core/look.ts';
import type { AgentState, State } from '../core/state.ts';
import type { Effect, Failure, Input } from '../core/step.ts';
import { core } from './core.ts';
import type { Hosts } from './hosts.ts';
import type { Ingest } from './ingest.ts';
import { recordedProcesses } from './recorded.ts';
import { readLaunchFile, removeLaunchFile } from './launch-env.ts';
import { messageOf } from './loop.ts';
import type { SupervisorOptions } from './options.ts';

/** Between TERM and KILL in a hunt. Milliseconds. */
const HUNT_GRACE_MS = 2_000;
/** Longest wait for a cleared host's end to be on record. Milliseconds. */
const DOWN_WAIT_MS = 5_000;

/** A failure of an effect: `retryable: false` = asking again will not help. */
class EffectFailure extends Error {
  readonly failure: Failure & { retryable: boolean };
  constructor(failure: Failure & { retryable: boolean }) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface EffectsOptions {
  supervisor: SupervisorOptions;
  hosts: Hosts;
  ingest: Ingest;
  state(): State;
  submit(input: Input): Promise<unknown>;
  failed(effect: Effect, error: unknown): void;
  /** Asks layer 2. */
  triage(agentId: string, seq: number): void;
  /** The digest of a span, as a few lines; null when nothing happened. */
  digest(since: string, until: string): Promise<string | null>;
  /** A person should know (null = over). */
  problem(key: 'notify', text: string | null): void;
}

export interface Effects {
  perform(effect: Effect): void;
  /** Resolves when no effect runs. */
  idle(): Promise<void>;
}

type Handler<K extends Effect['do']> = (effect: Extract<Effect, { do: K }>, options: EffectsOptions) => Promise<Json>;

const HANDLERS: { [K in Effect['do']]: Handler<K> } = {
  start_host: startHost,
  host_command: hostCommand,
  clear,
  start_view: startView,
  close_session: closeSession,
  forget,
  status_line: statusLine,
  notify,
  digest: async ({ since, until }, { digest }) => digest(since, until),
  end_orphans: endOrphans,
  close_orphan: async ({ session }, { supervisor }) => {
    await supervisor.ports.tmux.kill(supervisor.ports.sessionTarget(session));
    return null;
  },
  remove_leftovers: async ({ paths }, { supervisor }) => {
    await supervisor.ports.surveyor.remove(paths);
    return null;
  },
  triage,
};

/** Outcomes that nobody waits for: a command is answered by its host, a question by an `advice` input, a status line is only shown. */
const QUIET = { host_command: true, status_line: true, triage: true } as const;

export function createEffects(options: EffectsOptions): Effects {
  const running = new Set<Promise<void>>();
  let ended = false;

  const run = async (effect: Effect): Promise<void> => {
    let outcome: Input;
    try {
      const handler = HANDLERS[effect.do] as Handler<Effect['do']>;
      const value = await handler(effect as never, options);
      if (effect.do in QUIET) return;
      outcome = { type: 'effect_done', effect, ok: true, value };
    } catch (error) {
      if (effect.do === 'status_line') return options.failed(effect, error);
      outcome = { type: 'effect_done', effect, ok: false, error: failureOf(error) };
    }
    if (!ended) await options.submit(outcome);
  };

  return {
    perform(effect) {
      const work = run(effect)
        .catch((error) => options.failed(effect, error))
        .finally(() => running.delete(work));
      running.add(work);
    },
    async idle() {
      ended = true;
      await Promise.all(running);
    },
  };
}

function failureOf(error: unknown): Failure & { retryable: boolean } {
  if (error instanceof EffectFailure) return error.failure;
  return { code: 'RUNTIME_ERROR', message: messageOf(error), hint: null, retryable: true };
}

function agentOf(id: string, options: EffectsOptions): AgentState {
  const agent = options.state().agents[id];
  if (agent) return agent;
  throw new EffectFailure({ code: 'NOT_FOUND', message: `no agent ${id}`, hint: null, retryable: false });
}

async function startHost(effect: Extract<Effect, { do: 'start_host' }>, options: EffectsOptions): Promise<Json> {
  const { ports } = options.supervisor;
  const agent = agentOf(effect.agentId, options);
  if (!(await readLaunchFile(ports.envFile(agent.id)))) {
    throw new EffectFailure({
      code: 'NOT_FOUND',
      message: 'its launch environment is gone',
      hint: `tutti rm ${agent.name} and spawn it again, or tutti up in its project`,
      retryable: false,
    });
  }
  const { cwd } = agent.spec;
  if (!(await isFolder(cwd))) {
    throw new EffectFailure({
      code: 'NOT_FOUND',
      message: `its folder ${cwd} does not exist`,
      hint: `make the folder, then tutti resume ${agent.name}`,
      retryable: false,
    });
  }
  const target = ports.sessionTarget(agent.name);
  await endView(agent, options);
  const pane = await ports.tmux.open(target, ports.hostArgv(agent.id, effect.epoch), { cwd, title: agent.name });
  // A process that is gone already has no start time: any other than the real one proves it dead.
  const process = { pid: pane.pid, start: ports.processes.start(pane.pid) ?? 'gone' };
  options.hosts.expect(agent.id, effect.epoch, { process, fresh: true, nobody: false });
  return { pid: pane.pid, pane: pane.paneId };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function hostCommand(effect: Extract<Effect, { do: 'host_command' }>, options: EffectsOptions): Promise<Json> {
  const { agentId, epoch, id, verb, args } = effect;
  if (options.hosts.command(agentId, epoch, id, verb, args)) return null;
  throw new EffectFailure({
    code: 'UNREACHABLE',
    message: `the host of epoch ${epoch} is not there to ${verb}`,
    hint: null,
    retryable: true,
  });
}

async function clear(effect: Extract<Effect, { do: 'clear' }>, options: EffectsOptions): Promise<Json> {
  const { ports, home8, pid } = options.supervisor;
  const { agentId, epoch } = effect;
  const recorded = await recordedProcesses(ports.journals, agentId, epoch);
  const hosts = [...options.hosts.known(agentId, epoch), ...recorded.hosts];
  const own = new Set(hosts.map((host) => host.pid));
  const { ended, left } = await ports.processes.hunt({
    marker: `${home8}/${agentId}/`,
    known: [...hosts, ...recorded.agents, ...options.ingest.processes(agentId)].filter(ports.processes.alive),
    // A host is one of our own processes: it goes only where it is named.
    own: hosts,
    protect: [pid, ...options.hosts.pids().filter((other) => !own.has(other))],
    graceMs: HUNT_GRACE_MS,
  });
  if (left.length > 0) {
    const pids = left.map((process) => process.pid).join(', ');
    throw new EffectFailure({
      code: 'RUNTIME_ERROR',
      message: `processes of it cannot be ended: ${pids}`,
      hint: 'tutti doctor shows them',
      retryable: true,
    });
  }
  await options.hosts.settled(agentId, DOWN_WAIT_MS);
  await options.ingest.drain(agentId, epoch);
  return { ended: ended.length };
}

async function endOrphans(effect: Extract<Effect, { do: 'end_orphans' }>, options: EffectsOptions): Promise<Json> {
  const { ports, home8, pid } = options.supervisor;
  const { agentId, incarnation, list } = effect;
  const { ended, left } = await ports.processes.hunt({
    marker: `${home8}/${agentId}/${incarnation}`,
    known: list.filter(ports.processes.alive),
    protect: [pid, ...options.hosts.pids()],
    graceMs: HUNT_GRACE_MS,
  });
  if (left.length === 0) return { ended: ended.length };
  const pids = left.map((process) => process.pid).join(', ');
  throw new EffectFailure({
    code: 'RUNTIME_ERROR',
    message: `processes cannot be ended: ${pids}`,
    hint: 'tutti doctor shows them',
    retryable: true,
  });
}

/** How long tmux may take to see that a pane's process has ended. Milliseconds. */
const PANE_END_MS = 2_000;
const PANE_LOOK_MS = 25;

/** A view of the host that died may still hold the session's pane: it goes, or no host could ever start there. */
async function endView(agent: AgentState, { supervisor }: EffectsOptions): Promise<void> {
  const { tmux, processes, clock } = supervisor.ports;
  const session = core.sessionName(agent.name);
  const live = async () => (await tmux.list()).find((pane) => pane.session === session && !pane.dead);
  const pane = await live();
  const start = pane ? processes.start(pane.pid) : null;
  if (!pane || start === null) return;
  const view = { pid: pane.pid, start };
  const marker = `${supervisor.home8}/${agent.id}/`;
  await processes.hunt({ marker, known: [view], own: [view], protect: [], graceMs: 500 });
  for (let waited = 0; waited < PANE_END_MS && (await live()); waited += PANE_LOOK_MS) {
    await new Promise<void>((done) => void clock.setTimeout(done, PANE_LOOK_MS));
  }
}

async function startView(effect: Extract<Effect, { do: 'start_view' }>, options: EffectsOptions): Promise<Json> {
  const { ports } = options.supervisor;
  const agent = agentOf(effect.agentId, options);
  const pane = await ports.tmux.open(ports.sessionTarget(agent.name), ports.viewArgv(agent.id), {
    cwd: agent.spec.cwd,
    title: agent.name,
  });
  return { pid: pane.pid, pane: pane.paneId };
}

/** Name of an agent that may be on its way out. */
function nameOf(id: string, options: EffectsOptions): string | null {
  const state = options.state();
  return state.agents[id]?.name ?? state.removing[id]?.name ?? null;
}

async function closeSession(effect: { agentId: string }, options: EffectsOptions): Promise<Json> {
  const { ports } = options.supervisor;
  const name = nameOf(effect.agentId, options);
  if (name === null) return null;
  // The name may belong to a new agent by now: its session is not ours to close.
  const heir = Object.values(options.state().agents).find((agent) => agent.name === name);
  if (!heir || heir.id === effect.agentId) await ports.tmux.kill(ports.sessionTarget(name));
  return null;
}

async function forget(effect: Extract<Effect, { do: 'forget' }>, options: EffectsOptions): Promise<Json> {
  await closeSession(effect, options);
  await removeLaunchFile(options.supervisor.ports.envFile(effect.agentId));
  options.hosts.forget(effect.agentId);
  options.ingest.forget(effect.agentId);
  return null;
}

async function statusLine(effect: Extract<Effect, { do: 'status_line' }>, options: EffectsOptions): Promise<Json> {
  const { ports } = options.supervisor;
  const agent = options.state().agents[effect.agentId];
  if (!agent) return null;
  const { left, right } = statusText(agent);
  await ports.tmux.setStatus(ports.sessionTarget(agent.name), left, right);
  return null;
}

/** Fails when it arrived nowhere; which sinks it did not reach is in its outcome either way. */
async function triage({ agentId, seq }: Extract<Effect, { do: 'triage' }>, options: EffectsOptions): Promise<Json> {
  options.triage(agentId, seq);
  return null;
}

async function notify(effect: Extract<Effect, { do: 'notify' }>, options: EffectsOptions): Promise<Json> {
  const outcomes = await options.supervisor.ports.notifier.send(effect.notification);
  const failures = outcomes.flatMap(({ sink, error }) => (error === null ? [] : [`${sink}: ${error}`]));
  options.problem('notify', failures.length === 0 ? null : `an alert did not arrive: ${failures.join('; ')}`);
  if (failures.length > 0 && failures.length === outcomes.length) {
    throw new EffectFailure({ code: 'RUNTIME_ERROR', message: failures.join('; '), hint: null, retryable: false });
  }
  return { sinks: outcomes.map(({ sink, error }) => ({ sink, error })) };
}

/** State, context and cost on the left; how to leave on the right. `#` would begin a tmux format. */
export function statusText(agent: AgentState): { left: string; right: string } {
  const { used, limit } = agent.context;
  const parts = [`${LOOKS[agent.state].glyph} ${agent.name} ${agent.state}`, core.runnerOf(agent).cli];
  if (agent.reason) parts.push(agent.reason.slice(0, 60));
  if (used !== null)
    parts.push(limit ? `ctx ${Math.round((used / limit) * 100)}%` : `ctx ${Math.round(used / 1_000)}k`);
  if (agent.costUsd !== null) parts.push(`$${agent.costUsd.toFixed(2)}`);
  const left = parts.join(' · ').replaceAll(/[#\p{Cc}]/gu, ' ');
  return { left: ` ${left} `, right: ' Ctrl-b d leaves it running ' };
}
