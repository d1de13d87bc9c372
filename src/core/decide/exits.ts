/** The CLI ended, or could not be started: what to make of it. */
import type { ErrorCode, Json, JsonObject } from '../event.ts';
import type { JournalRecord } from '../host-wire.ts';
import type { AgentState } from '../state.ts';
import type { IngestedRecord } from '../step.ts';
import { limitsOn } from '../accounts/hold.ts';
import { runnerOf } from '../agent.ts';
import { iso, ms } from '../time.ts';
import { meetLimit } from './limit.ts';
import { judge, noteHealth, type Verdict } from './restart.ts';
import { limitReason, passVerdict } from './status.ts';
import { leaveUnfit } from './switch.ts';
import type { Work } from './work.ts';

type ExitRecord = Extract<JournalRecord, { kind: 'exit' }>;
type Classified = NonNullable<IngestedRecord['exit']>;

const UNCLASSIFIED: Classified = {
  cause: 'crash',
  code: 'crash',
  message: 'the CLI ended',
  hint: null,
  retryable: true,
  conversationLost: false,
};

export function onExitRecord(w: Work, agent: AgentState, record: ExitRecord, item: IngestedRecord): void {
  w.slotFreed = true;
  if (record.incarnation !== agent.cli.incarnation || agent.cli.phase === 'exited' || agent.cli.phase === 'none')
    return;
  if (record.byDesign === true && agent.cli.phase === 'ready') {
    w.emit(agent.id, { type: 'exit', code: record.code, signal: record.signal, cause: 'by_design' }, { by: 'host' });
    return;
  }
  const verdict = withItsTurn(agent, item.exit ?? UNCLASSIFIED);
  // Asked for is what we asked for, whatever the driver makes of the signal; a condemned one was counted when it was judged.
  // A host that ends its CLI of its own accord (a broken protocol) does it because the CLI failed.
  const asked = agent.cli.phase === 'stopping';
  const cause = asked ? 'asked' : verdict.cause === 'asked' ? 'protocol' : verdict.cause;
  const working = agent.cli.turn || agent.cli.turnExpectedAt !== null;
  if (!asked && verdict.code !== null) {
    w.emit(
      agent.id,
      { type: 'error', code: verdict.code as ErrorCode, message: verdict.message, retryable: verdict.retryable },
      { by: 'host' },
    );
  }
  expireRequests(w, agent, 'the CLI ended');
  if (!asked) noteHealth(w, agent);
  w.emit(agent.id, { type: 'exit', code: record.code, signal: record.signal, cause }, { by: 'host', durable: true });
  const lost = verdict.conversationLost && agent.conversationId !== null;
  if (lost) forgetConversation(w, agent, verdict.message);
  if (agent.wanted === 'down' || asked) return;
  if (item.exit?.cause === 'limit') meetLimit(w, agent, 'refused', ms(record.at));
  const next = afterExit(w, agent, { ...verdict, cause, retryable: verdict.retryable || lost }, working);
  if (next.gate === 'failed' && !verdict.retryable && !lost && leaveUnfit(w, agent, verdict.message)) return;
  // A limit is not over, and a failure not mended, because the process ended.
  if ((agent.gate === 'limited' || agent.gate === 'failed') && next.gate !== 'failed') return;
  if (agent.gate !== 'failed') passVerdict(w, agent, next);
}

/** What the exit means in the light of its last turn: the code alone often says less than the turn's own error, or the contrary. */
function withItsTurn(agent: AgentState, verdict: Classified): Classified {
  const { turn, outcome, lastError } = agent.cli;
  if (turn) {
    if (verdict.cause !== 'clean') return verdict;
    return { ...verdict, cause: 'crash', code: 'crash', message: 'the CLI ended in the middle of a turn' };
  }
  if (outcome === null || outcome === 'ok') return verdict;
  const message = lastError?.message ?? `its last turn ended: ${outcome}`;
  // Ended well after a turn that nothing but a person can mend: that is no work done.
  // A context that is full is no reason not to start again.
  const retryable = lastError === null || lastError.retryable || lastError.code === 'context_overflow';
  if (verdict.cause === 'clean')
    return outcome === 'error' && !retryable ? { ...verdict, message, retryable } : verdict;
  if (verdict.cause !== 'crash') return verdict;
  const cause = (lastError && CAUSES[lastError.code]) ?? 'turn_failed';
  // The error is on record as the turn's.
  return { ...verdict, cause, code: null, message, retryable };
}

/** Causes of an exit by the error of the turn before it. */
const CAUSES: Record<string, string> = { usage_limit: 'limit', rate_limit: 'limit', auth: 'auth', billing: 'billing' };

/** The conversation cannot be resumed: the next start begins a new one, with what is known of the old. */
export function forgetConversation(w: Work, agent: AgentState, why: string): void {
  w.emit(
    agent.id,
    {
      type: 'session',
      conversationId: null,
      model: null,
      cliVersion: null,
      permissionMode: null,
      tools: null,
      resumed: false,
    },
    { cause: { by: 'supervisor', text: why }, durable: true },
  );
}

/** Of a CLI that ends at a limit: it is not started before the account's hold is over. */
function heldUntil(w: Work, agent: AgentState): string {
  const times = limitsOn(w.state, agent).map(({ account }) => ms(account.until ?? account.since));
  return iso(Math.max(w.now, ...times));
}

/** A context that was full ended the turn and not the work. */
const contextFull = ({ cli }: AgentState): boolean =>
  cli.outcome === 'error' && cli.lastError?.code === 'context_overflow';

function afterExit(w: Work, agent: AgentState, exit: Classified, working: boolean): Verdict {
  const { message: reason, hint } = exit;
  // What a limit has stopped is not done, however well the process ended.
  if (exit.cause === 'limit' || (exit.cause === 'clean' && agent.owes === 'limit')) {
    return { gate: 'limited', reason: limitReason(agent), hint, resumeAt: heldUntil(w, agent) };
  }
  if (!exit.retryable) return { gate: 'failed', reason, hint, resumeAt: null };
  const clean = exit.cause === 'clean' && !working && agent.queue.length === 0 && !contextFull(agent);
  // permanent: always started again; transient: after a crash; temporary: never (OTP).
  const { restart, once } = agent.spec;
  if (clean && (once || restart !== 'permanent')) return { gate: 'done', reason: null, hint: null, resumeAt: null };
  if (restart === 'temporary') {
    return { gate: 'failed', reason, hint: hint ?? 'restart: temporary, so it is not started again', resumeAt: null };
  }
  return judge(w, agent, runnerOf(agent).cli, agent.tally.cli, agent.tally.attempt, reason, hint);
}

/** The machine was short of something at that moment. */
const SCARCE = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);

/** `start` was answered with a failure: `{code, message, hint, retryable?}`. Only what says so itself is tried again. */
export function onStartFailed(w: Work, agent: AgentState, result: Json): void {
  w.slotFreed = true;
  const facts = (typeof result === 'object' && result !== null && !Array.isArray(result) ? result : {}) as JsonObject;
  const reason = typeof facts.message === 'string' ? facts.message : 'it could not be started';
  const hint = typeof facts.hint === 'string' ? facts.hint : null;
  if (agent.wanted === 'down') return;
  const verdict: Verdict =
    facts.retryable === true || SCARCE.has(String(facts.code))
      ? judge(w, agent, runnerOf(agent).cli, agent.tally.cli, agent.tally.attempt, reason, hint)
      : { gate: 'failed', reason, hint, resumeAt: null };
  if (verdict.gate === 'failed' && leaveUnfit(w, agent, reason)) return;
  passVerdict(w, agent, verdict);
}

/** Requests end with the process that asked. */
export function expireRequests(w: Work, agent: AgentState, why: string): void {
  for (const request of Object.values(agent.requests)) {
    w.emit(
      agent.id,
      {
        type: 'permission',
        requestId: request.requestId,
        tool: request.tool,
        args: request.args,
        decision: 'expired',
        by: null,
        kind: request.what,
        text: why,
      },
      { by: 'supervisor' },
    );
  }
}
