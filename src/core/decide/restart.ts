/**
 * After a death: start again at once, wait, or give up. Each kind of death has its own sliding window; deaths older than
 * the window no longer count.
 */
import type { AgentState, Gate } from '../state.ts';
import { iso, ms } from '../time.ts';
import type { Work } from './work.ts';

export interface Verdict {
  gate: Gate | null;
  reason: string | null;
  hint: string | null;
  resumeAt: string | null;
  /** The cap that it is for. */
  cap?: string;
}

export const within = (times: string[], now: number, windowMs: number): number =>
  times.filter((t) => ms(t) > now - windowMs).length;

const minutes = (durationMs: number): string =>
  durationMs % 60_000 === 0 ? `${durationMs / 60_000} min` : `${Math.round(durationMs / 1_000)} s`;

/**
 * @param times deaths of this kind, the newest included
 * @param attempt how many in a row: the first restart is at once, then full jitter: random(0, min(cap, base·2^n))
 */
export function judge(
  w: Work,
  agent: AgentState,
  what: string,
  times: string[],
  attempt: number,
  reason: string,
  hint: string | null,
): Verdict {
  const { restarts, backoff } = w.settingsOf(agent);
  const count = within(times, w.now, restarts.withinMs);
  if (count > restarts.max) {
    return {
      gate: 'failed',
      reason: `${what} ended ${count} times in ${minutes(restarts.withinMs)}; last: ${reason}`,
      hint: hint ?? 'see `tutti logs` and `tutti why`; `tutti resume` tries again',
      resumeAt: null,
    };
  }
  if (attempt <= 1) return { gate: null, reason, hint, resumeAt: null };
  const most = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt - 2, 30));
  const delay = Math.floor(w.random * most);
  if (delay < 1) return { gate: null, reason, hint, resumeAt: null };
  return { gate: 'backoff', reason, hint, resumeAt: iso(w.now + delay) };
}

/** Up for `resetAfterMs`: said before its death is counted, so that the next restart is at once again. */
export function noteHealth(w: Work, agent: AgentState): void {
  const { healthySince, attempt } = agent.tally;
  if (attempt === 0 || healthySince === null) return;
  const up = w.now - ms(healthySince);
  if (up < w.settingsOf(agent).backoff.resetAfterMs) return;
  w.emit(agent.id, {
    type: 'watchdog',
    layer: 0,
    observation: `up for ${Math.round(up / 1_000)} s`,
    verdict: 'healthy',
    action: 'reset_backoff',
    evidence: `ready since ${healthySince}`,
  });
}

/** How long to wait after a turn that failed for the service's sake (overloaded, unreachable): 60 s doubling to 15 min. */
export function serviceUntil(w: Work, agent: AgentState): string {
  const { baseMs, capMs } = w.settingsOf(agent).limit;
  return iso(w.now + Math.min(capMs, baseMs * 2 ** Math.min(agent.limit.attempt, 30)));
}
