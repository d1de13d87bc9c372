/** Starts the agents' CLIs: the one owner of that side effect. Host-safe. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { errorCode } from './disk.ts';
import { startOf } from './proc/table.ts';

export interface CliSpec {
  /** Program and arguments; never a shell string. */
  argv: string[];
  /** Absolute. */
  cwd: string;
  /** The whole environment of the CLI; nothing is inherited. */
  env: Record<string, string>;
}

export type SpawnResult =
  | { ok: true; child: ChildProcessWithoutNullStreams; pid: number; start: string }
  /** `code`: `missing_folder`, `missing` (program), `not_executable`, or the system's error code. */
  | { ok: false; code: string; message: string; hint: string | null };

/**
 * Starts a CLI with three pipes, in the caller's own session (not detached), so that the kernel ends it with its host.
 * Resolves when it runs or cannot be started; never rejects. The caller must handle `error` on the pipes.
 */
export function spawnCli(spec: CliSpec): Promise<SpawnResult> {
  const [program, ...args] = spec.argv;
  if (!program) return Promise.resolve(failure('missing', 'the command is empty', 'set clis.<cli>.command'));
  const folder = folderProblem(spec.cwd);
  if (folder) return Promise.resolve(folder);
  return new Promise((done) => {
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(program, args, {
        cwd: spec.cwd,
        env: spec.env,
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: false,
        shell: false,
      });
    } catch (error) {
      // Arguments with NUL bytes and the like are refused before anything starts.
      done(spawnFailure(error, program));
      return;
    }
    // Stays on: a later error (a failed kill) must not end the host.
    child.on('error', (error) => done(spawnFailure(error, program)));
    child.once('spawn', () => {
      const pid = child.pid ?? 0;
      done({ ok: true, child, pid, start: startOf(pid, { zombies: true }) ?? '' });
    });
  });
}

function folderProblem(cwd: string): SpawnResult | null {
  try {
    if (statSync(cwd).isDirectory()) return null;
    return failure('missing_folder', `${cwd} is not a folder`, 'the agent needs a folder to work in');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return failure('missing_folder', `the folder ${cwd} does not exist`, `create ${cwd}, or remove the agent`);
    }
    return failure(code ?? 'unknown', `the folder ${cwd} cannot be used: ${text(error)}`, null);
  }
}

function spawnFailure(error: unknown, program: string): SpawnResult {
  const code = errorCode(error);
  if (code === 'ENOENT')
    return failure('missing', `${program} was not found`, `install ${program}, or set clis.<cli>.command`);
  if (code === 'EACCES')
    return failure('not_executable', `${program} may not be executed`, `check the mode of ${program}`);
  return failure(code ?? 'unknown', `${program} could not be started: ${text(error)}`, null);
}

function failure(code: string, message: string, hint: string | null): SpawnResult {
  return { ok: false, code, message, hint };
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
