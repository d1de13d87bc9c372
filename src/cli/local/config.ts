/** `tutti config check|schema|show`: the configuration, without a supervisor. */
import { projectJsonSchema } from '../../core/config/schema.ts';
import { settingsFrom } from '../../core/config/settings.ts';
import {
  findProjectFile,
  loadProjectFile,
  loadUserConfig,
  PROJECT_FILE,
  type ProjectFile,
  userConfigPath,
} from '../config-file.ts';
import { CliFailure } from '../failure.ts';
import type { CommandFile, Context } from '../program.ts';

export const command: CommandFile = {
  define(command, run) {
    command.addHelpText(
      'afterAll',
      '\nExamples:\n  $ tutti config check\n  $ tutti config show --json\n  $ tutti config schema > tutti.schema.json',
    );
    command
      .command('check [file]')
      .summary('check tutti.yaml and config.yaml; every error names file, line and key')
      .action(run(async (context, file: string | undefined) => check(context, file)));
    command
      .command('schema')
      .summary('print the JSON Schema of tutti.yaml, for editors')
      .action(run(async (context) => schema(context)));
    command
      .command('show [file]')
      .summary('print the configuration as it takes effect, defaults filled in')
      .action(run(async (context, file: string | undefined) => show(context, file)));
  },
};

/** The named file, or the nearest tutti.yaml upwards. */
export function requireProject(context: Context, file: string | undefined): ProjectFile {
  const found = file ?? findProjectFile(context.cwd);
  if (!found) {
    throw new CliFailure('NOT_FOUND', `no ${PROJECT_FILE} in ${context.cwd} or above`, {
      hint: 'tutti init writes one',
    });
  }
  return loadProjectFile(found);
}

async function check(context: Context, file: string | undefined): Promise<void> {
  const user = loadUserConfig(context.env);
  const project = requireProject(context, file);
  const agents = Object.keys(project.config.agents ?? {});
  context.out.result(
    { file: project.file, project: project.project, agents, userConfig: user ? userConfigPath(context.env) : null },
    `${project.file}: ok (project ${project.project}, ${agents.length} ${agents.length === 1 ? 'agent' : 'agents'})`,
  );
}

async function schema(context: Context): Promise<void> {
  const document = projectJsonSchema();
  if (context.out.json) context.out.result(document, '');
  else context.out.line(JSON.stringify(document, null, 2));
}

async function show(context: Context, file: string | undefined): Promise<void> {
  const user = loadUserConfig(context.env);
  const found = file ?? findProjectFile(context.cwd);
  const project = found ? loadProjectFile(found) : null;
  const effective = {
    project: project?.project ?? null,
    file: project?.file ?? null,
    userConfig: user ? userConfigPath(context.env) : null,
    watchdog: settingsFrom(user, project?.config.watchdog),
    clis: { ...user?.clis, ...project?.config.clis },
    accounts: [...new Set([...Object.keys(user?.accounts ?? {}), ...Object.keys(project?.config.accounts ?? {})])],
    agents: project?.config.agents ?? {},
  };
  const shown = withoutSecrets(effective);
  context.out.result(shown, JSON.stringify(shown, null, 2));
}

/** Values of variables are never shown, only their names. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === 'env' && typeof inner === 'object' && inner !== null
        ? [key, Object.fromEntries(Object.keys(inner).map((name) => [name, '«set»']))]
        : [key, withoutSecrets(inner)],
    ),
  );
}
