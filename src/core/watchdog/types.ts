/**
 * Layer 1 of the watchdog: does an agent get on, or does it hang, run in circles, or give up? Pure policies over events.
 *
 * `remember.ts` is what `reduce` keeps of an agent's progress, `marks.ts` makes calls and texts comparable, `time.ts` and
 * `evidence.ts` find what is wrong, `ladder.ts` says what may be done about it. `decide/ladder.ts` does it.
 */
import type { IsoTime } from '../event.ts';

/** What can be found; the verdict of a `watchdog` event of layer 1. */
export const FINDING_KINDS = [
  'stalled',
  'tool_limit',
  'mute',
  'unanswered',
  'compacting',
  'retrying',
  'call_loop',
  'call_cycle',
  'text_loop',
  'undo_loop',
  'errors',
  'max_steps',
  'no_change',
  'denied',
  'question',
  'surrender',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** What is done about it, mildest first; the action of a `watchdog` event of layer 1. */
export const RUNGS = ['note', 'nudge', 'redirect', 'restart', 'fresh', 'hand_over', 'ask'] as const;
export type Rung = (typeof RUNGS)[number];

export interface Finding {
  kind: FindingKind;
  /** What was seen, as the rest of the sentence "the watchdog saw that …". */
  observation: string;
  /** The facts that it was concluded from. */
  evidence: string;
}

/**
 * Layer 2's answer to an ambiguous finding: the `watchdog` event of layer 1 with `ambiguous: true` and this `seq`. It may
 * postpone the ladder or choose how the next rung is taken; it never goes beyond that rung.
 */
export interface Advice {
  /** `seq` of the event that asked. Advice on anything else is put on record and changes nothing. */
  seq: number;
  /** `retry` and `nudge` say something to the agent (`text`, or what the rules would say), `extend` gives it more time. */
  action: 'retry' | 'nudge' | 'restart' | 'extend' | 'ask' | 'stop';
  text: string | null;
  why: string;
  /** What asking has cost, in tokens; left out where no model was asked. `model` null = it did not say. */
  spent?: Spent;
}

export interface Spent {
  model: string | null;
  input: number;
  output: number;
}

/** How one call compares with others: made when the event is taken in, from the whole arguments. */
export interface CallMark {
  /** Tool and arguments. */
  call: string;
  /** A command that waits for something, by its words. */
  waits?: true;
  /** An edit: the file's part before and after. */
  from?: string;
  to?: string;
}

/** How the last words of a turn read. */
export type Ending = 'question' | 'surrender' | 'repetition';

/** What is remembered of the present turn and the latest calls. Only `reduce` changes it; every list is bounded. */
export interface WatchState {
  /** Last sign of life of the CLI, streamed text included as far as it was asked for. */
  heardAt: IsoTime | null;
  /** The incarnation that it came from. */
  heardFrom: number;
  /** What held the agent up (a question, a limit, a pause) was over then: clocks run from here. */
  countFrom: IsoTime | null;
  /** Latest finished calls with their results, oldest first: the mark, and the call in words. */
  calls: { mark: string; what: string }[];
  /** Calls among them that count for a loop: those since the last rung. */
  counted: number;
  /** For periods of 1 to 4 calls: how many calls in a row equal the one that many before. */
  runs: [number, number, number, number];
  /** The last text, and how often in a row it was said with no new result in between. */
  text: string | null;
  textRun: number;
  /** Latest edits; how many in a row undid one before. */
  edits: { from: string; to: string }[];
  undone: number;
  /** Calls that failed, in a row; and the latest failures in words. */
  failedRun: number;
  failures: string[];
  /** In this turn: calls, calls with a new result, retries and compactions without one, refused requests, and whether files may have changed. */
  steps: number;
  fresh: number;
  retries: number;
  compactions: number;
  denied: number;
  changed: boolean;
  ending: Ending | null;
  /** Messages in a row that no turn came of. */
  noTurns: number;
}

/** How far the ladder has been climbed. It only goes up, until something succeeds. */
export interface LadderState {
  rung: Rung | null;
  /** When that was, and in which turn. */
  at: IsoTime | null;
  turn: number;
  finding: FindingKind | null;
  /** The observation, for the note that follows a restart. */
  observation: string | null;
  /** How often each rung was taken since the last success. */
  taken: Partial<Record<Rung, number>>;
  /** Calls with a new result since the last rung. */
  fresh: number;
  /** What was said to the agent and may still be on its way; it lapses with the turn, or with the incarnation. */
  message: { id: string; incarnation: number; turn: number | null } | null;
  /** Layer 2 is asked about this finding; `open` until it has answered. */
  asked: { seq: number; finding: FindingKind; at: IsoTime; open: boolean } | null;
  /** How often more time was given since the last success. */
  extended: number;
}

export const freshWatch = (): WatchState => ({
  heardAt: null,
  heardFrom: 0,
  countFrom: null,
  calls: [],
  counted: 0,
  runs: [0, 0, 0, 0],
  text: null,
  textRun: 0,
  edits: [],
  undone: 0,
  failedRun: 0,
  failures: [],
  steps: 0,
  fresh: 0,
  retries: 0,
  compactions: 0,
  denied: 0,
  changed: false,
  ending: null,
  noTurns: 0,
});

export const freshLadder = (): LadderState => ({
  rung: null,
  at: null,
  turn: 0,
  finding: null,
  observation: null,
  taken: {},
  fresh: 0,
  message: null,
  asked: null,
  extended: 0,
});
