/** Schedules that were taken in or given up, and the times that were served. */
import type { Schedule, ScheduleState } from '../schedule/schedule.ts';
import type { State } from '../state.ts';
import type { EventOf } from './index.ts';

type CommandEvent = EventOf<'command'>;

export function onSchedule(state: State, event: CommandEvent): void {
  const wanted = event.args?.schedule as unknown as Schedule | undefined;
  if (!wanted) return;
  const kept: ScheduleState = {
    ...wanted,
    ...{ createdAt: event.at, lastSlot: null, lastOutcome: null, lastMessageId: null, fired: 0 },
  };
  state.schedules = { ...state.schedules, [wanted.id]: kept };
}

export function onUnschedule(state: State, event: CommandEvent): void {
  const { [String(event.args?.scheduleId)]: _dropped, ...rest } = state.schedules;
  state.schedules = rest;
}

/** What was for one time alone is over with it. */
export function onSlotServed(state: State, event: CommandEvent): void {
  const { scheduleId, slot, outcome, messageId } = event.args ?? {};
  const known = state.schedules[String(scheduleId)];
  if (!known || typeof slot !== 'string') return;
  if (known.when.kind === 'at') {
    const { [known.id]: _over, ...rest } = state.schedules;
    state.schedules = rest;
    return;
  }
  const queued = typeof messageId === 'string';
  state.schedules = {
    ...state.schedules,
    [known.id]: {
      ...known,
      lastSlot: slot,
      lastOutcome: typeof outcome === 'string' ? outcome : null,
      lastMessageId: queued ? messageId : known.lastMessageId,
      fired: known.fired + (queued ? 1 : 0),
    },
  };
}
