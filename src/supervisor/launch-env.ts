/**
 * env/<id>.json: how the pane host starts an agent's CLI. The only place where secrets are; 0600, written whole or not at all,
 * removed by `rm`.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JsonObject } from '../core/event.ts';
import type { AgentSpec, Runner } from '../core/state.ts';
import type { LaunchParts } from './facade.ts';

export interface LaunchFile {
  v: 1;
  name: string;
  cli: string;
  home8: string;
  command: string[];
  args: string[];
  cwd: string;
  env: Record<string, string>;
  secrets: Record<string, string>;
  model: string | null;
  permissions: AgentSpec['permissions'];
  systemPrompt: string | null;
  settings: JsonObject;
  /** How to start what takes over; by the number of the agent's runner, less one. */
  fallbacks: LaunchVariant[];
}

/** What differs from runner to runner. */
export type LaunchVariant = Pick<LaunchFile, 'cli' | 'command' | 'args' | 'env' | 'secrets' | 'model' | 'settings'>;

/** Never in an agent's environment, whoever asks for it: the host sets the first itself, the others would reach our processes. */
const NEVER = /^(TUTTI_AGENT|TUTTI_ROLE|TMUX|TMUX_.*|NODE_OPTIONS)$/;

export interface LaunchFacts {
  home8: string;
  /** Program of a CLI where the declaration names none. */
  program(cli: string): string[];
}

export function launchFile(
  agent: { name: string; spec: AgentSpec },
  /** Of the declared runner, then of its fallbacks. */
  [launch, ...fallbacks]: [LaunchParts, ...LaunchParts[]],
  facts: LaunchFacts,
): LaunchFile {
  const { spec } = agent;
  return {
    v: 1,
    name: agent.name,
    home8: facts.home8,
    cwd: spec.cwd,
    permissions: spec.permissions,
    systemPrompt: launch.systemPrompt,
    ...variant(spec, launch, facts),
    fallbacks: spec.fallback.flatMap((runner, i) => {
      const parts = fallbacks[i];
      return parts ? [variant(runner, parts, facts)] : [];
    }),
  };
}

function variant(runner: Runner, launch: LaunchParts, { program }: LaunchFacts): LaunchVariant {
  return {
    cli: runner.cli,
    command: launch.command ?? program(runner.cli),
    args: launch.args,
    env: Object.fromEntries(Object.entries(launch.env).filter(([name]) => !NEVER.test(name))),
    secrets: launch.secrets,
    model: runner.model,
    settings: runner.settings,
  };
}

/**
 * Values with a `${VAR}` that the caller's shell lacks, taken from the launch environment that was kept at an earlier time.
 * Returns what is still missing in `missing`.
 */
export function filledIn(launch: LaunchParts, kept: Pick<LaunchFile, 'env' | 'secrets'> | null): LaunchParts {
  const missing = new Set<string>();
  const env = { ...launch.env };
  const secrets = { ...launch.secrets };
  for (const [name, template] of Object.entries(launch.env)) {
    const lacks = (launch.missing ?? []).filter((variable) => template.includes(`\${${variable}}`));
    if (lacks.length === 0) continue;
    const value = kept?.env[name];
    if (value === undefined) for (const variable of lacks) missing.add(variable);
    else {
      env[name] = value;
      delete secrets[name];
      if (kept?.secrets[name] !== undefined) secrets[name] = kept.secrets[name];
    }
  }
  return { ...launch, env, secrets, missing: [...missing] };
}

/** A secret of any of an agent's runners is one; where two have the same name, both are. */
export function secretsOf(runners: Pick<LaunchFile, 'secrets'>[]): Record<string, string> {
  const pairs = runners.flatMap(({ secrets }, i) =>
    Object.entries(secrets).map(([name, value]): [string, string] => [i === 0 ? name : `${name}#${i}`, value]),
  );
  return Object.fromEntries(pairs);
}

/** Temporary file, fsync, rename, fsync of the folder: a reader sees the old one or the new one. */
export async function writeLaunchFile(path: string, file: LaunchFile): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(file)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** null when there is none. Throws on a damaged one: it is never replaced by a guess. */
export async function readLaunchFile(path: string): Promise<LaunchFile | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return { fallbacks: [], ...(JSON.parse(text) as Omit<LaunchFile, 'fallbacks'>) };
}

export function removeLaunchFile(path: string): Promise<void> {
  return rm(path, { force: true });
}

const ANTHROPIC = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'];
const CLAUDE = ['CLAUDE_CONFIG_DIR', 'CLAUDE_CODE_OAUTH_TOKEN'];
const OPENAI = ['OPENAI_API_KEY'];
const GOOGLE = ['GEMINI_API_KEY', 'GOOGLE_API_KEY'];

/** What tells two logins of a CLI apart: its configuration folder and its key. A CLI that is not here is told apart by all of them. */
const LOGIN_VARIABLES: Record<string, string[]> = {
  claude: [...CLAUDE, ...ANTHROPIC],
  tutti: ANTHROPIC,
  codex: ['CODEX_HOME', 'CODEX_API_KEY', ...OPENAI],
  gemini: GOOGLE,
};
const ALL_LOGINS = [...CLAUDE, 'CODEX_HOME', 'OPENCODE_CONFIG', ...ANTHROPIC, ...OPENAI, ...GOOGLE];

/** Account of an agent that names none (contract.md §8): `claude:default`, or with 8 hex digits of its login's hash. */
export function accountOf(cli: string, env: Record<string, string>): string {
  const names = Object.hasOwn(LOGIN_VARIABLES, cli) ? LOGIN_VARIABLES[cli] : undefined;
  const login = (names ?? ALL_LOGINS).filter((name) => env[name]).map((name) => `${name}=${env[name]}`);
  if (login.length === 0) return `${cli}:default`;
  return `${cli}:${createHash('sha256').update(login.join('\n')).digest('hex').slice(0, 8)}`;
}
