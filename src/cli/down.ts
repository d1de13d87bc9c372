/** `tutti down [--all]`: stops this project's agents; the supervisor too when none is left. */
import { findProjectFile, loadProjectFile } from './config-file.ts';
import type { CommandFile, Context } from './program.ts';

export const command: CommandFile = {
  define(command, run) {
    command
      .option('--all', 'every agent of this home (also the default outside any project)')
      .addHelpText('after', '\nExamples:\n  $ tutti down\n  $ tutti down --all')
      .action(run(async (context, flags: { all?: boolean }) => down(context, flags.all === true)));
  },
};

async function down(context: Context, everything: boolean): Promise<void> {
  const file = everything ? null : findProjectFile(context.cwd);
  const project = file ? loadProjectFile(file).project : null;
  const client = await context.connect();
  const progress = context.out.progress('stopping agents');
  try {
    const { pid } = await client.health();
    const result = await client.down({ project, all: project === null });
    if (result.supervisorStops) await context.local.awaitExit(pid);
    progress.done();
    const stopped = result.stopped.length > 0 ? `stopped ${result.stopped.join(' ')}` : 'no agent was running';
    context.out.result(result, result.supervisorStops ? `${stopped}\nThe supervisor has ended as well.` : stopped);
  } finally {
    progress.done();
    client.close();
  }
}
