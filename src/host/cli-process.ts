/** The running CLI as a stream of items: lines and pieces of stdout, lines of stderr, and its end behind all of them. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { type LineItem, lineSplitter } from '../drivers/lines.ts';
import { clock } from '../system/clock.ts';
import { errorCode } from '../system/disk.ts';

/** A command that the CLI left behind may hold its pipes open: after the exit they are waited for this long. Milliseconds. */
export const DRAIN_MS = 300;
/** Unwritten bytes to stdin beyond which a CLI counts as not reading. */
export const STDIN_LIMIT = 32 * 1024 * 1024;
/** The last bytes of stderr that classify an exit. Characters. */
const STDERR_TAIL = 4 * 1024;

export interface CliEvents {
  out(item: LineItem): void;
  err(line: string): void;
  /** Comes once, after everything it said. */
  exit(code: number | null, signal: string | null): void;
  /** A pipe broke in a way that the exit does not explain. */
  trouble(message: string): void;
}

export interface CliProcess {
  readonly pid: number;
  readonly start: string;
  /** The last of what it said on stderr. */
  readonly stderr: string;
  /** Bytes that wait to be read by it. */
  readonly unread: number;
  write(line: string): void;
  endInput(): void;
  /** Stops and continues reading: it blocks as soon as its pipe is full. */
  pause(): void;
  resume(): void;
  kill(signal: NodeJS.Signals): void;
}

export function attachCli(
  spawned: { child: ChildProcessWithoutNullStreams; pid: number; start: string },
  on: CliEvents,
): CliProcess {
  const { child, pid, start } = spawned;
  let tail = '';
  let paused = false;
  let ended: { code: number | null; signal: string | null } | null = null;
  let told = false;

  const out = lineSplitter((item) => on.out(item));
  const err = lineSplitter((item) => {
    tail = `${tail}${item.text}\n`.slice(-STDERR_TAIL);
    on.err(item.text);
  });

  const finish = (): void => {
    if (told || !ended) return;
    told = true;
    out.end();
    err.end();
    on.exit(ended.code, ended.signal);
  };

  const drainLimit = (): void => {
    clock.setTimeout(() => {
      // Paused by a full disk: what it said is still in the pipes, and nothing of it may be lost.
      if (paused) return drainLimit();
      child.stdout.destroy();
      child.stderr.destroy();
      finish();
    }, DRAIN_MS);
  };

  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    stream.on('error', (error) => {
      // It ended while we wrote: the exit tells the rest.
      if (errorCode(error) !== 'EPIPE' && errorCode(error) !== 'ECONNRESET') on.trouble(error.message);
    });
  }
  child.once('exit', (code, signal) => {
    ended = { code, signal };
    drainLimit();
  });
  child.once('close', (code, signal) => {
    ended ??= { code, signal };
    finish();
  });

  return {
    pid,
    start,
    get stderr() {
      return tail;
    },
    get unread() {
      return child.stdin.writableLength;
    },
    write(line) {
      if (!child.stdin.destroyed && !child.stdin.writableEnded) child.stdin.write(`${line}\n`);
    },
    endInput() {
      if (!child.stdin.destroyed) child.stdin.end();
    },
    pause() {
      paused = true;
      child.stdout.pause();
      child.stderr.pause();
    },
    resume() {
      paused = false;
      child.stdout.resume();
      child.stderr.resume();
    },
    kill(signal) {
      if (ended === null) child.kill(signal);
    },
  };
}
