/**
 * A change of the runner: `accepted` = wanted, `done` = made, between two processes. The conversation of the runner that is left is kept, to
 * be returned to; the one that takes over is owed an account of what was done.
 */
import { runnersOf } from '../agent.ts';
import type { AgentState, LeftConversation, Runner } from '../state.ts';
import type { EventOf } from './index.ts';

type CommandEvent = EventOf<'command'>;

const NONE: LeftConversation = { conversationId: null, conversationUsed: false, confirmed: 0 };

export function onSwitch(agent: AgentState, event: CommandEvent): void {
  const { to, when, why, unfit } = event.args ?? {};
  const n = Number(to);
  if (event.phase === 'accepted') {
    agent.runner.wanted = { n, when: when === 'now' ? 'now' : 'idle', why: typeof why === 'string' ? why : '' };
    if (typeof unfit === 'number') agent.runner.unfit = [...agent.runner.unfit, unfit];
  } else if (event.phase === 'done') make(agent, n);
  else agent.runner.wanted = null;
}

function make(agent: AgentState, n: number): void {
  const { runner } = agent;
  const runners = runnersOf(agent);
  const from = runners[runner.n];
  const to = runners[n];
  const why = runner.wanted?.why ?? null;
  if (!from || !to) {
    agent.runner.wanted = null;
    return;
  }
  agent.model = to.model;
  const { conversationId, conversationUsed, confirmed } = agent;
  const worked = conversationUsed || agent.lastExchange.user !== null;
  if (!sharesConversations(from, to)) {
    const left: Record<string, LeftConversation> = {
      ...runner.left,
      [runner.n]: { conversationId, conversationUsed, confirmed },
    };
    agent.runner.left = left;
    Object.assign(agent, left[n] ?? NONE);
    agent.context = { used: null, limit: null };
    agent.cli.turnCutShort = false;
    agent.cli.turnExpectedAt = null;
    if (worked) agent.owes = 'handoff';
  }
  // Whether the other one reports costs is not known yet.
  if (from.cli !== to.cli) agent.purse = { ...agent.purse, reported: false };
  agent.runner.n = n;
  agent.runner.wanted = null;
  agent.runner.why = n === 0 ? null : why;
}

/** Another model of the same login goes on in the same conversation. */
const sharesConversations = (a: Runner, b: Runner): boolean => a.cli === b.cli && a.account === b.account;

/** They were declared anew: numbers mean others now, and none has failed yet. */
export function forgetFallbacks(agent: AgentState): void {
  const declared = agent.runner.left[0];
  if (agent.runner.n !== 0 && declared) {
    Object.assign(agent, declared);
    if (agent.lastExchange.user !== null) agent.owes = 'handoff';
  }
  agent.runner = { n: 0, wanted: null, left: {}, unfit: [], why: null };
}
