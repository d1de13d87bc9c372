/** `tutti schedule add|ls|rm`: check-ins of agents, at a time, at intervals or by a cron expression. */
import type { Command } from 'commander';
import type { ScheduleInfo } from '../api/wire.ts';
import { formatDuration } from '../core/config/duration.ts';
import { CliFailure } from './failure.ts';
import { durationFlag, readStdin } from './options.ts';
import type { CommandFile, Context, Runner } from './program.ts';

interface AddFlags {
  in?: number;
  at?: string;
  every?: number;
  cron?: string;
  timezone?: string;
  name?: string;
  skipMissed?: boolean;
}

export const command: CommandFile = {
  define(command, run) {
    add(command, run);
    command
      .command('ls')
      .summary('list the check-ins, the next one first')
      .action(run(async (context) => list(context)));
    command
      .command('rm <name...>')
      .summary('remove check-ins')
      .action(run(async (context, names: string[]) => remove(context, names)));
    command.addHelpText(
      'afterAll',
      '\nExamples:\n  $ tutti schedule add fix --in 30m "Is the build green?"\n  $ tutti schedule add fix --cron "0 9 * * 1-5" --name standup "What is next?"\n  $ tutti schedule ls\n  $ tutti schedule rm standup\nCheck-ins that belong to the project stand in tutti.yaml, under schedules.',
    );
  },
};

function add(command: Command, run: Runner): void {
  command
    .command('add <agent> <message...>')
    .summary('wake an agent with a message, once or again and again')
    .option('--in <duration>', 'once, after this time', durationFlag)
    .option('--at <time>', 'once, at this time: HH:MM of the local clock, or ISO 8601')
    .option('--every <duration>', 'again and again; a minute or more', durationFlag)
    .option('--cron <expression>', 'at the times of a cron expression')
    .option('--timezone <zone>', 'zone of the cron expression (default: that of the machine)')
    .option('--name <name>', 'name of the check-in (default: the agent with a number)')
    .option('--skip-missed', 'what was missed while nothing ran is not made up for')
    .action(
      run(async (context, agent: string, words: string[], flags: AddFlags) => addOne(context, agent, words, flags)),
    );
}

async function addOne(context: Context, agent: string, words: string[], flags: AddFlags): Promise<void> {
  const given = [flags.in, flags.at, flags.every, flags.cron].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw new CliFailure('INVALID_ARGUMENT', 'one of --in, --at, --every and --cron says when', {
      hint: 'for example --in 30m',
    });
  }
  const message = words.length === 1 && words[0] === '-' ? await readStdin(context) : words.join(' ');
  const client = await context.connect();
  try {
    const schedule = await client.schedule({
      agent,
      message,
      ...(flags.name === undefined ? {} : { name: flags.name }),
      ...(flags.in === undefined ? {} : { inMs: flags.in }),
      ...(flags.at === undefined ? {} : { at: timeOf(flags.at, new Date()) }),
      ...(flags.every === undefined ? {} : { everyMs: flags.every }),
      ...(flags.cron === undefined ? {} : { cron: flags.cron }),
      ...(flags.timezone === undefined ? {} : { timezone: flags.timezone }),
      ...(flags.skipMissed ? { missed: 'skip' as const } : {}),
    });
    context.out.result(schedule, `${schedule.name}  ${schedule.next ? `next at ${local(schedule.next)}` : 'due now'}`);
  } finally {
    client.close();
  }
}

/** `HH:MM` is the next time that the local clock shows it. */
function timeOf(text: string, now: Date): string {
  const clock = /^(\d{1,2}):(\d{2})$/.exec(text);
  if (clock) {
    const at = new Date(now);
    at.setHours(Number(clock[1]), Number(clock[2]), 0, 0);
    if (at <= now) at.setDate(at.getDate() + 1);
    if (Number(clock[1]) < 24 && Number(clock[2]) < 60) return at.toISOString();
  }
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(parsed)) return new Date(parsed).toISOString();
  throw new CliFailure('INVALID_ARGUMENT', `--at ${text}: no time`, { hint: 'HH:MM, or 2026-01-31T18:00' });
}

async function list(context: Context): Promise<void> {
  const client = await context.connect();
  try {
    const schedules = await client.schedules();
    context.out.result({ schedules }, table(schedules));
  } finally {
    client.close();
  }
}

function table(schedules: ScheduleInfo[]): string {
  if (schedules.length === 0) return 'No check-ins.\n  tutti schedule add NAME --in 30m "…"';
  const rows = schedules.map((s) => [
    s.name,
    s.agent,
    whenText(s),
    s.next === null ? '-' : local(s.next),
    s.lastSlot === null ? '-' : `${local(s.lastSlot)} ${s.lastOutcome ?? ''}`,
    s.message.replaceAll(/\s+/g, ' ').slice(0, 60),
  ]);
  const all = [['NAME', 'AGENT', 'WHEN', 'NEXT', 'LAST', 'MESSAGE'], ...rows];
  const widths = (all[0] as string[]).map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function whenText({ when }: ScheduleInfo): string {
  if (when.kind === 'cron') return `cron ${when.cron}${when.timeZone ? ` ${when.timeZone}` : ''}`;
  return when.kind === 'at' ? 'once' : `every ${formatDuration(when.everyMs)}`;
}

/** Local clock, to the minute; with seconds where they matter. */
function local(iso: string): string {
  const at = new Date(iso);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}${at.getSeconds() ? `:${two(at.getSeconds())}` : ''}`;
}

async function remove(context: Context, names: string[]): Promise<void> {
  const client = await context.connect();
  try {
    const removed = [];
    for (const name of names) removed.push(await client.unschedule(name));
    context.out.result({ removed }, removed.map(({ name }) => `removed ${name}`).join('\n'));
  } finally {
    client.close();
  }
}
