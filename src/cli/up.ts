/** `tutti up [FILE]`: brings the agents that tutti.yaml declares to their wanted state. */
import type { ApplyRequest, ApplyResponse } from '../api/wire.ts';
import type { JsonObject } from '../core/event.ts';
import { agentTable } from './agent-text.ts';
import { budgetWarning } from './budget-warning.ts';
import { findProjectFile, loadProjectFile, loadUserConfig, PROJECT_FILE, type ProjectFile } from './config-file.ts';
import { declareAgent } from './declare.ts';
import { CliFailure } from './failure.ts';
import { wantsUnicode } from '../core/look.ts';
import type { CommandFile, Context, Started } from './program.ts';

interface Flags {
  prune?: boolean;
  foreground?: boolean;
}

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('[file]', `default: the nearest ${PROJECT_FILE} upwards`)
      .option('--prune', 'also stop agents of this project that are no longer declared')
      .option('--foreground', 'be the supervisor in this terminal, until Ctrl-C; agents keep running')
      .addHelpText(
        'after',
        '\nExamples:\n  $ tutti up\n  $ tutti up team.yaml --prune\n  $ tutti up --foreground     for a container or a service manager',
      )
      .action(run(async (context, file: string | undefined, flags: Flags) => up(context, file, flags)));
  },
};

async function up(context: Context, path: string | undefined, flags: Flags): Promise<number> {
  const found = path ?? findProjectFile(context.cwd);
  if (!found)
    throw new CliFailure('NOT_FOUND', `no ${PROJECT_FILE} in ${context.cwd} or above`, {
      hint: 'tutti init writes one',
    });
  const file = loadProjectFile(found);
  const request = applyRequest(context, file, flags.prune === true);
  const user = loadUserConfig(context.env);
  for (const agent of request.agents) {
    const warning = budgetWarning(agent, user);
    if (warning !== null) context.out.note(`warning: ${warning}`);
  }
  const daemon = flags.foreground ? foreground(context) : null;
  const client = await context.connect(daemon ? { start: daemon.start } : {});
  const progress = context.out.progress(`bringing up ${request.agents.length} agents`);
  try {
    if (daemon && !daemon.begun()) {
      const { pid } = await client.health();
      throw new CliFailure('CONFLICT', `a supervisor runs already (pid ${pid})`, {
        hint: 'tutti up alone uses it; tutti supervisor stop ends it',
      });
    }
    const applied = await client.apply(request);
    progress.done();
    context.out.result(applied, describe(context, file, applied));
  } catch (error) {
    if (daemon?.begun()) await client.stopSupervisor();
    throw error;
  } finally {
    progress.done();
    client.close();
  }
  return daemon ? daemon.ended() : 0;
}

/** A supervisor in this very process, begun when no other one answers. */
function foreground(context: Context) {
  let status: Promise<number> | null = null;
  let failed: Error | null = null;
  return {
    begun: () => status !== null,
    ended: () => status ?? Promise.resolve(0),
    async start(): Promise<Started> {
      status = context.local.runSupervisor(context.home, context.env, { service: false });
      status.catch((error: Error) => {
        failed = error;
      });
      return { failure: () => failed };
    },
  };
}

function applyRequest(context: Context, file: ProjectFile, prune: boolean): ApplyRequest {
  const sources = {
    shell: context.env,
    user: loadUserConfig(context.env),
    project: file.config,
    projectName: file.project,
    root: file.root,
  };
  const agents = Object.entries(file.config.agents ?? {}).map(([name, agent]) => {
    const { project: _, ...declared } = declareAgent(name, agent ?? {}, sources);
    return { ...declared, wanted: agent?.wanted ?? ('up' as const) };
  });
  return { project: file.project, hash: file.hash, config: file.config as JsonObject, agents, prune };
}

function describe(context: Context, file: ProjectFile, applied: ApplyResponse): string {
  if (applied.agents.length === 0)
    return `${file.file} declares no agents.\nNext: add one under  agents:  and run  tutti up  again`;
  const notes = [
    ...(applied.created.length > 0 ? [`created   ${applied.created.join(' ')}`] : []),
    ...(applied.changed.length > 0 ? [`changed   ${applied.changed.join(' ')}`] : []),
    ...(applied.unchanged.length > 0 ? [`unchanged ${applied.unchanged.join(' ')}`] : []),
    ...(applied.pruned.length > 0 ? [`stopped   ${applied.pruned.join(' ')} (no longer declared)`] : []),
  ];
  const left = applied.undeclared.filter((name) => !applied.pruned.includes(name));
  if (left.length > 0) notes.push(`left      ${left.join(' ')}: no longer declared; tutti up --prune stops them`);
  const list = agentTable(applied.agents, context.out, {
    now: Date.now(),
    unicode: wantsUnicode(context.env),
    wide: false,
  });
  return `${notes.join('\n')}\n\n${list}`;
}
