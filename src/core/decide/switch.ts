/** Which CLI, model and login an agent runs on: the declared one, or a fallback while that is limited or has failed. */
import { fallbackDue, freeRunner, returnDue } from '../accounts/fallback.ts';
import { limitsOn } from '../accounts/hold.ts';
import { runnerOf, runnersOf } from '../agent.ts';
import type { AgentState } from '../state.ts';
import type { Work } from './work.ts';

export interface SwitchOrder {
  /** 0 = as declared, n = the n-th fallback; `next` = the first fallback behind the present one that is free and fit. */
  to: number | 'next';
  /** `now` ends a running turn; `idle` waits for its end. */
  when: 'now' | 'idle';
  /** In words; the one that takes over reads it too. */
  why: string;
}

/**
 * The work goes on on another runner, with an account of what was done. Returns false where there is none: nothing is changed then.
 * The process is stopped and started again by the agent's next looks.
 */
export function orderSwitch(
  w: Work,
  agent: AgentState,
  { to, when, why }: SwitchOrder,
  unfit: number | null = null,
): boolean {
  const n = to === 'next' ? freeRunner(w.state, agent, agent.runner.n, w.now) : to;
  if (n === null || n === agent.runner.n || n >= runnersOf(agent).length) return false;
  const args = { to: n, when, why, ...(unfit === null ? {} : { unfit }) };
  say(w, agent, 'accepted', args);
  return true;
}

function say(w: Work, agent: AgentState, phase: 'accepted' | 'done', args: Record<string, number | string>): void {
  const id = `switch-${w.state.seq + 1}`;
  w.emit(
    agent.id,
    { type: 'command', id, verb: 'switch', by: 'supervisor', phase, args, result: null },
    { by: 'supervisor', durable: true },
  );
}

/** Between two processes: the change that was ordered is made. */
export function makeSwitch(w: Work, agent: AgentState): void {
  const { wanted } = agent.runner;
  if (wanted === null) return;
  const { cli, model } = runnersOf(agent)[wanted.n] ?? runnerOf(agent);
  say(w, agent, 'done', { to: wanted.n, why: wanted.why, cli, ...(model === null ? {} : { model }) });
}

/** For limits: away from an account that is limited for long, and back when it is free and something is to be done. */
export function tendRunner(w: Work, agent: AgentState): void {
  const back = returnDue(w.state, agent);
  if (back !== null && back <= w.now) {
    orderSwitch(w, agent, { to: 0, when: 'idle', why: 'its own account is free again' });
    return;
  }
  const due = fallbackDue(w.state, agent, w.settingsOf(agent));
  if (due === null || due > w.now) return;
  const to = freeRunner(w.state, agent, -1, w.now);
  const held = limitsOn(w.state, agent)[0];
  const why = `account ${held?.key ?? runnerOf(agent).account} is limited until ${held?.account.until ?? 'later'}`;
  if (to !== null) orderSwitch(w, agent, { to, when: 'idle', why });
}

/** A fallback that cannot be started is left for another one, or for what was declared. Returns false where it is no fallback. */
export function leaveUnfit(w: Work, agent: AgentState, why: string): boolean {
  const { n } = agent.runner;
  if (n === 0) return false;
  const free = freeRunner(w.state, agent, -1, w.now);
  return orderSwitch(
    w,
    agent,
    { to: free ?? 0, when: 'now', why: `the fallback ${runnerOf(agent).cli} failed: ${why}` },
    n,
  );
}
