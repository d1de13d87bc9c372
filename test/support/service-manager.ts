/**
 * Plays the part of systemd that the supervisor meets: reads a unit, starts its program with NOTIFY_SOCKET and WATCHDOG_USEC, takes
 * in what it is told, ends it when the pings stop, and starts it again as the unit says. It proves our side of the protocol,
 * not systemd's behaviour: a real user manager needs a login that test machines do not have.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../src/system/process.ts';
import { sleep } from '../../src/system/clock.ts';
import type { TuttiHome } from './tutti.ts';
import { waitFor } from './wait.ts';

export interface Death {
  /** null: ended by a signal. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** We ended it because its pings stopped. */
  watchdog: boolean;
}

export interface PlayedSystemd {
  /** Main process; null between two runs. */
  readonly pid: number | null;
  readonly starts: number;
  readonly deaths: Death[];
  /** Every word that came, one datagram after the other. */
  readonly words: string[];
  /** Waits until the run of this number (from 1) has told READY. */
  ready(start: number): Promise<void>;
  /** `systemctl stop`: TERM to the main process alone, and no restart. */
  stop(): Promise<void>;
  /** Ends everything of its own. */
  end(): Promise<void>;
}

export interface PlayOptions {
  /** Text of the unit. */
  unit: string;
  /** The manager's own environment; the unit's comes on top. */
  env: Record<string, string>;
  /** A folder for the socket. */
  folder: string;
  /** In place of WatchdogSec, so that a test need not wait three minutes. Milliseconds. */
  watchdogMs: number;
  /** In place of RestartSec. Milliseconds. */
  restartMs: number;
}

/** The value of a key; throws where the unit has none. */
export function unitValue(unit: string, key: string): string {
  const line = unit.split('\n').find((each) => each.startsWith(`${key}=`));
  if (line === undefined) throw new Error(`the unit has no ${key}`);
  return line.slice(key.length + 1);
}

/** One quoted word of a unit as systemd reads it. */
export function unitWord(word: string): string {
  return word.slice(1, -1).replaceAll(/\\(.)/g, '$1').replaceAll('%%', '%');
}

/** What `ExecStart=/bin/sh "…"` starts. */
export function launcherOf(unit: string): string {
  const [, word = ''] = /^\/bin\/sh (".*")$/.exec(unitValue(unit, 'ExecStart')) ?? [];
  return unitWord(word).replaceAll('$$', '$');
}

const LISTENER = `
import json, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    # Taken without room for descriptors: the kernel closes the one that systemd-notify waits on.
    print(json.dumps(listener.recv(65536).decode()), flush=True)
`;

/** Needs python3 (for a unix datagram socket) and systemd-notify, and says which one is missing. */
export function requirePrograms(...names: string[]): void {
  const missing = names.filter((name) => findProgram(name, process.env) === null);
  if (missing.length > 0) {
    throw new Error(`not on PATH: ${missing.join(', ')}. apt-get install --no-install-recommends systemd python3`);
  }
}

/** Listens as the manager does. Words come one datagram each. */
export async function listenForWords(socket: string, hear: (text: string) => void): Promise<{ end(): Promise<void> }> {
  requirePrograms('python3', 'systemd-notify');
  const python = spawn('python3', ['-u', '-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = '';
  let listening = false;
  python.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (listening) hear(JSON.parse(line) as string);
      listening = true;
    }
  });
  const gone = new Promise<void>((resolve) => python.once('exit', () => resolve()));
  await waitFor('the manager listens', () => listening);
  return {
    async end() {
      python.kill('SIGKILL');
      await gone;
    },
  };
}

async function playSystemd(options: PlayOptions): Promise<PlayedSystemd> {
  const { unit, watchdogMs, restartMs } = options;
  const launcher = launcherOf(unit);
  const variables = unit.split('\n').filter((line) => line.startsWith('Environment='));
  const unitEnv = Object.fromEntries(
    variables.map((line) => unitWord(line.slice('Environment='.length)).split(/=(.*)/s, 2)),
  ) as Record<string, string>;
  const spared = unitValue(unit, 'RestartPreventExitStatus').split(' ').map(Number);
  const watchdogSignal = unitValue(unit, 'WatchdogSignal') as NodeJS.Signals;
  const socket = join(options.folder, 'notify.sock');

  const words: string[] = [];
  const deaths: Death[] = [];
  const readyRuns = new Set<number>();
  let child: ChildProcess | null = null;
  let starts = 0;
  let lastPing = 0;
  let stopping = false;
  let barked = false;

  const listener = await listenForWords(socket, (text) => {
    words.push(text);
    const lines = text.split('\n');
    if (lines.includes('READY=1')) readyRuns.add(starts);
    if (lines.includes('READY=1') || lines.includes('WATCHDOG=1')) lastPing = performance.now();
  });

  const start = (): void => {
    starts += 1;
    barked = false;
    // $$ is the pid that exec keeps: systemd sets WATCHDOG_PID to it.
    child = spawn('sh', ['-c', 'WATCHDOG_PID=$$; export WATCHDOG_PID; exec /bin/sh "$0"', launcher], {
      env: {
        ...options.env,
        ...unitEnv,
        NOTIFY_SOCKET: socket,
        WATCHDOG_USEC: String(watchdogMs * 1_000),
        INVOCATION_ID: `${starts}`.padStart(32, '0'),
      },
      cwd: '/',
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('exit', (code, signal) => {
      child = null;
      deaths.push({ code, signal, watchdog: barked });
      if (stopping || (code !== null && spared.includes(code))) return;
      setTimeout(() => {
        if (!stopping) start();
      }, restartMs);
    });
  };

  const watch = setInterval(() => {
    if (!child || barked || !readyRuns.has(starts) || performance.now() - lastPing < watchdogMs) return;
    barked = true;
    child.kill(watchdogSignal);
    child.kill('SIGCONT');
  }, 50);

  start();
  const self: PlayedSystemd = {
    get pid() {
      return child?.pid ?? null;
    },
    get starts() {
      return starts;
    },
    deaths,
    words,
    ready: async (run) => void (await waitFor(`run ${run} is ready`, () => readyRuns.has(run), 60_000)),
    async stop() {
      stopping = true;
      child?.kill('SIGTERM');
      await waitFor('the unit has stopped', () => child === null, 60_000);
    },
    async end() {
      stopping = true;
      child?.kill('SIGKILL');
      while (child) await sleep(10);
      clearInterval(watch);
      await listener.end();
    },
  };
  return self;
}

/** Far more than a busy machine takes between two pings. Milliseconds. */
const CALM_MS = 60_000;
/** In place of RestartSec. Milliseconds. */
const RESTART_MS = 50;

/** Writes the files of `tutti service print` as `service install` would, without a manager to install them in, and plays it. */
export async function playService(
  home: TuttiHome,
  env: Record<string, string | null> = {},
  watchdogMs = CALM_MS,
): Promise<PlayedSystemd> {
  const { path, files } = await home.data(['service', 'print', '--systemd'], { env });
  let unit = '';
  for (const file of files as { path: string; text: string; mode: number }[]) {
    if (file.path === path) unit = file.text;
    else writeFileSync(file.path, file.text, { mode: file.mode });
  }
  rmSync(join(home.paths.run, 'notify.sock'), { force: true });
  return playSystemd({
    unit,
    env: { PATH: '/usr/bin:/bin', ...(env['XDG_RUNTIME_DIR'] ? { XDG_RUNTIME_DIR: env['XDG_RUNTIME_DIR'] } : {}) },
    folder: home.paths.run,
    watchdogMs,
    restartMs: RESTART_MS,
  });
}
