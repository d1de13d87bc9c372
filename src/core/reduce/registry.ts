/** Which agents there are, what was asked of them by file, and which state they are shown in. */
import { newAgent } from '../agent.ts';
import type { AgentSpec } from '../state.ts';
import { countAnew } from '../watchdog/remember.ts';
import type { Reducer } from './index.ts';

/** `agent` of the event is the agent object, with `spec` and `declared` beside it. */
export const onAgentSpawned: Reducer<'agent_spawned'> = (state, event) => {
  const { name, project, spec, declared, wanted } = event.agent;
  if (event.agentId === null || typeof name !== 'string' || typeof project !== 'string') return;
  const agent = newAgent({
    id: event.agentId,
    name,
    project,
    spec: spec as unknown as AgentSpec,
    declared: declared === true,
    at: event.at,
  });
  if (wanted === 'paused' || wanted === 'down') agent.wanted = wanted;
  state.agents[event.agentId] = agent;
};

export const onAgentKilled: Reducer<'agent_killed'> = (state, _event, agent) => {
  if (!agent) return;
  state.removing[agent.id] = { name: agent.name, epoch: agent.host.epoch };
  delete state.agents[agent.id];
};

/** `gate` is there where the verdict changes; `limited` without one is only how a turn looks whose CLI waits by itself. */
export const onAgentStatus: Reducer<'agent_status'> = (_state, event, agent) => {
  if (!agent) return;
  if (event.state !== agent.state) agent.since = event.at;
  agent.state = event.state;
  agent.reason = event.reason;
  agent.hint = event.hint;
  agent.resumeAt = event.resumeAt;
  if (event.gate === undefined) return;
  agent.gate = event.gate;
  if (event.gate === null) countAnew(agent, event.at);
  agent.overBudget = event.gate !== null && event.cap !== undefined;
  // A reached cap is no limit of the service; its turn owes a note already, where one was cut off.
  if (agent.overBudget) return;
  if (event.gate === 'limited') agent.limit.attempt += 1;
  // What a limit or an error interrupted is taken up again by a note, when that is over.
  const failedTurn = event.gate === 'failed' && agent.cli.phase === 'ready' && agent.lastOutcome === 'error';
  if (agent.conversationUsed && (event.gate === 'limited' || failedTurn)) agent.owes ??= 'limit';
};

export const onConfig: Reducer<'config'> = (state, event) => {
  state.projects[event.project] = { hash: event.hash, config: event.config, at: event.at };
};
