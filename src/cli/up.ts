/** `tutti up [FILE]`: brings the agents that tutti.yaml declares to their wanted state. */
import type { ApplyRequest, ApplyResponse } from '../api/wire.ts';
import type { JsonObject } from '../core/event.ts';
import { agentTable } from './agent-text.ts';
import { findProjectFile, loadProjectFile, loadUserConfig, PROJECT_FILE, type ProjectFile } from './config-file.ts';
import { declareAgent } from './declare.ts';
import { CliFailure } from './failure.ts';
import { wantsUnicode } from '../core/look.ts';
import type { CommandFile, Context } from './program.ts';

interface Flags {
  prune?: boolean;
}

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('[file]', `default: the nearest ${PROJECT_FILE} upwards`)
      .option('--prune', 'also stop agents of this project that are no longer declared')
      .addHelpText('after', '\nExamples:\n  $ tutti up\n  $ tutti up team.yaml --prune')
      .action(run(async (context, file: string | undefined, flags: Flags) => up(context, file, flags)));
  },
};

async function up(context: Context, path: string | undefined, flags: Flags): Promise<void> {
  const found = path ?? findProjectFile(context.cwd);
  if (!found)
    throw new CliFailure('NOT_FOUND', `no ${PROJECT_FILE} in ${context.cwd} or above`, {
      hint: 'tutti init writes one',
    });
  const file = loadProjectFile(found);
  const request = applyRequest(context, file, flags.prune === true);
  const client = await context.connect();
  const progress = context.out.progress(`bringing up ${request.agents.length} agents`);
  try {
    const applied = await client.apply(request);
    progress.done();
    context.out.result(applied, describe(context, file, applied));
  } finally {
    progress.done();
    client.close();
  }
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
