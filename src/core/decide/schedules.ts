/** Schedules: taken in, given up, and served: each time once, as a message that waits its turn like any other. */
import { agentsOf } from '../agent.ts';
import type { JsonObject } from '../event.ts';
import { digest, uuidFrom } from '../id.ts';
import { QUEUE_LIMIT, SCHEDULES_LIMIT } from '../limits.ts';
import { checkInText, LATE_MS, type Schedule, type ScheduleState, servedUpTo, slotAt } from '../schedule/schedule.ts';
import type { AgentState, State } from '../state.ts';
import type { Command, Input, Reply } from '../step.ts';
import { iso } from '../time.ts';
import { accept, type CommandInput, enqueue, fail, isKnown, ok } from './accept.ts';
import type { Work } from './work.ts';

type CommandOf<V extends Command['verb']> = Extract<Command, { verb: V }>;

export function schedule(w: Work, input: CommandInput, command: CommandOf<'schedule'>): Reply {
  const { id, name } = command.schedule;
  const known = w.state.schedules[id];
  if (known) {
    return fail(
      'CONFLICT',
      `there is a schedule ${name} in project ${known.project}`,
      `tutti schedule rm ${name}, or give it another name`,
    );
  }
  if (Object.keys(w.state.schedules).length >= SCHEDULES_LIMIT) {
    return fail(
      'CONFLICT',
      `there are ${SCHEDULES_LIMIT} schedules, the most of one home`,
      'tutti schedule rm those that are no longer needed',
    );
  }
  keep(w, input, command.schedule);
  return ok({ id });
}

export function unschedule(w: Work, input: CommandInput, command: CommandOf<'unschedule'>): Reply {
  const known = w.state.schedules[command.scheduleId];
  if (!known) return fail('NOT_FOUND', `no schedule ${command.scheduleId}`, '`tutti schedule ls` lists them');
  drop(w, input, known);
  return ok({ id: known.id, name: known.name });
}

const keep = (w: Work, input: CommandInput, wanted: Schedule): void =>
  accept(w, input, null, { schedule: wanted as unknown as JsonObject }, 'schedule');
const drop = (w: Work, input: CommandInput, { id }: Schedule): void =>
  accept(w, input, null, { scheduleId: id }, 'unschedule');

/** From a project's file: what is new or changed is kept, what is gone from it is dropped. The same file twice changes nothing. */
export function applySchedules(w: Work, input: CommandInput, project: string, wanted: Schedule[]): void {
  const ids = new Set(wanted.map(({ id }) => id));
  for (const known of Object.values(w.state.schedules)) {
    if (known.project === project && known.declared && !ids.has(known.id)) {
      drop(w, { ...input, id: `${input.id}:${known.id}` }, known);
    }
  }
  for (const one of wanted) {
    const known = w.state.schedules[one.id];
    if (known && digest(declaredPart(known)) === digest(declaredPart(one))) continue;
    keep(w, { ...input, id: `${input.id}:${one.id}` }, one);
  }
}

function declaredPart({ agent, message, when, missed, declared }: Schedule): JsonObject {
  return { agent, message, when: { ...when }, missed, declared };
}

/** A time that a cron expression names has come, or came while nothing ran. */
export function onSlot(w: Work, { scheduleId, slot }: Extract<Input, { type: 'slot' }>): void {
  const known = w.state.schedules[scheduleId];
  if (known?.when.kind === 'cron' && slot > servedUpTo(known) && slot <= w.now) serve(w, known, slot);
}

/** At a tick: those that are due by time alone. */
export function serveDue(w: Work): void {
  for (const known of Object.values(w.state.schedules)) {
    const slot = slotAt(known, w.now);
    if (slot !== null) serve(w, known, slot);
  }
}

function serve(w: Work, known: ScheduleState, slot: number): void {
  const agent = agentsOf(w.state).find(({ name, removing }) => name === known.agent && !removing) ?? null;
  const obstacle = obstacleOf(known, agent, slot, w.now);
  const messageId = uuidFrom(known.id, 'check-in', slot);
  if (agent && obstacle === null) {
    const target = w.touch(agent.id) as AgentState;
    const from = known.by === 'config' ? 'user' : known.by;
    if (!isKnown(target, messageId))
      enqueue(
        w,
        target,
        { messageId, text: checkInText(known, slot, w.now), from, now: false },
        `schedule:${known.name}`,
      );
  }
  const args: JsonObject = {
    ...{ scheduleId: known.id, slot: iso(slot), outcome: obstacle?.why ?? 'queued' },
    messageId: obstacle === null ? messageId : null,
  };
  // Last: where the log breaks off before it, the same slot is served again, and its message known by its id.
  w.emit(
    agent?.id ?? null,
    {
      type: 'command',
      id: `slot-${w.state.seq + 1}`,
      verb: 'slot',
      by: 'supervisor',
      phase: 'done',
      args,
      result: null,
    },
    { durable: true, by: `schedule:${known.name}` },
  );
  if (obstacle?.told === true) tell(w, known, agent, slot, obstacle.why);
}

interface Obstacle {
  why: string;
  /** A person should hear of it. */
  told: boolean;
}

function obstacleOf(known: ScheduleState, agent: AgentState | null, slot: number, now: number): Obstacle | null {
  if (!agent) return { why: `there is no agent ${known.agent}`, told: true };
  if (agent.wanted === 'down') return { why: `${agent.name} is stopped`, told: true };
  if (known.missed === 'skip' && now - slot > LATE_MS)
    return { why: 'it was missed, and is not made up for', told: false };
  if (agent.queue.some((message) => message.messageId === known.lastMessageId)) {
    return { why: 'the check-in before it still waits', told: false };
  }
  if (agent.queue.length >= QUEUE_LIMIT) return { why: `the queue of ${agent.name} is full`, told: true };
  return null;
}

function tell(w: Work, { name }: Schedule, agent: AgentState | null, slot: number, why: string): void {
  w.emit(
    agent?.id ?? null,
    {
      ...{ type: 'watchdog', layer: 3, verdict: 'schedule_skipped', action: 'alert', evidence: `due at ${iso(slot)}` },
      observation: `the check-in "${name}" was not delivered: ${why}`,
    },
    { by: 'supervisor' },
  );
}

/** Of which cron expressions the times have to be announced. */
export const cronSchedules = (state: State): ScheduleState[] =>
  Object.values(state.schedules).filter(({ when }) => when.kind === 'cron');
