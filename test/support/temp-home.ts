/** A TUTTI_HOME for one test, with a tmux socket of its own; `remove` ends by id whatever it started and takes it away. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type HomePaths, prepareHome, shortRunDir } from '../../src/system/paths.ts';
import { endAll, processesOf } from './processes.ts';
import { endOwnRun, noteHome, notedHomes, runFolder } from './run.ts';
import { tmuxSocketPath } from './tmux-socket.ts';

export interface TempHome {
  home: string;
  home8: string;
  paths: HomePaths;
  tmuxSocket: string;
  /** Clean environment for programs run on this home: PATH, a HOME inside it, TUTTI_HOME, TUTTI_TMUX; nothing of the user's. */
  env: Record<string, string>;
  remove(): Promise<void>;
}

/** Makes a home. `name` becomes part of its path (a long one gives a home whose sockets move to /tmp). */
export function tempHome(name = 'home'): TempHome {
  mkdirSync(runFolder(), { recursive: true, mode: 0o700 });
  const parent = realpathSync(mkdtempSync(join(runFolder(), 'h-')));
  const home = join(parent, name);
  const paths = prepareHome(home);
  const tmuxSocket = `tutti-${paths.home8}`;
  const user = join(parent, 'user');
  mkdirSync(user, { mode: 0o700 });
  noteHome(paths.home, paths.home8, tmuxSocket);
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: user,
    LANG: 'C.UTF-8',
    TUTTI_HOME: paths.home,
    TUTTI_TMUX: tmuxSocket,
  };
  return { home: paths.home, home8: paths.home8, paths, tmuxSocket, env, remove: () => remove(paths, tmuxSocket) };
}

async function remove(paths: HomePaths, tmuxSocket: string): Promise<void> {
  const mine = notedHomes().filter((noted) => noted.home === paths.home);
  await endAll(processesOf(mine), paths.home8);
  rmSync(tmuxSocketPath(tmuxSocket), { force: true });
  rmSync(shortRunDir(paths.home8), { recursive: true, force: true });
  // What was ended a moment ago may still be writing its last file.
  rmSync(dirname(paths.home), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  endOwnRun();
}
