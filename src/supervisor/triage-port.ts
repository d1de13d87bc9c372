/**
 * Layer 2 of the watchdog: a model is asked about a case that the rules call ambiguous. This is the port; `triage.ts` decides
 * when it may be used, `agents/triage/` asks the model, and the core decides what comes of the answer.
 */

import type { Advice, Spent } from '../core/watchdog/types.ts';

/** Everything the model can answer. It chooses one of these; nothing else of what it says is acted on but `text`. */
export const TRIAGE_ACTIONS = [
  'retry',
  'nudge',
  'restart',
  'extend',
  'ask',
  'stop',
] as const satisfies Advice['action'][];
export type TriageAction = (typeof TRIAGE_ACTIONS)[number];

/** What is asked. Facts only: all of it may hold text that an agent, a tool or a web page wrote. */
export interface TriageQuestion {
  cli: string;
  state: string;
  task: string | null;
  /** What the rules found. */
  finding: string;
  observation: string;
  evidence: string;
  /** Latest events, oldest first, one line each. */
  events: string[];
}

export interface TriageAnswer {
  action: TriageAction;
  /** What to say to the agent; null where there is nothing to say. */
  text: string | null;
  why: string;
  spent: Spent;
}

/** It was asked, and gave nothing that can be used; what that has cost is counted all the same. */
export class TriageFailure extends Error {
  readonly spent: Spent;
  constructor(message: string, spent: Spent) {
    super(message);
    this.name = 'TriageFailure';
    this.spent = spent;
  }
}

export interface TriagePort {
  /** Rejects on every failure, an answer of another form included (with a TriageFailure); the caller has a default. `signal` ends it. */
  ask(question: TriageQuestion, signal: AbortSignal): Promise<TriageAnswer>;
}
