/**
 * Runs one command of the `bash` tool. This is the one place that hands a string to a shell: running commands is the tool's nature.
 * The command has a process group of its own, so that a timeout or an interrupt ends all of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { clock } from '../system/clock.ts';
import { DRAIN_MS, KILL_GRACE_MS, OUTPUT_LIMIT } from './limits.ts';
import { Clipped } from './tools/clip.ts';

export interface ShellRun {
  /** stdout and stderr as they came, with the middle left out beyond the limit. */
  output: string;
  code: number | null;
  signal: string | null;
  ended: 'itself' | 'timeout' | 'interrupt';
}

export interface ShellOptions {
  cwd: string;
  /** Milliseconds. */
  limitMs: number;
  /** Aborted = end the command with all that it started. */
  signal: AbortSignal;
}

/** Resolves when the command is over; rejects only when bash itself cannot be started. */
export function runCommand(command: string, { cwd, limitMs, signal }: ShellOptions): Promise<ShellRun> {
  return new Promise((done, failed) => {
    const child = spawn('bash', ['-c', command], { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = new Clipped(OUTPUT_LIMIT);
    let ended: ShellRun['ended'] = 'itself';
    const end = (why: 'timeout' | 'interrupt') => {
      if (ended !== 'itself') return;
      ended = why;
      killGroup(child, 'SIGTERM');
      clock.setTimeout(() => killGroup(child, 'SIGKILL'), KILL_GRACE_MS);
    };
    const timer = clock.setTimeout(() => end('timeout'), limitMs);
    const onAbort = () => end('interrupt');
    signal.addEventListener('abort', onAbort, { once: true });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => output.add(text));
    }
    const release = () => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    };
    child.once('error', (error) => {
      release();
      failed(error);
    });
    child.once('exit', (code, killedBy) => {
      release();
      if (ended !== 'itself') killGroup(child, 'SIGKILL');
      afterDrain(child, () => done({ output: output.text(), code, signal: killedBy, ended }));
    });
    if (signal.aborted) onAbort();
  });
}

/** A process left in the background keeps the pipes open: the output is taken as complete a moment after the exit. */
function afterDrain(child: ChildProcess, then: () => void): void {
  const finish = () => {
    timer.cancel();
    child.off('close', finish);
    child.stdout?.destroy();
    child.stderr?.destroy();
    then();
  };
  const timer = clock.setTimeout(finish, DRAIN_MS);
  child.once('close', finish);
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // The group is gone already: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
