/** Answers by policy: given once for each request, through the same order as a person's. */
import { hostReachable } from '../agent.ts';
import { autoAnswer, denyDue, type PolicyAnswer } from '../requests/policy.ts';
import type { AgentState, PendingRequest } from '../state.ts';
import type { Settings } from '../step.ts';
import type { Work } from './work.ts';

export function answerByPolicy(w: Work, agent: AgentState): void {
  if (!hostReachable(agent)) return;
  for (const request of open(agent)) {
    const answer = answerTo(w, request);
    if (!answer) continue;
    const { requestId } = request;
    w.order(agent, 'answer', { requestId, ...answer, by: 'policy' });
  }
}

/** Not answered yet, by anybody. */
function open(agent: AgentState): PendingRequest[] {
  const answered = Object.values(agent.pending).flatMap(({ verb, args }) =>
    verb === 'answer' ? [args.requestId] : [],
  );
  return Object.values(agent.requests).filter(
    ({ requestId, policy }) => policy !== true && !answered.includes(requestId),
  );
}

function answerTo(w: Work, request: PendingRequest): PolicyAnswer | null {
  const { requests } = w.settings;
  const auto = autoAnswer(request, requests.auto);
  if (auto) return auto;
  const due = denyDue(request, requests);
  if (due === null || due > w.now) return null;
  return {
    decision: 'deny',
    text: 'Nobody has answered in time. Go on without it if you can, and say what is left undone.',
  };
}

/** When a request of this agent is answered by time alone. Milliseconds since the epoch. */
export function requestsDue(agent: AgentState, { requests }: Settings): number | null {
  if (requests.denyAfterMs === null || !hostReachable(agent)) return null;
  const dues = open(agent).flatMap((request) => denyDue(request, requests) ?? []);
  return dues.length === 0 ? null : Math.min(...dues);
}
