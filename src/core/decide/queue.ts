/**
 * The queue: one message on its way at a time. What may be in the conversation already is asked for first, in order;
 * then the note that is owed; then `now` messages, also into a running turn; then the others, one per turn.
 */
import { mayBegin } from '../accounts/hold.ts';
import { atBoundary, hostReachable, needsMove, pendingOf, restartsNow } from '../agent.ts';
import type { JsonObject } from '../event.ts';
import type { AgentState, QueuedMessage } from '../state.ts';
import { ms } from '../time.ts';
import { noteFor } from './notes.ts';
import type { Work } from './work.ts';

export const held = (w: Work, agent: AgentState): boolean => agent.holdUntil !== null && ms(agent.holdUntil) > w.now;

/** Can it take a message at all? */
function takesMessages(w: Work, agent: AgentState): boolean {
  return (
    agent.wanted === 'up' &&
    agent.gate === null &&
    hostReachable(agent) &&
    agent.cli.phase === 'ready' &&
    !agent.cli.condemned &&
    !restartsNow(agent) &&
    !agent.queue.some((m) => m.state === 'sent' && !m.unsure && !m.steered) &&
    !held(w, agent) &&
    mayBegin(w.state, agent)
  );
}

/** Sends the next message if its time has come. */
export function deliver(w: Work, agent: AgentState): void {
  if (!takesMessages(w, agent)) return;
  if (!atBoundary(agent)) {
    // Steering waits for a turn that was promised to begin; before that, it would make one of its own.
    const steering = agent.cli.turn ? agent.queue.find((m) => m.now && m.state === 'queued' && !m.unsure) : undefined;
    if (steering) send(w, agent, steering);
    return;
  }
  if (
    needsMove(agent) ||
    agent.restartWanted !== null ||
    agent.runner.wanted !== null ||
    Object.keys(agent.requests).length > 0
  )
    return;
  if (agent.care.step === 'compact') return;
  const unsure = agent.queue.find((m) => m.unsure);
  // A new conversation has to know first what became of the old one.
  if (unsure && agent.owes !== 'handoff') {
    send(w, agent, unsure);
    return;
  }
  const note = noteFor(agent);
  if (note) {
    w.emit(
      agent.id,
      {
        type: 'delivery',
        messageId: note.messageId,
        state: 'queued',
        content: note.text,
        from: 'supervisor',
        front: true,
      },
      { durable: true, by: 'supervisor' },
    );
  }
  const ofSupervisor = agent.queue.find((m) => m.from === 'supervisor');
  // Until the summary is written, nothing else is begun in a conversation that is to be left.
  if (agent.care.step === 'summary' && !ofSupervisor) return;
  const next = ofSupervisor ?? agent.queue.find((m) => m.now) ?? agent.queue[0];
  if (next) send(w, agent, next);
}

function send(w: Work, agent: AgentState, message: QueuedMessage): void {
  const recorded = { messageId: message.messageId, ordinal: agent.confirmed, now: agent.cli.turn };
  const args = messageArgs(agent, message, agent.cli.turn);
  const { messageId, unsure } = message;
  // `sent` first: where the log breaks off between the two, it is given to the host again.
  const sentTo = { epoch: agent.host.epoch, incarnation: agent.cli.incarnation };
  w.emit(agent.id, { type: 'delivery', messageId, state: 'sent', sentTo }, { durable: true, by: 'supervisor' });
  // The message's own id is the order's: a host that has done it, or still holds it, knows it by that.
  w.order(agent, unsure ? 'confirm' : 'message', args, { recorded, id: messageId });
}

const messageArgs = (agent: AgentState, message: QueuedMessage, now: boolean): JsonObject => ({
  messageId: message.messageId,
  text: message.text,
  from: message.from,
  now,
  ordinal: agent.confirmed,
});

/** A host has (again) a supervisor: what it was ordered and has not done is said again, with the same ids. */
export function resend(w: Work, agent: AgentState): void {
  if (!hostReachable(agent)) return;
  const { epoch } = agent.host;
  for (const [id, { verb, args, ...order }] of Object.entries(agent.pending)) {
    // Messages are in the queue, and a configure is kept as a digest: both are made anew.
    if (order.epoch !== epoch || verb === 'message' || verb === 'confirm' || verb === 'configure') continue;
    // What has not begun to start need not begin.
    if (verb === 'start' && agent.wanted === 'down') continue;
    w.effect({ do: 'host_command', agentId: agent.id, epoch, id, verb, args });
  }
  for (const message of agent.queue) {
    if (message.state !== 'sent' || message.unsure || message.sentTo?.epoch !== epoch) continue;
    const verb = agent.pending[message.messageId]?.verb ?? 'confirm';
    const args = messageArgs(agent, message, message.steered);
    w.effect({ do: 'host_command', agentId: agent.id, epoch, id: message.messageId, verb, args });
  }
}

export const hasPending = (agent: AgentState, ...verbs: string[]): boolean =>
  verbs.some((verb) => pendingOf(agent, verb) !== null);
