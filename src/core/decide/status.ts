/** Which of the contract's states an agent is in, derived from facts and verdict; said as `agent_status` when it changes. */
import { heldBack } from '../accounts/hold.ts';
import { hostGone, inFlight } from '../agent.ts';
import { answerHint, askedText } from '../asked.ts';
import type { AgentStateName, IsoTime } from '../event.ts';
import type { AgentState, Gate } from '../state.ts';
import { isWaitReason, startWait } from '../fleet/fleet.ts';
import { STATUS } from '../tables.ts';
import type { Verdict } from './restart.ts';
import type { Work } from './work.ts';

/** What its account keeps it from; null = nothing. */
type HeldBack = ReturnType<typeof heldBack>;

interface Shown {
  state: AgentStateName;
  reason: string | null;
  hint: string | null;
  resumeAt: IsoTime | null;
}

const plain = (state: AgentStateName, reason: string | null = null): Shown => ({
  state,
  reason,
  hint: null,
  resumeAt: null,
});

/** Pure: the same agent is always shown the same way. */
export function shownState(a: AgentState, held: HeldBack = null): Shown {
  if (a.wanted === 'down') {
    const gone = a.host.phase === 'none' || a.host.phase === 'down';
    return plain(gone ? 'stopped' : 'stopping');
  }
  // A verdict and its words were recorded together; they stay until it is lifted.
  if (a.gate !== null) return { state: a.gate, reason: a.reason, hint: a.hint, resumeAt: a.resumeAt };
  const request = Object.values(a.requests)[0];
  if (request) {
    const reason = `${request.what}: ${askedText(request)}`;
    return { state: 'waiting', reason, hint: answerHint(a.name, request), resumeAt: null };
  }
  if (a.cli.phase === 'ready') return whileReady(a, held);
  if (a.wanted === 'paused') return plain('paused');
  return plain('starting', hostGone(a) || a.cli.phase === 'exited' ? restartReason(a) : null);
}

function whileReady(a: AgentState, held: HeldBack): Shown {
  if (a.cli.turn && a.limit.active) {
    return { state: 'limited', reason: limitReason(a), hint: null, resumeAt: a.limit.resetsAt };
  }
  if (a.cli.turn || a.cli.turnExpectedAt !== null || inFlight(a)) return plain('working');
  if (a.wanted === 'paused') return plain('paused');
  if (held) return { state: 'limited', reason: held.reason, hint: TRY_NOW(a.name), resumeAt: held.resumeAt };
  const failed = a.lastOutcome === 'error' ? (a.cli.lastError?.message ?? 'the last turn ended with an error') : null;
  return plain('idle', failed);
}

const restartReason = (a: AgentState): string | null =>
  (a.state === 'starting' || a.state === 'backoff') && !isWaitReason(a.reason) ? a.reason : null;

export const limitReason = (a: AgentState): string =>
  a.limit.scope ? `limit reached: ${a.limit.scope}` : 'limit reached';

/** Records the state if it is another one than the log has. */
export function settleStatus(w: Work, agent: AgentState): void {
  sayShown(w, agent);
}

/** What an account's limit causes says so: all its agents have one cause. */
function sayShown(w: Work, agent: AgentState, gate?: Gate | null): void {
  const held = heldBack(w.state, agent);
  const shown = shownState(agent, held);
  const wait = shown.state === 'starting' ? startWait(w.state, agent, w.settings) : null;
  if (wait) say(w, agent, { ...wait, hint: null }, gate);
  else say(w, agent, shown, gate, held ? { cause: { by: 'account', text: held.key } } : {});
}

const TRY_NOW = (name: string): string => `\`tutti resume ${name} --now\` tries at once`;

/** Records a verdict together with the state that it puts the agent in. */
export function passVerdict(w: Work, agent: AgentState, verdict: Verdict): void {
  if (verdict.gate === null) {
    if (agent.gate !== null) lift(w, agent);
    else if (verdict.reason !== null && agent.wanted === 'up') {
      say(w, agent, { state: 'starting', reason: verdict.reason, hint: null, resumeAt: null });
    }
    return;
  }
  const { gate, reason, hint, resumeAt, cap } = verdict;
  say(w, agent, { state: gate, reason, hint, resumeAt }, gate, { cap });
}

/** The verdict no longer holds. */
export function lift(w: Work, agent: AgentState): void {
  agent.gate = null;
  sayShown(w, agent, null);
}

function say(
  w: Work,
  agent: AgentState,
  shown: Shown,
  gate?: Gate | null,
  { cause, cap }: { cause?: { by: string; text: string }; cap?: string | undefined } = {},
): void {
  const { state, reason, hint, resumeAt } = shown;
  const same = agent.state === state && agent.reason === reason && agent.hint === hint && agent.resumeAt === resumeAt;
  if (same && gate === undefined) return;
  w.emit(
    agent.id,
    {
      type: 'agent_status',
      status: STATUS[state],
      state,
      previous: agent.state,
      reason,
      hint,
      resumeAt,
      ...(gate === undefined ? {} : { gate }),
      ...(cap === undefined ? {} : { cap }),
    },
    { durable: gate !== undefined, ...(cause ? { cause } : {}) },
  );
}
