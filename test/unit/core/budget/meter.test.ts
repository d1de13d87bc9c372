import { describe, expect, it } from 'vitest';
import { Meter } from '../../../../src/core/budget/meter.ts';
import type { Usage } from '../../../../src/core/budget/purse.ts';
import type { BudgetOrder } from '../../../../src/core/host-wire.ts';

const EPOCH = 3;
/** 1 USD per million tokens, whatever they are. */
const PRICES = [{ model: '*', input: 1, output: 1, cacheRead: 1, cacheWrite: 1 }];

const order = (change: Partial<BudgetOrder> = {}): BudgetOrder => ({
  cli: 'tutti',
  model: 'm',
  asOf: null,
  used: { usd: 0, open: 0, tokens: 0, reported: false },
  caps: [{ name: 'budget', unit: 'tokens', cap: 100, before: 0 }],
  shared: [],
  stop: null,
  prices: PRICES,
  ...change,
});

const used = (input: number, costUsd: number | null = null): Usage => ({
  type: 'usage',
  input,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd,
  contextUsed: null,
  contextLimit: null,
  model: null,
  estimated: false,
});

function metered(first: BudgetOrder, ...usages: [n: number, tokens: number][]): Meter {
  const meter = new Meter(EPOCH);
  meter.supervised(true);
  meter.configure(first);
  for (const [n, tokens] of usages) meter.usage(used(tokens), n);
  return meter;
}

describe("a host's own count", () => {
  it('goes on from what the supervisor had counted', () => {
    const meter = metered(order({ used: { usd: 0, open: 0, tokens: 60, reported: false } }), [1, 39]);
    expect(meter.usedUp).toBeNull();
    meter.usage(used(1), 2);
    expect(meter.usedUp).toBe('budget of 100 tokens is used up (100)');
  });

  it('counts nothing twice when a later order has counted some of it', () => {
    const meter = metered(order(), [5, 40], [9, 40]);
    meter.configure(order({ asOf: { epoch: EPOCH, n: 5 }, used: { usd: 0, open: 0, tokens: 40, reported: false } }));
    expect(meter.usedUp).toBeNull();
    meter.usage(used(20), 10);
    expect(meter.usedUp).toContain('used up');
  });

  it('counts all of this journal when the order knows only an earlier one', () => {
    const meter = metered(order(), [5, 60]);
    meter.configure(
      order({ asOf: { epoch: EPOCH - 1, n: 99 }, used: { usd: 0, open: 0, tokens: 40, reported: false } }),
    );
    expect(meter.usedUp).toBe('budget of 100 tokens is used up (100)');
  });

  it('never counts less when old usage was added up', () => {
    const usages = Array.from({ length: 1_200 }, (_, i): [number, number] => [i + 1, 1]);
    const meter = metered(order({ caps: [{ name: 'budget', unit: 'tokens', cap: 1_201, before: 0 }] }), ...usages);
    meter.configure(
      order({
        asOf: { epoch: EPOCH, n: 10 },
        used: { usd: 0, open: 0, tokens: 10, reported: false },
        caps: [{ name: 'budget', unit: 'tokens', cap: 1_201, before: 0 }],
      }),
    );
    expect(meter.usedUp).toBeNull();
    meter.usage(used(1), 1_201);
    expect(meter.usedUp).toContain('1201');
  });

  it('estimates money by the price table until the CLI reports it', () => {
    const caps: BudgetOrder['caps'] = [{ name: 'budget', unit: 'usd', cap: 2, before: 0 }];
    const meter = metered(order({ cli: 'claude', caps }), [1, 1_500_000]);
    expect(meter.share).toBe(0.75);
    meter.usage(used(0, 0.5), 2);
    expect(meter.share).toBe(0.25);
  });

  it('counts a daily cap from what was used before the day', () => {
    const caps: BudgetOrder['caps'] = [{ name: 'daily budget', unit: 'tokens', cap: 10, before: 500 }];
    const meter = metered(order({ caps, used: { usd: 0, open: 0, tokens: 505, reported: false } }), [1, 4]);
    expect(meter.usedUp).toBeNull();
    meter.usage(used(1), 2);
    expect(meter.usedUp).toBe('daily budget of 10 tokens is used up (10)');
  });

  it('stops when it is told that a shared cap is used up, and goes on when that is over', () => {
    const meter = metered(order({ stop: 'account main: budget of 5 USD is used up (5.00)' }));
    expect(meter.usedUp).toContain('account main');
    meter.configure(order());
    expect(meter.usedUp).toBeNull();
  });

  describe('of a shared cap', () => {
    const shared: BudgetOrder['shared'] = [{ name: 'account main: budget', unit: 'tokens', cap: 1_000, share: 8 }];
    const joint = order({ caps: [], shared });

    it('waits beyond its share for the supervisor to say what is left', () => {
      const meter = metered(joint, [1, 7]);
      expect([meter.waiting, meter.usedUp]).toEqual([false, null]);
      meter.usage(used(1), 2);
      expect([meter.waiting, meter.usedUp]).toEqual([true, null]);
    });

    it('goes on with a new share from where that was counted', () => {
      const meter = metered(joint, [1, 4], [2, 4], [3, 4]);
      meter.configure({
        ...joint,
        asOf: { epoch: EPOCH, n: 2 },
        used: { usd: 0, open: 0, tokens: 8, reported: false },
      });
      expect(meter.waiting).toBe(false);
      meter.usage(used(4), 4);
      expect(meter.waiting).toBe(true);
    });

    it('stops beyond its share while no supervisor is there', () => {
      const meter = metered(joint);
      meter.supervised(false);
      meter.usage(used(7), 2);
      expect(meter.usedUp).toBeNull();
      meter.usage(used(1), 3);
      expect(meter.usedUp).toContain('no supervisor is there');
      expect(meter.waiting).toBe(false);
    });

    it('is not given a second share by a supervisor that came and went without counting', () => {
      const meter = metered(joint);
      meter.supervised(false);
      meter.usage(used(8), 2);
      meter.supervised(true);
      meter.supervised(false);
      expect(meter.usedUp).toContain('no supervisor is there');
    });
  });

  it('holds nothing back without caps', () => {
    const meter = metered(order(), [1, 500]);
    meter.configure(null);
    expect(meter.usedUp).toBeNull();
  });
});
