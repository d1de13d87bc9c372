/** The ladder: which rungs there are for a finding, and which is next. It only goes up until something succeeds. */
import { EXTENSIONS_LIMIT } from '../limits.ts';
import type { AgentState } from '../state.ts';
import type { Settings } from '../step.ts';
import { type Advice, type FindingKind, type Rung, RUNGS } from './types.ts';

interface Policy {
  /** Mildest first. What ends without `ask` is only ever said. */
  path: readonly Rung[];
  /** The rules cannot tell it from honest work: layer 2 is asked where there is one. */
  ambiguous: boolean;
}

const ALL = ['nudge', 'redirect', 'restart', 'fresh', 'hand_over', 'ask'] as const;
/** A process that says nothing is not talked to. */
const MUTE = ['restart', 'fresh', 'hand_over', 'ask'] as const;
/** More of the same conversation brings more of the same. */
const WORDS = ['note', 'nudge', 'redirect', 'fresh', 'hand_over', 'ask'] as const;

export const POLICIES = {
  stalled: { path: ALL, ambiguous: false },
  tool_limit: { path: ALL, ambiguous: true },
  mute: { path: MUTE, ambiguous: false },
  unanswered: { path: MUTE, ambiguous: false },
  compacting: { path: ['redirect', 'fresh', 'hand_over', 'ask'], ambiguous: false },
  // The service does not answer: the turn is ended and taken up again later; see decide/ladder.ts.
  retrying: { path: ['redirect'], ambiguous: false },
  call_loop: { path: ALL, ambiguous: false },
  call_cycle: { path: ALL, ambiguous: false },
  text_loop: { path: WORDS, ambiguous: true },
  undo_loop: { path: ALL, ambiguous: false },
  errors: { path: WORDS, ambiguous: true },
  max_steps: { path: ['redirect', 'ask'], ambiguous: false },
  no_change: { path: ['note'], ambiguous: false },
  denied: { path: ['note'], ambiguous: false },
  question: { path: ['note'], ambiguous: true },
  surrender: { path: ['note', 'nudge'], ambiguous: true },
} as const satisfies Record<FindingKind, Policy>;

const order = (rung: Rung | null): number => (rung === null ? -1 : RUNGS.indexOf(rung));

const LIMITS = {
  note: () => 1,
  nudge: (s) => s.ladder.nudges,
  redirect: (s) => s.ladder.redirects,
  restart: (s) => s.ladder.restarts,
  fresh: (s) => s.ladder.fresh,
  // As often as there is another one to go on with.
  hand_over: (_s, a) => (hasFallback(a) ? Number.POSITIVE_INFINITY : 0),
  ask: () => Number.POSITIVE_INFINITY,
} satisfies Record<Rung, (settings: Settings, agent: AgentState) => number>;

/** A fallback behind the present one that can be started, as far as is known. */
const hasFallback = ({ runner, spec }: AgentState): boolean =>
  spec.fallback.some((_, i) => i + 1 > runner.n && !runner.unfit.includes(i + 1));

/** The mildest rung that is not used up and not below what was tried already; null = all that can be said was said. */
export function nextRung(a: AgentState, kind: FindingKind, s: Settings): Rung | null {
  const { path }: Policy = POLICIES[kind];
  // The waiting that answers a service which does not answer has no end: it is bounded by its own doubling.
  if (kind === 'retrying') return 'redirect';
  const least = order(a.ladder.rung);
  return path.find((rung) => order(rung) >= least && (a.ladder.taken[rung] ?? 0) < LIMITS[rung](s, a)) ?? null;
}

/** The higher of two rungs. */
export const higher = (a: Rung | null, b: Rung): Rung => (a !== null && order(a) > order(b) ? a : b);

/**
 * What advice comes to: the rung that it asks for as far as the ladder allows it now, never more; `extend` where it asks for less,
 * as long as there is time to give; null = nothing is left that could be done.
 */
export function allowed(a: AgentState, { action }: Advice, kind: FindingKind, s: Settings): Rung | 'extend' | null {
  // At the end of a turn the rules only take note; layer 2 has read the words, and may answer them.
  const spoken = kind === 'question' || kind === 'surrender';
  const next = spoken ? nudgeLeft(a, s) : nextRung(a, kind, s);
  const wanted = WANTS[action];
  if (wanted !== null && next !== null && order(wanted) >= order(next)) return next;
  return a.ladder.extended < EXTENSIONS_LIMIT || spoken ? 'extend' : next;
}

const nudgeLeft = (a: AgentState, s: Settings): Rung | null =>
  (a.ladder.taken.nudge ?? 0) < s.ladder.nudges && order(a.ladder.rung) <= order('nudge') ? 'nudge' : null;

/** `ask` tells a person and leaves the agent as it is. */
const WANTS = {
  retry: 'nudge',
  nudge: 'nudge',
  restart: 'restart',
  stop: 'ask',
  extend: null,
  ask: null,
} as const satisfies Record<Advice['action'], Rung | null>;
