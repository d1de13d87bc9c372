/** The configuration: whether it is valid, and what in it is known to end badly (core/config/lint.ts). */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { lint, type LintAgent } from '../../../core/config/lint.ts';
import type { UserConfig } from '../../../core/config/schema.ts';
import { settingsFrom } from '../../../core/config/settings.ts';
import { driverFor } from '../../../drivers/registry.ts';
import { findProjectFile, loadProjectFile, loadUserConfig, type ProjectFile } from '../../config-file.ts';
import { declareAgent } from '../../declare.ts';
import { failureOf } from '../../failure.ts';
import type { Context } from '../../program.ts';
import { budgetFindings } from './budgets.ts';
import type { Finding } from './check.ts';

export function configFindings(context: Context): Finding[] {
  try {
    const user = loadUserConfig(context.env);
    const file = findProjectFile(context.cwd);
    if (!file)
      return [
        { id: 'config', grade: 'skip', message: 'no tutti.yaml in this folder or above', fix: 'tutti init writes one' },
      ];
    const project = loadProjectFile(file);
    const valid: Finding = { id: 'config', grade: 'ok', message: `${project.file} is valid`, fix: null };
    return [valid, ...dangers(context, user, project), ...budgetFindings(user, project.config)];
  } catch (error) {
    const failure = failureOf(error);
    if (!failure) throw error;
    return [{ id: 'config', grade: 'fail', message: failure.message, fix: failure.hint }];
  }
}

function dangers(context: Context, user: UserConfig | null, project: ProjectFile): Finding[] {
  const rules = join(project.root, 'rules');
  const warnings = lint({
    agents: agentsOf(context, user, project),
    settings: settingsFrom(user, project.config.watchdog),
    rulesFolder: statSync(rules, { throwIfNoEntry: false })?.isDirectory() ? rules : null,
  });
  return warnings.map(({ id, found, why, mend }) => ({
    id: `config:${id}`,
    grade: 'warn',
    message: `${id}: ${found}`,
    why,
    fix: mend,
  }));
}

/** As `tutti up` would declare them. A variable that is missing here is no matter: nothing is started. */
function agentsOf(context: Context, user: UserConfig | null, file: ProjectFile): LintAgent[] {
  const sources = { shell: context.env, user, project: file.config, projectName: file.project, root: file.root };
  return Object.entries(file.config.agents ?? {}).map(([name, config]) => {
    const agent = declareAgent(name, config ?? {}, sources);
    const { cli = 'claude' } = agent;
    const protocol = file.config.clis?.[cli]?.protocol ?? user?.clis?.[cli]?.protocol;
    return {
      name,
      cli,
      model: agent.model ?? null,
      role: agent.role ?? null,
      parent: agent.parent ?? null,
      cwd: agent.cwd ?? file.root,
      worktree: config?.worktree === true,
      permissions: agent.permissions ?? 'auto',
      restart: agent.restart ?? 'transient',
      // A CLI that cannot be driven at all is another finding.
      resumes: driverFor(cli, protocol)?.capabilities.resume !== 'handoff',
      fallback: (agent.fallback ?? []).map((other) => ({ cli: other.cli ?? cli, model: other.model ?? null })),
    };
  });
}
