import { describe, expect, it } from 'vitest';
import { agentDue } from '../../../../src/core/due.ts';
import { emptyState } from '../../../../src/core/empty-state.ts';
import type { DriverEventBody, JsonObject } from '../../../../src/core/event.ts';
import type { BudgetOrder } from '../../../../src/core/host-wire.ts';
import { BUDGET_STOP_LIMIT_MS } from '../../../../src/core/limits.ts';
import { reduce } from '../../../../src/core/reduce/index.ts';
import type { AgentSpec } from '../../../../src/core/state.ts';
import { iso } from '../../../../src/core/time.ts';
import { Desk, ended, ID, SETTINGS, SPEC, T0, TURN } from '../desk.ts';

const usage = (change: Partial<Extract<DriverEventBody, { type: 'usage' }>> = {}): DriverEventBody => ({
  type: 'usage',
  input: 0,
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
const cost = (costUsd: number): DriverEventBody => usage({ costUsd, input: 10 });

const budget = (usd: number | null, tokens: number | null = null): Partial<AgentSpec> => ({ budget: { usd, tokens } });
const alerts = (desk: Desk): string[] =>
  desk.events('watchdog').flatMap((event) => (event.action === 'alert' ? [event.observation] : []));
const configures = (desk: Desk): (BudgetOrder | null)[] =>
  desk
    .done()
    .flatMap((effect) =>
      effect.do === 'host_command' && effect.verb === 'configure'
        ? [(effect.args.budget ?? null) as unknown as BudgetOrder | null]
        : [],
    );

/** The host has ended the running turn for its budget. */
function stopped(desk: Desk, why = 'budget of 5 USD is used up (5.00)'): void {
  desk.record({ kind: 'budget', incarnation: desk.agent().cli.incarnation, why });
  desk.said(ended('interrupted'));
}

/** In a turn that has cost this much. */
function spending(desk: Desk, usd: number): Desk {
  desk.send('m1');
  desk.confirm('m1');
  desk.said(TURN, cost(usd));
  return desk;
}

function apply(desk: Desk, config: JsonObject, hash: string, spec: Partial<AgentSpec> = {}): void {
  const agents = [{ agentId: ID, name: 'alice', spec: { ...SPEC, ...spec }, messageId: null }];
  desk.command({ verb: 'apply', project: 'demo', hash, config, agents, prune: false });
}

describe("an agent's own cap", () => {
  it('is told to the host once, with what was used and up to where that was counted', () => {
    const desk = new Desk();
    desk.spawn({ ...budget(5, 1_000) });
    desk.hostUp();
    const [order, ...more] = configures(desk);
    expect(more).toEqual([]);
    expect(order).toMatchObject({
      used: { usd: 0, tokens: 0 },
      caps: [
        { name: 'budget', unit: 'usd', cap: 5, before: 0 },
        { name: 'budget', unit: 'tokens', cap: 1_000, before: 0 },
      ],
      stop: null,
    });
    desk.orderDone('start', { pid: 60 });
    desk.ready();
    spending(desk, 1);
    expect(configures(desk)).toEqual([]);
  });

  it('is warned of at 80 % and at 100 %, once each', () => {
    const desk = spending(new Desk().up(budget(5)), 3.9);
    expect(alerts(desk)).toEqual([]);
    desk.said(cost(0.2), cost(0.1));
    expect(alerts(desk)).toEqual(['82 % of the budget of 5 USD is used']);
    desk.said(cost(1), cost(1));
    expect(alerts(desk)).toEqual(['82 % of the budget of 5 USD is used', 'budget of 5 USD is used up (5.20)']);
  });

  it('fails the agent when the turn that it cut off has ended, and says how to go on', () => {
    const desk = spending(new Desk().up(budget(5)), 5.03);
    expect(desk.agent().state).toBe('working');
    stopped(desk, 'budget of 5 USD is used up (5.03)');
    expect(desk.events('turn').at(-1)?.outcome).toBe('budget');
    expect(desk.agent()).toMatchObject({
      state: 'failed',
      reason: 'budget of 5 USD is used up (5.03)',
      overBudget: true,
    });
    expect(desk.agent().hint).toContain('agents.alice.budget.usd');
  });

  it('lets work that is done be done', () => {
    const desk = spending(new Desk().up(budget(5)), 5.03);
    desk.said(ended('ok'));
    expect(desk.agent().state).toBe('idle');
    desk.send('m2');
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: 'budget of 5 USD is used up (5.03)' });
    expect(desk.agent().queue).toHaveLength(1);
  });

  it('refuses to resume while it is reached', () => {
    const desk = spending(new Desk().up(budget(5)), 5.03);
    stopped(desk);
    const { reply } = desk.command({ verb: 'resume', agentId: ID });
    expect(reply).toMatchObject({
      ok: false,
      error: { code: 'INVALID_TRANSITION', message: expect.stringContaining('5.03') },
    });
    expect(desk.agent().state).toBe('failed');
  });

  it('is lifted by a higher one in the file, and the work goes on with a note', () => {
    const desk = spending(new Desk().up({ ...budget(5), cli: 'codex' }), 5.03);
    stopped(desk);
    desk.done();
    apply(desk, {}, 'h2', { ...budget(10), cli: 'codex' });
    expect(desk.agent()).toMatchObject({ gate: null, overBudget: false });
    const message = desk.agent().queue[0];
    expect([message?.from, message?.state]).toEqual(['supervisor', 'sent']);
    expect(alerts(desk)).toHaveLength(1);
    desk.said(cost(4));
    expect(alerts(desk).at(-1)).toBe('90 % of the budget of 10 USD is used');
  });

  it('is not lifted by the same file', () => {
    const desk = spending(new Desk().up(budget(5)), 5.03);
    stopped(desk);
    apply(desk, {}, 'h2', budget(5));
    expect(desk.agent()).toMatchObject({ state: 'failed', overBudget: true });
  });

  it('counts what was estimated for a process that died', () => {
    const desk = new Desk();
    desk.settings = {
      ...SETTINGS,
      budgets: { ...SETTINGS.budgets, prices: [{ model: 'm', input: 1, output: 1, cacheRead: 1, cacheWrite: 1 }] },
    };
    desk.up({ ...budget(5), model: 'm' });
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN, usage({ input: 2_000_000 }));
    desk.exit();
    expect(desk.agent().purse).toMatchObject({ usd: 2, estimated: 2, open: 0 });
    desk.upAgain();
    expect(desk.events('usage')[0]).toMatchObject({ estimatedUsd: 2, day: '2026-01-01' });
  });

  it('holds in tokens where nobody knows a price', () => {
    const desk = spending(new Desk().up(budget(5, 100)), 0);
    desk.said(usage({ input: 60, cacheRead: 40 }));
    stopped(desk, 'budget of 100 tokens is used up (110)');
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: 'budget of 100 tokens is used up (110)' });
  });

  it('ends a CLI that goes on although it was told to stop', () => {
    const desk = spending(new Desk().up(budget(5)), 5.03);
    desk.record({ kind: 'budget', incarnation: 1, why: 'used up' });
    expect(agentDue(desk.agent(), desk.state, desk.settings)).toBe(T0 + BUDGET_STOP_LIMIT_MS);
    desk.done();
    desk.wait(BUDGET_STOP_LIMIT_MS);
    expect(desk.orders()).toEqual(['stop']);
  });
});

describe("a CLI's own cap", () => {
  const startArgs = (desk: Desk): JsonObject[] =>
    desk.done().flatMap((effect) => (effect.do === 'host_command' && effect.verb === 'start' ? [effect.args] : []));

  it('is what is left of the smallest of ours, anew at each start', () => {
    const desk = new Desk();
    desk.spawn(budget(5));
    desk.hostUp();
    expect(startArgs(desk)[0]?.settings).toEqual({ maxBudgetUsd: 5 });
    desk.orderDone('start', { pid: 60 });
    desk.ready();
    spending(desk, 3);
    desk.exit();
    expect(startArgs(desk)[0]?.settings).toEqual({ maxBudgetUsd: 2 });
  });

  it('is replaced between turns when ours was raised far above it', () => {
    const desk = spending(new Desk().up(budget(5)), 4);
    desk.said(ended('ok'));
    desk.done();
    apply(desk, {}, 'h2', budget(50));
    expect(desk.orders()).not.toContain('stop');
    desk.send('m2');
    expect(desk.orders()).toContain('stop');
    expect(desk.agent().restarts).toBe(0);
  });

  it('that is a setting of the user stops the agent for a person', () => {
    const desk = new Desk().up({ settings: { maxBudgetUsd: 1 } });
    spending(desk, 1.1);
    desk.said({ ...ended('ok'), outcome: 'budget' } as DriverEventBody);
    expect(desk.agent()).toMatchObject({ state: 'failed', overBudget: false });
    expect(desk.agent().hint).toContain('a setting of the CLI itself');
  });
});

describe('a cap per day', () => {
  const perDay = { budget: { usd: null, tokens: null, perDay: { usd: 5, tokens: null } } };

  it('limits the agent until the next local day, and then it goes on', () => {
    const desk = spending(new Desk().up({ ...perDay, cli: 'codex' }), 5.5);
    stopped(desk);
    expect(desk.agent()).toMatchObject({
      state: 'limited',
      reason: 'daily budget of 5 USD is used up (5.50)',
      resumeAt: '2026-01-02T00:00:00.000Z',
      limit: { attempt: 0 },
    });
    desk.done();
    desk.wait(24 * 3_600_000);
    expect(desk.agent()).toMatchObject({ gate: null });
    expect(desk.orders()).toContain('message');
  });

  it('begins anew with the day, and the host is told', () => {
    const desk = spending(new Desk().up(perDay), 4);
    desk.said(ended('ok'));
    desk.now = T0 + 25 * 3_600_000;
    desk.done();
    desk.said(TURN, cost(1));
    expect(configures(desk).at(-1)?.caps).toEqual([{ name: 'daily budget', unit: 'usd', cap: 5, before: 4 }]);
    expect(desk.agent().gate).toBeNull();
  });

  it('of all agents is counted in the time zone of the configuration', () => {
    const desk = new Desk();
    const day = { usd: 1, tokens: null };
    desk.settings = { ...SETTINGS, budgets: { ...SETTINGS.budgets, day, timezone: 'America/New_York' } };
    spending(desk.up(), 1);
    stopped(desk);
    expect(desk.agent()).toMatchObject({ state: 'limited', resumeAt: iso(T0 + 5 * 3_600_000) });
    expect(desk.agent().reason).toBe('all agents: daily budget of 1 USD is used up (1.00)');
  });
});

describe('a cap that agents share', () => {
  function two(desk: Desk, spec: Partial<AgentSpec>): Desk {
    desk.up({ account: 'main', ...spec });
    desk.spawn({ account: 'main', ...spec }, 'a-2', 'bob');
    desk.hostUp({}, 'a-2');
    desk.orderDone('start', { pid: 70 }, true, 'a-2');
    desk.ready('a-2', 'conv-2');
    return desk;
  }
  const withAccount = (): Desk => {
    const desk = new Desk();
    const caps = { usd: 10, tokens: null, perDay: { usd: null, tokens: null } };
    desk.settings = { ...SETTINGS, budgets: { ...SETTINGS.budgets, accounts: { main: caps } } };
    return two(desk, {});
  };

  it('stops all agents of the account', () => {
    const desk = withAccount();
    desk.done();
    spending(desk, 10.5);
    const told = new Map<string, string | null>();
    for (const effect of desk.done()) {
      if (effect.do !== 'host_command' || effect.verb !== 'configure') continue;
      told.set(effect.agentId, (effect.args.budget as unknown as BudgetOrder).stop);
    }
    const why = 'account main: budget of 10 USD is used up (10.50)';
    expect([...told].toSorted()).toEqual(
      [
        [ID, why],
        ['a-2', why],
      ].toSorted(),
    );
    desk.command({ verb: 'send', agentId: 'a-2', messageId: 'm9', text: 'go', from: 'user', now: false });
    expect(desk.agent('a-2')).toMatchObject({ state: 'failed', overBudget: true });
    expect(desk.agent('a-2').hint).toContain('accounts.main.budget.usd');
  });

  it('gives each a part for the time without a supervisor, never more together than is left', () => {
    const desk = withAccount();
    desk.done();
    for (let spent = 0; spent < 9; spent += 1) desk.said(cost(1));
    const shares = new Map<string, number>();
    for (const effect of desk.done()) {
      if (effect.do !== 'host_command' || effect.verb !== 'configure') continue;
      shares.set(effect.agentId, (effect.args.budget as unknown as BudgetOrder).shared[0]?.share ?? -1);
    }
    expect([...shares.values()]).toEqual([0.5, 0.5]);
  });

  it('is warned of once for all of them', () => {
    const desk = withAccount();
    desk.said(cost(8.5));
    desk.record({ kind: 'out', incarnation: 1, line: 'x' }, { id: 'a-2', events: [cost(0.1)] });
    expect(alerts(desk)).toEqual(['85 % of the account main: budget of 10 USD is used']);
  });

  it("may be a zone's or an account's in the project's file, and is lifted by a changed one", () => {
    const desk = new Desk();
    desk.up({ zone: 'api' });
    apply(desk, { zones: { api: { budget: { usd: 2 } } } }, 'h1', { zone: 'api' });
    spending(desk, 2);
    stopped(desk);
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: 'zone api: budget of 2 USD is used up (2.00)' });
    apply(desk, { zones: { api: { budget: { usd: 3 } } } }, 'h2', { zone: 'api' });
    expect(desk.agent().gate).toBeNull();
  });

  it('counts what agents spent that are gone', () => {
    const desk = withAccount();
    desk.said(cost(10));
    desk.command({ verb: 'rm', agentId: ID });
    expect(desk.state.purses['account:main']).toMatchObject({ usd: 10 });
  });
});

it('a stop while the supervisor was away, for a share that is no cap, is followed by going on', () => {
  const desk = spending(new Desk().up(budget(50)), 1);
  stopped(desk, 'its part of what is left is used up, and no supervisor is there');
  expect(desk.agent()).toMatchObject({ gate: null, lastOutcome: 'budget' });
  expect(desk.agent().queue[0]).toMatchObject({ from: 'supervisor', state: 'sent' });
});

it('the same events give the same purses', () => {
  const desk = new Desk();
  const caps = { usd: 10, tokens: null, perDay: { usd: 3, tokens: null } };
  desk.settings = { ...SETTINGS, budgets: { ...SETTINGS.budgets, accounts: { 'claude:default': caps } } };
  spending(desk.up(budget(5)), 4.5);
  stopped(desk);
  desk.wait(24 * 3_600_000);
  const again = desk.log.reduce(reduce, emptyState('log-1234'));
  expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(JSON.stringify(desk.state)));
});
