/** Caps on real CLIs against a model that spends as fast as it can, in the model's own count. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogEntry } from '../../src/agents/scripted-model/index.ts';
import { type RealCliName, realCli, skipLine } from '../support/real-clis.ts';
import { type Budget, openRealStage, type RealAgent, type RealStage } from '../support/real-stage.ts';

const tokens = ({ usage }: LogEntry): number =>
  usage === null ? 0 : usage.input + usage.output + usage.cacheRead + usage.cacheWrite;

interface Trait {
  cli: RealCliName;
  budget: Budget;
  /** Model calls that were begun after the one that reached the cap. */
  beyond: number;
}

/**
 * claude asks before every call, but may run the first ones of an answer before it has told what the answer used: then, as with codex,
 * the turn is ended behind them, and one further call may have begun by then.
 */
const TRAITS: [string, Trait][] = [
  ['claude in tokens', { cli: 'claude', budget: { usd: null, tokens: 200_000 }, beyond: 1 }],
  ['claude in USD', { cli: 'claude', budget: { usd: 0.4, tokens: null }, beyond: 0 }],
  ['codex in tokens', { cli: 'codex', budget: { usd: null, tokens: 20_000 }, beyond: 1 }],
];

describe.each(TRAITS)('a cap of the real %s', (title, { cli: name, budget, beyond }) => {
  const cli = realCli(name);
  let stage: RealStage;
  beforeAll(async () => {
    if (cli) stage = await openRealStage(cli);
  });
  afterAll(() => stage?.close());

  test.skipIf(cli === null)(
    cli === null ? skipLine(name) : 'ends the turn between two calls, with its tools whole',
    async () => {
      const agent = await stage.agent(title.replaceAll(' ', '-').toLowerCase(), 'bypass', budget);
      await agent.tell('Spend. [[scenario:spend cmd="echo begun >> done.txt; sleep 0.1; echo ended >> done.txt"]]');
      const view = await agent.until('it has given up', async () => {
        const now = await agent.view();
        return now.state === 'failed' && now;
      });
      expect(view.reason).toMatch(/^budget of .* is used up/);
      const ends = (await agent.events('turn')).flatMap((event) => (event.phase === 'end' ? event.outcome : []));
      expect(ends).toEqual(['budget']);
      expect(afterwards(agent, view, budget)).toBeLessThanOrEqual(beyond);
      expect(wholeTools(agent)).toBe(true);
    },
  );
});

/** Requests that came after the answer with which the cap was reached, by the model's tokens or by our count of the money. */
function afterwards(agent: RealAgent, view: { tokens: { total: number } }, budget: Budget): number {
  const all = agent.requests();
  if (budget.tokens === null) {
    // claude's own prices decide: all that was answered was counted, and nothing was asked after it.
    expect(all.reduce((sum, entry) => sum + tokens(entry), 0)).toBe(view.tokens.total);
    return all.filter(({ outcome }) => outcome === 'aborted').length;
  }
  let sum = 0;
  let late = 0;
  for (const entry of all) {
    if (sum >= budget.tokens) late += 1;
    sum += tokens(entry);
  }
  expect(sum).toBeGreaterThanOrEqual(budget.tokens);
  return late;
}

function wholeTools(agent: RealAgent): boolean {
  const file = join(agent.cwd, 'done.txt');
  if (!existsSync(file)) return false;
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .every((line, i) => line === (i % 2 === 0 ? 'begun' : 'ended'));
}
