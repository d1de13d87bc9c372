/** Until when a limit holds, from what was told of it. */
import { RELAPSE_MS, RESET_FARTHEST_MS, RESET_MARGIN_MS } from '../limits.ts';
import type { AccountState } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';

export interface Refusal {
  /** When it was refused. Milliseconds since the epoch. */
  at: number;
  resetsAt: string | null;
  /** It came from the agent that tried whether the limit was over. */
  fromProbe: boolean;
}

export interface Hold {
  /** Milliseconds since the epoch. */
  until: number;
  resetsAt: string | null;
  attempt: number;
}

/** A reset that lies behind the refusal, or absurdly far ahead, says nothing. */
function believable(resetsAt: string | null, at: number): number | null {
  if (resetsAt === null) return null;
  const time = ms(resetsAt);
  return time > at && time - at <= RESET_FARTHEST_MS ? time : null;
}

/** The hold after a refusal: until the reset that was told, else 60 s doubling to 15 min, counted once for the whole account. */
export function holdAfter(
  known: AccountState | undefined,
  refusal: Refusal,
  { baseMs, capMs }: Settings['limit'],
): Hold {
  const told = believable(refusal.resetsAt, refusal.at);
  const resetsAt = told === null ? null : refusal.resetsAt;
  const running = known?.limit === 'rejected' && known.until !== null ? ms(known.until) : null;
  // A refusal while the hold runs is one that was on its way already; it can only tell more of the same limit.
  if (known && running !== null && !refusal.fromProbe && refusal.at < running) {
    if (told === null) return { until: running, resetsAt: known.resetsAt, attempt: known.attempt };
    const until = told + RESET_MARGIN_MS;
    const later = known.resetsAt === null || until > running;
    return later
      ? { until, resetsAt, attempt: known.attempt }
      : { until: running, resetsAt: known.resetsAt, attempt: known.attempt };
  }
  const attempt = inARow(known, refusal.at) + 1;
  if (told !== null) return { until: told + RESET_MARGIN_MS, resetsAt, attempt };
  return { until: refusal.at + Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30)), resetsAt: null, attempt };
}

/** Holds without a success between them. One that ended because nobody was refused for a while was perhaps never over. */
function inARow(known: AccountState | undefined, at: number): number {
  if (!known) return 0;
  const { limit, attempt, openedAt } = known;
  return limit === 'rejected' || (openedAt !== null && at - ms(openedAt) < RELAPSE_MS) ? attempt : 0;
}
