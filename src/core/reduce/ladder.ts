/** What a judgement of the first or second layer changes: the ladder, and the evidence that it used up. */
import { uuidFrom } from '../id.ts';
import type { AgentState } from '../state.ts';
import { countAnew } from '../watchdog/remember.ts';
import { higher } from '../watchdog/ladder.ts';
import { FINDING_KINDS, type FindingKind, freshLadder, type Rung, RUNGS } from '../watchdog/types.ts';
import { countCrash } from './host.ts';
import type { EventOf } from './index.ts';

type WatchdogEvent = EventOf<'watchdog'>;

/** Id of the message that goes with a rung: it follows from the event, so that it is one message. */
export const ladderMessageId = (agent: AgentState, seq: number): string => uuidFrom(agent.id, 'watchdog', seq);

/** Actions that are no rungs. */
const ACTIONS: Record<string, (agent: AgentState, event: WatchdogEvent) => void> = {
  /** It got on: the next finding begins at the lowest rung. */
  reset: (agent) => {
    agent.ladder = freshLadder();
  },
  /** Streamed text was heard, or nobody counted: the clocks run from there. */
  wait: (agent, event) => {
    countAnew(agent, event.heardAt ?? event.at);
    if (event.heardAt === undefined) return;
    agent.watch.heardFrom = agent.cli.incarnation;
  },
  ask_advice: (agent, event) => {
    const finding = findingOf(event.verdict);
    if (finding) agent.ladder.asked = { seq: event.seq, finding, at: event.at, open: true };
  },
  extend: (agent, event) => {
    answered(agent);
    agent.ladder.extended += 1;
    forgetEvidence(agent);
    countAnew(agent, event.at);
    if (agent.ladder.at !== null) agent.ladder.at = event.at;
  },
  /** Told to a person, and put on record: nothing changes. */
  alert: (agent, { layer }) => {
    if (layer === 2) answered(agent);
  },
  none: answered,
};

export function onLadder(agent: AgentState, event: WatchdogEvent): void {
  if ((RUNGS as readonly string[]).includes(event.action)) climb(agent, event, event.action as Rung);
  else if (Object.hasOwn(ACTIONS, event.action)) ACTIONS[event.action]?.(agent, event);
}

const findingOf = (verdict: string): FindingKind | null =>
  (FINDING_KINDS as readonly string[]).includes(verdict) ? (verdict as FindingKind) : null;

function answered(agent: AgentState): void {
  const { asked } = agent.ladder;
  if (asked) agent.ladder.asked = { ...asked, open: false };
}

/** Verdicts on a turn that is over: their notes are for the record, and no rung. */
const CLOSING: ReadonlySet<FindingKind> = new Set(['no_change', 'denied', 'question', 'surrender']);

function climb(agent: AgentState, event: WatchdogEvent, rung: Rung): void {
  const { ladder } = agent;
  const finding = findingOf(event.verdict) ?? ladder.asked?.finding ?? ladder.finding;
  if (rung === 'note' && finding !== null && CLOSING.has(finding)) {
    if (event.ambiguous) agent.ladder.asked = { seq: event.seq, finding, at: event.at, open: true };
    return;
  }
  agent.ladder = {
    ...ladder,
    rung: higher(ladder.rung, rung),
    at: event.at,
    turn: agent.turns,
    finding,
    observation: event.observation,
    taken: { ...ladder.taken, [rung]: (ladder.taken[rung] ?? 0) + 1 },
    fresh: 0,
    asked: null,
    message: messageOf(agent, event, rung),
  };
  forgetEvidence(agent);
  RUNG_CHANGES[rung]?.(agent, event.at);
}

function messageOf(agent: AgentState, event: WatchdogEvent, rung: Rung): AgentState['ladder']['message'] {
  if (rung !== 'nudge' && rung !== 'redirect') return null;
  const turn = rung === 'nudge' && agent.cli.turn ? agent.turns : null;
  return { id: ladderMessageId(agent, event.seq), incarnation: agent.cli.incarnation, turn };
}

/** What was found is dealt with: only what comes after it counts again. */
function forgetEvidence({ watch }: AgentState): void {
  watch.counted = 0;
  watch.runs = [0, 0, 0, 0];
  watch.text = null;
  watch.textRun = 0;
  watch.undone = 0;
  watch.failedRun = 0;
  watch.compactions = 0;
  watch.retries = 0;
  watch.steps = 0;
  watch.noTurns = 0;
  watch.ending = null;
}

function condemn(agent: AgentState, at: string): void {
  agent.cli.condemned = true;
  countCrash(agent, at);
}

const RUNG_CHANGES: Partial<Record<Rung, (agent: AgentState, at: string) => void>> = {
  restart: condemn,
  fresh: (agent, at) => {
    condemn(agent, at);
    agent.restartWanted = 'handoff';
  },
  // Whatever it does costs money and mends nothing: it ends, and a person says how it goes on.
  ask: (agent) => {
    agent.cli.condemned = true;
  },
};
