/**
 * Reaching our tmux server: started with an allow-listed environment and our configuration, found again when its socket was
 * removed, never mistaken for absent while its process lives, never another home's.
 */
import { readFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import type { ProcessId } from '../../supervisor/ports.ts';
import { sleep, until } from '../clock.ts';
import { errorCode, removeFile, replaceFileSync } from '../disk.ts';
import { ownEnvironment } from '../environment.ts';
import { parseObject } from '../journal/lines.ts';
import { ownFolder } from '../paths.ts';
import { alive, startOf } from '../proc/index.ts';
import { type RunResult, runProcess } from '../process.ts';
import { HOME_OPTION, tmuxConfig } from './config.ts';
import { attachControl, type ControlClient, TMUX_LIMIT_MS, TmuxError, TmuxUnreachable } from './control.ts';
import { quoteArguments } from './quote.ts';
import { KEEPER } from './target.ts';

/** How long a server may take to make its socket anew, or to go. Milliseconds. */
const SERVER_WAIT_MS = 2_000;

export interface ServerOptions {
  /** Socket name (`tmux -L`). */
  socket: string;
  home: string;
  /** Where our configuration is written, and the server's process is remembered. */
  confFile: string;
  pidFile: string;
  /** The environment that the allow-list is taken from. */
  env: Record<string, string | undefined>;
  /** Keeps a server that we start out of our own group of processes. */
  scope?: Scope;
}

export interface Scope {
  /** The program and arguments that run this command in a scope of its own; null where none can be had. */
  wrap(argv: string[]): Promise<string[] | null>;
  env: Record<string, string>;
  /** It could not be had after all. */
  failed(why: string): void;
}

/** Shown in the keeper's pane; also part of the server's name in `ps`, so short. */
const KEEPER_TEXT = 'tutti keeps its connection here; agents have sessions of their own (Ctrl-b s)';

/** Where tmux keeps this socket. TMUX_TMPDIR is neither read nor passed on. */
export function socketFile(socket: string): string {
  return `/tmp/tmux-${process.getuid?.() ?? 0}/${socket}`;
}

/** The tmux program with our socket and nobody's configuration but ours. */
export function tmuxArgv(options: ServerOptions, words: string[]): string[] {
  return ['tmux', '-L', options.socket, '-f', options.confFile, ...quoteArguments(words)];
}

export function tmuxEnvironment(options: ServerOptions): Record<string, string> {
  return ownEnvironment(options.env, 'tmux');
}

/** Runs one tmux command as a process of its own. Rejects with TmuxError or TmuxUnreachable. */
export async function execTmux(options: ServerOptions, words: string[]): Promise<string[]> {
  const result = await runProcess(tmuxArgv(options, words), {
    env: tmuxEnvironment(options),
    cwd: options.home,
    timeoutMs: TMUX_LIMIT_MS,
  });
  if (result.ok) return result.stdout === '' ? [] : result.stdout.split('\n');
  throw failureOf(result);
}

function failureOf(result: RunResult): Error {
  if (!result.started) return new TmuxUnreachable(`tmux cannot be run: ${result.message}`);
  if (result.how !== 'exit') return new TmuxUnreachable(`tmux did not answer: ${result.message}`);
  return new TmuxError(result.stderr || result.message);
}

/** A connected server: its control client, or (where none can be attached) a process per command. */
export interface Server {
  id: ProcessId;
  client: ControlClient;
}

/**
 * Connects to the server. null = there is none, and `start` is false.
 * Rejects when one lives but does not answer, when it is another home's, or when none can be started.
 */
export async function reachServer(options: ServerOptions, start: boolean, onEnd: () => void): Promise<Server | null> {
  if (!(await answers(options.socket)) && !(await revive(options))) {
    if (!start) return null;
    ownFolder(join(options.confFile, '..'));
    replaceFileSync(options.confFile, tmuxConfig(options.home));
    await startServer(options);
  }
  const client = await attach(options, onEnd);
  try {
    const id = await identify(options, client);
    replaceFileSync(options.pidFile, `${JSON.stringify(id)}\n`);
    return { id, client };
  } catch (error) {
    client.end();
    throw error;
  }
}

/** Does somebody listen on the socket? */
function answers(socket: string): Promise<boolean> {
  return new Promise((done) => {
    const probe = connectSocket(socketFile(socket));
    const end = (answer: boolean) => {
      probe.destroy();
      done(answer);
    };
    probe.once('connect', () => end(true));
    probe.once('error', () => end(false));
  });
}

/**
 * The server that we knew lives on without its socket (cleaners of /tmp remove it): USR1 makes it anew.
 * false = no server of ours lives.
 */
async function revive(options: ServerOptions): Promise<boolean> {
  const id = rememberedServer(options.pidFile);
  if (!id || !alive(id)) return false;
  ownFolder(join(socketFile(options.socket), '..'));
  process.kill(id.pid, 'SIGUSR1');
  const end = performance.now() + SERVER_WAIT_MS;
  while (performance.now() < end) {
    if (await answers(options.socket)) return true;
    if (!alive(id)) return false;
    await sleep(20);
  }
  throw new TmuxUnreachable(
    `the tmux server (pid ${id.pid}) lives, but its socket ${options.socket} does not come back`,
  );
}

/** The server that was last connected to, dead or alive. */
export function rememberedServer(pidFile: string): ProcessId | null {
  let text: string;
  try {
    text = readFileSync(pidFile, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  const value = parseObject(text.trim());
  return typeof value?.['pid'] === 'number' && typeof value['start'] === 'string'
    ? { pid: value['pid'], start: value['start'] }
    : null;
}

const KEEPER_WORDS = ['new-session', '-d', '-s', KEEPER, '-x', '80', '-y', '24', 'echo', KEEPER_TEXT];

/** Where a scope can be had, the server and all agents in it live in one: what ends our own group does not end them. */
async function startServer(options: ServerOptions): Promise<void> {
  const argv = await options.scope?.wrap(tmuxArgv(options, KEEPER_WORDS));
  if (!options.scope || !argv) return makeKeeper(options);
  const { env, failed } = options.scope;
  const result = await runProcess(argv, {
    env: { ...env, ...tmuxEnvironment(options) },
    cwd: options.home,
    timeoutMs: TMUX_LIMIT_MS,
  });
  if (result.ok) return;
  failed(result.stderr || result.message);
  return makeKeeper(options);
}

/** The session that the control client is attached to; starts the server where there is none. It runs nothing. */
async function makeKeeper(options: ServerOptions): Promise<void> {
  try {
    await execTmux(options, KEEPER_WORDS);
  } catch (error) {
    if (!(error instanceof TmuxError && error.message.includes('duplicate session'))) throw error;
  }
}

async function attach(options: ServerOptions, onEnd: () => void): Promise<ControlClient> {
  const argv = tmuxArgv(options, ['-C', 'attach-session', '-t', `=${KEEPER}`]);
  const place = { env: tmuxEnvironment(options), cwd: options.home };
  try {
    return await attachControl(argv, place, onEnd);
  } catch (error) {
    if (!(error instanceof TmuxError)) throw error;
  }
  // Somebody closed the keeper.
  await makeKeeper(options);
  try {
    return await attachControl(argv, place, onEnd);
  } catch (error) {
    if (!(error instanceof TmuxError)) throw error;
    return { command: (words) => execTmux(options, words), end: () => undefined, over: false };
  }
}

/** Whose server is it, and which process? */
async function identify(options: ServerOptions, client: ControlClient): Promise<ProcessId> {
  const [pidLines, homeLines] = await Promise.all([
    client.command(['display-message', '-p', '#{pid}']),
    client.command(['show-options', '-gqv', HOME_OPTION]),
  ]);
  const home = homeLines[0] ?? '';
  if (home !== options.home) {
    const owner = home === '' ? 'was not started by tutti' : `belongs to ${home}`;
    throw new Error(`the tmux server on socket ${options.socket} ${owner}: set TUTTI_TMUX to another name`);
  }
  const pid = Number(pidLines[0]);
  return { pid, start: startOf(pid) ?? '' };
}

/** Waits until a server that was told to go has gone: its socket must not be used again before. */
export async function serverGone(id: ProcessId, pidFile: string): Promise<boolean> {
  const gone = await until(() => (alive(id) ? null : true), SERVER_WAIT_MS, 10);
  if (gone) removeFile(pidFile);
  return gone !== null;
}
