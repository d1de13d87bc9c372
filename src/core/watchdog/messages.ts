/** What the supervisor says to an agent: what was seen, and what it shall do now. Plain, short, in the second person. */
import type { AgentState } from '../state.ts';
import type { Finding, FindingKind } from './types.ts';

const ADVICE = {
  stalled: 'If you wait for something, say what it is. Otherwise go on with your task.',
  tool_limit:
    'Do not wait for it any longer: run long things in the background and look at their output from time to time.',
  mute: 'Please go on with your task.',
  unanswered: 'Please go on with your task.',
  compacting: 'Your conversation does not fit. Work in smaller steps and keep large outputs out of it.',
  retrying: 'Please go on with your task.',
  call_loop: 'Doing the same again will not give another result. Say what you expected of it, and try another way.',
  call_cycle: 'Going round once more will not give another result. Say what you expected of it, and try another way.',
  undo_loop: 'Decide for one of the two versions, say why, and go on from there.',
  text_loop: 'Do not say it again. Do the next step of your task, or say in one sentence what keeps you from it.',
  errors: 'Look at what the errors have in common before you try again, and try another way.',
  max_steps: 'Come to an end: say what is done, what is left, and stop.',
  no_change: '',
  denied: '',
  question:
    'Nobody is there to answer at the moment. Decide yourself what can be decided safely, say what you assumed, and go on.',
  surrender: 'Try another way, or a smaller part of the task. If it cannot be done, say exactly what is missing.',
} as const satisfies Record<FindingKind, string>;

/** @param own words of layer 2 in place of the advice; null = the rules' own */
export function nudgeText({ kind, observation }: Finding, own: string | null): string {
  return `Your supervisor watches this agent and saw that ${observation}. ${own ?? ADVICE[kind]}`.trim();
}

export function redirectText(finding: Finding, agent: AgentState): string {
  const failures = finding.kind === 'errors' ? failureLines(agent) : [];
  return [
    `Your supervisor has interrupted this turn: it saw that ${finding.observation}. ${ADVICE[finding.kind]}`,
    ...failures,
  ].join('\n');
}

/** The latest failures, compact: never the log. */
export const failureLines = (agent: AgentState): string[] => agent.watch.failures.map((failure) => `- ${failure}`);

/** After a restart by the ladder: why. */
export const restartReason = ({ ladder }: AgentState): string | null =>
  (ladder.rung === 'restart' || ladder.rung === 'fresh') && ladder.observation !== null
    ? `Your supervisor ended the program you run in, because it saw that ${ladder.observation}.`
    : null;
