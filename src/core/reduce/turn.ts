/** Turns, what is said in them, errors, and the conversation they belong to. */
import { namesLimit } from '../accounts/words.ts';
import { cliAlive } from '../agent.ts';
import { EARLIER_EXCHANGE_CHARS, EXCHANGE_CHARS, EXCHANGES_KEPT } from '../limits.ts';
import type { AgentState } from '../state.ts';
import { rememberText, rememberTurn } from '../watchdog/remember.ts';
import { noteSummary } from './context.ts';
import type { Reducer } from './index.ts';

/** A sign that the turn gets on: what the CLI waited for is over. */
export function progress(agent: AgentState, at: string): void {
  agent.lastProgressAt = at;
  agent.watch.retries = 0;
  if (agent.limit.active) agent.limit.active = false;
}

export const onTurn: Reducer<'turn'> = (_state, event, agent) => {
  if (!agent) return;
  if (event.phase === 'start') {
    agent.turns += 1;
    rememberTurn(agent);
    if (!cliAlive(agent)) return;
    agent.cli.turn = true;
    agent.cli.turnStartedAt = event.at;
    agent.cli.turnExpectedAt = null;
    agent.cli.turnCutShort = false;
    agent.cli.lastError = null;
    agent.cli.budgetStopAt = null;
    agent.conversationUsed = true;
    agent.limit = {
      ...agent.limit,
      active: false,
      resetsAt: null,
      scope: null,
      cutTurn: null,
      metTurn: null,
      metAt: null,
    };
    agent.lastProgressAt = event.at;
    return;
  }
  agent.cli.turn = false;
  agent.cli.turnStartedAt = null;
  agent.openCalls = {};
  agent.lastOutcome = event.outcome;
  agent.cli.outcome = event.outcome;
  agent.cli.budgetStopAt = null;
  // What a cap cut off is taken up again by a note, when there is budget again.
  if (event.outcome === 'budget') agent.owes ??= 'limit';
  if (event.outcome === 'ok') {
    // What was asked of it for the sake of its context is no task of anybody's.
    if (agent.care.step === null) agent.taskOpen = agent.queue.length > 0;
    agent.limit = { active: false, resetsAt: null, scope: null, attempt: 0, cutTurn: null, metTurn: null, metAt: null };
    agent.cli.lastError = null;
    agent.lastProgressAt = event.at;
  }
  const { cutTurn, metTurn } = agent.limit;
  const byLimit = cutTurn === agent.turns || metTurn === agent.turns;
  if (event.outcome === 'interrupted' && byLimit) oweWork(agent, event.at);
  // Ended in a friendly way on the way to its restart: the work goes on all the same.
  const restarting = agent.wanted === 'up' && (agent.cli.condemned || agent.cli.phase === 'stopping');
  if (event.outcome === 'interrupted' && restarting) agent.cli.turnCutShort = true;
  // An interrupt on the way has lapsed with its turn.
  for (const [id, order] of Object.entries(agent.pending)) if (order.verb === 'interrupt') dropPending(agent, id);
};

/** A limit interrupted its work: a note asks to go on when that is over. */
export function oweWork(agent: AgentState, at: string): void {
  agent.limit = { ...agent.limit, metAt: agent.limit.metAt ?? at };
  if (agent.conversationUsed) agent.owes ??= 'limit';
}

export function dropPending(agent: AgentState, id: string): void {
  const { [id]: _dropped, ...rest } = agent.pending;
  agent.pending = rest;
}

const cut = (text: string, chars: number): string => (text.length > chars ? `${text.slice(0, chars)}…` : text);
const short = (text: string | null): string | null => (text === null ? null : cut(text, EARLIER_EXCHANGE_CHARS));

export const onMessage: Reducer<'message'> = (_state, event, agent) => {
  if (!agent || event.parentCallId !== undefined) return;
  if (event.role === 'assistant') {
    agent.lastExchange.assistant = cut(event.content, EXCHANGE_CHARS);
    noteSummary(agent, event.content);
    rememberText(agent, event);
    progress(agent, event.at);
  } else if (event.from !== 'supervisor') beginExchange(agent, event.content);
};

function beginExchange(agent: AgentState, text: string): void {
  const { user, assistant } = agent.lastExchange;
  if (user !== null || assistant !== null) {
    const kept = agent.earlierExchanges.slice(-(EXCHANGES_KEPT - 1));
    agent.earlierExchanges = [...kept, { user: short(user), assistant: short(assistant) }];
  }
  agent.lastExchange = { user: cut(text, EXCHANGE_CHARS), assistant: null };
}

/** A person wanted it to begin anew: what was said before is not to be handed on. */
export function forgetExchanges(agent: AgentState): void {
  agent.lastExchange = { user: null, assistant: null };
  agent.earlierExchanges = [];
}

export const onThinking: Reducer<'thinking'> = (_state, event, agent) => {
  if (!agent) return;
  rememberText(agent, event);
  progress(agent, event.at);
};

export const onRetry: Reducer<'retry'> = (_state, event, agent) => {
  if (!agent) return;
  agent.watch.retries += 1;
  // A limit: the CLI is interrupted, and its work goes on later.
  if (namesLimit(event.error)) agent.limit = { ...agent.limit, metTurn: agent.turns };
};

export const onError: Reducer<'error'> = (_state, event, agent) => {
  if (agent) agent.cli.lastError = { code: event.code, message: event.message, retryable: event.retryable };
};

/** With `resumed: false` and no id, written by the supervisor itself, it says that the conversation is lost. */
export const onSession: Reducer<'session'> = (_state, event, agent) => {
  if (!agent) return;
  if (event.model !== null) agent.model = event.model;
  if (event.conversationId !== null) agent.conversationId = event.conversationId;
  else if (event.resumed === false && event.cause?.by === 'supervisor') loseConversation(agent);
};

function loseConversation(agent: AgentState): void {
  if (agent.conversationUsed) agent.owes = 'handoff';
  leaveConversation(agent);
}

/** The next conversation begins empty: no turn of it was cut short. */
export function leaveConversation(agent: AgentState): void {
  agent.conversationId = null;
  agent.conversationUsed = false;
  agent.confirmed = 0;
  agent.context = { used: null, limit: agent.context.limit };
  agent.care = { ...agent.care, step: null };
  agent.cli.turnCutShort = false;
  agent.cli.turnExpectedAt = null;
}
