/**
 * What one test run may leave on the machine, and how it is found again: a folder per run under the temporary folder, with
 * a list of the homes made in it. Everything a test starts carries a home of the run in its environment or arguments.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Set by the global setup for the workers; without it (unit tests) a worker is a run of its own. */
const RUN_VARIABLE = 'TUTTI_TEST_RUN';

/** Starts the run of this process, unless one is going on. */
export function beginRun(): string {
  process.env[RUN_VARIABLE] ??= `p${process.pid}`;
  return runFolder();
}

export function runFolder(): string {
  return join(tmpdir(), `tutti-test-${process.env[RUN_VARIABLE] ?? `p${process.pid}`}`);
}

function homesFile(): string {
  return join(runFolder(), 'homes');
}

/** Puts a home on the list. */
export function noteHome(home: string, home8: string, tmuxSocket: string): void {
  mkdirSync(runFolder(), { recursive: true, mode: 0o700 });
  appendFileSync(homesFile(), `${JSON.stringify({ home, home8, tmuxSocket })}\n`);
}

export interface NotedHome {
  home: string;
  home8: string;
  tmuxSocket: string;
}

/** All homes of the run, removed ones too. */
export function notedHomes(): NotedHome[] {
  if (!existsSync(homesFile())) return [];
  const lines = readFileSync(homesFile(), 'utf8').trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as NotedHome);
}

/** Without a global setup nobody else takes the folder of the run away: the last home does. */
export function endOwnRun(): void {
  if (process.env[RUN_VARIABLE] !== undefined || !existsSync(runFolder())) return;
  if (readdirSync(runFolder()).every((name) => name === 'homes')) rmSync(runFolder(), { recursive: true });
}
