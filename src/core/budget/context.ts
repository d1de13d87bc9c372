/** How full an agent's context is, and what to do about it. Pure questions to the state. */
import { runnerOf } from '../agent.ts';
import { uuidFrom } from '../id.ts';
import type { AgentState } from '../state.ts';
import type { Settings } from '../step.ts';

/** CLIs that can compact a conversation when they are told to. */
const COMPACTS: ReadonlySet<string> = new Set(['claude', 'codex']);
/** A conversation that is full again after fewer turns than this is not helped by the same means. */
const FEW_TURNS = 3;

export type ContextNeed = 'compact' | 'summary' | 'handoff';

/** The CLI's own limit, or the agent's where that is lower. Tokens; null = nobody knows one. */
export function contextLimit({ context, spec }: AgentState): number | null {
  const own = spec.budget.context ?? null;
  if (own === null || context.limit === null) return own ?? context.limit;
  return Math.min(own, context.limit);
}

/** 0..1 and beyond; null = not known. */
export function contextShare(agent: AgentState): number | null {
  const limit = contextLimit(agent);
  return agent.context.used === null || limit === null || limit <= 0 ? null : agent.context.used / limit;
}

/** Its last turn ended because the conversation is too long. */
export const overflowed = ({ lastOutcome, cli }: AgentState): boolean =>
  lastOutcome === 'error' && cli.lastError?.code === 'context_overflow';

const isRecent = (agent: AgentState, turns: number | null): boolean =>
  turns !== null && agent.turns - turns < FEW_TURNS;

/** What its context needs between two turns; null = nothing. `helpless` says that it was handed off a moment ago. */
export function contextNeed(agent: AgentState, { context }: Settings): ContextNeed | 'helpless' | null {
  const { care } = agent;
  const mends = COMPACTS.has(runnerOf(agent).cli) && !isRecent(agent, care.compacted);
  if (overflowed(agent)) {
    if (isRecent(agent, care.handedOff)) return 'helpless';
    // Its model cannot be asked for a summary: the record has to do.
    return mends ? 'compact' : 'handoff';
  }
  const share = contextShare(agent);
  if (share === null || share < context.compactAt || isRecent(agent, care.handedOff)) return null;
  return mends && share < context.handoffAt ? 'compact' : 'summary';
}

/** Id of the message that asks for the summary: it follows from the occasion, so that it is one message. */
export const summaryMessageId = (agent: AgentState, turns: number): string => uuidFrom(agent.id, 'summary', turns);

/** Asked for at most, and kept at most. Words, characters. */
const SUMMARY_WORDS = 800;
export const SUMMARY_CHARS = 12_000;

export const SUMMARY_REQUEST =
  'Your context is nearly full. Your work goes on in a new conversation, which knows nothing of this one. ' +
  `Write a summary for your successor now, in at most ${SUMMARY_WORDS} words and without calling any tool: the task and what was decided, ` +
  'what is done and where (files, branches, commands that work), what is left to do in order, and what to beware of. ' +
  'Answer with the summary alone.';
