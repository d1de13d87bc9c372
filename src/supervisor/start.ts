/** Putting a supervisor together: lock → state → facade (reads answer) → recovery → writes. And its end. */
import { type Awake, createAwake } from './awake.ts';
import { isEmpty } from '../core/digest/digest.ts';
import { digestSummary } from '../core/digest/words.ts';
import { createEffects, type Effects } from './effects.ts';
import type { Facade } from './facade.ts';
import { createReads, digestOf, type Running } from './facade-reads.ts';
import { createSchedules } from './facade-schedules.ts';
import { createWrites } from './facade-writes.ts';
import { createHosts, type Hosts } from './hosts.ts';
import { createHub, type Hub } from './hub.ts';
import { createIngest, type Ingest } from './ingest.ts';
import { readLaunchFile, secretsOf } from './launch-env.ts';
import { createLoop, type Loop, messageOf } from './loop.ts';
import type { SupervisorOptions } from './options.ts';
import type { EventLog, SupervisorLock } from './ports.ts';
import { createPatrol, type Patrol } from './patrol.ts';
import { createProblems, type Problems } from './problems.ts';
import { rebuildState, recover } from './recovery.ts';
import { createSaver, type Saver } from './saver.ts';
import { createTriage, type Triage } from './triage.ts';
import { createTimetable, type Timetable } from './timetable.ts';
import { createSecretStore, type SecretStore } from './secret-store.ts';

export interface Supervisor {
  /** Reads answer at once; writes wait for `recovered`. */
  facade: Facade;
  /** Resolves when the recovery is over. Rejects when this supervisor must not run (a host of a newer build): close it then. */
  recovered: Promise<void>;
  /** As `Loop.pulse`: resolves when the loop has turned. */
  pulse(): Promise<string | null>;
  /** The epoch that each agent's host is in. */
  epochs(): { agentId: string; epoch: number }[];
  /** Flushes, saves, and lets go of home and hosts; agents keep running. Safe to call twice. */
  close(): Promise<void>;
}

/** Why a recovery was refused: a living host cannot be spoken to. */
export class RecoveryRefused extends Error {
  readonly code = 'CONFLICT' as const;
  readonly hint = 'tutti supervisor start with the newer tutti; its agents keep running meanwhile';
}

/**
 * Takes the lock and reads the state; then the facade answers, and the recovery goes on by itself.
 * Rejects when another supervisor has the home, or when neither log nor snapshot can be read.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { ports } = options;
  const lock = await ports.lock();
  let log: EventLog | null = null;
  try {
    const opened = await ports.openLog();
    log = opened.log;
    const { state, damage } = rebuildState(await ports.snapshots.load(), opened.recovery, ports.clock.uuid());
    for (const text of damage) ports.log('warn', `recovery: ${text}`);
    // A new log begins with a snapshot record; so does one that was cut, under its new id.
    await log.roll(state);
    return assemble(options, { lock, log, state });
  } catch (error) {
    await log?.close();
    await lock.release();
    throw error;
  }
}

interface Parts {
  loop: Loop;
  hub: Hub;
  hosts: Hosts;
  ingest: Ingest;
  effects: Effects;
  saver: Saver;
  problems: Problems;
  awake: Awake | null;
  triage: Triage;
  timetable: Timetable;
  patrol: Patrol;
}

/** Newest events of the log among which those of one agent are looked for. */
const TRIAGE_EVENTS = 5_000;

type State = Loop['state'];

function assemble(
  options: SupervisorOptions,
  { lock, log, state }: { lock: SupervisorLock; log: EventLog; state: State },
): Supervisor {
  const { ports } = options;
  const watchers = new Set<() => void>();
  const progress = new Map<string, string>();
  const secrets = createSecretStore(ports.secretText);
  secrets.put('supervisor', ports.ownSecrets);
  const parts = wire(options, log, state, { watchers, progress, secrets });
  const { loop } = parts;
  const startedAt = new Date(ports.clock.now()).toISOString();
  const running: Running = { supervisor: options, log, startedAt, progress, ...parts };

  const recovering = (async () => {
    await loadSecrets(options, state, secrets, parts.problems);
    const context = { supervisor: options, ...parts, state: () => loop.state, submit: loop.submit };
    const { refusal } = await recover(context);
    if (refusal !== null) throw new RecoveryRefused(refusal);
    parts.timetable.changed();
    parts.patrol.changed();
    ports.tmux.onServerGone(() => {
      loop.submit({ type: 'tmux_lost' }).catch((error) => ports.log('warn', `tmux is gone: ${messageOf(error)}`));
    });
  })();
  // Who awaits `recovered` is told; without a listener a rejection would end the process.
  recovering.catch((error) => ports.log('error', `recovery: ${messageOf(error)}`));

  const until = (condition: () => boolean, limitMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const finish = (met: boolean): void => {
        watchers.delete(look);
        timer.cancel();
        resolve(met);
      };
      const look = (): void => {
        if (condition()) finish(true);
      };
      const timer = ports.clock.setTimeout(() => finish(false), limitMs);
      watchers.add(look);
      look();
    });

  const writing = { ...running, secrets, recovered: recovering, until };
  let closing: Promise<void> | null = null;
  return {
    facade: { ...createReads(running), ...createWrites(writing), ...createSchedules(writing) },
    recovered: recovering,
    pulse: loop.pulse,
    epochs: () => Object.values(loop.state.agents).map(({ id, host }) => ({ agentId: id, epoch: host.epoch })),
    close: () => (closing ??= closeAll(parts, log, lock, ports)),
  };
}

/** Everything that knows of everything else: the loop in the middle. */
function wire(
  options: SupervisorOptions,
  log: EventLog,
  state: State,
  shared: { watchers: Set<() => void>; progress: Map<string, string>; secrets: SecretStore },
): Parts {
  const { ports } = options;
  const problems = createProblems(ports.log);
  problems.set('configuration', options.problem);
  const hub = createHub(log, state.seq);
  const failed = (what: string) => (agentId: string, error: unknown) =>
    problems.set(
      `${what} ${agentId}`,
      `${what} of ${loop.state.agents[agentId]?.name ?? agentId}: ${messageOf(error)}`,
    );
  const loop: Loop = createLoop({
    state,
    log,
    clock: ports.clock,
    settings: options.settings,
    heard: shared.progress,
    publish: hub.publish,
    perform: (effect) => effects.perform(effect),
    changed: () => {
      saver.changed();
      if (!loop.recovering) {
        timetable.changed();
        patrol.changed();
      }
      awake?.changed();
      for (const look of shared.watchers) look();
    },
    fatal: (error) => options.onEnd('fatal', error),
    problem: (key, text) => problems.set(key, text),
  });
  const saver = createSaver({
    snapshots: ports.snapshots,
    clock: ports.clock,
    state: () => loop.state,
    problem: (text) => problems.set('snapshot', text),
  });
  const ingest = createIngest({
    journals: ports.journals,
    lookup: ports.driver,
    agent: (agentId) => loop.state.agents[agentId] ?? null,
    submit: loop.submit,
    failed: failed('journal'),
  });
  const hosts = createHosts({
    clock: ports.clock,
    journals: ports.journals,
    processes: ports.processes,
    ingest,
    log: ports.log,
    self: { protocol: options.protocol, build: options.build, pid: options.pid },
    socketPath: ports.hostSocket,
    submit: loop.submit,
    progress: (agentId, at) => shared.progress.set(agentId, at),
    failed: failed('host'),
  });
  const effects = createEffects({
    supervisor: options,
    hosts,
    ingest,
    state: () => loop.state,
    submit: loop.submit,
    failed: (effect, error) => ports.log('warn', `${effect.do}: ${messageOf(error)}`),
    triage: (agentId, seq) => triage.ask(agentId, seq),
    problem: (key, text) => problems.set(key, text),
    digest: async (since, until) => {
      const found = await digestOf({ log, loop, supervisor: options }, since, until);
      return isEmpty(found) ? null : digestSummary(found);
    },
  });
  const triage = createTriage({
    port: ports.triage,
    clock: ports.clock,
    agent: (agentId) => loop.state.agents[agentId] ?? null,
    events: (agentId) => log.read(Math.max(0, loop.state.seq - TRIAGE_EVENTS), { limit: TRIAGE_EVENTS, agentId }),
    redact: shared.secrets.redact,
    submit: loop.submit,
    failed: (error) => ports.log('warn', `layer 2: ${messageOf(error)}`),
  });
  const timetable = createTimetable({
    cron: ports.cron,
    clock: ports.clock,
    state: () => loop.state,
    submit: loop.submit,
    failed: (id, error) => problems.set(`schedule ${id}`, `schedule ${id}: ${messageOf(error)}`),
  });
  const guard = ports.sleepGuard;
  const awake = guard
    ? createAwake({
        guard,
        clock: ports.clock,
        state: () => loop.state,
        problem: (text) => problems.set('sleep', text),
      })
    : null;
  const patrol = createPatrol({
    cron: ports.cron,
    surveyor: ports.surveyor,
    settings: () => loop.settings,
    state: () => loop.state,
    submit: loop.submit,
    failed: (error) => problems.set('patrol', `the patrol cannot look: ${messageOf(error)}`),
    well: () => problems.set('patrol', null),
  });
  return { loop, hub, hosts, ingest, effects, saver, problems, timetable, awake, triage, patrol };
}

async function loadSecrets(
  options: SupervisorOptions,
  state: State,
  secrets: SecretStore,
  problems: Problems,
): Promise<void> {
  for (const id of Object.keys(state.agents)) {
    try {
      const file = await readLaunchFile(options.ports.envFile(id));
      if (file) secrets.put(id, secretsOf([file, ...file.fallbacks]));
    } catch (error) {
      problems.set(`env ${id}`, `the launch environment of ${state.agents[id]?.name} is damaged: ${messageOf(error)}`);
    }
  }
}

async function closeAll(
  parts: Parts,
  log: EventLog,
  lock: SupervisorLock,
  { log: logger, notifier }: SupervisorOptions['ports'],
): Promise<void> {
  parts.hosts.close();
  await parts.triage.close();
  parts.timetable.stop();
  parts.awake?.stop();
  parts.patrol.stop();
  notifier.close();
  await parts.loop.stop();
  await parts.effects.idle();
  parts.saver.stop();
  try {
    await parts.saver.flush();
  } catch (error) {
    // The log has everything: the next start takes a little longer.
    logger('warn', `db.json was not saved at the end: ${messageOf(error)}`);
  }
  await log.close();
  await lock.release();
}

export type { SupervisorOptions } from './options.ts';
