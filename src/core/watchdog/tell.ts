/** Judgements of the watchdog in plain words, for `why` and logs. */
import type { TuttiEvent } from '../event.ts';
import type { LadderState, Rung } from './types.ts';

/** What was done, as the rest of "the watchdog saw that …, and …". */
const DEEDS: Record<string, string> = {
  note: 'took note of it',
  nudge: 'told the agent so',
  redirect: 'interrupted the turn and told the agent so',
  restart: 'restarted it with its conversation',
  fresh: 'began a new conversation with what is known of the old one',
  hand_over: 'handed its work over',
  ask: 'stopped it, for a person to decide',
  alert: 'told people',
  reset: 'begins at the mildest measure next time',
  wait: 'counts its time from there',
  ask_advice: 'asked for advice, for the rules cannot tell whether it is honest work',
  extend: 'gave it more time',
  none: 'did nothing',
  interrupt: 'interrupted the turn',
  stop: 'ended the process',
  clear: 'ended the pane host and what it had started',
  reset_backoff: 'restarts it without a wait next time',
};

export function tellWatchdog(event: Extract<TuttiEvent, { type: 'watchdog' }>): string {
  const { layer, observation, verdict, action, evidence } = event;
  const did = Object.hasOwn(DEEDS, action) ? DEEDS[action] : `did ${action}`;
  const facts = evidence === '' ? '' : ` (${evidence})`;
  if (layer === 2) return `advice on ${observation}: ${verdict}${facts}; the watchdog ${did}`;
  return `the watchdog saw that ${observation}${facts}, and ${did}`;
}

/** How often each rung was tried, in words. */
const TRIED = {
  note: null,
  nudge: 'told',
  redirect: 'interrupted',
  restart: 'restarted',
  fresh: 'begun afresh',
  hand_over: 'handed over',
  ask: null,
} as const satisfies Record<Rung, string | null>;

/** `told once, interrupted once, restarted twice`; null when nothing was. */
export function triedSoFar({ taken }: LadderState): string | null {
  const parts = Object.entries(taken).flatMap(([rung, times]) => {
    const word = TRIED[rung as Rung];
    return word === null ? [] : [`${word} ${times === 1 ? 'once' : times === 2 ? 'twice' : `${times} times`}`];
  });
  return parts.length === 0 ? null : parts.join(', ');
}
