/** The care of a full context: compacting, asking for a summary, handing off. One step at a time. */
import { SUMMARY_CHARS } from '../budget/context.ts';
import type { AgentState } from '../state.ts';

export const CONTEXT_VERDICTS = {
  /** The CLI is told to compact. What it could not finish is taken up again afterwards. */
  context_compact: (agent, at) => {
    if (agent.lastOutcome === 'error') agent.owes ??= 'limit';
    agent.care = { ...agent.care, step: 'compact', turns: agent.turns, at };
  },
  /** Room again. */
  context_compacted: (agent) => {
    agent.care = { ...agent.care, step: null, compacted: agent.turns };
  },
  /** It is asked for a summary. */
  context_summary: (agent, at) => {
    agent.care = { ...agent.care, step: 'summary', turns: agent.turns, at, summary: null };
  },
  /** It goes on in a new conversation. */
  context_handoff: (agent) => {
    agent.care = { ...agent.care, step: null, handedOff: agent.turns };
    agent.restartWanted = 'handoff';
  },
} satisfies Record<string, (agent: AgentState, at: string) => void>;

/** The last words of the turn that was asked for a summary are the summary. */
export function noteSummary(agent: AgentState, content: string): void {
  if (agent.care.step !== 'summary' || agent.turns <= agent.care.turns) return;
  agent.care = { ...agent.care, summary: content.slice(0, SUMMARY_CHARS) };
}
