/** Pieces that several commands share: durations as flags, names, confirmation, signals. */
import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError } from 'commander';
import type { Agent, Client } from '../client/index.ts';
import { parseDuration } from '../core/config/duration.ts';
import { CliFailure } from './failure.ts';
import type { Context } from './program.ts';

/** For commander: `--timeout 10m`. */
export function durationFlag(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('expected a duration such as 250ms, 30s, 5m or 2h');
  return ms;
}

export function positiveFlag(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0');
  return value;
}

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

/** The named agents, or with `--all` every one. */
export async function chooseAgents(client: Client, names: string[], all: boolean): Promise<Agent[]> {
  if (all && names.length > 0) {
    throw new CliFailure('INVALID_ARGUMENT', '--all goes without names', { hint: 'give names, or --all' });
  }
  if (all) return (await client.list()).agents;
  if (names.length === 0)
    throw new CliFailure('INVALID_ARGUMENT', 'no agent named', {
      hint: 'give one or more names, or --all; tutti ps lists them',
    });
  return Promise.all([...new Set(names)].map((name) => client.get(name)));
}

/**
 * Asks before something is destroyed. Without a terminal and without `--yes` it refuses (exit 7).
 * `consequence` names the object and what will happen.
 */
export async function confirm(context: Context, yes: boolean, consequence: string): Promise<void> {
  if (yes) return;
  if (!context.stdin.isTTY || context.out.json) {
    throw new CliFailure('DENIED', `${consequence} This needs a yes, and there is no terminal to ask on.`, {
      hint: 'add --yes',
    });
  }
  const lines = createInterface({ input: context.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${consequence} Go on? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliFailure('DENIED', 'not confirmed; nothing was changed');
  } finally {
    lines.close();
  }
}

/** Everything on standard input, for `-`. */
export async function readStdin(context: Context): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of context.stdin) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString('utf8');
}

/** Aborts at the first Ctrl-C, so that a wait or a stream ends cleanly. */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/** Runs one action for each agent; all are tried, and the first failure is the command's. */
export async function forEachAgent<T>(agents: Agent[], act: (agent: Agent) => Promise<T>): Promise<T[]> {
  const outcomes = await Promise.allSettled(agents.map(act));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
}
