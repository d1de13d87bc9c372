/**
 * env/<id>.json: how the pane host starts an agent's CLI. The only place where secrets are; 0600, written whole or not at all,
 * removed by `rm`.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JsonObject } from '../core/event.ts';
import type { AgentSpec } from '../core/state.ts';
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
}

/** Never in an agent's environment, whoever asks for it: the host sets the first itself, the others would reach our processes. */
const NEVER = /^(TUTTI_AGENT|TUTTI_ROLE|TMUX|TMUX_.*|NODE_OPTIONS)$/;

export function launchFile(
  agent: { name: string; spec: AgentSpec },
  launch: LaunchParts,
  facts: { program: string[]; home8: string },
): LaunchFile {
  return {
    v: 1,
    name: agent.name,
    cli: agent.spec.cli,
    home8: facts.home8,
    command: launch.command ?? facts.program,
    args: launch.args,
    cwd: agent.spec.cwd,
    env: Object.fromEntries(Object.entries(launch.env).filter(([name]) => !NEVER.test(name))),
    secrets: launch.secrets,
    model: agent.spec.model,
    permissions: agent.spec.permissions,
    systemPrompt: launch.systemPrompt,
    settings: agent.spec.settings,
  };
}

/**
 * Values with a `${VAR}` that the caller's shell lacks, taken from the launch environment that was kept at an earlier time.
 * Returns what is still missing in `missing`.
 */
export function filledIn(launch: LaunchParts, kept: LaunchFile | null): LaunchParts {
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
  return JSON.parse(text) as LaunchFile;
}

export function removeLaunchFile(path: string): Promise<void> {
  return rm(path, { force: true });
}

/** What tells two logins of a CLI apart: its configuration folder and its key. */
const LOGIN_VARIABLES = [
  'CLAUDE_CONFIG_DIR',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CODEX_HOME',
  'OPENAI_API_KEY',
  'GEMINI_API_KEY',
  'GOOGLE_API_KEY',
  'OPENCODE_CONFIG',
];

/** Account of an agent that names none (contract.md §8): `claude:default`, or with 8 hex digits of its login's hash. */
export function accountOf(cli: string, env: Record<string, string>): string {
  const login = LOGIN_VARIABLES.filter((name) => env[name]).map((name) => `${name}=${env[name]}`);
  if (login.length === 0) return `${cli}:default`;
  return `${cli}:${createHash('sha256').update(login.join('\n')).digest('hex').slice(0, 8)}`;
}
