/** What a person has to answer. Only the pane host's requests can be answered: a driver's own `permission` events are for the record. */
import { countAnew, rememberDenied } from '../watchdog/remember.ts';
import type { Reducer } from './index.ts';

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
      },
    };
    return;
  }
  if (!(event.requestId in agent.requests)) return;
  const { [event.requestId]: _answered, ...rest } = agent.requests;
  agent.requests = rest;
  countAnew(agent, event.at);
};
