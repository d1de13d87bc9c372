/** What a person has to answer. Only the pane host's requests can be answered: a driver's own `permission` events are for the record. */
import { countAnew, rememberDenied } from '../watchdog/remember.ts';
import { digest } from '../id.ts';
import type { AgentState } from '../state.ts';
import type { EventOf, Reducer } from './index.ts';

export const onPermission: Reducer<'permission'> = (_state, event, agent) => {
  if (agent && event.decision === 'denied') rememberDenied(agent);
  if (!agent || (event.cause?.by !== 'host' && event.cause?.by !== 'supervisor')) return;
  if (event.decision === 'asked') {
    agent.requests = {
      ...agent.requests,
      [event.requestId]: {
        requestId: event.requestId,
        what: event.kind,
        tool: event.tool,
        args: event.args,
        text: event.text ?? '',
        at: event.at,
        incarnation: agent.cli.incarnation,
        ...(isThatCall(agent.askedByRule, event) ? { byRule: true as const } : {}),
      },
    };
    agent.askedByRule = null;
    return;
  }
  if (!(event.requestId in agent.requests)) return;
  const { [event.requestId]: _answered, ...rest } = agent.requests;
  agent.requests = rest;
  countAnew(agent, event.at);
};

/** A rule's `ask`, and the request that follows it, are about the same call. */
export function rememberAsk(agent: AgentState, { verdict, tool, args }: EventOf<'guard'>): void {
  if (verdict === 'ask') agent.askedByRule = { tool, digest: digest(args) };
}

const isThatCall = (asked: AgentState['askedByRule'], { tool, args }: EventOf<'permission'>): boolean =>
  asked !== null && asked.tool === tool && asked.digest === digest(args);

/** An answer of policy's is on its way: given once. */
export function policyAnswered(agent: AgentState, requestId: string): void {
  const request = agent.requests[requestId];
  if (request) agent.requests = { ...agent.requests, [requestId]: { ...request, policy: true } };
}
