/** `interrupt pause resume restart stop rm`: one verb for several agents. */
import type { Command } from 'commander';
import type { Agent } from '../client/index.ts';
import { stateText } from './agent-text.ts';
import { chooseAgents, confirm, forEachAgent } from './options.ts';
import type { CommandFile, Context, Runner } from './program.ts';

interface Flags {
  all?: boolean;
  now?: boolean;
  fresh?: boolean;
  yes?: boolean;
}

type Verb = 'interrupt' | 'pause' | 'resume' | 'restart' | 'stop';

interface Manner {
  configure(command: Command): void;
  examples: string[];
}

const MANNERS: Record<Verb | 'rm', Manner> = {
  interrupt: { configure: () => undefined, examples: ['tutti interrupt fix'] },
  pause: {
    configure: (c) => void c.option('--now', 'interrupt the running turn instead of waiting for its end'),
    examples: ['tutti pause fix', 'tutti pause --all'],
  },
  resume: {
    configure: (c) => void c.option('--now', 'try at once whether the limit of its account is over'),
    examples: ['tutti resume fix', 'tutti resume fix --now', 'tutti resume --all'],
  },
  restart: {
    configure: (c) => void c.option('--fresh', 'begin a new conversation'),
    examples: ['tutti restart fix', 'tutti restart fix --fresh'],
  },
  stop: { configure: () => undefined, examples: ['tutti stop fix', 'tutti stop --all'] },
  rm: {
    configure: (c) => void c.option('-y, --yes', 'do not ask'),
    examples: ['tutti rm fix', 'tutti rm --all --yes'],
  },
};

export function actCommand(verb: Verb | 'rm'): CommandFile {
  return {
    define(command: Command, run: Runner) {
      const manner = MANNERS[verb];
      command.argument('[name...]', 'agents').option('--all', 'every agent');
      manner.configure(command);
      command
        .addHelpText('after', `\nExamples:\n${manner.examples.map((line) => `  $ ${line}`).join('\n')}`)
        .action(
          run(async (context, names: string[], flags: Flags) =>
            verb === 'rm' ? remove(context, names, flags) : act(context, verb, names, flags),
          ),
        );
    },
  };
}

async function act(context: Context, verb: Verb, names: string[], flags: Flags): Promise<void> {
  const client = await context.connect();
  try {
    const agents = await chooseAgents(client, names, flags.all === true);
    const options = { ...(flags.now ? { now: true } : {}), ...(flags.fresh ? { fresh: true } : {}) };
    const progress = context.out.progress(`${verb} ${agents.map((a) => a.name).join(' ')}`);
    try {
      const after = await forEachAgent(agents, async (agent) => {
        const acted = await client.act(agent.id, verb, options);
        return verb === 'stop'
          ? client.wait(agent.id, { for: ['stopped', 'done', 'failed'], timeoutMs: STOP_WAIT_MS })
          : acted;
      });
      progress.done();
      context.out.result({ agents: after }, lines(after));
    } finally {
      progress.done();
    }
  } finally {
    client.close();
  }
}

/** Rungs of a stop (interrupt, INT, TERM, KILL) and the hunt end well within this. Milliseconds. */
const STOP_WAIT_MS = 60_000;

async function remove(context: Context, names: string[], flags: Flags): Promise<void> {
  const client = await context.connect();
  try {
    const agents = await chooseAgents(client, names, flags.all === true);
    if (agents.length > 0) {
      const list = agents.map((agent) => agent.name).join(', ');
      await confirm(
        context,
        flags.yes === true,
        `This stops and forgets ${list}: queue, settings and launch environment.`,
      );
    }
    const removed = await forEachAgent(agents, (agent) => client.remove(agent.id));
    context.out.result({ removed }, removed.map((r) => `removed ${r.name}`).join('\n'));
  } finally {
    client.close();
  }
}

function lines(agents: Agent[]): string {
  return agents.map((agent) => `${agent.name}  ${stateText(agent, Date.now())}`).join('\n');
}
