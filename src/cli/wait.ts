/** `tutti wait NAME…`: until a state is reached. */
import { InvalidArgumentError } from 'commander';
import { WAIT_TARGETS, type WaitTarget } from '../client/index.ts';
import { stateText } from './agent-text.ts';
import { abortOnInterrupt, chooseAgents, durationFlag, forEachAgent } from './options.ts';
import type { CommandFile, Context } from './program.ts';

interface Flags {
  for: WaitTarget[];
  timeout: number;
  all?: boolean;
}

const WAIT_MS = 600_000;

function targets(text: string): WaitTarget[] {
  return text.split(',').map((part) => {
    const found = WAIT_TARGETS.find((target) => target === part);
    if (!found) throw new InvalidArgumentError(`one or more of ${WAIT_TARGETS.join(', ')}, with commas`);
    return found;
  });
}

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('[name...]', 'agents')
      .option('--all', 'every agent')
      .option('--for <state>', `any of ${WAIT_TARGETS.join(', ')}, with commas`, targets, ['idle'] as WaitTarget[])
      .option('--timeout <duration>', 'give up after this long', durationFlag, WAIT_MS)
      .addHelpText('after', '\nExamples:\n  $ tutti wait fix\n  $ tutti wait a b --for done,failed --timeout 1h')
      .action(run(async (context, names: string[], flags: Flags) => wait(context, names, flags)));
  },
};

async function wait(context: Context, names: string[], flags: Flags): Promise<void> {
  const client = await context.connect();
  const progress = context.out.progress('waiting');
  try {
    const agents = await chooseAgents(client, names, flags.all === true);
    const signal = abortOnInterrupt();
    progress.step(`waiting for ${agents.map((agent) => agent.name).join(' ')} to be ${flags.for.join(' or ')}`);
    const met = await forEachAgent(agents, (agent) =>
      client.wait(agent.id, { for: flags.for, timeoutMs: flags.timeout, signal }),
    );
    progress.done();
    context.out.result(
      { agents: met },
      met.map((agent) => `${agent.name}  ${stateText(agent, Date.now())}`).join('\n'),
    );
  } finally {
    progress.done();
    client.close();
  }
}
