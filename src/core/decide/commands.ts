/** What users and agents ask for. A command is answered when it is recorded; what it leads to is seen in the events. */
import { agentsOf } from '../agent.ts';
import type { Json } from '../event.ts';
import { depthBelow } from '../fleet/fleet.ts';
import { uuidFrom } from '../id.ts';
import { MESSAGE_CHARS, QUEUE_CHARS, QUEUE_LIMIT } from '../limits.ts';
import type { AgentState } from '../state.ts';
import type { Command, Reply } from '../step.ts';
import { accept, type CommandInput, create, enqueue, fail, isKnown, nameTaken, ok } from './accept.ts';
import { apply } from './apply.ts';
import { interruptTurn } from './interrupt.ts';
import { tryNow } from './limit.ts';
import { refusal } from './budget.ts';
import { schedule, unschedule } from './schedules.ts';
import type { Work } from './work.ts';

type CommandOf<V extends Command['verb']> = Extract<Command, { verb: V }>;

type Handler<V extends Command['verb']> = (w: Work, input: CommandInput, command: CommandOf<V>) => Reply;

const HANDLERS: { [V in Command['verb']]: Handler<V> } = {
  spawn,
  apply,
  send,
  interrupt: interrupt as Handler<'interrupt'>,
  pause,
  resume,
  restart,
  stop: simple as Handler<'stop'>,
  rm: simple as Handler<'rm'>,
  answer,
  schedule,
  unschedule,
};

/** Takes a command in, or refuses it; `w.reply` says which. The same id a second time is answered and not done again. */
export function onCommand(w: Work, input: CommandInput): void {
  if (w.recovering) w.reply = fail('UNREACHABLE', 'the supervisor is recovering', 'try again in a moment');
  else if (input.id in w.known) w.reply = ok({ repeated: true });
  else take(w, input);
}

function take(w: Work, input: CommandInput): void {
  const held = w.state.fleet.hold !== null;
  w.reply = (HANDLERS[input.command.verb] as Handler<Command['verb']>)(w, input, input.command as never);
  // A person's word lets a held fleet go: those who waited are looked at.
  if (held && w.state.fleet.hold === null) w.slotFreed = true;
}

const notFound = (agentId: string): Reply => fail('NOT_FOUND', `no agent ${agentId}`, '`tutti ps` lists them');
const onItsWayOut = (agent: AgentState): Reply => fail('INVALID_TRANSITION', `${agent.name} is being removed`);

/** Commands whose reducer says it all. */
function simple(w: Work, input: CommandInput, command: { verb: string; agentId: string }): Reply {
  const agent = w.touch(command.agentId);
  if (!agent) return notFound(command.agentId);
  accept(w, input, agent.id, {});
  return ok({ agentId: agent.id });
}

function resume(w: Work, input: CommandInput, { agentId, now = false }: CommandOf<'resume'>): Reply {
  const agent = w.touch(agentId);
  if (!agent) return notFound(agentId);
  if (agent.removing) return onItsWayOut(agent);
  const over = refusal(w, agent);
  if (over) return fail('INVALID_TRANSITION', over.message, over.hint);
  accept(w, input, agent.id, now ? { now } : {});
  const tries = now && tryNow(w, agent, input.by);
  return ok({ agentId: agent.id, tries });
}

function spawn(w: Work, input: CommandInput, command: CommandOf<'spawn'>): Reply {
  const other = nameTaken(w, command.name);
  if (other && other.id !== command.agentId) {
    const hint = other.removing
      ? 'it is being removed: try again in a moment'
      : 'choose another name, or `tutti rm` it first';
    return fail('CONFLICT', `the name ${command.name} belongs to an agent of project ${other.project}`, hint);
  }
  const { maxDepth } = w.settings;
  if (depthBelow(w.state, command.spec.parentId) > maxDepth) {
    const message = `${command.name} would be ${maxDepth + 1} levels below a top agent; the most is ${maxDepth}`;
    return fail('DENIED', message, 'let the agent above do it itself, or raise limits.depth in config.yaml');
  }
  create(w, { ...command, declared: false, wanted: 'up' }, input.by);
  accept(w, input, command.agentId, { name: command.name });
  return ok({ agentId: command.agentId });
}

function send(w: Work, input: CommandInput, command: CommandOf<'send'>): Reply {
  const agent = w.touch(command.agentId);
  if (!agent) return notFound(command.agentId);
  const { messageId, text } = command;
  if (agent.removing) return onItsWayOut(agent);
  const value: Json = { messageId, agentId: agent.id, held: agent.wanted !== 'up' || agent.gate === 'failed' };
  if (isKnown(agent, messageId)) return ok(value);
  if (text.length > MESSAGE_CHARS) {
    return fail(
      'INVALID_ARGUMENT',
      `a message has at most ${MESSAGE_CHARS} characters`,
      'write it to a file and name that',
    );
  }
  const waiting = agent.queue.reduce((sum, m) => sum + m.text.length, 0);
  if (agent.queue.length >= QUEUE_LIMIT || waiting + text.length > QUEUE_CHARS) {
    return fail(
      'CONFLICT',
      `${agent.queue.length} messages wait for ${agent.name}: its queue is full`,
      'try again when it has worked on some',
    );
  }
  enqueue(w, agent, command, input.by);
  accept(w, input, agent.id, { messageId, now: command.now });
  return ok(value);
}

function interrupt(w: Work, input: CommandInput, command: { agentId: string }): Reply {
  const agent = w.touch(command.agentId);
  if (!agent) return notFound(command.agentId);
  const interrupted = interruptTurn(w, agent);
  accept(w, input, agent.id, {});
  return ok({ agentId: agent.id, interrupted });
}

function pause(w: Work, input: CommandInput, command: CommandOf<'pause'>): Reply {
  const agent = w.touch(command.agentId);
  if (!agent) return notFound(command.agentId);
  if (agent.wanted === 'down')
    return fail('INVALID_TRANSITION', `${agent.name} is ${agent.state}`, 'only a running agent can be paused');
  if (command.now) interruptTurn(w, agent);
  accept(w, input, agent.id, { now: command.now });
  return ok({ agentId: agent.id });
}

function restart(w: Work, input: CommandInput, command: CommandOf<'restart'>): Reply {
  const agent = w.touch(command.agentId);
  if (!agent) return notFound(command.agentId);
  if (agent.removing) return onItsWayOut(agent);
  const begun = agent.conversationUsed || agent.confirmed > 0;
  const { task } = agent.spec;
  // A new conversation knows nothing: it is given the task again, unless that still waits to be delivered.
  const messageId = uuidFrom(agent.id, 'task', input.id);
  if (command.fresh && begun && task !== null && !isKnown(agent, messageId)) {
    w.emit(
      agent.id,
      { type: 'delivery', messageId, state: 'queued', content: task, from: 'user', front: true },
      { durable: true, by: input.by },
    );
  }
  accept(w, input, agent.id, { fresh: command.fresh });
  return ok({ agentId: agent.id });
}

function answer(w: Work, input: CommandInput, command: CommandOf<'answer'>): Reply {
  const { requestId, decision, text } = command;
  const owner = agentsOf(w.state).find((agent) => requestId in agent.requests);
  if (!owner) return fail('NOT_FOUND', `no open request ${requestId}`, '`tutti ps` shows who waits');
  const agent = w.touch(owner.id) as AgentState;
  const given = Object.values(agent.pending).some(
    (order) => order.verb === 'answer' && order.args.requestId === requestId,
  );
  if (given) return fail('CONFLICT', `request ${requestId} has been answered`);
  if (agent.requests[requestId]?.what === 'question' && decision === 'allow') {
    return fail('INVALID_ARGUMENT', `request ${requestId} is a question`, `tutti answer ${requestId} TEXT`);
  }
  w.order(agent, 'answer', { requestId, decision, text, by: input.by });
  accept(w, input, agent.id, { requestId, decision, text });
  return ok({ requestId, decision, agentId: agent.id });
}
