import { describe, expect, it } from 'vitest';
import { costOf, estimateUsd, priceOf, PRICES } from '../../../src/core/prices.ts';

const TOKENS = { input: 1_000_000, output: 1_000_000, cacheRead: 1_000_000, cacheWrite: 1_000_000 };

describe('the price table', () => {
  const table: [string, string | null, number | null][] = [
    ['a dated model', 'claude-sonnet-4-5-20250929', 3],
    ['a model behind a provider', 'anthropic/claude-haiku-4-5', 1],
    ['a small sister', 'gpt-5-mini', 0.25],
    ['the model itself, not its sisters', 'gpt-5', 1.25],
    ['a later model of the same family', 'gpt-5.9', null],
    ['a model that only ends alike', 'solo3', null],
    ['a model that nobody knows', 'scripted-model', null],
    ['no model', null, null],
  ];
  for (const [title, model, input] of table) {
    it(`knows ${title}: ${input === null ? 'no price' : `${input} USD`}`, () => {
      expect(priceOf(model, [])?.input ?? null).toBe(input);
    });
  }

  it('yields to the rows of the user', () => {
    const own = [{ model: 'gpt-*', input: 7, output: 7, cacheRead: 7, cacheWrite: 7 }];
    expect(priceOf('gpt-5', own)?.input).toBe(7);
  });

  it('has no model twice, and reads from a cache cost less than input', () => {
    expect(new Set(PRICES.map(({ model }) => model)).size).toBe(PRICES.length);
    expect(PRICES.filter(({ input, cacheRead }) => cacheRead >= input)).toEqual([]);
  });

  it('counts per million tokens', () => {
    expect(costOf(TOKENS, { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 })).toBeCloseTo(22.05, 10);
  });
});

describe('an estimate', () => {
  const price = { input: 1, output: 0, cacheRead: 0, cacheWrite: 0 };
  const table: [string, string, boolean, number | null][] = [
    ['is made for a CLI that reports later', 'claude', true, 1],
    ['is made for a CLI that never reports', 'codex', false, 1],
    ['is made for a CLI that has not reported yet', 'opencode', false, 1],
    ['adds nothing to what a CLI has reported by itself', 'opencode', true, 0],
  ];
  for (const [title, cli, reported, usd] of table) {
    it(title, () => expect(estimateUsd(cli, reported, { ...TOKENS, output: 0 }, price)).toBe(usd));
  }

  it('is none without a price', () => expect(estimateUsd('codex', false, TOKENS, null)).toBeNull());
});
