/** A supervisor on a temporary home with pretended hosts, which a test can crash and start again. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Notification } from '../../src/core/alerts/alert.ts';
import { DEFAULTS } from '../../src/core/config/settings.ts';
import { HOST_PROTOCOL } from '../../src/core/host-wire.ts';
import type { Settings } from '../../src/core/step.ts';
import type { Asker, Declared, Facade } from '../../src/supervisor/facade.ts';
import type { Notifier } from '../../src/supervisor/ports.ts';
import { startSupervisor, type Supervisor, type SupervisorOptions } from '../../src/supervisor/start.ts';
import { clock } from '../../src/system/clock.ts';
import { cron } from '../../src/system/cron.ts';
import { openEventLog } from '../../src/system/journal/event-log.ts';
import { journalReader } from '../../src/system/journal/reader.ts';
import { takeLock } from '../../src/system/lock.ts';
import { secretText } from '../../src/system/redact.ts';
import { createSurveyor } from '../../src/system/survey.ts';
import { createSnapshots } from '../../src/system/store.ts';
import { type FakeWorld, fakeWorld } from './fake-host.ts';
import { lineDriver } from './line-driver.ts';
import { gateLog, type MemoryLog, type MemorySnapshots, memoryLog, memorySnapshots } from './memory-log.ts';
import { tempHome } from './temp-home.ts';

export const PERSON: Asker = { marker: null, commandId: null };

export interface Supervised {
  readonly world: FakeWorld;
  readonly log: MemoryLog;
  readonly snapshots: MemorySnapshots;
  readonly facade: Facade;
  readonly supervisor: Supervisor;
  readonly socketPath: string;
  readonly home: string;
  readonly home8: string;
  /** What the supervisor asked for its own end with. */
  readonly ends: string[];
  /** What people were told. */
  readonly notified: Notification[];
  /** Starts one, and waits for its recovery unless told not to. */
  start(options?: { recovered?: boolean; protocol?: number }): Promise<Supervisor>;
  /** As kill -9: what is not written is lost, nothing more is done. */
  crash(): Promise<void>;
  remove(): Promise<void>;
}

export function declared(name: string, more: Partial<Declared> = {}): Declared & { project: string } {
  return {
    ...{ name, cli: 'tutti', model: null, role: null, zone: null, task: null, cwd: null, worktree: null, branch: null },
    ...{ parent: null, permissions: 'auto', restart: 'transient', once: false, account: null, settings: {} },
    budget: { usd: null, tokens: null },
    fallback: [],
    fallbackReturn: false,
    launch: { command: ['words'], args: [], env: { PATH: '/bin' }, secrets: {}, systemPrompt: null },
    project: 'test',
    ...more,
  };
}

/** @param disk the real event log and db.json instead of memory */
export function supervised(settings: Partial<Settings> = {}, { disk = false } = {}): Supervised {
  const home = tempHome();
  const { paths } = home;
  const cwd = join(home.home, 'work');
  mkdirSync(cwd);
  const world = fakeWorld(paths);
  const snapshots: MemorySnapshots = disk ? { saved: null, ...createSnapshots({ path: paths.db }) } : memorySnapshots();
  const ends: string[] = [];
  const notified: Notification[] = [];
  const notifier: Notifier = {
    send: async (notification) => {
      notified.push(notification);
      return [{ sink: 'memory', error: null }];
    },
    close: () => undefined,
  };
  let log = memoryLog();
  let current: Supervisor | null = null;

  const options = (protocol: number): SupervisorOptions => ({
    home: home.home,
    home8: home.home8,
    version: '0.0.0',
    build: 'test',
    pid: process.pid,
    protocol,
    settings: { ...DEFAULTS, ...settings },
    defaultCwd: cwd,
    problem: null,
    crashed: false,
    onEnd: (why, error) => void ends.push(error ? `${why}: ${error.stack}` : why),
    ports: {
      clock,
      log: () => undefined,
      async lock() {
        const lock = takeLock(paths.supervisorLock);
        if (!lock.ok) throw new Error(`another supervisor (pid ${lock.owner?.pid}) has this home`);
        return { release: async () => lock.release() };
      },
      async openLog() {
        if (disk) {
          const opened = await openEventLog({
            folder: paths.events,
            onProblem: () => undefined,
            segmentLimit: 64 * 1024,
          });
          log = gateLog(opened.log, log.events);
          return { log, recovery: opened.recovery };
        }
        const { snapshot, events } = log;
        log = memoryLog(events);
        if (snapshot) await log.roll(snapshot);
        return {
          log,
          recovery: { snapshot: structuredClone(snapshot), tail: structuredClone(events), damage: [], cut: false },
        };
      },
      snapshots,
      journals: journalReader(paths.hosts),
      tmux: world.tmux,
      processes: world.processes,
      secretText,
      notifier,
      triage: null,
      ownSecrets: {},
      cron,
      surveyor: createSurveyor(paths, world.tmux),
      driver: (cli) => (cli === 'tutti' ? lineDriver : null),
      sessionTarget: (name) => `=${name}` as ReturnType<SupervisorOptions['ports']['sessionTarget']>,
      hostSocket: paths.hostSocket,
      hostArgv: (agentId, epoch) => ['host', agentId, String(epoch)],
      viewArgv: (agentId) => ['view', agentId],
      envFile: paths.agentEnv,
      defaultLaunch: () => ({ command: ['words'], args: [], env: {}, secrets: {}, systemPrompt: null }),
    },
  });

  const here = (): Supervisor => {
    if (!current) throw new Error('no supervisor runs');
    return current;
  };
  return {
    world,
    snapshots,
    ends,
    notified,
    home: home.home,
    home8: home.home8,
    socketPath: paths.supervisorSocket,
    get log() {
      return log;
    },
    get facade() {
      return here().facade;
    },
    get supervisor() {
      return here();
    },
    async start({ recovered = true, protocol = HOST_PROTOCOL } = {}) {
      current = await startSupervisor(options(protocol));
      if (recovered) await current.recovered;
      return current;
    },
    async crash() {
      const dying = here();
      current = null;
      log.fail = new Error('killed');
      const { save } = snapshots;
      snapshots.save = async () => {
        throw new Error('killed');
      };
      await dying.close();
      snapshots.save = save;
      log.fail = null;
    },
    async remove() {
      await current?.close();
      world.close();
      await home.remove();
    },
  };
}
