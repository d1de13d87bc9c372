/** Which caps hold for an agent, and how far each of them is used up. Pure. */
import { runnerOf } from '../agent.ts';
import type { JsonObject } from '../event.ts';
import type { AgentState, State } from '../state.ts';
import type { BudgetSettings, Caps } from '../step.ts';
import { emptyPurse, type Purse, spentUsd, tokensOn, usdOn } from './purse.ts';

export type Unit = 'usd' | 'tokens';

export interface Cap {
  /** Whose purse: null = the agent's own, else the key of a shared one. */
  purse: string | null;
  unit: Unit;
  /** Counted per local day. */
  daily: boolean;
  /** USD or tokens. */
  cap: number;
  used: number;
  /** What had been used before the count of this cap began: 0, or what was used before today. */
  before: number;
  /** `budget`, `account main: daily budget` */
  name: string;
}

/** A cap is used up this much below its figure: sums of fractions are not exact. USD. */
const EXACT = 1e-9;

export const isUsedUp = ({ cap, used }: Pick<Cap, 'cap' | 'used'>): boolean => used >= cap - EXACT;

/** Keys of the shared purses that an agent pays into. */
export function pursesOf(agent: Pick<AgentState, 'project' | 'spec' | 'runner'>): string[] {
  const { zone } = agent.spec;
  const { account } = runnerOf(agent);
  return [`account:${account}`, ...(zone === null ? [] : [`zone:${agent.project}/${zone}`]), 'all'];
}

/** All caps of this agent: its own first, then those it shares. @param today local date */
export function capsOf(state: State, settings: BudgetSettings, agent: AgentState, today: string): Cap[] {
  const { budget, zone } = agent.spec;
  const { account } = runnerOf(agent);
  const list: Cap[] = [];
  const add = (caps: Caps | null | undefined, purse: string | null, daily: boolean, name: string): void => {
    if (!caps) return;
    const filled = purse === null ? agent.purse : (state.purses[purse] ?? emptyPurse());
    if (caps.usd !== null) list.push({ ...measured(filled, 'usd', daily, today), purse, daily, cap: caps.usd, name });
    if (caps.tokens !== null)
      list.push({ ...measured(filled, 'tokens', daily, today), purse, daily, cap: caps.tokens, name });
  };
  add(budget, null, false, 'budget');
  add(budget.perDay, null, true, 'daily budget');
  for (const caps of accountCaps(state, settings, account)) {
    add(caps, `account:${account}`, false, `account ${account}: budget`);
    add(caps.perDay, `account:${account}`, true, `account ${account}: daily budget`);
  }
  if (zone !== null) {
    const key = `zone:${agent.project}/${zone}`;
    const caps = capsAt(state, agent.project, 'zones', zone);
    add(caps, key, false, `zone ${zone}: budget`);
    add(caps?.perDay, key, true, `zone ${zone}: daily budget`);
  }
  add(settings.day, 'all', true, 'all agents: daily budget');
  return list;
}

function measured(purse: Purse, unit: Unit, daily: boolean, today: string): Pick<Cap, 'unit' | 'used' | 'before'> {
  const total = unit === 'usd' ? spentUsd(purse) : purse.tokens;
  if (!daily) return { unit, used: total, before: 0 };
  if (purse.day !== today) return { unit, used: 0, before: total };
  const used = unit === 'usd' ? usdOn(purse, today) : tokensOn(purse, today);
  return { unit, used, before: unit === 'usd' ? purse.usdBefore : purse.tokensBefore };
}

type WithDay = Caps & { perDay: Caps | null };

/** An account may be declared in config.yaml and by several projects: every one of their caps holds. */
function accountCaps(state: State, settings: BudgetSettings, account: string): WithDay[] {
  const own = Object.hasOwn(settings.accounts, account) ? settings.accounts[account] : undefined;
  const declared = Object.keys(state.projects).flatMap((project) => capsAt(state, project, 'accounts', account) ?? []);
  return [...(own ? [own] : []), ...declared];
}

/** `accounts.NAME.budget` or `zones.NAME.budget` of a project's file, as it was applied. */
function capsAt(state: State, project: string, group: 'accounts' | 'zones', name: string): WithDay | null {
  const config = state.projects[project]?.config;
  const budget = objectAt(objectAt(objectAt(config, group), name), 'budget');
  if (!budget) return null;
  const perDay = objectAt(budget, 'perDay');
  return { ...figures(budget), perDay: perDay ? figures(perDay) : null };
}

function objectAt(from: JsonObject | null | undefined, key: string): JsonObject | null {
  const value = from && Object.hasOwn(from, key) ? from[key] : null;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

const figures = ({ usd, tokens }: JsonObject): Caps => ({
  usd: typeof usd === 'number' ? usd : null,
  tokens: typeof tokens === 'number' ? tokens : null,
});

/** The cap that stops it: one that lasts goes before one that is over tomorrow. */
export function usedUp(caps: Cap[]): Cap | null {
  const reached = caps.filter(isUsedUp);
  return reached.find((cap) => !cap.daily) ?? reached[0] ?? null;
}

/** The cap that is nearest to its end, for people; null without caps. */
export function nearest(caps: Cap[]): { share: number; cap: Cap } | null {
  const [first] = caps.map((cap) => ({ share: cap.used / cap.cap, cap })).toSorted((a, b) => b.share - a.share);
  return first ?? null;
}

const amount = (value: number, unit: Unit): string =>
  unit === 'usd' ? `${Number(value.toFixed(4))} USD` : `${value} tokens`;

/** `budget of 5 USD` */
export const capText = ({ name, cap, unit }: Pick<Cap, 'name' | 'cap' | 'unit'>): string =>
  `${name} of ${amount(cap, unit)}`;

/** `5.03`, `10230` */
export const usedText = ({ used, unit }: Pick<Cap, 'used' | 'unit'>): string =>
  unit === 'usd' ? used.toFixed(used < 0.1 ? 4 : 2) : String(used);

/** `budget of 5 USD is used up (5.03)` */
export const usedUpText = (cap: Pick<Cap, 'name' | 'cap' | 'unit' | 'used'>): string =>
  `${capText(cap)} is used up (${usedText(cap)})`;
