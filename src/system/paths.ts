/** Where everything of a home lies (contract.md §2). Host-safe. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { errorCode } from './disk.ts';

/** Longest path of a unix socket that is used as it is; the systems' own limits are 108 (Linux) and 104 (macOS). Bytes. */
export const SOCKET_PATH_LIMIT = 100;

export interface HomePaths {
  /** Real path of TUTTI_HOME. */
  home: string;
  /** First 8 hex digits of sha256 of `home`. */
  home8: string;
  db: string;
  token: string;
  events: string;
  hosts: string;
  env: string;
  run: string;
  worktrees: string;
  log: string;
  supervisorLog: string;
  apiJson: string;
  supervisorLock: string;
  /** The supervisor's own deaths. */
  tally: string;
  /** Which service has this home's supervisor, written by `service install`. */
  serviceRecord: string;
  /** Unix socket of the API; under /tmp when the home's path is too long for one. */
  supervisorSocket: string;
  tmuxConf: string;
  tmuxPid: string;
  accountsEnv: string;
  /** Variables of the configuration's `notify`, as the last command that had them. */
  notifyEnv: string;
  /** Folder of an agent's host journals. */
  hostDir(agentId: string): string;
  journal(agentId: string, epoch: number): string;
  hostSocket(agentId: string): string;
  hostLock(agentId: string): string;
  agentEnv(agentId: string): string;
}

/** `TUTTI_HOME`, else `$XDG_STATE_HOME/tutti`, else `~/.local/state/tutti`; absolute, not yet resolved to its real path. */
export function homeFromEnvironment(env: Record<string, string | undefined>): string {
  if (env['TUTTI_HOME']) return resolve(env['TUTTI_HOME']);
  return defaultHome(env);
}

/** The home without TUTTI_HOME. A relative XDG_STATE_HOME is invalid by its standard, and ignored. */
export function defaultHome(env: Record<string, string | undefined>): string {
  const state = env['XDG_STATE_HOME'];
  if (state && isAbsolute(state)) return join(state, 'tutti');
  return join(env['HOME'] || homedir(), '.local/state/tutti');
}

/** Real path of a folder of which the last parts need not exist yet. */
export function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch (error) {
    const code = errorCode(error);
    // Below a file there is nothing either: who uses the path is told so.
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(absolute) === absolute) throw error;
    return join(realPath(dirname(absolute)), basename(absolute));
  }
}

/** First 8 hex digits of sha256 of the home's real path. */
export function homeHash(realHome: string): string {
  return createHash('sha256').update(realHome).digest('hex').slice(0, 8);
}

/** All paths of a home. Touches the disk only to find its real path. Throws on an agent id that is no plain name. */
export function homePaths(home: string): HomePaths {
  const real = realPath(home);
  const home8 = homeHash(real);
  const at = (...parts: string[]) => join(real, ...parts);
  const socket = (...parts: string[]) => socketPath(join(real, 'run'), home8, parts);
  return {
    home: real,
    home8,
    db: at('db.json'),
    token: at('token'),
    events: at('events'),
    hosts: at('hosts'),
    env: at('env'),
    run: at('run'),
    worktrees: at('worktrees'),
    log: at('log'),
    supervisorLog: at('log', 'supervisor.log'),
    apiJson: at('run', 'api.json'),
    supervisorLock: at('run', 'supervisor.lock'),
    tally: at('run', 'tally.json'),
    serviceRecord: at('run', 'service.json'),
    supervisorSocket: socket('supervisor.sock'),
    tmuxConf: at('run', 'tmux.conf'),
    tmuxPid: at('run', 'tmux.json'),
    accountsEnv: at('env', 'accounts.json'),
    notifyEnv: at('env', 'notify.json'),
    hostDir: (id) => at('hosts', plain(id)),
    journal: (id, epoch) => at('hosts', plain(id), `${epoch}.jsonl`),
    hostSocket: (id) => socket('hosts', `${plain(id)}.sock`),
    hostLock: (id) => at('run', 'hosts', `${plain(id)}.lock`),
    agentEnv: (id) => at('env', `${plain(id)}.json`),
  };
}

/** `<run>/<parts>`, or `/tmp/tutti-<uid>-<home8>/<parts>` where that is too long for a socket. */
function socketPath(run: string, home8: string, parts: string[]): string {
  const path = join(run, ...parts);
  if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return path;
  return join(shortRunDir(home8), ...parts);
}

/** The folder in /tmp for sockets of a home with a long path. */
export function shortRunDir(home8: string): string {
  return `/tmp/tutti-${process.getuid?.() ?? 0}-${home8}`;
}

/** An id becomes part of a path: it may not leave its folder. */
function plain(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id)) throw new Error(`not an agent id: ${JSON.stringify(id)}`);
  return id;
}

/** Makes the folders of a home (0700) and checks that they are ours. Throws with a sentence for the user. */
export function prepareHome(home: string): HomePaths {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const paths = homePaths(home);
  ownFolder(paths.home);
  const folders = [
    paths.events,
    paths.hosts,
    paths.env,
    paths.run,
    join(paths.run, 'hosts'),
    paths.worktrees,
    paths.log,
  ];
  for (const folder of folders) ownFolder(folder);
  prepareSocketFolder(paths.supervisorSocket);
  prepareSocketFolder(paths.hostSocket('x'.repeat(36)));
  return paths;
}

/** Makes the folder of a socket path. One in /tmp is made 0700 and refused when it belongs to somebody else. */
export function prepareSocketFolder(socket: string): void {
  const folder = dirname(socket);
  if (folder.startsWith('/tmp/tutti-') && basename(folder) === 'hosts') ownFolder(dirname(folder));
  ownFolder(folder);
}

/** Makes a folder with mode 0700, or checks that the one there is a real folder of ours, and narrows its mode. */
export function ownFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const stat = lstatSync(folder);
  const uid = process.getuid?.() ?? stat.uid;
  if (!stat.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (stat.uid !== uid) throw new Error(`${folder} belongs to user ${stat.uid}, not to ${uid}`);
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/**
 * Socket name of the home's tmux server: `TUTTI_TMUX`, else `tutti` for the default home, else `tutti-<home8>`.
 */
export function tmuxSocketName(home: string, env: Record<string, string | undefined>): string {
  if (env['TUTTI_TMUX']) return env['TUTTI_TMUX'];
  const real = realPath(home);
  return real === realPath(defaultHome(env)) ? 'tutti' : `tutti-${homeHash(real)}`;
}
