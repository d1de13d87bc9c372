/**
 * The environment that an agent's CLI gets (contract.md §8): an allow-list of the shell that ran the command, then clis.env,
 * accounts.env, the agent's own and --env, later ones winning. Pure.
 */

const ALLOWED = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'SSH_AUTH_SOCK']);
const ALLOWED_PREFIXES = ['LC_', 'XDG_'];
/** Never passed on, whatever a configuration says: they would change who the CLI thinks it is, or how our own Node runs. */
const REFUSED = [/^CLAUDECODE$/, /^TMUX/, /^NODE_OPTIONS$/, /^TUTTI_/];
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i;
/** Shorter values are no secrets: replacing them would garble ordinary text. Characters. */
const SECRET_MIN_LENGTH = 8;

export type Variables = Record<string, string>;

export function allowedVariables(shell: Record<string, string | undefined>): Variables {
  const out: Variables = {};
  for (const [name, value] of Object.entries(shell)) {
    if (value === undefined) continue;
    if (ALLOWED.has(name) || ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix))) out[name] = value;
  }
  return out;
}

export interface LaunchVariables {
  env: Variables;
  /** Values that must never be shown: name → value. */
  secrets: Variables;
  /** `${VAR}` that the shell does not have: the supervisor fills them in from what it kept, or refuses. */
  missing: string[];
}

/** Layers in ascending order of precedence; `${VAR}` in their values is read from the shell. */
export function launchVariables(
  shell: Record<string, string | undefined>,
  layers: (Variables | undefined)[],
): LaunchVariables {
  const env = allowedVariables(shell);
  const secrets: Variables = {};
  const missing = new Set<string>();
  for (const layer of layers) {
    for (const [name, template] of Object.entries(layer ?? {})) {
      if (REFUSED.some((pattern) => pattern.test(name))) continue;
      const value = template.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, variable: string) => {
        const found = shell[variable];
        if (found === undefined) missing.add(variable);
        return found ?? whole;
      });
      env[name] = value;
      if (SECRET_NAME.test(name) && value.length >= SECRET_MIN_LENGTH) secrets[name] = value;
    }
  }
  return { env, secrets, missing: [...missing] };
}

/** Names that a configuration or `--env` set and that are never passed on. */
export function refusedNames(layer: Variables): string[] {
  return Object.keys(layer).filter((name) => REFUSED.some((pattern) => pattern.test(name)));
}
