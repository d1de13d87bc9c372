/** What accepting a command has in common: its record, its answer, a new agent, a message for the queue. */
import { agentView } from '../agent-view.ts';
import { agentsOf, newAgent } from '../agent.ts';
import type { Json, JsonObject } from '../event.ts';
import type { AgentSpec, AgentState } from '../state.ts';
import type { Failure, Input, Reply } from '../step.ts';
import { iso } from '../time.ts';
import { configureAbove } from './configure.ts';
import type { Work } from './work.ts';

export const ok = (value: Json): Reply => ({ ok: true, value });
export const fail = (code: Failure['code'], message: string, hint: string | null = null): Reply => ({
  ok: false,
  error: { code, message, hint },
});

export type CommandInput = Extract<Input, { type: 'command' }>;
/**
 * Puts the command on record; its reducer changes what is wanted. Last of what the command writes: where the log breaks off
 * before it, the command was not accepted, and is done (again) when it is repeated.
 */
export function accept(
  w: Work,
  input: CommandInput,
  agentId: string | null,
  args: JsonObject,
  verb: string = input.command.verb,
): void {
  w.emit(
    agentId,
    { type: 'command', id: input.id, verb, by: input.by, phase: 'accepted', args, result: null },
    { durable: true, by: input.by },
  );
}

export const nameTaken = (w: Work, name: string): AgentState | null =>
  agentsOf(w.state).find((agent) => agent.name === name) ?? null;

interface Creation {
  agentId: string;
  name: string;
  project: string;
  spec: AgentSpec;
  messageId: string | null;
  declared: boolean;
  wanted: string;
}

export function create(
  w: Work,
  { agentId, name, project, spec, messageId, declared, wanted }: Creation,
  by: string,
): void {
  const known = w.touch(agentId);
  if (known) {
    assign(w, known, messageId, by);
    return;
  }
  const fresh = newAgent({ id: agentId, name, project, spec, declared, at: iso(w.now) });
  const agent = {
    ...agentView(fresh, { tmuxSocket: '' }),
    tmux: null,
    wanted,
    declared,
    spec,
  } as unknown as JsonObject;
  w.emit(agentId, { type: 'agent_spawned', agent }, { durable: true, by });
  const born = w.touch(agentId);
  if (!born) return;
  assign(w, born, messageId, by);
  configureAbove(w, born);
}

/** The task is its first message. */
function assign(w: Work, agent: AgentState, messageId: string | null, by: string): void {
  const { task } = agent.spec;
  if (task === null || messageId === null || isKnown(agent, messageId)) return;
  enqueue(w, agent, { messageId, text: task, from: 'user', now: false }, by);
}

/** The message is in the queue, or was confirmed lately. */
export const isKnown = (agent: AgentState, messageId: string): boolean =>
  agent.seen.includes(messageId) || agent.queue.some((m) => m.messageId === messageId);

export interface Outgoing {
  messageId: string;
  text: string;
  from: string;
  now: boolean;
}

export function enqueue(w: Work, agent: AgentState, { messageId, text, from, now }: Outgoing, by: string): void {
  w.emit(agent.id, { type: 'delivery', messageId, state: 'queued', content: text, from, now }, { durable: true, by });
}
