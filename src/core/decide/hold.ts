/** After a failure that is worth another try: wait, longer each time, before anything more is ordered. */
import { DELIVERY_ATTEMPTS, HOLD_BASE_MS, HOLD_CAP_MS } from '../limits.ts';
import type { AgentState } from '../state.ts';
import { iso } from '../time.ts';
import { passVerdict } from './status.ts';
import type { Work } from './work.ts';

/** Nothing is ordered for this agent until the hold is over; with `clear` it is only the clearing that waits. */
export function hold(
  w: Work,
  agent: AgentState,
  attempt: number,
  why: string,
  what: 'orders' | 'clear' = 'orders',
): void {
  const wait = Math.min(HOLD_CAP_MS, HOLD_BASE_MS * 2 ** Math.min(Math.max(attempt - 1, 0), 20));
  const until = iso(w.now + wait);
  w.emit(
    agent.id,
    {
      type: 'command',
      id: `hold-${w.state.seq + 1}`,
      verb: 'host.hold',
      by: 'supervisor',
      phase: 'done',
      args: { until, why, what },
      result: null,
    },
    { by: 'supervisor' },
  );
}

/** The first time it is tried again at once. A message is never dropped for it: in the end the agent fails, with the message kept. */
export function holdAfterFailure(w: Work, agent: AgentState, messageId: string, why: string): void {
  const attempts = agent.queue.find((m) => m.messageId === messageId)?.attempts ?? 0;
  if (attempts >= DELIVERY_ATTEMPTS) {
    const reason = `a message could not be delivered ${attempts} times: ${why}`;
    passVerdict(w, agent, { gate: 'failed', reason, hint: '`tutti resume` tries again', resumeAt: null });
  } else if (attempts > 1) hold(w, agent, attempts - 1, why);
}
