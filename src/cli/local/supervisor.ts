/** `tutti supervisor start|stop|restart|status`: the daemon alone; agents keep running. `run` is the daemon itself. */
import { tallyText } from '../../core/own-tally.ts';
import { isoTime } from '../../system/clock.ts';
import { lockOwner } from '../../system/lock.ts';
import { homePaths } from '../../system/paths.ts';
import { installedService } from '../../system/service/record.ts';
import { clearTally, readTally } from '../../system/service/tally.ts';
import { failureOf } from '../failure.ts';
import type { CommandFile, Context } from '../program.ts';
import { endSupervisor, endUnanswering } from './supervisor-end.ts';

export const command: CommandFile = {
  define(command, run) {
    command.addHelpText(
      'afterAll',
      '\nExamples:\n  $ tutti supervisor status\n  $ tutti supervisor restart      agents go on working meanwhile',
    );
    command
      .command('start')
      .summary('start it, if none runs')
      .action(run(async (context) => start(context)));
    command
      .command('stop')
      .summary('stop it; agents keep running')
      .action(run(async (context) => stop(context)));
    command
      .command('restart')
      .summary('stop it and start this build')
      .action(
        run(async (context) => {
          await endSupervisor(context);
          await start(context);
        }),
      );
    command
      .command('status')
      .summary('is it running, and how is it')
      .action(run(async (context) => status(context)));
    command
      .command('run', { hidden: true })
      .summary('be the supervisor, in the foreground')
      .option('--service', 'a service manager has it: wait after crashes, and for one that runs')
      .action(
        run(async (context, flags: { service?: boolean }) =>
          context.local.runSupervisor(context.home, context.env, { service: flags.service === true }),
        ),
      );
    command
      .command('check', { hidden: true })
      .summary('end one that hangs')
      .action(run(async (context) => check(context)));
  },
};

async function start(context: Context): Promise<void> {
  // A person wants it now: one of a service that waits because of its crashes goes on at once.
  noteWanted(context.home);
  const client = await context.connect({ start: true });
  try {
    const health = await client.health();
    context.out.result(
      health,
      `supervisor runs: pid ${health.pid}, version ${health.version}, since ${health.startedAt}`,
    );
  } finally {
    client.close();
  }
}

/** Nothing of a running one is touched. */
function noteWanted(home: string): void {
  const { tally, supervisorLock } = homePaths(home);
  if (lockOwner(supervisorLock) === null) clearTally(tally);
}

async function stop(context: Context): Promise<void> {
  const ended = await endSupervisor(context);
  const service = ended?.forced ? installedService(homePaths(context.home).serviceRecord) : null;
  if (service) context.out.note(`${service.name} starts it again; tutti supervisor stop once more ends that one`);
  context.out.result(
    { stopped: ended?.pid ?? null },
    ended === null ? 'no supervisor was running' : `supervisor ${ended.pid} has ended; agents keep running`,
  );
}

/** What the outer timer runs: one that does not answer or does not turn is ended; who started it starts it anew. */
async function check(context: Context): Promise<void> {
  let hung = await hungFor(context);
  // A machine that has just woken up, or that swaps, gets more than one chance.
  for (let more = CHECKS - 1; hung !== null && more > 0; more--) hung = await hungFor(context);
  const ended = hung === null ? null : await endUnanswering(context);
  const text =
    hung === null ? 'the supervisor answers, or none runs' : `ended supervisor ${ended?.pid ?? '-'}: ${hung}`;
  context.out.result({ hung, ended: ended?.pid ?? null }, text);
  if (ended && !installedService(homePaths(context.home).serviceRecord))
    (await context.connect({ start: true })).close();
}

/** Looks without an answer, each of them 5 s, that make a supervisor hung. */
const CHECKS = 6;
/** Longest that a loop may be at one input while the log can be written. Milliseconds. */
const STALE_LOOP_MS = 600_000;

/** Why the one that runs counts as hung; null: it does not, or none runs. */
async function hungFor(context: Context): Promise<string | null> {
  try {
    const client = await context.connect({ start: false });
    try {
      const { stalledMs } = await client.health();
      return stalledMs > STALE_LOOP_MS ? `its loop has not turned for ${Math.round(stalledMs / 1_000)} s` : null;
    } finally {
      client.close();
    }
  } catch (error) {
    const failure = failureOf(error);
    if (failure?.code === 'TIMEOUT') return failure.message;
    if (failure?.code === 'UNREACHABLE') return null;
    throw error;
  }
}

async function status(context: Context): Promise<void> {
  const tally = readTally(homePaths(context.home).tally);
  const deaths = tallyText(tally);
  const client = await context.connect({ start: false }).catch((error: unknown) => {
    if (deaths !== null && failureOf(error)?.code === 'UNREACHABLE') context.out.note(`deaths: ${deaths}`);
    throw error;
  });
  try {
    const health = await client.health();
    const counts = Object.entries(health.agents).map(([state, count]) => `${count} ${state}`);
    const lines = [
      `supervisor runs: pid ${health.pid}, version ${health.version} (build ${health.build}), since ${health.startedAt}`,
      `home ${health.home}, tmux socket ${health.tmux}, log ${health.log} at ${health.seq}`,
      `agents: ${counts.join(', ') || 'none'}`,
      ...(deaths === null ? [] : [`deaths: ${deaths}`]),
      ...health.problems.map((problem) => `problem: ${problem}`),
    ];
    context.out.result(
      {
        ...health,
        crashes: tally.crashes,
        lastCrashAt: tally.lastCrashAt === null ? null : isoTime(tally.lastCrashAt),
      },
      lines.join('\n'),
    );
  } finally {
    client.close();
  }
}
