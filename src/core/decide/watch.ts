/** Deadlines of our own orders (layer 0 of the watchdog) and of the agent's progress (layer 1). What does not happen in time is judged, and said. */
import { cliAlive, inFlight, runnerOf } from '../agent.ts';
import {
  BUDGET_STOP_LIMIT_MS,
  CLI_START_LIMIT_MS,
  HOST_START_LIMIT_MS,
  INTERRUPT_LIMIT_MS,
  STOP_LIMIT_MS,
  TURN_START_LIMIT_MS,
  UNKNOWN_HOST_LIMIT_MS,
  UNKNOWN_STOP_LIMIT_MS,
} from '../limits.ts';
import type { Verdict } from '../reduce/watchdog.ts';
import type { AgentState } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';
import { progressDue } from '../watchdog/due.ts';
import { onProgressDue, tendLadder } from './ladder.ts';
import { careDue, careLate } from './context.ts';
import { condemnHost } from './links.ts';
import { judge } from './restart.ts';
import { passVerdict } from './status.ts';
import type { Work } from './work.ts';

/** A deadline: when it is due, and what is judged then. Milliseconds since the epoch. */
interface Deadline {
  at: number;
  pass(w: Work, agent: AgentState): void;
}

/** All deadlines that run for this agent. The same list serves `nextDue` and the judgement, so that none is due for ever. */
export function deadlines(agent: AgentState, settings: Settings): Deadline[] {
  const list: Deadline[] = [];
  const { host, cli } = agent;
  if (host.phase === 'starting') {
    list.push({
      at: ms(host.at) + HOST_START_LIMIT_MS,
      pass: (w, a) => condemnHost(w, a, 'the pane host did not come up'),
    });
  }
  if (host.phase === 'up' && !host.linked) {
    list.push({
      at: ms(host.at) + (agent.wanted === 'down' ? UNKNOWN_STOP_LIMIT_MS : UNKNOWN_HOST_LIMIT_MS),
      pass: (w, a) => condemnHost(w, a, 'the pane host is silent'),
    });
  }
  for (const order of Object.values(agent.pending)) {
    if (order.verb !== 'stop' && order.verb !== 'quit') continue;
    const pass = (w: Work, a: AgentState): void => condemnHost(w, a, `${order.verb} was not done in time`);
    if (host.phase === 'up') list.push({ at: ms(order.at) + STOP_LIMIT_MS, pass });
  }
  const late = careDue(agent);
  if (late !== null) list.push({ at: late, pass: careLate });
  if (host.phase === 'up' && host.linked && cliAlive(agent) && !cli.condemned)
    list.push(...cliDeadlines(agent, settings));
  const progress = progressDue(agent, settings);
  if (progress !== null) list.push({ at: progress.at, pass: onProgressDue });
  return list;
}

function cliDeadlines(agent: AgentState, settings: Settings): Deadline[] {
  const { cli } = agent;
  const list: Deadline[] = [];
  if (cli.phase === 'starting' && cli.at !== null) {
    list.push({ at: ms(cli.at) + CLI_START_LIMIT_MS, pass: (w, a) => condemnCli(w, a, 'it did not come up') });
  }
  if (cli.turn && cli.budgetStopAt !== null) {
    const pass = (w: Work, a: AgentState): void => condemnCli(w, a, 'it goes on although its budget is used up');
    list.push({ at: ms(cli.budgetStopAt) + BUDGET_STOP_LIMIT_MS, pass });
  }
  // A host is done with an interrupt when the turn is over; a stopped process never obeys. The ladder has a clock of its own.
  const ofLadder = agent.ladder.rung === 'redirect' && agent.ladder.turn === agent.turns;
  for (const order of Object.values(agent.pending)) {
    if (order.verb !== 'interrupt' || !cli.turn || ofLadder) continue;
    list.push({
      at: ms(order.at) + INTERRUPT_LIMIT_MS,
      pass: (w, a) => condemnCli(w, a, 'it did not obey an interrupt'),
    });
  }
  if (cli.phase !== 'ready' || cli.turn) return list;
  if (cli.turnExpectedAt !== null) {
    list.push({
      at: ms(cli.turnExpectedAt) + TURN_START_LIMIT_MS,
      pass: (w, a) => say(w, a, 'no_turn', 'a message is in the conversation and no turn began', 'note'),
    });
  }
  const message = inFlight(agent);
  if (message) {
    // What was typed in the pane was no order of ours.
    const given = agent.pending[message.messageId]?.at ?? message.at;
    const from = Math.max(ms(given), ms(cli.at ?? given));
    list.push({
      at: from + settings.stall.nudgeAfterMs,
      pass: (w, a) => condemnCli(w, a, 'it did not take a message'),
    });
  }
  return list;
}

/** Judges what is overdue: the first is enough, for it changes what the others would be about. */
export function watch(w: Work, agent: AgentState): void {
  tendLadder(w, agent);
  const overdue = deadlines(agent, w.settingsOf(agent)).find(({ at }) => at <= w.now);
  overdue?.pass(w, agent);
}

function say(w: Work, agent: AgentState, verdict: Verdict, observation: string, action: string): void {
  const evidence = `incarnation ${agent.cli.incarnation}, ${agent.cli.phase} since ${agent.cli.at ?? 'never'}`;
  w.emit(
    agent.id,
    { type: 'watchdog', layer: 0, observation, verdict, action, evidence },
    { by: 'supervisor', durable: true },
  );
}

function condemnCli(w: Work, agent: AgentState, observation: string): void {
  w.slotFreed = true;
  say(w, agent, 'cli_hung', observation, 'stop');
  const reason = `${runnerOf(agent).cli}: ${observation}`;
  passVerdict(w, agent, judge(w, agent, runnerOf(agent).cli, agent.tally.cli, agent.tally.attempt, reason, null));
}
