/** Which events a person should hear of. Everything of that kind is a request, an agent that gave up or is held, or a verdict `alert`. */
import { runnerOf } from '../agent.ts';
import { limitsOn } from '../accounts/hold.ts';
import { accountOf } from '../accounts/keys.ts';
import { answerHint, askedText } from '../asked.ts';
import type { EventBody } from '../event.ts';
import { digest } from '../id.ts';
import type { AgentState, PendingRequest, State } from '../state.ts';
import type { Alert, Severity } from './alert.ts';

/** An alert before it is known whether its cause was told already. */
export type Candidate = Omit<Alert, 'at'>;

interface Happened {
  agentId: string | null;
  body: EventBody;
}

/** Verdicts of the watchdog that wake a person at night: they concern the whole fleet, or the machine. */
const URGENT = new Set(['mass_death', 'disk_full', 'guard_bypassed']);
/** Verdicts that are for the morning paper. */
const MINOR = new Set(['schedule_skipped', 'limit_near']);

/** At most one for each agent and step: the state it went into says more than the verdict that led there. */
export function candidates(events: Happened[], state: State): Candidate[] {
  const found: Candidate[] = [];
  for (const { agentId, body } of events) {
    const agent = agentId === null ? null : (state.agents[agentId] ?? null);
    const one = candidateOf(body, agent, state);
    if (one) found.push(one);
  }
  const settled = new Set(found.filter((one) => !one.key.startsWith('watchdog ')).map((one) => one.agentId));
  return found.filter((one) => !one.key.startsWith('watchdog ') || one.agentId === null || !settled.has(one.agentId));
}

function candidateOf(body: EventBody, agent: AgentState | null, state: State): Candidate | null {
  if (body.type === 'watchdog') return body.action === 'alert' ? ofVerdict(body, agent) : null;
  if (body.type === 'account') return ofAccount(body, agent);
  if (!agent) return null;
  if (body.type === 'permission') return ofRequest(agent.requests[body.requestId], agent);
  // Policy could not answer: now a person has to.
  const failed = body.type === 'command' && body.verb === 'host.answer' && body.phase === 'failed';
  if (failed) return ofRequest(Object.values(agent.requests)[0], agent, true);
  return body.type === 'agent_status' ? ofStatus(body, agent, state) : null;
}

function ofVerdict(body: Extract<EventBody, { type: 'watchdog' }>, agent: AgentState | null): Candidate {
  const { verdict, observation, evidence } = body;
  const severity: Severity = URGENT.has(verdict) ? 'urgent' : MINOR.has(verdict) ? 'info' : 'warning';
  const text = `${agent ? `${agent.name}: ` : ''}${observation}${evidence === '' ? '' : ` (${evidence})`}`;
  const hint = agent ? `tutti why ${agent.name}` : null;
  return { key: `watchdog ${verdict} ${agent?.id ?? digest(observation)}`, severity, text, hint, ...whose(agent) };
}

/** A driver's own `permission` events are for the record: only what is open can be answered. */
function ofRequest(request: PendingRequest | undefined, agent: AgentState, failed = false): Candidate | null {
  // What policy answers needs nobody.
  if (!request || (request.policy === true && !failed)) return null;
  const text = `${agent.name} waits for a person: ${askedText(request)}`;
  return {
    key: requestKey(request.requestId),
    severity: 'warning',
    text,
    hint: answerHint(agent.name, request),
    ...whose(agent),
  };
}

export const requestKey = (requestId: string): string => `request ${requestId}`;

/** One for the account, however many of its agents are held. */
function ofAccount(body: Extract<EventBody, { type: 'account' }>, agent: AgentState | null): Candidate | null {
  if (body.limit !== 'rejected' || (body.phase !== 'held' && body.phase !== 'refused')) return null;
  const what = body.scope ? ` (${body.scope})` : '';
  const text = `account ${body.account} is held by a limit${what} until ${body.until ?? 'it is over'}; its agents go on by themselves then`;
  return { key: accountAlert(body.account), severity: 'info', text, hint: 'tutti ps', ...whose(agent) };
}

const accountAlert = (account: string): string => `account ${account}`;

function ofStatus(
  body: Extract<EventBody, { type: 'agent_status' }>,
  agent: AgentState,
  known: State,
): Candidate | null {
  const { state, reason, hint, resumeAt } = body;
  if (state === 'failed') {
    const text = `${agent.name} has given up${reason ? `: ${reason}` : ''}`;
    return { key: `failed ${agent.id}`, severity: 'warning', text, hint, ...whose(agent) };
  }
  // Without a verdict, `limited` is only how a turn looks whose CLI waits by itself.
  if (state === 'limited' && body.gate === 'limited') {
    const until = resumeAt === null ? '' : ` until ${resumeAt}`;
    const text = `${agent.name} is held by a limit${until}${reason ? `: ${reason}` : ''}`;
    // An account's limit is one cause, however its agents come to be held by it.
    const [held] = body.cap === undefined ? limitsOn(known, agent) : [];
    const key = held ? accountAlert(held.key) : `limited ${runnerOf(agent).account}`;
    return { key, severity: 'info', text, hint: null, ...whose(agent) };
  }
  return null;
}

const whose = (agent: AgentState | null): Pick<Alert, 'agentId' | 'agent'> => ({
  agentId: agent?.id ?? null,
  agent: agent?.name ?? null,
});

/** Is it still so? What is over by the time it could be told is not worth a person's attention. */
export function stillHolds(alert: Alert, state: State): boolean {
  const agent = alert.agentId === null ? null : state.agents[alert.agentId];
  const [kind, id = ''] = alert.key.split(' ');
  if (kind === 'request') return agent?.requests[id] !== undefined;
  if (kind === 'failed') return agent?.gate === 'failed';
  if (kind === 'account') return accountOf(state, alert.key.slice('account '.length))?.limit === 'rejected';
  if (kind === 'limited') return agent?.gate === 'limited';
  return true;
}
