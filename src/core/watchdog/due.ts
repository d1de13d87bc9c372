/** When the first layer has something to say: every clock that runs for an agent, and what is already found. All in O(1): it is asked after each step. */
import { inFlight } from '../agent.ts';
import { NO_TURNS_LIMIT } from '../limits.ts';
import type { AgentState } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';
import { heldBy } from './held.ts';
import { nextRung } from './ladder.ts';
import type { FindingKind } from './types.ts';

export interface Due {
  kind: FindingKind;
  /** Milliseconds since the epoch; in the past = now. */
  at: number;
}

/** Half of what lies between nudge and restart: the interrupt comes in the middle. */
const stepMs = ({ stall }: Settings): number => Math.max(1_000, (stall.restartAfterMs - stall.nudgeAfterMs) / 2);

/** Time in which a limit that the CLI waits for by itself, without saying until when, counts as waiting. */
const limitUntil = (a: AgentState, s: Settings): number =>
  !a.limit.active ? 0 : a.limit.resetsAt === null ? time(a.watch.heardAt) + s.limit.capMs : ms(a.limit.resetsAt);

const time = (at: string | null): number => (at === null ? 0 : ms(at));

/** The earliest thing that is, or will be, found by itself; null = nothing as it stands. */
export function progressDue(a: AgentState, s: Settings): Due | null {
  if (heldBy(a) !== null) return null;
  const kind = a.cli.turn ? evidenceOf(a, s) : a.watch.noTurns >= NO_TURNS_LIMIT ? 'unanswered' : null;
  if (kind !== null && nextRung(a, kind, s) !== null) return { kind, at: postponed(a, s) };
  const clock = a.cli.turn ? turnClock(a, s) : muteClock(a, s);
  if (clock === null || nextRung(a, clock.kind, s) === null) return null;
  return { ...clock, at: Math.max(clock.at, adviceUntil(a, clock.kind, s)) };
}

/** What counts and marks say of the turn under way. */
function evidenceOf(a: AgentState, s: Settings): FindingKind | null {
  const { watch } = a;
  const { repeats, errors, compactions, retries } = s.loop;
  if (watch.runs[0] >= repeats - 1) return 'call_loop';
  if (watch.runs.some((run, i) => run >= (i + 1) * (repeats - 1))) return 'call_cycle';
  if (watch.undone >= repeats - 1) return 'undo_loop';
  if (watch.textRun >= repeats || watch.ending === 'repetition') return 'text_loop';
  if (watch.compactions >= compactions) return 'compacting';
  if (watch.retries >= retries) return 'retrying';
  if (watch.failedRun >= errors) return 'errors';
  return s.maxSteps !== null && watch.steps > s.maxSteps ? 'max_steps' : null;
}

/** What was said to the agent gets time to arrive, and layer 2 time to answer, before more is done. */
function postponed(a: AgentState, s: Settings): number {
  const { message, at, asked } = a.ladder;
  const onItsWay = message !== null && a.queue.some((m) => m.messageId === message.id);
  const told = onItsWay ? time(at) + stepMs(s) : 0;
  return Math.max(told, asked?.open ? ms(asked.at) + s.adviceMs : 0);
}

const adviceUntil = (a: AgentState, kind: FindingKind, s: Settings): number =>
  a.ladder.asked?.open && a.ladder.asked.finding === kind ? ms(a.ladder.asked.at) + s.adviceMs : 0;

function turnClock(a: AgentState, s: Settings): Due {
  const { watch, ladder, cli } = a;
  // What was done about an earlier turn says nothing about this one.
  const climbed = ladder.turn === a.turns ? time(ladder.at) : 0;
  let oldest = Number.POSITIVE_INFINITY;
  for (const id in a.openCalls) oldest = Math.min(oldest, time(a.openCalls[id]?.at ?? null));
  if (Number.isFinite(oldest)) {
    const since = Math.max(oldest, time(watch.countFrom));
    const again = ladder.finding === 'tool_limit' && climbed >= since;
    return { kind: 'tool_limit', at: again ? climbed + stepMs(s) : since + s.stall.toolLimitMs };
  }
  const heard = Math.max(time(watch.heardAt), time(cli.turnStartedAt), time(watch.countFrom), limitUntil(a, s));
  // Silent since the last rung: the next one follows. Heard since then: it is a stall of its own, met with more patience.
  if (climbed >= heard && ladder.rung !== null && ladder.rung !== 'note')
    return { kind: 'stalled', at: climbed + stepMs(s) };
  const patience = (ladder.taken.restart ?? 0) > 0 ? s.stall.restartAfterMs : s.stall.nudgeAfterMs;
  return { kind: 'stalled', at: heard + patience };
}

/** It was given a message, and has not said a word since it was started. */
function muteClock(a: AgentState, s: Settings): Due | null {
  if (a.watch.heardFrom === a.cli.incarnation || a.cli.phase !== 'ready') return null;
  const message = inFlight(a);
  if (!message) return null;
  const given = a.pending[message.messageId]?.at ?? message.at;
  const since = Math.max(time(a.cli.at), ms(given), time(a.watch.countFrom));
  return { kind: 'mute', at: since + s.stall.silentAfterMs };
}
