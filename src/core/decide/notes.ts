/** Notes of the supervisor: messages of its own that say what happened and start the turn that would not start by itself. */
import { uuidFrom } from '../id.ts';
import type { AgentState, Exchange } from '../state.ts';
import { failureLines, restartReason } from '../watchdog/messages.ts';

export interface Note {
  messageId: string;
  text: string;
}

const ENDED = 'You were interrupted: the program you run in ended in the middle of a turn.';
const RESUMED =
  'It has been started again with this conversation. ' +
  'A command that was running then may have ended half done; check before you rely on it. Please go on with what you were doing.';
const UNANSWERED =
  'The last message above reached this conversation, but no work on it seems to have begun. Please take it up now, unless you have answered it.';
const LIMIT = 'What stopped you (a limit, or an error of the service) is over. Please go on with what you were doing.';

/** The note that this agent is owed; null = none. Its id follows from its occasion, so that it cannot be sent twice. */
export function noteFor(agent: AgentState): Note | null {
  const { owes, cli } = agent;
  if (owes === 'handoff') return { messageId: noteId(agent, 'handoff'), text: handoff(agent) };
  if (cli.turnCutShort) return { messageId: noteId(agent, 'resumed'), text: resumed(agent) };
  if (owes === 'unanswered') return { messageId: noteId(agent, 'unanswered'), text: UNANSWERED };
  if (owes === 'limit') return { messageId: noteId(agent, 'limit'), text: LIMIT };
  return null;
}

const resumed = (agent: AgentState): string => `${restartReason(agent) ?? ENDED} ${RESUMED}`;

const noteId = (agent: AgentState, occasion: string): string =>
  uuidFrom(agent.id, occasion, agent.cli.incarnation, agent.turns, agent.confirmed);

/** What a new conversation has to know of the one that was lost; only what is on record. */
function handoff(agent: AgentState): string {
  const { user, assistant } = agent.lastExchange;
  const why = restartReason(agent);
  const parts = [
    why === null || agent.conversationUsed
      ? opening(agent)
      : `${why} This is a new conversation. What is known of the earlier one:`,
  ];
  if (agent.spec.task !== null) parts.push(`Your task:\n${agent.spec.task}`);
  const earlier = agent.earlierExchanges.flatMap(linesOf);
  if (earlier.length > 0)
    parts.push(`What was said in it, oldest first (long messages are cut):\n${earlier.join('\n')}`);
  if (user !== null) parts.push(`The last message you were given:\n${user}`);
  const { summary } = agent.care;
  if (summary !== null) parts.push(`The summary that you wrote for this conversation:\n${summary}`);
  else if (assistant !== null) parts.push(`The last thing you said:\n${assistant}`);
  if (agent.filesProduced.length > 0) parts.push(`Files you wrote or changed:\n${agent.filesProduced.join('\n')}`);
  const failures = why === null ? [] : failureLines(agent);
  if (failures.length > 0) parts.push(`What failed last, cut:\n${failures.join('\n')}`);
  if (agent.spec.branch !== null) parts.push(`Your branch: ${agent.spec.branch}`);
  parts.push('Look at the present state of the files (git status, git log) before you go on.');
  return parts.join('\n\n');
}

/** Why this conversation has to be told. */
function opening({ conversationUsed, runner, care, turns }: AgentState): string {
  if (care.handedOff === turns) {
    return 'Your earlier conversation had become too long; this is a new one. What is known of it:';
  }
  if (conversationUsed) {
    return 'While this conversation stood still, another agent program went on with your work. What is known of that:';
  }
  if (runner.why !== null) {
    return `Another agent program worked on this until now, and you take over (${runner.why}). What is known of its work:`;
  }
  return 'Your earlier conversation could not be resumed; this is a new one. What is known of it:';
}

function linesOf({ user, assistant }: Exchange): string[] {
  return [
    ...(user === null ? [] : [`- You were told: ${user}`]),
    ...(assistant === null ? [] : [`- You answered: ${assistant}`]),
  ];
}
