/**
 * Accounts: what shares a limit. This folder holds what follows from the state alone (who is held back, until when, who may try);
 * `decide/limit.ts` passes the verdicts, `reduce/account.ts` keeps them.
 *
 * Some windows of a subscription count one family of models only (`seven_day_opus`): such a limit holds the agents of the account
 * that use it, under a key of its own.
 */
import { runnerOf } from '../agent.ts';
import type { AccountState, AgentState, Runner, State } from '../state.ts';

const FAMILY_OF_SCOPE = /_(opus|sonnet|haiku)$/;
const FAMILY_OF_MODEL = /opus|sonnet|haiku/;

/** The key in `State.accounts` of a limit of this scope. */
export function accountKey(account: string, scope: string | null): string {
  const family = scope === null ? undefined : FAMILY_OF_SCOPE.exec(scope)?.[1];
  return family === undefined ? account : `${account}#${family}`;
}

/** All keys whose limits hold this agent. */
export function keysOf(agent: AgentState): string[] {
  const runner = runnerOf(agent);
  return runnerKeys(runner, agent.model ?? runner.model);
}

/** The keys that hold who runs on this, with the model that it is known to use. */
export function runnerKeys({ account }: Runner, model: string | null): string[] {
  const family = FAMILY_OF_MODEL.exec(model ?? '')?.[0];
  return family === undefined ? [account] : [account, `${account}#${family}`];
}

/** Names come from configurations: one like `constructor` must not be found where none is. */
export const accountOf = (state: State, key: string): AccountState | undefined =>
  Object.hasOwn(state.accounts, key) ? state.accounts[key] : undefined;

/** An agent's place among those who go on after a limit; null = it need not wait. */
export const turnOf = (state: State, key: string, agentId: string): string | null =>
  accountOf(state, key)?.turns[agentId] ?? null;
