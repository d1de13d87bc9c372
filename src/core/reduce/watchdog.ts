/** What the verdicts of the watchdog change; the orders that follow have events of their own. */
import type { AgentState } from '../state.ts';
import { countCrash, tallied } from './host.ts';
import { onLadder } from './ladder.ts';
import type { Reducer } from './index.ts';

/** Verdicts that change the state; others are for the record. */
export const VERDICTS = {
  /** The host takes no orders: it will be cleared. */
  host_hung: (agent, at) => {
    agent.tally.host = tallied(agent.tally.host, at);
  },
  /** The CLI does not come up, or does not take a message: to be stopped, counted as a crash. */
  cli_hung: (agent, at) => {
    agent.cli.condemned = true;
    countCrash(agent, at);
  },
  /** A message is in the conversation and no turn came of it. */
  no_turn: (agent) => {
    agent.cli.turnExpectedAt = null;
    agent.owes ??= 'unanswered';
    agent.watch.noTurns += 1;
  },
  /** Up for long enough: the next crash starts with no wait again. */
  healthy: (agent) => {
    agent.tally.attempt = 0;
  },
} satisfies Record<string, (agent: AgentState, at: string) => void>;
export type Verdict = keyof typeof VERDICTS;

export const onWatchdog: Reducer<'watchdog'> = (_state, event, agent) => {
  if (!agent) return;
  if (event.layer === 0 && Object.hasOwn(VERDICTS, event.verdict)) VERDICTS[event.verdict as Verdict](agent, event.at);
  else if (event.layer === 1 || event.layer === 2) onLadder(agent, event);
};
