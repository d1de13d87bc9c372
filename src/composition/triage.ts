/**
 * Layer 2 of the watchdog, as config.yaml switches it on: `watchdog.triage.account` names the account whose key is used. No other key
 * is ever taken, neither of the environment nor of any other program's settings.
 */
import { TRIAGE_KEY, TRIAGE_MODEL } from '../core/config/triage-schema.ts';
import type { UserConfig } from '../core/config/schema.ts';
import type { TriagePort } from '../supervisor/triage-port.ts';
import { fillIn } from '../system/notify/variables.ts';
import type { HomePaths } from '../system/paths.ts';
import { keptVariables } from './kept-variables.ts';

type Env = Record<string, string | undefined>;

const URL_VARIABLE = 'ANTHROPIC_BASE_URL';

/** The variables of the account that its values name, kept in env/accounts.json. */
export function triageVariables(paths: HomePaths, env: Env, user: UserConfig | null): Record<string, string> {
  const account = accountEnv(user);
  return keptVariables(paths.accountsEnv, env, [account[TRIAGE_KEY] ?? '', account[URL_VARIABLE] ?? '']);
}

function accountEnv(user: UserConfig | null): Record<string, string> {
  const name = user?.watchdog?.triage?.account;
  return (name === undefined ? undefined : user?.accounts?.[name]?.env) ?? {};
}

export interface TriageSetup {
  /** null = layer 2 is off. */
  port: TriagePort | null;
  /** The key, so that it is never shown. */
  secrets: Record<string, string>;
  /** Why it is off although it is configured. */
  problem: string | null;
}

export function triageFor(paths: HomePaths, env: Env, user: UserConfig | null): TriageSetup {
  const config = user?.watchdog?.triage;
  if (!config) return { port: null, secrets: {}, problem: null };
  const variables = triageVariables(paths, env, user);
  const account = accountEnv(user);
  const key = fillIn(account[TRIAGE_KEY] ?? '', variables);
  const url = fillIn(account[URL_VARIABLE] ?? '', variables);
  const missing = [...key.missing, ...url.missing];
  if (missing.length > 0) {
    const problem = `layer 2 of the watchdog is off: ${missing.join(', ')} is missing; run  tutti supervisor restart  in a shell that has it`;
    return { port: null, secrets: {}, problem };
  }
  const options = { apiKey: key.text, baseURL: url.text || null, model: config.model ?? TRIAGE_MODEL };
  return {
    // The SDK is loaded with the first question: most supervisors never ask one.
    port: {
      async ask(question, signal) {
        const { anthropicTriage } = await import('../agents/triage/index.ts');
        return anthropicTriage(options).ask(question, signal);
      },
    },
    secrets: { [TRIAGE_KEY]: key.text },
    problem: null,
  };
}
