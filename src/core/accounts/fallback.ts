/** When an agent should go on with another runner for a limit's sake, and with which. Pure questions to the state. */
import { atBoundary, cliAlive, runnersOf } from '../agent.ts';
import type { AgentState, Runner, State } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';
import { canTry, limitsOn } from './hold.ts';
import { accountOf, runnerKeys } from './keys.ts';

/** When no limit holds who runs on this. Milliseconds since the epoch; 0 = none does. */
function freeAt(state: State, runner: Runner): number {
  const times = runnerKeys(runner, runner.model).map((key) => {
    const account = accountOf(state, key);
    return account?.limit === 'rejected' ? ms(account.until ?? account.since) : 0;
  });
  return Math.max(...times);
}

/** Numbers of the other runners that can be started, as far as is known: the declared one first. */
function others(agent: AgentState): { n: number; runner: Runner }[] {
  return runnersOf(agent)
    .map((runner, n) => ({ n, runner }))
    .filter(({ n }) => n !== agent.runner.n && !agent.runner.unfit.includes(n));
}

/** The first other runner, behind this number, that no limit holds; null = there is none. */
export function freeRunner(state: State, agent: AgentState, behind: number, now: number): number | null {
  const found = others(agent).find(({ n, runner }) => n > behind && freeAt(state, runner) <= now);
  return found?.n ?? null;
}

/** It has work, and stands between two turns: the place for a change. */
const mayChange = (agent: AgentState): boolean =>
  agent.runner.wanted === null && canTry(agent) && (!cliAlive(agent) || atBoundary(agent));

/** When it returns to what was declared; null = it does not. Milliseconds since the epoch. */
export function returnDue(state: State, agent: AgentState): number | null {
  if (agent.runner.n === 0 || !agent.spec.fallbackReturn || !mayChange(agent)) return null;
  return freeAt(state, agent.spec);
}

/** When its account has kept it, or is told to keep it, for too long, and another runner is free; null = never. Milliseconds since the epoch. */
export function fallbackDue(state: State, agent: AgentState, settings: Settings): number | null {
  if (agent.spec.fallback.length === 0 || !mayChange(agent)) return null;
  const longest = settings.limit.fallbackAfterMs;
  const tired = limitsOn(state, agent)
    .filter(({ account }) => account.probe?.agentId !== agent.id)
    .map(({ account }) => {
      const told = ms(account.until ?? account.since) - ms(account.since) > longest;
      return told ? ms(account.since) : ms(account.firstAt) + longest;
    });
  const free = others(agent).map(({ runner }) => freeAt(state, runner));
  if (tired.length === 0 || free.length === 0) return null;
  const due = Math.max(Math.min(...tired), Math.min(...free));
  // Where its own account is free before that, there is nothing to flee from.
  const own = Math.max(...limitsOn(state, agent).map(({ account }) => ms(account.until ?? account.since)));
  return due < own ? due : null;
}
