/** A home of its own with a supervisor, a tmux server and agents on the fake CLI; nothing of it is left afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { Agent } from '../../src/api/wire.ts';
import { type Client, connect } from '../../src/client/index.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { type HomePaths, homePaths } from '../../src/system/paths.ts';
import { places } from './places.ts';
import { alive } from './proc.ts';
import { until, within } from './wait.ts';

/** Longest wait for agents to start or to end. Milliseconds. */
const FLEET_LIMIT_MS = 180_000;

export interface Fleet {
  paths: HomePaths;
  client: Client;
  /** Folder for files of the bench. */
  folder: string;
  supervisorPid: number;
  tmuxPid(): number;
  /** Starts agents a1 … an together; resolves when all have been accepted. */
  spawn(count: number, options?: { command?: string[]; first?: number }): Promise<void>;
  /** Resolves when all agents are idle. */
  settled(count: number): Promise<Agent[]>;
  /** Sends the same to each of them, and waits until all of their turns are over. */
  tell(names: string[], text: string): Promise<void>;
  /** Calls back for each event from now on, as a plain WebSocket client gets them. */
  watch(see: (event: TuttiEvent) => void): Promise<{ close(): void }>;
}

let made = 0;

/** Runs `work` on a new fleet and clears it away, whatever happens. */
export async function withFleet<T>(work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
  made += 1;
  const socket = `tutti-bench-${process.pid}-${made}`;
  const user = join(folder, 'user');
  mkdirSync(user);
  const paths = homePaths(join(folder, 'home'));
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: user,
    LANG: 'C.UTF-8',
    TUTTI_HOME: paths.home,
    TUTTI_TMUX: socket,
    TUTTI_PORT: '0',
    XDG_CONFIG_HOME: join(folder, 'config'),
  };
  const supervisor = spawn(process.execPath, [places.program, 'supervisor', 'run'], {
    env,
    cwd: user,
    stdio: 'ignore',
  });
  const pid = supervisor.pid;
  if (pid === undefined) throw new Error('the supervisor could not be started');
  let client: Client | null = null;
  try {
    client = await until('the supervisor', 20_000, () =>
      connect({ home: paths.home, socketPath: paths.supervisorSocket, start: null }).catch(() => null),
    );
    return await work(
      fleetOn({ paths, client, folder: user, pid, env: { PATH: env.PATH, HOME: user, LANG: env.LANG } }),
    );
  } finally {
    await clearAway({ client, supervisor, paths, folder, socket });
  }
}

interface Parts {
  paths: HomePaths;
  client: Client;
  folder: string;
  pid: number;
  env: Record<string, string>;
}

function fleetOn({ paths, client, folder, pid, env }: Parts): Fleet {
  const watch: Fleet['watch'] = async (see) => {
    const createConnection = () => connectSocket({ path: paths.supervisorSocket });
    const socket = new WebSocket('ws://localhost/ws', { createConnection });
    await new Promise<void>((ready, fail) => {
      socket.once('error', fail);
      socket.once('message', () => ready());
    });
    socket.on('message', (data: Buffer) => see(JSON.parse(data.toString('utf8'))));
    return { close: () => socket.terminate() };
  };
  return {
    paths,
    client,
    folder,
    supervisorPid: pid,
    tmuxPid: () => tmuxPidOf(paths) ?? 0,
    async spawn(count, { command = [process.execPath, places.fakeClaude], first = 1 } = {}) {
      const names = Array.from({ length: count }, (_, i) => `a${first + i}`);
      const launch = { command, args: [], env, secrets: {}, missing: [], systemPrompt: null };
      await Promise.all(
        names.map((name) => client.spawn({ name, cli: 'claude', cwd: folder, project: 'bench', launch })),
      );
    },
    async settled(count) {
      return until(`${count} idle agents`, FLEET_LIMIT_MS, async () => {
        const { agents } = await client.list();
        const failed = agents.find((agent) => agent.state === 'failed');
        if (failed) throw new Error(`${failed.name} failed: ${failed.reason}`);
        return agents.filter((agent) => agent.state === 'idle').length >= count ? agents : null;
      });
    },
    async tell(names, text) {
      await Promise.all(names.map((name) => client.sendAndWait(name, text, { timeoutMs: FLEET_LIMIT_MS })));
    },
    watch,
  };
}

/** Pid of the home's tmux server; null when it has none. */
function tmuxPidOf(paths: HomePaths): number | null {
  try {
    const file: unknown = JSON.parse(readFileSync(paths.tmuxPid, 'utf8'));
    return typeof file === 'object' && file !== null && 'pid' in file && typeof file.pid === 'number' ? file.pid : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

interface Leftovers {
  client: Client | null;
  supervisor: ChildProcess;
  paths: HomePaths;
  folder: string;
  socket: string;
}

/** Stops the agents in the supported way; whoever is left of the processes that we know is killed by pid. */
async function clearAway({ client, supervisor, paths, folder, socket }: Leftovers): Promise<void> {
  const pids = new Set<number>();
  const tmux = tmuxPidOf(paths);
  if (tmux !== null) pids.add(tmux);
  try {
    if (client) {
      const { agents } = await client.list();
      for (const { pid, hostPid } of agents) for (const one of [pid, hostPid]) if (one !== null) pids.add(one);
      await within('stopping the agents', FLEET_LIMIT_MS, client.down({ all: true }));
    }
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}; killing what is left\n`);
  } finally {
    client?.close();
  }
  await ended(supervisor);
  for (const pid of pids) if (alive(pid)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  rmSync(join('/tmp', `tmux-${process.getuid?.() ?? 0}`, socket), { force: true });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  await within('the end of the supervisor', 20_000, over).catch(() => child.kill('SIGKILL'));
}
