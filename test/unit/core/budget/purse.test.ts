import { describe, expect, it } from 'vitest';
import {
  addDifference,
  countUsage,
  emptyPurse,
  type Purse,
  settlePurse,
  spentUsd,
  tokensOn,
  type Usage,
  usdOn,
} from '../../../../src/core/budget/purse.ts';

const usage = (change: Partial<Usage> = {}): Usage => ({
  type: 'usage',
  input: 100,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd: null,
  contextUsed: null,
  contextLimit: null,
  model: null,
  estimated: false,
  ...change,
});

interface Step {
  costUsd?: number;
  input?: number;
  estimate?: number | null;
  day?: string;
  settle?: true;
}

const filled = (...steps: Step[]): Purse =>
  steps.reduce((purse: Purse, { settle, estimate = null, day, ...change }) => {
    if (settle) return settlePurse(purse);
    return countUsage(purse, usage(change), estimate, day ?? null);
  }, emptyPurse());

describe('a purse', () => {
  const table: [string, Step[], Partial<Purse> & { total: number }][] = [
    ['counts estimates until they are reported', [{ estimate: 1 }, { estimate: 2 }], { total: 3, open: 3, usd: 0 }],
    [
      'puts a report in the place of the estimates before it',
      [{ estimate: 1 }, { costUsd: 5, input: 0 }],
      { total: 5, open: 0 },
    ],
    ['takes a report lower than the estimate', [{ estimate: 4 }, { costUsd: 1, input: 0 }], { total: 1 }],
    [
      'keeps the estimate of a process that ended before it reported',
      [{ estimate: 4 }, { settle: true }, { costUsd: 1 }],
      { total: 5, estimated: 4 },
    ],
    ['adds reports up', [{ costUsd: 1 }, { costUsd: 2 }], { total: 3, reported: true }],
    ['knows which tokens nobody can price', [{}, { estimate: 1 }], { total: 1, unpriced: 100, tokens: 200 }],
    ['takes tokens for priced once their cost is reported', [{}, { costUsd: 1, input: 0 }], { total: 1, unpriced: 0 }],
  ];
  for (const [title, steps, { total, ...fields }] of table) {
    it(title, () => {
      const purse = filled(...steps);
      expect(purse).toMatchObject(fields);
      expect(spentUsd(purse)).toBe(total);
    });
  }

  it('begins a new count with each day, and keeps the total', () => {
    const purse = filled({ costUsd: 2, day: '2026-01-01' }, { costUsd: 3, day: '2026-01-02' });
    expect([spentUsd(purse), usdOn(purse, '2026-01-02'), tokensOn(purse, '2026-01-02')]).toEqual([5, 3, 100]);
    expect(usdOn(purse, '2026-01-03')).toBe(0);
  });

  it('counts usage of an earlier day that is heard of late in the total alone', () => {
    const purse = filled({ costUsd: 3, day: '2026-01-02' }, { costUsd: 2, day: '2026-01-01' });
    expect([spentUsd(purse), usdOn(purse, '2026-01-02'), tokensOn(purse, '2026-01-02')]).toEqual([5, 3, 100]);
  });

  it('shared by several follows the difference in the purse of each', () => {
    const first = filled({ estimate: 4 });
    const then = countUsage(first, usage({ costUsd: 1, input: 0 }), null, null);
    const shared = addDifference(addDifference(emptyPurse(), emptyPurse(), first, null), first, then, null);
    expect([spentUsd(shared), shared.tokens]).toEqual([1, 100]);
  });
});
