/** Connects a command to its home's supervisor, and starts one detached where none runs. */
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliFailure } from '../cli/failure.ts';
import type { Output } from '../cli/output.ts';
import { type Client, connect } from '../client/index.ts';
import { AGENT_VARIABLE, ownEnvironment } from '../system/environment.ts';
import { until } from '../system/clock.ts';
import { startOf } from '../system/proc/index.ts';
import { homePaths, prepareHome } from '../system/paths.ts';
import { findTmux, startDetached } from '../system/process.ts';

export interface ConnectHomeOptions {
  start: boolean;
  out: Output;
  env: NodeJS.ProcessEnv;
  /** Folder of the built program. */
  dist: string;
}

export async function connectHome(home: string, options: ConnectHomeOptions): Promise<Client> {
  const { env, dist, out } = options;
  const paths = homePaths(home);
  const progress = out.progress('connecting to the supervisor');
  try {
    return await connect({
      home: paths.home,
      socketPath: paths.supervisorSocket,
      caller: env[AGENT_VARIABLE],
      start: options.start ? () => startSupervisor(home, env, dist) : null,
      progress: (text) => progress.step(text),
    });
  } finally {
    progress.done();
  }
}

/** Starts one in the background; it writes its log to log/supervisor.log. Rejects with what is known to be in its way. */
async function startSupervisor(home: string, env: NodeJS.ProcessEnv, dist: string): Promise<void> {
  requireWritableHome(home);
  if ((await findTmux(env)) === null) {
    throw new CliFailure('RUNTIME_ERROR', 'tmux is not on PATH: every agent lives in a tmux session', {
      hint: 'install tmux 3.0 or newer (apt install tmux, brew install tmux), then try again',
    });
  }
  const paths = prepareHome(home);
  await startDetached([process.execPath, join(dist, 'main.js'), 'supervisor', 'run', '--home', paths.home], {
    env: ownEnvironment({ ...env, TUTTI_HOME: paths.home }, 'supervisor'),
    cwd: paths.home,
    stderr: join(paths.log, 'supervisor.err'),
  });
}

/** A supervisor that ends saves its state first; more than this it never needs. Milliseconds. */
const EXIT_LIMIT_MS = 15_000;
const EXIT_LOOK_MS = 20;

/** Resolves when that process has ended, or after the limit. */
export async function awaitExit(pid: number): Promise<void> {
  await until(() => (startOf(pid) === null ? true : null), EXIT_LIMIT_MS, EXIT_LOOK_MS);
}

function requireWritableHome(home: string): void {
  let folder = home;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    if (!lstatSync(folder).isDirectory() && folder === home) throw new Error(`${home} is not a folder`);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new CliFailure('RUNTIME_ERROR', `${home} cannot be used as TUTTI_HOME`, {
      why: (error as Error).message,
      hint: `make ${folder} writable, or set TUTTI_HOME to a folder that is`,
    });
  }
}
