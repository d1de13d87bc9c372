/** Puts the supervisor together from its edges, and is it until told to end. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApi, unixSocket } from '../api/server.ts';
import { CliFailure } from '../cli/failure.ts';
import { loadUserConfig } from '../cli/config-file.ts';
import { allowedVariables } from '../core/config/environment.ts';
import { notifySettings } from '../core/config/notify.ts';
import type { UserConfig } from '../core/config/schema.ts';
import { settingsFrom } from '../core/config/settings.ts';
import type { JsonObject } from '../core/event.ts';
import { HOST_PROTOCOL } from '../core/host-wire.ts';
import { driverFor } from '../drivers/registry.ts';
import { startHeartbeat } from '../supervisor/heartbeat.ts';
import type { Logger, ServiceLink, SupervisorLock, Tmux } from '../supervisor/ports.ts';
import { startSupervisor, type Supervisor, type SupervisorOptions } from '../supervisor/start.ts';
import { clock, isoNow } from '../system/clock.ts';
import { cron } from '../system/cron.ts';
import { openEventLog } from '../system/journal/event-log.ts';
import { dropOldJournals, JOURNAL_RETENTION } from '../system/journal/retention.ts';
import { journalReader } from '../system/journal/reader.ts';
import { lockOwner, takeLock } from '../system/lock.ts';
import { type HomePaths, prepareHome, tmuxSocketName } from '../system/paths.ts';
import { processes } from '../system/proc/index.ts';
import { secretText } from '../system/redact.ts';
import { serviceLink } from '../system/service/notify.ts';
import { tmuxScope } from '../system/service/scope.ts';
import { sleepGuard } from '../system/service/sleep.ts';
import { noteEnd, noteStart } from '../system/service/tally.ts';
import { createSurveyor } from '../system/survey.ts';
import { createSnapshots } from '../system/store.ts';
import { createTmux, sessionTarget } from '../system/tmux/index.ts';
import { localZone, notifierFor } from './notify.ts';
import { triageFor } from './triage.ts';
import { BUILD, VERSION } from './build.ts';
import { awaitTurn, ownBackoff } from './turn.ts';

/** A larger log file is put aside; one old one is kept. Bytes. */
const LOG_LIMIT = 8 * 1024 * 1024;
/** Flags that keep a pane host small. */
const HOST_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=32'];

type Env = Record<string, string | undefined>;

/** A service manager starts anew whatever ends with anything but 0: that is kept for an end that a person asked for. */
const EXIT_BY_SIGNAL = 143;

/**
 * Runs until SIGTERM, SIGINT, `supervisor stop` or `down`. Resolves to the exit status. Rejects with a failure of a contract code
 * when it cannot run: another one has the home, its log cannot be read, or a host of a newer build lives. With `service` it
 * waits for another one instead, and after crashes.
 */
export async function runSupervisor(home: string, env: Env, dist: string, { service = false } = {}): Promise<number> {
  process.umask(0o077);
  const paths = prepareHome(home);
  const log = fileLogger(paths);
  const ended = deferred<number>();
  const link = serviceLink(env, (text) => log('warn', text));
  let told = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      told = true;
      ended.resolve(service ? EXIT_BY_SIGNAL : 0);
    });
  }
  // The terminal that started us may close; we go on.
  process.on('SIGHUP', () => log('info', 'SIGHUP: going on'));
  if (service) await awaitTurn({ paths, env, log, service: link, ended: () => told });
  if (told) {
    noteEnd(paths.tally);
    return EXIT_BY_SIGNAL;
  }
  const socket = socketOf(paths, env);
  const tmux = createTmux({
    socket,
    scope: tmuxScope({ env, socket, isService: link !== null, onProblem: (text) => log('warn', text) }),
    home: paths.home,
    confFile: paths.tmuxConf,
    pidFile: paths.tmuxPid,
    env,
    onProblem: (message) => log('warn', message),
  });
  const options = supervisorOptions({ paths, env, dist, log, tmux }, (why, error) => {
    log(error ? 'error' : 'info', `ending: ${why}${error ? `: ${error.message}` : ''}`);
    ended.resolve(why === 'fatal' ? 1 : 0);
  });
  let supervisor: Awaited<ReturnType<typeof startSupervisor>>;
  try {
    supervisor = await startSupervisor(options);
  } catch (error) {
    log('error', `cannot start: ${(error as Error).message}`);
    await tmux.close();
    const taken = lockOwner(paths.supervisorLock) !== null;
    throw new CliFailure(taken ? 'CONFLICT' : 'RUNTIME_ERROR', (error as Error).message, {
      hint: taken ? 'tutti supervisor status tells of it' : `see ${paths.supervisorLog}`,
    });
  }
  const api = createApi(supervisor.facade, (error) => log('error', `api: ${String(error)}`));
  await api.listen(unixSocket(paths.supervisorSocket));
  const retention = keepRetention(supervisor, paths, log);
  log('info', 'listening', { pid: process.pid, version: VERSION, build: BUILD, socket: paths.supervisorSocket });
  const heartbeat = link ? keepTold(supervisor, link, log) : null;
  let refused: unknown = null;
  supervisor.recovered.catch((error: unknown) => {
    refused = error;
    ended.resolve(1);
  });
  const status = await ended.promise;
  clearInterval(retention);
  heartbeat?.stop();
  await inTime('closing the API', api.close(), log);
  await inTime('saving', supervisor.close(), log);
  await inTime('leaving tmux', tmux.close(), log);
  log('info', 'ended', { status });
  if (refused) throw refused;
  if (status !== 1) noteEnd(paths.tally);
  return status;
}

/** READY after the recovery, then a ping for each turn of the loop that the manager asks for, STOPPING at the end. */
function keepTold(supervisor: Supervisor, link: ServiceLink, log: Logger): { stop(): void } {
  let heartbeat: { stop(): void } | null = null;
  let stopped = false;
  const status = (): string => {
    const { agents, problems } = supervisor.facade.health();
    const counts = Object.entries(agents).map(([state, count]) => `${count} ${state}`);
    return [counts.join(', ') || 'no agents', ...problems.slice(0, 1)].join('; ');
  };
  const begin = async (): Promise<void> => {
    await supervisor.recovered;
    await link.ready(status());
    if (stopped) return;
    heartbeat = startHeartbeat({ service: link, clock, log, pulse: supervisor.pulse, status });
  };
  // A recovery that was refused ends the supervisor, and is reported there.
  begin().catch((error: unknown) => log('warn', `not told ready: ${String(error)}`));
  return {
    stop() {
      stopped = true;
      heartbeat?.stop();
      link.stopping().catch((error: unknown) => log('warn', `not told stopping: ${String(error)}`));
    },
  };
}

/** Old host journals are dropped at the start and then this often. Milliseconds. */
const RETENTION_EVERY_MS = 24 * 60 * 60 * 1_000;

/** Drops what retention allows, never from the epoch on that an agent still runs or is read in. */
function keepRetention(supervisor: Supervisor, paths: HomePaths, log: Logger): NodeJS.Timeout {
  const sweep = (): void => {
    for (const { agentId, epoch } of supervisor.epochs()) {
      try {
        const folder = paths.hostDir(agentId);
        if (!statSync(folder, { throwIfNoEntry: false })) continue;
        const dropped = dropOldJournals(folder, epoch, JOURNAL_RETENTION, clock.now());
        if (dropped.length > 0) log('info', `dropped ${dropped.length} old journals`, { agentId });
      } catch (error) {
        log('warn', `retention of the journals of ${agentId}: ${(error as Error).message}`);
      }
    }
  };
  supervisor.recovered.then(sweep, () => undefined);
  const timer = setInterval(sweep, RETENTION_EVERY_MS);
  timer.unref();
  return timer;
}

/** Longest that one step of the end may take; what is on disk is safe by then. Milliseconds. */
const END_STEP_MS = 10_000;

/** Waits for a step of the end; one that fails or hangs is logged and must not keep a dead supervisor alive. */
async function inTime(what: string, step: Promise<void>, log: Logger): Promise<void> {
  const late = deferred<string | null>();
  const timer = clock.setTimeout(() => late.resolve('it takes too long'), END_STEP_MS);
  const done = step.then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const problem = await Promise.race([done, late.promise]);
  timer.cancel();
  if (problem !== null) log('warn', `${what}: ${problem}`);
}

interface Parts {
  paths: HomePaths;
  env: Env;
  dist: string;
  log: Logger;
  tmux: Tmux;
}

function supervisorOptions(
  { paths, env, dist, log, tmux }: Parts,
  onEnd: SupervisorOptions['onEnd'],
): SupervisorOptions {
  const user = userConfig(env);
  const settings = settingsFrom(user);
  const triage = triageFor(paths, env, user);
  const raised = Number(env.TUTTI_TEST_PROTOCOL);
  return {
    home: paths.home,
    home8: paths.home8,
    version: VERSION,
    build: BUILD,
    pid: process.pid,
    protocol: Number.isInteger(raised) && raised > 0 ? raised : HOST_PROTOCOL,
    settings: {
      ...settings,
      adviceMs: triage.port === null ? 0 : settings.adviceMs,
      notify: notifySettings(user.notify, user.timezone),
    },
    problem: triage.problem,
    defaultCwd: env.HOME ?? paths.home,
    crashed: statSync(paths.supervisorLock, { throwIfNoEntry: false }) !== undefined,
    onEnd,
    ports: {
      clock,
      log,
      lock: async () => takeHome(paths, env),
      openLog: () => openEventLog({ folder: paths.events, onProblem: (message) => log('error', message) }),
      snapshots: createSnapshots({ path: paths.db }),
      journals: journalReader(paths.hosts),
      tmux,
      processes,
      ...(user?.power?.inhibitSleep ? { sleepGuard: sleepGuard(env, paths.home) } : {}),
      secretText,
      cron,
      surveyor: createSurveyor(paths, tmux),
      notifier: notifierFor(paths, env, user?.notify),
      triage: triage.port,
      ownSecrets: triage.secrets,
      driver: (cli) => driverFor(cli, cli === 'acp' ? 'acp' : undefined),
      // The built-in agent is this very program.
      command: (cli) => (cli === 'tutti' ? [process.execPath, join(dist, 'main.js')] : null),
      sessionTarget,
      hostSocket: paths.hostSocket,
      hostArgv: (agentId, epoch) => [
        process.execPath,
        ...HOST_FLAGS,
        join(dist, 'host.cjs'),
        paths.home,
        agentId,
        String(epoch),
      ],
      viewArgv: (agentId) => [process.execPath, ...HOST_FLAGS, join(dist, 'host.cjs'), 'view', paths.home, agentId],
      envFile: paths.agentEnv,
      defaultLaunch: () => ({ command: null, args: [], env: allowedVariables(env), secrets: {}, systemPrompt: null }),
    },
  };
}

/**
 * The tmux socket of this home: chosen at its first start and kept, so that a supervisor that is started from another environment
 * (XDG_STATE_HOME decides which home is the default one) finds the agents of the one before.
 */
function socketOf(paths: HomePaths, env: Env): string {
  if (env.TUTTI_TMUX) return env.TUTTI_TMUX;
  const file = join(paths.run, 'tmux-socket');
  const kept = statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8').trim() : '';
  if (/^[A-Za-z0-9_-]{1,64}$/.test(kept)) return kept;
  const name = tmuxSocketName(paths.home, env);
  writeFileSync(file, `${name}\n`, { mode: 0o600 });
  return name;
}

/** config.yaml; where it names no time zone, days are those of this machine. */
function userConfig(env: Env): UserConfig & { timezone: string } {
  const user = loadUserConfig(env) ?? { version: 1 };
  return { ...user, timezone: user.timezone ?? localZone() };
}

async function takeHome(paths: HomePaths, env: Env): Promise<SupervisorLock> {
  const lock = takeLock(paths.supervisorLock);
  if (!lock.ok) throw new Error(`another supervisor has ${paths.home} (pid ${lock.owner?.pid ?? 'unknown'})`);
  noteStart(paths.tally, ownBackoff(env).resetAfterMs);
  return { release: async () => lock.release() };
}

/** Lines of log/supervisor.log, as JSON. A full disk costs the line and nothing else. */
function fileLogger(paths: HomePaths): Logger {
  mkdirSync(paths.log, { recursive: true, mode: 0o700 });
  return (level, text, data?: JsonObject) => {
    const line = JSON.stringify({ at: isoNow(), level, pid: process.pid, text, ...data });
    try {
      const size = statSync(paths.supervisorLog, { throwIfNoEntry: false })?.size ?? 0;
      if (size > LOG_LIMIT) {
        rmSync(`${paths.supervisorLog}.1`, { force: true });
        renameSync(paths.supervisorLog, `${paths.supervisorLog}.1`);
      }
      appendFileSync(paths.supervisorLog, `${line}\n`, { mode: 0o600 });
    } catch (error) {
      process.stderr.write(`${line} (not in the log: ${(error as Error).message})\n`);
    }
  };
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
