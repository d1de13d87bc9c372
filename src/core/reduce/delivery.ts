/** The way of a message: queued → sent → confirmed, or refused. A message leaves the queue only by one of the last two. */
import { SEEN_KEPT } from '../limits.ts';
import type { AgentState, QueuedMessage } from '../state.ts';
import type { EventOf, Reducer } from './index.ts';

export const onDelivery: Reducer<'delivery'> = (_state, event, agent) => {
  if (agent) STEPS[event.state](agent, event);
};

type DeliveryEvent = EventOf<'delivery'>;

const STEPS = {
  queued(agent, event) {
    const known = agent.queue.some((m) => m.messageId === event.messageId);
    // Again queued: a delivery that failed; what became of it only the conversation knows.
    if (known) update(agent, event.messageId, requeued);
    else enqueue(agent, event);
  },
  sent(agent, event) {
    update(agent, event.messageId, (m) => ({
      ...m,
      state: 'sent',
      sentTo: event.sentTo ?? null,
      unsure: false,
      turnsBefore: agent.turns,
      steered: agent.cli.turn,
    }));
  },
  confirmed(agent, event) {
    const message = agent.queue.find((m) => m.messageId === event.messageId);
    if (!message) return;
    remove(agent, event.messageId);
    agent.confirmed += 1;
    agent.conversationUsed = true;
    expectTurn(agent, message, event);
  },
  refused(agent, event) {
    remove(agent, event.messageId);
  },
} satisfies Record<DeliveryEvent['state'], (agent: AgentState, event: DeliveryEvent) => void>;

function enqueue(agent: AgentState, event: DeliveryEvent): void {
  const message: QueuedMessage = {
    messageId: event.messageId,
    text: event.content ?? '',
    from: event.from ?? 'user',
    now: event.now === true,
    state: 'queued',
    at: event.at,
    sentTo: null,
    unsure: false,
    turnsBefore: agent.turns,
    steered: false,
    attempts: 0,
  };
  const first = event.front ? agent.queue.findIndex((m) => m.state === 'queued' && !m.unsure) : -1;
  const at = first === -1 ? agent.queue.length : first;
  agent.queue = [...agent.queue.slice(0, at), message, ...agent.queue.slice(at)];
  if (message.from === 'supervisor') paidNote(agent);
  else agent.taskOpen = true;
}

/** The note that was owed is in the queue, and cannot be lost from there. */
function paidNote(agent: AgentState): void {
  if (agent.owes === 'handoff') agent.care = { ...agent.care, summary: null };
  agent.owes = null;
  agent.cli.turnCutShort = false;
}

const requeued = (m: QueuedMessage): QueuedMessage => ({
  ...m,
  state: 'queued',
  now: false,
  unsure: true,
  attempts: m.attempts + 1,
});

/** Is a turn to come of it? Where its turn has begun already (it can even be over), nothing more is expected. */
function expectTurn(agent: AgentState, message: QueuedMessage, event: DeliveryEvent): void {
  if (agent.cli.turn || agent.turns > message.turnsBefore || (message.steered && !message.unsure)) return;
  // Confirmed after the death of the process that it was given to: nobody works on it.
  if (message.unsure) agent.cli.turnCutShort = true;
  else if (event.turnFollows === false) agent.owes ??= 'unanswered';
  else agent.cli.turnExpectedAt = event.at;
}

function remove(agent: AgentState, messageId: string): void {
  agent.queue = agent.queue.filter((m) => m.messageId !== messageId);
  agent.seen = [...agent.seen.slice(-(SEEN_KEPT - 1)), messageId];
}

function update(agent: AgentState, messageId: string, change: (m: QueuedMessage) => QueuedMessage): void {
  agent.queue = agent.queue.map((m) => (m.messageId === messageId ? change(m) : m));
}
