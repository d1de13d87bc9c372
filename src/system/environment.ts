/** What environments are made of (contract.md §8): allow-lists, never a copy of what happens to be there. Host-safe. */

type Environment = Record<string, string | undefined>;

/** Names an agent may get from the shell that ran spawn or up. */
const AGENT_NAMES = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'SSH_AUTH_SOCK'];
const AGENT_PREFIXES = ['LC_', 'XDG_'];

/** Names that our own processes get beyond those. None holds a secret: a tmux server hands its environment to every later pane. */
const OWN_NAMES = ['TMPDIR', 'TUTTI_HOME', 'TUTTI_CONFIG', 'TUTTI_PORT', 'TUTTI_TMUX'];
/** Switches that tests set, such as TUTTI_TEST_PROTOCOL. */
const OWN_PREFIXES = ['TUTTI_TEST_'];

/** Our own processes: never part of an agent, never hunted. */
export type Role = 'supervisor' | 'host' | 'tmux';

/** Marks our own processes in their environment; {@link ../system/proc/hunt.ts} leaves them alone. */
export const ROLE_VARIABLE = 'TUTTI_ROLE';
/** Marks everything that belongs to an agent: `<home8>/<id>/<incarnation>`. */
export const AGENT_VARIABLE = 'TUTTI_AGENT';

/** The part of a shell's environment that an agent gets; `clis.env`, `accounts.env` and `--env` come on top. */
export function agentEnvironment(env: Environment): Record<string, string> {
  return pick(env, AGENT_NAMES, AGENT_PREFIXES);
}

/**
 * The environment of a supervisor, pane host or tmux server: an allow-list, so that TUTTI_AGENT, TMUX*, CLAUDE*, NODE_OPTIONS
 * and every key or token stay out, and the role.
 */
export function ownEnvironment(env: Environment, role: Role): Record<string, string> {
  return {
    ...pick(env, [...AGENT_NAMES, ...OWN_NAMES], [...AGENT_PREFIXES, ...OWN_PREFIXES]),
    [ROLE_VARIABLE]: role,
  };
}

function pick(env: Environment, names: string[], prefixes: string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix))) picked[name] = value;
  }
  return picked;
}

/** A variable whose value is kept out of everything that is written or shown. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i;
/** Shorter values are no secrets: replacing them would garble the text. Characters. */
export const SECRET_MIN_LENGTH = 8;

/** The secrets among some variables, by name and length of the value. */
export function secretsAmong(env: Environment): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value.length >= SECRET_MIN_LENGTH && SECRET_NAME.test(name)) secrets[name] = value;
  }
  return secrets;
}
