/** Connects a command to its home's supervisor, and starts one detached where none runs. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadUserConfig } from '../cli/config-file.ts';
import { CliFailure, failureOf } from '../cli/failure.ts';
import type { Output } from '../cli/output.ts';
import type { Started } from '../cli/program.ts';
import { type Client, connect } from '../client/index.ts';
import type { Code } from '../core/step.ts';
import { AGENT_VARIABLE, ownEnvironment } from '../system/environment.ts';
import { until } from '../system/clock.ts';
import { lockOwner } from '../system/lock.ts';
import { startOf } from '../system/proc/index.ts';
import { type HomePaths, homePaths, prepareHome } from '../system/paths.ts';
import { findTmux, startDetached } from '../system/process.ts';
import { installedService, startService } from '../system/service/record.ts';
import { notifyVariables } from './notify.ts';
import { triageVariables } from './triage.ts';

export interface ConnectHomeOptions {
  /** Start one where none runs: in the background, or (a function) in the caller's own way. */
  start: boolean | (() => Promise<Started>);
  out: Output;
  env: NodeJS.ProcessEnv;
  /** Folder of the built program. */
  dist: string;
}

export async function connectHome(home: string, options: ConnectHomeOptions): Promise<Client> {
  const { start, env, out } = options;
  const paths = homePaths(home);
  const progress = out.progress('connecting to the supervisor');
  let started: Started | null = null;
  const begin = async (): Promise<void> => {
    await requireUsableHome(home, env);
    started = start === true ? await startAnywhere(options, paths) : start === false ? null : await start();
  };
  try {
    return await connect({
      home: paths.home,
      socketPath: paths.supervisorSocket,
      caller: env[AGENT_VARIABLE],
      start: start === false ? null : begin,
      failure: () => started?.failure() ?? null,
      progress: (text) => progress.step(text),
    });
  } catch (error) {
    throw namingTheHung(error, paths);
  } finally {
    progress.done();
  }
}

/** One that holds its socket and does not answer: who it is, and how to get rid of it. */
function namingTheHung(error: unknown, paths: HomePaths): unknown {
  const failure = failureOf(error);
  const owner = failure?.code === 'TIMEOUT' ? lockOwner(paths.supervisorLock) : null;
  if (!failure || !owner) return error;
  return new CliFailure('TIMEOUT', `supervisor ${owner.pid} of ${paths.home} hangs: ${failure.message}`, {
    hint: 'tutti supervisor restart ends it by its pid and starts another; agents keep running',
  });
}

/** Keeps the variables that config.yaml names for the supervisor itself, which is started without them. */
export function keepForSupervisor(home: string, env: NodeJS.ProcessEnv): void {
  const paths = prepareHome(home);
  const user = loadUserConfig(env);
  notifyVariables(paths, env, user?.notify);
  triageVariables(paths, env, user);
}

/** Where a service has this home, that is asked for it: one started beside it would be in its way. */
async function startAnywhere({ env, dist, out }: ConnectHomeOptions, paths: HomePaths): Promise<Started> {
  keepForSupervisor(paths.home, env);
  const service = installedService(paths.serviceRecord);
  if (service) {
    const refused = await startService(service, env);
    if (refused === null) return { failure: () => null };
    out.note(`${service.name} cannot be started (${refused}): starting a supervisor without it`);
  }
  return startSupervisor(paths.home, env, dist);
}

/** Starts one in the background; it writes its log to log/supervisor.log, and why it cannot run to log/supervisor.err. */
async function startSupervisor(home: string, env: NodeJS.ProcessEnv, dist: string): Promise<Started> {
  const paths = prepareHome(home);
  const words = join(paths.log, 'supervisor.err');
  const before = statSync(words, { throwIfNoEntry: false })?.size ?? 0;
  const argv = [process.execPath, join(dist, 'main.js'), 'supervisor', 'run', '--home', paths.home, '--json'];
  const pid = await startDetached(argv, {
    env: ownEnvironment({ ...env, TUTTI_HOME: paths.home }, 'supervisor'),
    cwd: paths.home,
    stderr: words,
  });
  const start = startOf(pid);
  return {
    failure() {
      if (start !== null && startOf(pid) === start) return null;
      const owner = lockOwner(paths.supervisorLock);
      // Several commands may start one at the same time: one of them has the home, and comes up.
      if (owner && owner.pid !== pid) return null;
      return lastWords(readFileSync(words).subarray(before).toString('utf8'), words);
    },
  };
}

/** The error document that it printed; without one, what it printed. */
function lastWords(text: string, file: string): Error {
  const last = text.trim().split('\n').at(-1) ?? '';
  const document = parseJson(last);
  if (document?.status === 'error' && failureOf(Object.assign(new Error(), { code: document.code }))) {
    const { code, message, hint } = document as { code: Code; message: string; hint: string | null };
    return new CliFailure(code, message, { hint });
  }
  return new CliFailure('UNREACHABLE', `the supervisor ended as soon as it was started: ${last || 'without a word'}`, {
    hint: `see ${file}`,
  });
}

function parseJson(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A supervisor that ends saves its state first; more than this it never needs. Milliseconds. */
const EXIT_LIMIT_MS = 15_000;
const EXIT_LOOK_MS = 20;

/** Resolves when that process has ended, or after the limit. */
export async function awaitExit(pid: number): Promise<void> {
  await until(() => (startOf(pid) === null ? true : null), EXIT_LIMIT_MS, EXIT_LOOK_MS);
}

/** What can be told to be in its way before it is started. */
async function requireUsableHome(home: string, env: NodeJS.ProcessEnv): Promise<void> {
  requireWritableHome(home);
  if ((await findTmux(env)) === null) {
    throw new CliFailure('RUNTIME_ERROR', 'tmux is not on PATH: every agent lives in a tmux session', {
      hint: 'install tmux 3.0 or newer (apt install tmux, brew install tmux), then try again',
    });
  }
}

function requireWritableHome(home: string): void {
  let folder = home;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new CliFailure('RUNTIME_ERROR', `${home} cannot be used as TUTTI_HOME`, {
      why: (error as Error).message,
      hint: `make ${folder} writable, or set TUTTI_HOME to a folder that is`,
    });
  }
}
