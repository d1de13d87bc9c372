/**
 * What tokens cost where a CLI reports no money: list prices in USD per million tokens, from the vendors' lists as known to the
 * authors at the date below, not fetched. Any other model needs `prices` in config.yaml (which also overrides these), or has a cap in tokens alone. What is computed with
 * these is an estimate: discounts, batch prices and surcharges for long prompts are not in it.
 */

export interface Price {
  /** USD per million tokens. */
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export interface PriceRow extends Price {
  /** Model name; `*` stands for any text. The first row that matches counts. */
  model: string;
}

/** The date that the table stands for. */
export const PRICES_AS_OF = '2026-02-01';

/** Anthropic: a read from the cache costs a tenth of the input, a write to it (5 minutes) a quarter more. */
const anthropic = (model: string, input: number, output: number): PriceRow => ({
  model,
  input,
  output,
  cacheRead: input / 10,
  cacheWrite: input * 1.25,
});

/** OpenAI: a write to the cache costs no more than the input. */
const openai = (model: string, input: number, cacheRead: number, output: number): PriceRow => ({
  model,
  input,
  output,
  cacheRead,
  cacheWrite: input,
});

export const PRICES: readonly PriceRow[] = [
  anthropic('*claude-opus-4-6*', 5, 25),
  anthropic('*claude-opus-4-5*', 5, 25),
  anthropic('*claude-opus-4-1*', 15, 75),
  anthropic('*claude-opus-4-2025*', 15, 75),
  anthropic('*claude-opus-4-0', 15, 75),
  anthropic('*claude-sonnet-4-5*', 3, 15),
  anthropic('*claude-sonnet-4-2025*', 3, 15),
  anthropic('*claude-sonnet-4-0', 3, 15),
  anthropic('*claude-3-7-sonnet*', 3, 15),
  anthropic('*claude-haiku-4-5*', 1, 5),
  anthropic('*claude-3-5-haiku*', 0.8, 4),
  openai('*gpt-5.1-codex-mini', 0.25, 0.025, 2),
  openai('*gpt-5.1-codex', 1.25, 0.125, 10),
  openai('*gpt-5.1', 1.25, 0.125, 10),
  openai('*gpt-5-codex', 1.25, 0.125, 10),
  openai('*gpt-5-mini', 0.25, 0.025, 2),
  openai('*gpt-5-nano', 0.05, 0.005, 0.4),
  openai('*gpt-5', 1.25, 0.125, 10),
  openai('*gpt-4.1-mini', 0.4, 0.1, 1.6),
  openai('*gpt-4.1-nano', 0.1, 0.025, 0.4),
  openai('*gpt-4.1', 2, 0.5, 8),
  openai('*gpt-4o-mini', 0.15, 0.075, 0.6),
  openai('*gpt-4o', 2.5, 1.25, 10),
  openai('o4-mini', 1.1, 0.275, 4.4),
  openai('o3', 2, 0.5, 8),
];

/** Does the whole name match? `*` stands for any text. */
function matches(pattern: string, model: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (!model.startsWith(first)) return false;
  const last = rest.pop();
  if (last === undefined) return model === first;
  let at = first.length;
  for (const part of rest) {
    const found = model.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return model.length - last.length >= at && model.endsWith(last);
}

/** null = nobody knows. @param own rows that go before the table (`prices` of config.yaml) */
export function priceOf(model: string | null, own: readonly PriceRow[]): Price | null {
  if (model === null) return null;
  return [...own, ...PRICES].find((row) => matches(row.model, model)) ?? null;
}

/** USD for these tokens. */
export function costOf(
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number },
  price: Price,
): number {
  const { input, output, cacheRead, cacheWrite } = tokens;
  const sum = input * price.input + output * price.output + cacheRead * price.cacheRead + cacheWrite * price.cacheWrite;
  return sum / 1_000_000;
}

/** How the money of a CLI becomes known: `later` = it reports it behind the tokens it is for, `reported` = with or before them. */
const REPORTS: Readonly<Record<string, 'later' | 'reported'>> = {
  claude: 'later',
  opencode: 'reported',
  aider: 'reported',
};

/** Does this CLI tell what its tokens cost? */
export const reportsCost = (cli: string): boolean => Object.hasOwn(REPORTS, cli);

/**
 * An estimate for usage whose cost is not in it; null where there is none to be made: nobody knows the price, or the CLI has
 * reported (or will report) these tokens' cost by itself. @param reported it has told a cost before
 */
export function estimateUsd(
  cli: string,
  reported: boolean,
  tokens: Parameters<typeof costOf>[0],
  price: Price | null,
): number | null {
  if (Object.hasOwn(REPORTS, cli) && REPORTS[cli] === 'reported' && reported) return 0;
  return price === null ? null : costOf(tokens, price);
}
