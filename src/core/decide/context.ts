/**
 * A context that fills up: compacted by the CLI's own means where it has them, else the work goes on in a new conversation with a summary
 * that the agent itself wrote; where it cannot write one, with what is on record. Always between two turns.
 */
import { mayBegin } from '../accounts/hold.ts';
import { atBoundary, hostReachable, needsMove } from '../agent.ts';
import {
  contextLimit,
  contextNeed,
  contextShare,
  overflowed,
  SUMMARY_REQUEST,
  summaryMessageId,
} from '../budget/context.ts';
import { CARE_LIMIT_MS } from '../limits.ts';
import type { CONTEXT_VERDICTS } from '../reduce/context.ts';
import type { AgentState } from '../state.ts';
import { ms } from '../time.ts';
import { hasPending, held } from './queue.ts';
import { passVerdict } from './status.ts';
import type { Work } from './work.ts';

type Verdict = keyof typeof CONTEXT_VERDICTS;

/** For one agent, at each look. */
export function tendContext(w: Work, agent: AgentState): void {
  if (agent.care.step !== null) goOn(w, agent);
  else if (isFree(w, agent)) begin(w, agent);
}

/** Between two turns, with nothing else on its way. */
const isFree = (w: Work, agent: AgentState): boolean =>
  agent.wanted === 'up' &&
  agent.gate === null &&
  hostReachable(agent) &&
  atBoundary(agent) &&
  !needsMove(agent) &&
  agent.restartWanted === null &&
  agent.runner.wanted === null &&
  Object.keys(agent.requests).length === 0 &&
  !agent.queue.some((message) => message.unsure) &&
  !held(w, agent) &&
  mayBegin(w.state, agent);

/** Its task is done, and its process ends: nothing more will be said in this conversation. */
const isOver = ({ spec, lastOutcome, queue }: AgentState): boolean =>
  spec.once && lastOutcome === 'ok' && queue.length === 0;

function begin(w: Work, agent: AgentState): void {
  const need = contextNeed(agent, w.settingsOf(agent));
  if (need === null || isOver(agent)) return;
  if (need === 'compact') compact(w, agent);
  else if (need === 'summary') ask(w, agent);
  else if (need === 'handoff') handOff(w, agent, 'the conversation is too long to be asked for a summary');
  else {
    passVerdict(w, agent, {
      gate: 'failed',
      reason: 'its context was full again a moment after it had begun a new conversation',
      hint: 'give it a smaller task, or smaller files to read; then `tutti restart --fresh`',
      resumeAt: null,
    });
  }
}

function compact(w: Work, agent: AgentState): void {
  say(w, agent, 'context_compact', 'compact');
  w.order(agent, 'compact', { incarnation: agent.cli.incarnation });
}

function ask(w: Work, agent: AgentState): void {
  const messageId = summaryMessageId(agent, agent.turns);
  say(w, agent, 'context_summary', 'ask_summary');
  w.emit(
    agent.id,
    {
      type: 'delivery',
      messageId,
      state: 'queued',
      content: SUMMARY_REQUEST,
      from: 'supervisor',
      front: true,
    },
    { durable: true, by: 'supervisor' },
  );
}

/** What was asked of it is over, or never came to be. */
function goOn(w: Work, agent: AgentState): void {
  const { step, turns } = agent.care;
  if (agent.cli.turn || hasPending(agent, 'compact')) return;
  if (agent.turns <= turns) return;
  if (step === 'summary') {
    const why = agent.care.summary === null ? 'it wrote no summary' : 'it wrote a summary';
    handOff(w, agent, why);
    return;
  }
  const share = contextShare(agent);
  if (!overflowed(agent) && (share === null || share < w.settingsOf(agent).context.compactAt)) {
    say(w, agent, 'context_compacted', 'none');
  } else if (overflowed(agent)) handOff(w, agent, 'compacting did not help');
  else ask(w, agent);
}

/** It did not come to its end in time: the record has to do. */
export const careLate = (w: Work, agent: AgentState): void =>
  handOff(w, agent, `${agent.care.step === 'summary' ? 'no summary' : 'no compaction'} came in time`);

/** When that is. Milliseconds since the epoch; null = nothing is awaited. */
export function careDue(agent: AgentState): number | null {
  const { step, at } = agent.care;
  if (step === null || at === null || agent.cli.turn || agent.wanted !== 'up' || agent.gate !== null) return null;
  return ms(at) + CARE_LIMIT_MS;
}

function handOff(w: Work, agent: AgentState, why: string): void {
  const messageId = summaryMessageId(agent, agent.care.turns);
  // Nobody is there any more to answer it.
  if (agent.queue.some((message) => message.messageId === messageId)) {
    w.emit(
      agent.id,
      { type: 'delivery', messageId, state: 'refused', why: 'the conversation is left' },
      { durable: true, by: 'supervisor' },
    );
  }
  say(w, agent, 'context_handoff', 'handoff', why);
}

function say(w: Work, agent: AgentState, verdict: Verdict, action: string, why: string | null = null): void {
  const { used } = agent.context;
  const share = contextShare(agent);
  const observation = overflowed(agent)
    ? 'its conversation is too long for the model'
    : `its context is ${share === null ? 'not known to be' : `${Math.round(share * 100)} %`} full`;
  const figures = `${used ?? 'unknown'} of ${contextLimit(agent) ?? 'unknown'} tokens after turn ${agent.turns}`;
  w.emit(
    agent.id,
    {
      type: 'watchdog',
      layer: 1,
      observation: why === null ? observation : `${observation}; ${why}`,
      verdict,
      action,
      evidence: figures,
    },
    { by: 'supervisor', durable: true },
  );
}
