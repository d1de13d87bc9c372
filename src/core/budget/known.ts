/** Can a cap in USD be kept for an agent? Only where its CLI says what it costs, or where the price of its model is known. Pure. */
import { PRICES_AS_OF, priceOf, type PriceRow, reportsCost } from '../prices.ts';

const TOKENS_HOLD = 'a cap in tokens holds all the same (budget.tokens)';

/**
 * A warning in words; null = costs are known.
 * @param own rows of config.yaml
 */
export function costsUnknown(cli: string, model: string | null, own: readonly PriceRow[]): string | null {
  if (reportsCost(cli) || priceOf(model, own) !== null) return null;
  if (model === null) {
    return `${cli} reports no cost, and its model is not known before it starts: a cap in USD holds only if that model has a price; ${TOKENS_HOLD}`;
  }
  return `no price is known for ${model} (table of ${PRICES_AS_OF}): a cap in USD cannot be kept without one in prices of config.yaml; ${TOKENS_HOLD}`;
}

interface CapsInUsd {
  usd?: number | null | undefined;
  perDay?: { usd?: number | null | undefined } | null | undefined;
}

/** Has it a cap in USD, in all or per day? */
export const hasUsdCap = (budget: CapsInUsd | undefined): boolean =>
  typeof budget?.usd === 'number' || typeof budget?.perDay?.usd === 'number';
