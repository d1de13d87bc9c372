/** `tutti spawn NAME`: one agent, from flags over the configuration's defaults. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Option } from 'commander';
import type { Agent, Client } from '../client/index.ts';
import { AGENT_NAME, type AgentConfig } from '../core/config/schema.ts';
import { stateText } from './agent-text.ts';
import { budgetWarning } from './budget-warning.ts';
import { findProjectFile, loadProjectFile, loadUserConfig, projectName } from './config-file.ts';
import { declareAgent, parseVariables } from './declare.ts';
import { CliFailure } from './failure.ts';
import { abortOnInterrupt, collect, durationFlag, positiveFlag } from './options.ts';
import type { CommandFile, Context } from './program.ts';

interface Flags {
  cli?: string;
  model?: string;
  task?: string;
  taskFile?: string;
  cwd?: string;
  role?: string;
  zone?: string;
  parent?: string;
  env: string[];
  permissions?: 'ask' | 'auto' | 'bypass';
  restart?: 'permanent' | 'transient' | 'temporary';
  once?: boolean;
  budgetUsd?: number;
  budgetTokens?: number;
  account?: string;
  fallback: string[];
  wait?: boolean;
  timeout?: number;
}

const WAIT_MS = 600_000;

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('<name>', '1-32 of a-z 0-9 - _, starting with a letter')
      .option('--cli <name>', 'claude, codex, gemini, opencode, aider, tutti, or one from the configuration')
      .option('--model <model>', 'model, in the words of the CLI')
      .option('--task <text>', 'first message')
      .option('--task-file <file>', 'first message from a file; - is standard input')
      .option('--cwd <dir>', 'folder to work in (default: this one)')
      .option('--role <role>', 'label: what it is for')
      .option('--zone <zone>', 'label: which group it belongs to')
      .option('--parent <agent>', 'agent above it')
      .option('--env <name=value>', 'variable for the CLI; repeat for more', collect, [])
      .addOption(new Option('--permissions <mode>', 'what needs a person').choices(['ask', 'auto', 'bypass']))
      .addOption(
        new Option('--restart <policy>', 'when it is started again').choices(['permanent', 'transient', 'temporary']),
      )
      .option('--once', 'end it when its task is done')
      .option(
        '--budget-usd <usd>',
        'hard cap: warned of at 80 %, stopped at 100 % between two model calls',
        positiveFlag,
      )
      .option('--budget-tokens <tokens>', 'the same in tokens, those from the cache included', positiveFlag)
      .option('--account <name>', 'account of the configuration')
      .option(
        '--fallback <cli[:model]>',
        'goes on with the work while its account is limited; repeat for more',
        collect,
        [],
      )
      .option('--wait', 'wait until the task is done')
      .option('--timeout <duration>', 'with --wait (default 10m)', durationFlag)
      .addHelpText('after', EXAMPLES)
      .action(run(async (context, name: string, flags: Flags) => spawn(context, name, flags)));
  },
};

const EXAMPLES = `
Examples:
  $ tutti spawn fix --task "Fix the flaky login test"
  $ tutti spawn review --cli codex --permissions ask --task-file review.md
  $ tutti spawn once --once --task "Write CHANGELOG.md" --wait --timeout 20m`;

async function spawn(context: Context, name: string, flags: Flags): Promise<void> {
  if (!AGENT_NAME.test(name)) {
    throw new CliFailure('INVALID_ARGUMENT', `${JSON.stringify(name)} is no name for an agent`, {
      hint: 'a name has 1-32 of a-z 0-9 - _ and starts with a letter',
    });
  }
  const task = await taskText(context, flags);
  if (flags.wait && task === undefined) {
    throw new CliFailure('INVALID_ARGUMENT', '--wait needs a task to wait for', { hint: 'add --task' });
  }
  const file = findProjectFile(flags.cwd ?? context.cwd);
  const project = file ? loadProjectFile(file) : null;
  const user = loadUserConfig(context.env);
  const request = declareAgent(
    name,
    { ...agentOf(flags), ...(task === undefined ? {} : { task }) },
    {
      shell: context.env,
      user,
      project: project?.config ?? null,
      projectName: project?.project ?? projectName(context.cwd),
      root: context.cwd,
    },
  );
  const warning = budgetWarning(request, user);
  if (warning !== null) context.out.note(`warning: ${warning}`);
  const client = await context.connect();
  try {
    const agent = await client.spawn(request);
    if (!flags.wait) return report(context, agent);
    await waitForTask(context, client, agent, flags.timeout ?? WAIT_MS);
  } finally {
    client.close();
  }
}

function agentOf(flags: Flags): AgentConfig {
  const budget = {
    ...(flags.budgetUsd ? { usd: flags.budgetUsd } : {}),
    ...(flags.budgetTokens ? { tokens: flags.budgetTokens } : {}),
  };
  const pick = <K extends keyof Flags & keyof AgentConfig>(key: K): Partial<Pick<AgentConfig, K>> =>
    flags[key] === undefined ? {} : ({ [key]: flags[key] } as unknown as Partial<Pick<AgentConfig, K>>);
  return {
    ...pick('cli'),
    ...pick('model'),
    ...pick('role'),
    ...pick('zone'),
    ...pick('parent'),
    ...pick('permissions'),
    ...pick('restart'),
    ...pick('once'),
    ...pick('account'),
    ...(flags.cwd === undefined ? {} : { cwd: resolve(flags.cwd) }),
    ...(flags.env.length > 0 ? { env: parseVariables(flags.env) } : {}),
    ...(Object.keys(budget).length > 0 ? { budget } : {}),
    ...(flags.fallback.length > 0 ? { fallback: flags.fallback.map(parseFallback) } : {}),
  };
}

/** `codex`, or `claude:haiku` for a CLI with a model. */
function parseFallback(text: string): { cli: string; model?: string } {
  const at = text.indexOf(':');
  const cli = at < 0 ? text : text.slice(0, at);
  const model = at < 0 ? undefined : text.slice(at + 1);
  if (cli === '' || model === '') {
    throw new CliFailure('INVALID_ARGUMENT', `--fallback ${text}: expected CLI or CLI:MODEL`, {
      hint: 'for example --fallback codex, or --fallback claude:haiku',
    });
  }
  return model === undefined ? { cli } : { cli, model };
}

async function taskText(context: Context, flags: Flags): Promise<string | undefined> {
  if (flags.task !== undefined && flags.taskFile !== undefined) {
    throw new CliFailure('INVALID_ARGUMENT', '--task and --task-file exclude each other', { hint: 'give one of them' });
  }
  if (flags.taskFile === undefined) return flags.task;
  const { readStdin } = await import('./options.ts');
  if (flags.taskFile === '-') return readStdin(context);
  try {
    return readFileSync(resolve(flags.taskFile), 'utf8');
  } catch (error) {
    throw new CliFailure('NOT_FOUND', `cannot read the task from ${flags.taskFile}: ${(error as Error).message}`, {
      hint: `look into ${dirname(resolve(flags.taskFile))}`,
    });
  }
}

function report(context: Context, agent: Agent): void {
  context.out.result(
    agent,
    `${agent.name}  ${stateText(agent, Date.now())}\nNext: tutti attach ${agent.name}   or   tutti logs ${agent.name} -f`,
  );
}

async function waitForTask(context: Context, client: Client, agent: Agent, timeoutMs: number): Promise<void> {
  const progress = context.out.progress(`${agent.name} works`);
  try {
    const done = await client.wait(agent.id, {
      for: agent.permissions === 'ask' ? ['idle', 'done', 'waiting'] : ['idle', 'done'],
      timeoutMs,
      signal: abortOnInterrupt(),
    });
    progress.done();
    context.out.result(done, `${done.name}  ${stateText(done, Date.now())}`);
  } finally {
    progress.done();
  }
}
