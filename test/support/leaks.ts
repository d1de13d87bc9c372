/**
 * Global setup of every project that starts real things. At the end of the run nothing may be left: no process of a test home,
 * no tmux server on a test socket, no temporary home. What is left is named, ended by its id, and fails the run.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { shortRunDir } from '../../src/system/paths.ts';
import { commandLine, endAll, processesOf } from './processes.ts';
import { beginRun, notedHomes, runFolder } from './run.ts';
import { tmuxServerAnswers, tmuxSocketPath } from './tmux-socket.ts';

export default function setup(): () => Promise<void> {
  beginRun();
  return async () => {
    const left = await clearLeaks();
    if (left.length === 0) return;
    // vitest prints an error from here and ends with 0 all the same.
    process.exitCode = 1;
    throw new Error(`tests left things behind:\n  ${left.join('\n  ')}`);
  };
}

/** Ends and removes what the run left. Returns what it was, one line each. */
export async function clearLeaks(): Promise<string[]> {
  const homes = notedHomes();
  const left: string[] = [];
  const found = processesOf(homes);
  for (const entry of found) left.push(`process ${entry.pid}: ${commandLine(entry.pid)}`);
  for (const { home8, tmuxSocket } of homes) {
    if (await tmuxServerAnswers(tmuxSocket)) left.push(`tmux server on socket ${tmuxSocket}`);
    rmSync(tmuxSocketPath(tmuxSocket), { force: true });
    if (existsSync(shortRunDir(home8))) left.push(`folder ${shortRunDir(home8)}`);
    rmSync(shortRunDir(home8), { recursive: true, force: true });
  }
  const first = homes[0];
  if (found.length > 0 && first) await endAll(found, first.home8);
  const folder = runFolder();
  if (existsSync(folder)) {
    for (const name of readdirSync(folder)) if (name !== 'homes') left.push(`folder ${folder}/${name}`);
    rmSync(folder, { recursive: true, force: true });
  }
  return left;
}
