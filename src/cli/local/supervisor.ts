/** `tutti supervisor start|stop|restart|status`: the daemon alone; agents keep running. `run` is the daemon itself. */
import type { CommandFile, Context } from '../program.ts';

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
          await stopIfRunning(context);
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
      .action(run(async (context) => context.local.runSupervisor(context.home, context.env)));
  },
};

async function start(context: Context): Promise<void> {
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

async function stop(context: Context): Promise<void> {
  const stopped = await stopIfRunning(context);
  context.out.result(
    { stopped },
    stopped === null ? 'no supervisor was running' : `supervisor ${stopped} has ended; agents keep running`,
  );
}

/** Pid of the one that was stopped; null when none ran. */
async function stopIfRunning(context: Context): Promise<number | null> {
  const client = await context.connect({ start: false }).catch((error: unknown) => {
    if (isUnreachable(error)) return null;
    throw error;
  });
  if (!client) return null;
  try {
    const { pid } = await client.stopSupervisor();
    await context.local.awaitExit(pid);
    return pid;
  } finally {
    client.close();
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'UNREACHABLE';
}

async function status(context: Context): Promise<void> {
  const client = await context.connect({ start: false });
  try {
    const health = await client.health();
    const counts = Object.entries(health.agents).map(([state, count]) => `${count} ${state}`);
    const lines = [
      `supervisor runs: pid ${health.pid}, version ${health.version} (build ${health.build}), since ${health.startedAt}`,
      `home ${health.home}, tmux socket ${health.tmux}, log ${health.log} at ${health.seq}`,
      `agents: ${counts.join(', ') || 'none'}`,
      ...health.problems.map((problem) => `problem: ${problem}`),
    ];
    context.out.result(health, lines.join('\n'));
  } finally {
    client.close();
  }
}
