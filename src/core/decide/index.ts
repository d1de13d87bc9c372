/**
 * `decide`: what to record and what to do, given the state, one input and the time. Pure; it changes nothing that it is given.
 *
 * Two halves. An input is first taken in: facts become events, commands are accepted or refused, deaths are judged.
 * Then every agent concerned is reconciled: what is wanted against what is observed (`lifecycle.ts`). While recovering
 * only the first half runs: nothing is started for what is not yet known.
 */
import type { AgentState, State } from '../state.ts';
import type { Decide, Input } from '../step.ts';
import { agentsOf } from '../agent.ts';
import { agentDue } from '../due.ts';
import { ms } from '../time.ts';
import { raiseAlerts, remind, sendAgain, sendAlerts } from './alerts.ts';
import { onCommand } from './commands.ts';
import { configure } from './configure.ts';
import { askForDigest, beginDigests } from './digest.ts';
import { onAdvice } from './ladder.ts';
import { countDeathsFromHere, noticeMassDeath, tendFleet } from './fleet.ts';
import { onJournalDamage, onRecords } from './ingest.ts';
import { clear, reconcile } from './lifecycle.ts';
import { mendClock } from './limit.ts';
import { onBoot, onHostDown, onHostHung, onHostUp, onTmuxLost, showAgain } from './links.ts';
import { onEffectDone, onRefused } from './outcomes.ts';
import { onSurvey } from './patrol.ts';
import { resend } from './queue.ts';
import { onSlot, serveDue } from './schedules.ts';
import { settleStatus } from './status.ts';
import { type Context, Work } from './work.ts';

/** Looks at agents that earlier looks of the same step concern. What is still open then waits for the next step. */
const FURTHER_PASSES = 3;

type Handler<T extends Input['type']> = (w: Work, input: Extract<Input, { type: T }>) => void;

const HANDLERS: { [T in Input['type']]: Handler<T> } = {
  command: onCommand,
  records: onRecords,
  journal_damage: onJournalDamage,
  host_up: onHostUp,
  host_down: onHostDown,
  host_hung: onHostHung,
  // An acknowledgement says that the order is on record there; what matters is its end, which comes through the journal.
  ack: () => undefined,
  refused: onRefused,
  tmux_lost: onTmuxLost,
  effect_done: onEffectDone,
  boot: onBoot,
  advice: onAdvice,
  recovered: onRecovered,
  slot: onSlot,
  survey: onSurvey,
  tick: onTick,
};

export const decide: Decide = (state, input, context) => {
  // The end of the recovery is the first look that may order something.
  const recovering = context.recovering && input.type !== 'recovered';
  const w = new Work(state, { ...context, recovering }, input.type === 'records' ? 'overlay' : 'copy');
  (HANDLERS[input.type] as Handler<Input['type']>)(w, input as never);
  settle(w);
  raiseAlerts(w);
  return w.done();
};

function settle(w: Work): void {
  if (w.recovering) {
    for (const id of w.touched) {
      const agent = w.agent(id);
      if (agent) settleStatus(w, agent);
    }
    return;
  }
  noticeMassDeath(w);
  tendFleet(w);
  reconcileTouched(w);
  if (w.slotFreed) {
    for (const agent of waiting(w.state)) w.touched.add(agent);
    reconcileTouched(w);
  }
  // One look can concern others that were looked at before it: a limit that is over, an agent chosen to try.
  for (let pass = 0; pass < FURTHER_PASSES && w.touched.size > 0; pass++) reconcileTouched(w);
}

function reconcileTouched(w: Work): void {
  for (const id of [...w.touched]) {
    w.touched.delete(id);
    const agent = w.agent(id);
    if (agent) reconcile(w, agent);
  }
}

/** Agents that are wanted up and have no process: a free place may be theirs. */
function waiting(state: State): string[] {
  const ids: string[] = [];
  for (const id in state.agents) {
    const agent = state.agents[id];
    if (agent?.wanted !== 'up' || agent.gate !== null) continue;
    if (agent.cli.phase === 'none' || agent.cli.phase === 'exited') ids.push(id);
  }
  return ids;
}

/** Everything is known that can be: orders are given again, clearings taken up again, and every agent is looked at. */
function onRecovered(w: Work): void {
  for (const { id } of agentsOf(w.state)) {
    const agent = w.touch(id);
    if (!agent) continue;
    const { phase, blind } = agent.host;
    if (phase === 'clearing') clear(w, agent, 'the supervisor was started again');
    if (phase === 'up' && blind) showAgain(w, agent);
    resend(w, agent);
    configure(w, agent);
  }
  for (const agentId of Object.keys(w.state.removing)) w.effect({ do: 'forget', agentId });
  sendAgain(w);
  countDeathsFromHere(w);
  beginDigests(w);
}

function onTick(w: Work): void {
  mendClock(w);
  serveDue(w);
  askForDigest(w);
  remind(w);
  sendAlerts(w);
  for (const id in w.state.agents) {
    const known = w.state.agents[id];
    const due = known ? agentDue(known, w.state, w.settings) : null;
    if (due === null || due > w.now) continue;
    const agent = w.touch(id);
    if (!agent) continue;
    const { clearAt } = agent.host;
    if (clearAt !== null && ms(clearAt) <= w.now) clear(w, agent, 'once more');
    if (agent.holdUntil !== null && ms(agent.holdUntil) <= w.now) endHold(w, agent);
  }
}

function endHold(w: Work, agent: AgentState): void {
  const id = `retry-${w.state.seq + 1}`;
  w.emit(
    agent.id,
    { type: 'command', id, verb: 'host.retry', by: 'supervisor', phase: 'done', result: null },
    { by: 'supervisor' },
  );
}

export type { Context };
