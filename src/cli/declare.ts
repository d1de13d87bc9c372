/** From flags and configuration to what the API takes: the declaration of an agent with its launch environment. */
import { isAbsolute, resolve } from 'node:path';
import type { LaunchRequest, SpawnRequest } from '../api/wire.ts';
import { launchVariables, refusedNames, type Variables } from '../core/config/environment.ts';
import type { AgentConfig, CliConfig, ProjectConfig, UserConfig } from '../core/config/schema.ts';
import { CliFailure } from './failure.ts';

export interface Sources {
  shell: NodeJS.ProcessEnv;
  user: UserConfig | null;
  project: ProjectConfig | null;
  projectName: string;
  /** What relative paths are relative to. */
  root: string;
}

const DEFAULT_CLI = 'claude';

/** Everything of {@link SpawnRequest} that a configuration decides. Throws when a `${VAR}` is nowhere to be had. */
export function declareAgent(name: string, agent: AgentConfig, sources: Sources): SpawnRequest & { project: string } {
  const defaults = { ...sources.user?.defaults, ...sources.project?.defaults };
  const cli = agent.cli ?? defaults.cli ?? DEFAULT_CLI;
  const budget = agent.budget ?? defaults.budget;
  const cliConfig = mergeCli(sources.user?.clis?.[cli], sources.project?.clis?.[cli]);
  return {
    name,
    project: sources.projectName,
    cli,
    model: agent.model ?? defaults.model ?? null,
    role: agent.role ?? null,
    zone: agent.zone ?? null,
    task: agent.task ?? null,
    cwd: agent.cwd === undefined ? sources.root : isAbsolute(agent.cwd) ? agent.cwd : resolve(sources.root, agent.cwd),
    parent: agent.parent ?? null,
    permissions: agent.permissions ?? defaults.permissions ?? 'auto',
    restart: agent.restart ?? defaults.restart ?? 'transient',
    once: agent.once ?? false,
    budget: {
      ...capsOf(budget),
      ...(budget?.perDay ? { perDay: capsOf(budget.perDay) } : {}),
      ...(budget?.context ? { context: budget.context } : {}),
    },
    account: agent.account ?? null,
    settings: { ...agent.settings, ...(cliConfig.protocol ? { protocol: cliConfig.protocol } : {}) },
    launch: launchOf(name, agent, cliConfig, sources),
    fallback: (agent.fallback ?? defaults.fallback ?? []).map((other) =>
      declareFallback(name, { ...agent, cli }, other, sources),
    ),
    fallbackReturn: agent.fallbackReturn ?? defaults.fallbackReturn ?? false,
  };
}

type Fallback = NonNullable<AgentConfig['fallback']>[number];

/** A fallback is started like the agent itself, with the CLI, model and account that it names; one of the same CLI keeps the agent's account. */
function declareFallback(
  name: string,
  agent: AgentConfig & { cli: string },
  other: Fallback,
  sources: Sources,
): NonNullable<SpawnRequest['fallback']>[number] {
  const named = typeof other === 'string' ? { cli: other } : other;
  const cli = named.cli ?? agent.cli;
  const account = named.account ?? (cli === agent.cli ? agent.account : undefined);
  const config = mergeCli(sources.user?.clis?.[cli], sources.project?.clis?.[cli]);
  const { account: _own, ...rest } = agent;
  return {
    cli,
    model: named.model ?? null,
    account: account ?? null,
    settings: { ...named.settings, ...(config.protocol ? { protocol: config.protocol } : {}) },
    launch: launchOf(name, { ...rest, ...(account === undefined ? {} : { account }) }, config, sources),
  };
}

const capsOf = (caps: { usd?: number | undefined; tokens?: number | undefined } | undefined) => ({
  usd: caps?.usd ?? null,
  tokens: caps?.tokens ?? null,
});

function mergeCli(user: CliConfig | undefined, project: CliConfig | undefined): CliConfig {
  return { ...user, ...project, env: { ...user?.env, ...project?.env } };
}

function launchOf(name: string, agent: AgentConfig, cli: CliConfig, sources: Sources): LaunchRequest {
  const account = accountVariables(name, agent.account, sources);
  for (const layer of [cli.env, account, agent.env]) refuse(name, layer);
  const { env, secrets, missing } = launchVariables(sources.shell, [cli.env, account, agent.env]);
  return { command: cli.command ?? null, args: cli.args ?? [], env, secrets, missing };
}

function accountVariables(name: string, account: string | undefined, sources: Sources): Variables | undefined {
  if (account === undefined) return undefined;
  const found = sources.project?.accounts?.[account] ?? sources.user?.accounts?.[account];
  if (!found) {
    throw new CliFailure('INVALID_ARGUMENT', `agent ${name} uses the account ${account}, which no configuration has`, {
      hint: `add  accounts: { ${account}: { env: { … } } }  to tutti.yaml or config.yaml`,
    });
  }
  return found.env;
}

function refuse(name: string, layer: Variables | undefined): void {
  const [refused] = refusedNames(layer ?? {});
  if (refused) {
    throw new CliFailure('INVALID_ARGUMENT', `agent ${name}: the variable ${refused} cannot be set for an agent`, {
      hint: 'tutti sets or withholds it itself; remove it',
    });
  }
}

/** `K=V` flags as variables. */
export function parseVariables(pairs: string[]): Variables {
  const out: Variables = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    if (at < 1 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new CliFailure('INVALID_ARGUMENT', `--env ${pair}: expected NAME=VALUE`, {
        hint: "for example --env 'RUST_LOG=debug'",
      });
    }
    out[name] = pair.slice(at + 1);
  }
  return out;
}
