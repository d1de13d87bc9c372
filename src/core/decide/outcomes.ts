/** How effects and orders ended. */
import type { AgentState } from '../state.ts';
import type { Effect, Failure, Input } from '../step.ts';
import { onDigest } from './digest.ts';
import { hold, holdAfterFailure } from './hold.ts';
import { hostEnded } from './links.ts';
import { passVerdict } from './status.ts';
import type { Work } from './work.ts';

type Outcome = Extract<Input, { type: 'effect_done' }>;

export function onEffectDone(w: Work, input: Outcome): void {
  const { effect } = input;
  if (effect.do === 'notify') {
    onNotified(w, effect, input);
    return;
  }
  if (effect.do === 'end_orphans' || effect.do === 'remove_leftovers' || effect.do === 'close_orphan') {
    onMended(w, input);
    return;
  }
  if (effect.do === 'digest') {
    onDigest(w, effect, input);
    return;
  }
  if (effect.do === 'forget') {
    onForgotten(w, effect.agentId, input);
    return;
  }
  const agent = w.touch(effect.agentId);
  if (!agent) return;
  if (effect.do === 'start_host' && !input.ok) onHostNotStarted(w, agent, effect, input.error);
  if (effect.do === 'clear') onCleared(w, agent, effect, input);
  // The rest is asked for again when it is needed: orders at the next greeting, views and status lines at the next change.
}

/** `value` says what each sink made of it; a failure is that of all sinks. Either way it is not sent again. */
function onNotified(w: Work, { notification }: Extract<Effect, { do: 'notify' }>, input: Outcome): void {
  const { id } = notification;
  if (!(id in w.state.alerts.outbox)) return;
  const phase = input.ok ? 'done' : 'failed';
  const result = input.ok ? input.value : input.error.message;
  w.emit(null, { type: 'command', id, verb: 'notify', by: 'supervisor', phase, result }, { by: 'supervisor' });
}

/** What the patrol could not mend is on record, and tried again at its next round. */
function onMended(w: Work, input: Outcome): void {
  if (input.ok) return;
  const message = `the patrol could not mend it: ${input.error.message}`;
  w.emit(null, { type: 'error', code: 'unknown', message, retryable: true }, { by: 'patrol' });
}

function onForgotten(w: Work, agentId: string, input: Outcome): void {
  if (!(agentId in w.state.removing)) return;
  w.emit(
    agentId,
    {
      type: 'command',
      id: `forget-${agentId}`,
      verb: 'forget',
      by: 'supervisor',
      // What could not be removed is tried again at the next start.
      phase: input.ok ? 'done' : 'failed',
      result: input.ok ? null : input.error.message,
    },
    { by: 'supervisor' },
  );
}

function onHostNotStarted(
  w: Work,
  agent: AgentState,
  effect: Extract<Effect, { do: 'start_host' }>,
  error: Failure & { retryable: boolean },
): void {
  if (agent.host.phase !== 'starting' || agent.host.epoch !== effect.epoch) return;
  if (!error.retryable && agent.wanted !== 'down') {
    passVerdict(w, agent, { gate: 'failed', reason: error.message, hint: error.hint, resumeAt: null });
  }
  hostEnded(w, agent, error.message, false);
}

function onCleared(w: Work, agent: AgentState, effect: Extract<Effect, { do: 'clear' }>, input: Outcome): void {
  if (agent.host.phase !== 'clearing' || agent.host.epoch !== effect.epoch) return;
  if (!input.ok) {
    w.emit(
      agent.id,
      { type: 'error', code: 'unknown', message: `clearing failed: ${input.error.message}`, retryable: true },
      { by: 'supervisor' },
    );
    hold(w, agent, 3, input.error.message, 'clear');
    return;
  }
  w.slotFreed = true;
  w.emit(
    agent.id,
    { type: 'host', phase: 'down', epoch: effect.epoch, protocol: agent.host.protocol, pid: null },
    { by: 'supervisor', durable: true },
  );
}

/** The host did nothing about the order, and says so: a message goes back to the queue, the rest is asked for again after a hold. */
export function onRefused(w: Work, { agentId, commandId, code, message }: Extract<Input, { type: 'refused' }>): void {
  const agent = w.touch(agentId);
  const order = agent?.pending[commandId];
  if (!agent || !order) return;
  const queued = agent.queue.find((m) => m.messageId === commandId);
  const args = order.verb === 'start' ? { args: { incarnation: order.args.incarnation ?? null } } : {};
  w.emit(
    agent.id,
    {
      type: 'command',
      id: commandId,
      verb: `host.${order.verb}`,
      by: 'host',
      phase: 'failed',
      ...args,
      result: { code, message },
    },
    { by: 'host', durable: true },
  );
  if (!queued || queued.unsure) {
    if (order.verb !== 'interrupt' && order.verb !== 'answer') hold(w, agent, 1, message);
    return;
  }
  w.emit(
    agent.id,
    { type: 'delivery', messageId: queued.messageId, state: 'queued', why: message },
    { by: 'host', durable: true },
  );
  holdAfterFailure(w, agent, queued.messageId, message);
}
