/** What the verdicts of the watchdog change; the orders that follow have events of their own. */
import { emptyPurse, withTold } from '../budget/purse.ts';
import type { AgentState, State } from '../state.ts';
import { dayOf } from '../watchdog/advice.ts';
import type { Spent } from '../watchdog/types.ts';
import { CONTEXT_VERDICTS } from './context.ts';
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

/** Verdicts on budgets: none of them is a rung of the ladder. */
const BUDGET_VERDICTS = {
  /** The host ends the running turn, since a cap is reached. */
  budget_stop: (agent, at) => {
    agent.cli.budgetStopAt = at;
  },
  /** The CLI has an older, lower cap than what is left now: it is started anew with the new one. */
  budget_raised: (agent) => {
    agent.restartWanted ??= 'idle';
  },
  budget_low: () => undefined,
  budget_used_up: () => undefined,
  price_unknown: () => undefined,
} satisfies Record<string, (agent: AgentState, at: string) => void>;
type BudgetVerdict = keyof typeof BUDGET_VERDICTS;

export const onWatchdog: Reducer<'watchdog'> = (state, event, agent) => {
  if (event.cap !== undefined && event.purse) {
    state.purses[event.purse] = withTold(state.purses[event.purse] ?? emptyPurse(), event.cap);
  } else if (event.cap !== undefined && agent) agent.purse = withTold(agent.purse, event.cap);
  if (event.spent) countAdvice(state, event.at, event.spent);
  if (!agent) return;
  if (Object.hasOwn(CONTEXT_VERDICTS, event.verdict)) {
    CONTEXT_VERDICTS[event.verdict as keyof typeof CONTEXT_VERDICTS](agent, event.at);
  } else if (Object.hasOwn(BUDGET_VERDICTS, event.verdict))
    BUDGET_VERDICTS[event.verdict as BudgetVerdict](agent, event.at);
  else if (event.layer === 0 && Object.hasOwn(VERDICTS, event.verdict))
    VERDICTS[event.verdict as Verdict](agent, event.at);
  else if (event.layer === 1 || event.layer === 2) onLadder(agent, event);
};

function countAdvice(state: State, at: string, { input, output }: Spent): void {
  const day = dayOf(at);
  const before = state.advice.day === day ? state.advice : { calls: 0, tokens: 0 };
  state.advice = { day, calls: before.calls + 1, tokens: before.tokens + input + output };
}
