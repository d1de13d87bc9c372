/** `tutti ps`: all agents, those that need a person first. */
import { wantsUnicode } from '../core/look.ts';
import { agentTable, byAttention } from './agent-text.ts';
import type { CommandFile, Context } from './program.ts';

interface Flags {
  wide?: boolean;
  quiet?: boolean;
}

export const command: CommandFile = {
  define(command, run) {
    command
      .option('-w, --wide', 'more columns')
      .option('-q, --quiet', 'ids only')
      .addHelpText(
        'after',
        '\nExamples:\n  $ tutti ps\n  $ tutti ps --json | jq -r \'.data.agents[] | select(.state=="waiting") | .name\'\n  $ tutti stop $(tutti ps -q)',
      )
      .action(run(async (context, flags: Flags) => ps(context, flags)));
  },
};

async function ps(context: Context, flags: Flags): Promise<void> {
  const client = await context.connect();
  try {
    const [{ agents, recovering }, health] = [await client.list(), await client.health()];
    for (const problem of health.problems) context.out.note(`tutti: ${problem}`);
    if (recovering) context.out.note('tutti: the supervisor is still looking at what it found; states may be old');
    const sorted = agents.toSorted(byAttention);
    context.out.result({ agents: sorted, recovering, problems: health.problems }, text(context, sorted, flags));
  } finally {
    client.close();
  }
}

function text(context: Context, agents: Parameters<typeof agentTable>[0], flags: Flags): string {
  if (flags.quiet) return agents.map((agent) => agent.id).join('\n');
  if (agents.length === 0)
    return 'No agents yet.\n  tutti spawn fix --task "…"    one agent\n  tutti up                      those of tutti.yaml';
  return agentTable(agents, context.out, {
    now: Date.now(),
    unicode: wantsUnicode(context.env),
    wide: flags.wide === true,
  });
}
