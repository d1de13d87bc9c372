/**
 * `budget/`: what agents have used, what it cost, and the caps on it. Pure; the pane host bundles this folder, so that a cap
 * also holds while the supervisor is away.
 *
 * This file: a purse, which is what one agent, or all agents of an account, a zone or the home, have used since it was opened.
 */
import type { DriverEventBody } from '../event.ts';

export type Usage = Extract<DriverEventBody, { type: 'usage' }>;

export interface Purse {
  /** USD: reported by the CLI, or estimated and never to be reported any more. */
  usd: number;
  /** USD, estimated: the CLI has yet to report what these tokens cost. Its report takes their place. */
  open: number;
  /** The part of `usd` that is estimated. USD. */
  estimated: number;
  /** All tokens: input, output, read from and written to the cache. */
  tokens: number;
  /** Tokens that nobody knows the price of; and those of them whose cost may still be reported. */
  unpriced: number;
  openUnpriced: number;
  /** The CLI has reported a cost. */
  reported: boolean;
  /** Local date (`2026-11-21`) of the latest usage, and what had been used before that day. */
  day: string | null;
  usdBefore: number;
  tokensBefore: number;
  /** Warnings that were given, so that each is given once. Bounded. */
  told: string[];
}

/** Warnings remembered per purse; the oldest go first. */
const TOLD_KEPT = 40;

export const emptyPurse = (): Purse => ({
  usd: 0,
  open: 0,
  estimated: 0,
  tokens: 0,
  unpriced: 0,
  openUnpriced: 0,
  reported: false,
  day: null,
  usdBefore: 0,
  tokensBefore: 0,
  told: [],
});

/** USD so far. */
export const spentUsd = (purse: Purse): number => purse.usd + purse.open;

export const tokensOf = (usage: Pick<Usage, 'input' | 'output' | 'cacheRead' | 'cacheWrite'>): number =>
  usage.input + usage.output + usage.cacheRead + usage.cacheWrite;

/** What was used on that day. */
export const usdOn = (purse: Purse, day: string): number => (purse.day === day ? spentUsd(purse) - purse.usdBefore : 0);
export const tokensOn = (purse: Purse, day: string): number =>
  purse.day === day ? purse.tokens - purse.tokensBefore : 0;

/** A later day begins a new count; usage of an earlier day that is heard of late belongs to no count of a day. */
function onDay(purse: Purse, day: string | null): Purse {
  if (day === null || (purse.day !== null && day <= purse.day)) return purse;
  return { ...purse, day, usdBefore: spentUsd(purse), tokensBefore: purse.tokens };
}

const isLate = (purse: Purse, day: string | null): boolean => day !== null && purse.day !== null && day < purse.day;

/** Usage of an earlier day: it is in the totals, and in what was used before this day. */
function belated(before: Purse, after: Purse, day: string | null): Purse {
  if (!isLate(before, day)) return after;
  return {
    ...after,
    usdBefore: after.usdBefore + spentUsd(after) - spentUsd(before),
    tokensBefore: after.tokensBefore + after.tokens - before.tokens,
  };
}

/**
 * The purse after this usage. A reported cost stands for everything since the last report, and takes the place of what was
 * estimated meanwhile. @param estimate USD; null where nobody knows the price
 */
export function countUsage(purse: Purse, usage: Usage, estimate: number | null, day: string | null): Purse {
  const from = onDay(purse, day);
  const used = tokensOf(usage);
  const tokens = from.tokens + used;
  if (usage.costUsd !== null) {
    const settled = {
      ...from,
      tokens,
      usd: from.usd + usage.costUsd,
      open: 0,
      unpriced: from.unpriced - from.openUnpriced,
      openUnpriced: 0,
      reported: true,
    };
    return belated(from, settled, day);
  }
  if (estimate !== null) return belated(from, { ...from, tokens, open: from.open + estimate }, day);
  const unpriced = { unpriced: from.unpriced + used, openUnpriced: from.openUnpriced + used };
  return belated(from, { ...from, tokens, ...unpriced }, day);
}

/** The process ended: what it has not reported it will not report, and the estimate stands. */
export const settlePurse = (purse: Purse): Purse =>
  purse.open === 0 && purse.openUnpriced === 0
    ? purse
    : {
        ...purse,
        usd: purse.usd + purse.open,
        estimated: purse.estimated + purse.open,
        open: 0,
        openUnpriced: 0,
      };

/** A shared purse after what one of its agents used: the difference in that agent's own. */
export function addDifference(purse: Purse, before: Purse, after: Purse, day: string | null): Purse {
  const from = onDay(purse, day);
  const added = {
    ...from,
    usd: from.usd + spentUsd(after) - spentUsd(before),
    tokens: from.tokens + after.tokens - before.tokens,
    unpriced: from.unpriced + after.unpriced - before.unpriced,
  };
  return belated(from, added, day);
}

/** A warning was given. */
export const withTold = (purse: Purse, mark: string): Purse => ({
  ...purse,
  told: [...purse.told.slice(-(TOLD_KEPT - 1)), mark],
});
