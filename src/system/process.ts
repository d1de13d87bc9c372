/**
 * All child processes but the agents' CLIs (those are {@link ./spawn.ts}'s), through execa. Every call has a time limit and a whole
 * environment of its own. Not host-safe.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { errorCode } from './disk.ts';
import { agentEnvironment } from './environment.ts';

/** Beyond this a program's output is too much. Bytes. */
const OUTPUT_LIMIT = 32 * 1024 * 1024;

export interface RunOptions {
  /** Milliseconds; then the program is killed. */
  timeoutMs: number;
  /** The whole environment; without it, the allow-list that an agent would get from ours. */
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
}

/** How a program ended, in one shape for success and failure. `code` null: it was killed or never ran. */
export interface RunResult {
  /** It ran and ended with 0. */
  ok: boolean;
  started: boolean;
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** `exit`: it ran to its end. */
  how: 'exit' | 'signal' | 'timeout' | 'not_started' | 'too_much_output';
  /** One line for a person. */
  message: string;
}

/** Runs a program to its end. Never rejects. */
export async function runProcess(argv: string[], options: RunOptions): Promise<RunResult> {
  const [program = '', ...args] = argv;
  const result = await execa(program, args, {
    env: options.env ?? agentEnvironment(process.env),
    extendEnv: false,
    timeout: options.timeoutMs,
    forceKillAfterDelay: 1_000,
    maxBuffer: OUTPUT_LIMIT,
    stripFinalNewline: true,
    reject: false,
    shell: false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
  });
  const how = endOf(result);
  return {
    ok: !result.failed,
    started: how !== 'not_started',
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? ''),
    how,
    message: result.failed ? (result.shortMessage ?? '') : '',
  };
}

function endOf(result: {
  timedOut: boolean;
  isMaxBuffer: boolean;
  exitCode?: number | undefined;
  signal?: string | undefined;
}): RunResult['how'] {
  if (result.timedOut) return 'timeout';
  if (result.isMaxBuffer) return 'too_much_output';
  if (result.exitCode !== undefined) return 'exit';
  return result.signal ? 'signal' : 'not_started';
}

/** A program that stays and is talked to line by line, such as tmux in control mode. It ends with us: its stdin closes. */
export interface Conversation {
  readonly pid: number | undefined;
  write(text: string): void;
  /** Ends it: its stdin is closed, then it is killed. */
  end(): void;
}

/**
 * Starts a program and hands its stdout on line by line.
 * `ended` is called once, with how it ended; also when it could not be started.
 */
export function converse(
  argv: string[],
  options: { env: Record<string, string>; cwd: string },
  on: { line(line: string): void; ended(message: string): void },
): Conversation {
  const [program = '', ...args] = argv;
  const child = execa(program, args, {
    env: options.env,
    extendEnv: false,
    cwd: options.cwd,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    shell: false,
    forceKillAfterDelay: 1_000,
  });
  const stderr = lastWords(child.stderr);
  readLines(child.stdout, on.line);
  // A write to a program that has just ended is told by its end, not by an exception.
  child.stdin.on('error', () => child.kill());
  child.then((result) => on.ended(stderr() || result.shortMessage || 'it ended'));
  return {
    pid: child.pid,
    write: (text) => void child.stdin.write(text),
    end() {
      child.stdin.end();
      child.kill();
    },
  };
}

function readLines(stdout: Readable, line: (text: string) => void): void {
  let rest = '';
  stdout.setEncoding('utf8');
  stdout.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) line(text);
  });
}

/** The end of what it wrote to stderr. */
function lastWords(stderr: Readable): () => string {
  let words = '';
  stderr.setEncoding('utf8');
  stderr.on('data', (chunk: string) => {
    words = (words + chunk).slice(-2_000);
  });
  return () => words.trim();
}

/**
 * Starts a process that outlives us, in a session of its own, what it prints appended to a file (0600): the supervisor.
 * Its environment is made by `ownEnvironment`. Resolves with its pid when it runs; rejects when it cannot be started.
 */
export async function startDetached(
  argv: string[],
  options: { env: Record<string, string>; cwd: string; stderr: string },
): Promise<number> {
  const [program = '', ...args] = argv;
  const log = openSync(options.stderr, 'a', 0o600);
  try {
    // Not through execa: it knows no descriptor for output, and a stream of ours would end with us.
    const child = spawn(program, args, {
      env: options.env,
      cwd: options.cwd,
      detached: true,
      stdio: ['ignore', log, log],
      shell: false,
    });
    await once(child, 'spawn');
    child.unref();
    return child.pid ?? 0;
  } finally {
    closeSync(log);
  }
}

/**
 * Runs a program on our own terminal until it ends: `attach`. No time limit: a person ends it.
 * @returns its exit status; 128 + n for a signal is the shell's business, so a killed one gives 1
 */
export async function runForeground(argv: string[], env: Record<string, string | undefined>): Promise<number> {
  const [program = '', ...args] = argv;
  const whole = Object.fromEntries(Object.entries(env).filter((entry) => entry[1] !== undefined)) as Record<
    string,
    string
  >;
  const result = await execa(program, args, {
    env: whole,
    extendEnv: false,
    stdio: 'inherit',
    reject: false,
    shell: false,
  });
  if (result.exitCode === undefined && result.signal === undefined)
    throw new Error(result.shortMessage ?? `${program} could not be started`);
  return result.exitCode ?? 1;
}

/** Path of a program on PATH, or null. Starts nothing. */
export function findProgram(name: string, env: Record<string, string | undefined>): string | null {
  const candidates = name.includes('/') ? [name] : folders(env['PATH']).map((folder) => join(folder, name));
  return candidates.find(isExecutableFile) ?? null;
}

/** Path of tmux, or null. */
export async function findTmux(env: Record<string, string | undefined>): Promise<string | null> {
  return findProgram('tmux', env);
}

function folders(path: string | undefined): string[] {
  return (path ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (errorCode(error) === null) throw error;
    return false;
  }
}
