/** What a host is told of its agent's caps. Pure. */
import { agentsOf, runnerOf } from '../agent.ts';
import type { BudgetOrder } from '../host-wire.ts';
import type { AgentState, State } from '../state.ts';
import type { BudgetSettings } from '../step.ts';
import { type Cap, capsOf, pursesOf, usedUp, usedUpText } from './caps.ts';
import { spentUsd } from './purse.ts';

/**
 * The order, and what of it is new only when a cap or a share changes: what was used goes along with it and is no reason to send it.
 * null without caps.
 */
export function budgetOrder(
  state: State,
  settings: BudgetSettings,
  agent: AgentState,
  today: string,
): { order: BudgetOrder; mark: object } | null {
  const caps = capsOf(state, settings, agent, today);
  if (caps.length === 0) return null;
  const { purse, cursor } = agent;
  const own = caps.filter((cap) => cap.purse === null);
  const joint = caps.filter((cap) => cap.purse !== null);
  const stop = usedUp(joint);
  const fixed = {
    cli: runnerOf(agent).cli,
    caps: own.map(({ name, unit, cap, before }) => ({ name, unit, cap, before })),
    shared: joint.map((cap) => ({ name: cap.name, unit: cap.unit, cap: cap.cap, share: shareOf(state, cap) })),
    stop: stop && usedUpText(stop),
    prices: settings.prices,
  };
  const order: BudgetOrder = {
    ...fixed,
    model: agent.model,
    asOf: cursor && { epoch: cursor.epoch, n: cursor.n },
    used: { usd: purse.usd, open: purse.open, tokens: purse.tokens, reported: purse.reported },
  };
  return { order, mark: { ...fixed, shares: fixed.shared.map(({ unit, share }) => sharesUsed(agent, unit, share)) } };
}

/** How many halves of a share it has used in all: a share that is half used up is given anew. */
function sharesUsed({ purse }: AgentState, unit: Cap['unit'], share: number): number {
  return share <= 0 ? 0 : Math.floor((unit === 'usd' ? spentUsd(purse) : purse.tokens) / (share / 2));
}

/**
 * What one agent may use of a shared cap before it asks again: its part among those that are up, rounded down to a power of two, so
 * that it changes seldom and all shares together are never more than what is left.
 */
function shareOf(state: State, { purse, cap, used }: Cap): number {
  const left = cap - used;
  if (left <= 0) return 0;
  const sharers = agentsOf(state).filter(
    (agent) => agent.wanted === 'up' && purse !== null && pursesOf(agent).includes(purse),
  );
  return 2 ** Math.floor(Math.log2(left / Math.max(1, sharers.length)));
}

/** The least that is left of a cap in USD, for CLIs that take one of their own; null without such a cap. */
export function restUsd(caps: Cap[]): number | null {
  const rests = caps.filter(({ unit }) => unit === 'usd').map(({ cap, used }) => cap - used);
  return rests.length === 0 ? null : Math.max(0, Math.min(...rests));
}

/** What the CLI's own cap leaves it; null = it has none. USD. */
export const ownRest = ({ cli, purse }: AgentState): number | null =>
  cli.stopsAtUsd === null ? null : cli.stopsAtUsd - spentUsd(purse);
