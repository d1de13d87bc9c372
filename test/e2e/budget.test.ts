/**
 * Caps against a model that spends as fast as it can, on the built program. What was spent is asked of the model's own count,
 * not of ours: a cap is never exceeded by more than the one call that reaches it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogEntry } from '../../src/agents/scripted-model/index.ts';
import { lockOwner } from '../../src/system/lock.ts';
import { startOf } from '../../src/system/proc/index.ts';
import { projectYaml, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

/** 1 USD per thousand tokens, whatever they are. */
const PRICES = "prices: { '*': { input: 1000, output: 1000, cacheRead: 1000, cacheWrite: 1000 } }";

const homes: TuttiHome[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await home.remove();
});

async function homeWith(config = '', yaml = ''): Promise<TuttiHome> {
  const home = await tuttiHome({ yaml });
  homes.push(home);
  home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
  writeFileSync(home.env['TUTTI_CONFIG'], `version: 1\n${config}\n`);
  return home;
}

const tokens = ({ usage }: LogEntry): number =>
  usage === null ? 0 : usage.input + usage.output + usage.cacheRead + usage.cacheWrite;
const spent = (home: TuttiHome): number => home.model.requests().reduce((sum, entry) => sum + tokens(entry), 0);

/** Requests that the model got after the answer that reached the cap. */
function callsBeyond(home: TuttiHome, cap: number): number {
  let sum = 0;
  let beyond = 0;
  for (const entry of home.model.requests()) {
    if (sum >= cap) beyond += 1;
    sum += tokens(entry);
  }
  return beyond;
}

/** The work has come to rest: the model is asked nothing more. */
async function atRest(home: TuttiHome): Promise<void> {
  let last = -1;
  await waitFor('the model is asked nothing more', async () => {
    const now = home.model.requests().length;
    const same = now === last;
    last = now;
    await new Promise((done) => setTimeout(done, 500));
    return same;
  });
}

async function killSupervisor(home: TuttiHome): Promise<void> {
  const owner = lockOwner(home.paths.supervisorLock);
  if (!owner) throw new Error('no supervisor runs');
  process.kill(owner.pid, 'SIGKILL');
  await waitFor('the supervisor has ended', () => startOf(owner.pid) !== owner.start);
}

const requests = (home: TuttiHome, least: number): Promise<unknown> =>
  waitFor(`${least} requests`, () => home.model.requests().length >= least);

describe('a cap of an agent', () => {
  it('in tokens stops it between two calls, and it says why', async () => {
    const home = await homeWith();
    await home.run(['spawn', 'spender', '--budget-tokens', '4000', '--task', 'spend [[scenario:spend]]']);
    const agent = await home.until('spender', ({ state }) => state === 'failed', 'failed');
    expect(spent(home)).toBeGreaterThanOrEqual(4_000);
    expect(callsBeyond(home, 4_000)).toBe(0);
    expect(agent.reason).toMatch(/^budget of 4000 tokens is used up \(\d+\)$/);
    expect(agent.tokens.total).toBe(spent(home));
    const outcomes = (await home.events('spender')).flatMap((e) =>
      e.type === 'turn' && e.phase === 'end' ? e.outcome : [],
    );
    expect(outcomes).toEqual(['budget']);
    const resumed = await home.run(['resume', 'spender']);
    expect(resumed.status).toBe(4);
    expect(resumed.stderr).toContain('is used up');
    expect((await home.run(['show', 'spender'])).stdout).toMatch(/budget +1\d\d% of the budget of 4000 tokens is used/);
  });

  it('in USD holds by the price table of the configuration', async () => {
    const home = await homeWith(PRICES);
    await home.run(['spawn', 'spender', '--budget-usd', '3', '--task', 'spend [[scenario:spend]]']);
    const agent = await home.until('spender', ({ state }) => state === 'failed', 'failed');
    expect(agent).toMatchObject({ costEstimated: true, budget: { usd: 3 } });
    expect(spent(home)).toBeGreaterThanOrEqual(3_000);
    expect(callsBeyond(home, 3_000)).toBe(0);
  });

  it('that cannot be kept is said at the start', async () => {
    const home = await homeWith();
    const ran = await home.run(['spawn', 'spender', '--budget-usd', '3', '--model', 'unheard-of']);
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('no price is known for unheard-of') });
    const doctor = await home.run(['doctor', '--json']);
    expect(JSON.stringify(doctor.json.data)).not.toContain('no price is known');
    writeFileSync(
      join(home.work, 'tutti.yaml'),
      `${projectYaml(home.model)}agents: { declared: { model: unheard-of, budget: { usd: 3 } } }\n`,
    );
    expect(JSON.stringify((await home.run(['doctor', '--json'])).json.data)).toContain(
      'agent declared: no price is known',
    );
  });

  it('holds while the supervisor is away, and is told when one is back', async () => {
    const home = await homeWith();
    await home.run(['spawn', 'spender', '--budget-tokens', '20000', '--task', 'spend [[scenario:spend]]']);
    await requests(home, 3);
    await killSupervisor(home);
    const before = spent(home);
    await atRest(home);
    expect(before).toBeLessThan(20_000);
    expect(spent(home)).toBeGreaterThanOrEqual(20_000);
    expect(callsBeyond(home, 20_000)).toBe(0);
    await home.run(['supervisor', 'start']);
    const agent = await home.until('spender', ({ state }) => state === 'failed', 'failed');
    expect(agent.reason).toContain('budget of 20000 tokens is used up');
    expect(agent.tokens.total).toBe(spent(home));
  });

  it('holds when host and supervisor die in the middle and come back', async () => {
    const home = await homeWith();
    await home.run(['spawn', 'spender', '--budget-tokens', '60000', '--task', 'spend [[scenario:spend]]']);
    await requests(home, 3);
    const { hostPid } = await home.agent('spender');
    await killSupervisor(home);
    process.kill(hostPid ?? 0, 'SIGKILL');
    expect(spent(home)).toBeLessThan(60_000);
    await home.run(['supervisor', 'start']);
    await home.until('spender', ({ state }) => state === 'failed', 'failed');
    expect(spent(home)).toBeGreaterThanOrEqual(60_000);
    // The answer that the kill cut off is in the model's count and in nobody else's.
    expect(callsBeyond(home, 60_000)).toBeLessThanOrEqual(1);
  });

  it('is raised by the file, and the work goes on', async () => {
    const agents = (cap: number): string =>
      `agents: { spender: { task: "spend [[scenario:multi n=30]]", budget: { tokens: ${cap} } } }\n`;
    const home = await homeWith('', agents(3_000));
    await home.run(['up']);
    await home.until('spender', ({ state }) => state === 'failed', 'failed');
    expect(callsBeyond(home, 3_000)).toBe(0);
    expect((await home.run(['up'])).status).toBe(0);
    await home.until('spender', ({ state }) => state === 'failed', 'still failed');
    writeFileSync(join(home.work, 'tutti.yaml'), projectYaml(home.model, { yaml: agents(1_000_000) }));
    await home.run(['up']);
    expect(await home.idle('spender')).toMatchObject({ lastProgressAt: expect.any(String) });
    expect(spent(home)).toBeGreaterThan(3_000);
  });
});

describe('a cap that several share', () => {
  it('stops all agents of the account, and a running tool ends whole', async () => {
    const accounts = 'accounts: { main: { budget: { tokens: 30000 } } }\n';
    const home = await homeWith('', accounts);
    const slow = 'printf begun > slow.txt; sleep 4; printf -- -ended >> slow.txt';
    await home.run([
      ...['spawn', 'slow', '--account', 'main'],
      ...['--task', `write [[scenario:spend first="${slow}"]]`],
    ]);
    await waitFor('the tool runs', () => {
      try {
        return readFileSync(join(home.work, 'slow.txt'), 'utf8') === 'begun';
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw error;
      }
    });
    await home.run(['up']);
    await home.run(['spawn', 'fast', '--account', 'main', '--task', 'spend [[scenario:spend]]']);
    await home.until('fast', ({ state }) => state === 'failed', 'failed');
    const slower = await home.until('slow', ({ state }) => state === 'failed', 'failed');
    expect(slower.reason).toMatch(/^account main: budget of 30000 tokens is used up/);
    expect(readFileSync(join(home.work, 'slow.txt'), 'utf8')).toBe('begun-ended');
    expect(spent(home)).toBeGreaterThanOrEqual(30_000);
    expect(callsBeyond(home, 30_000)).toBeLessThanOrEqual(1);
  });

  it('holds together while the supervisor is away', async () => {
    const home = await homeWith('limits: { day: { tokens: 40000 } }');
    for (const name of ['a', 'b'])
      await home.run(['spawn', name, '--task', `spend ${name} [[scenario:spend cmd="sleep 0.05"]]`]);
    await requests(home, 4);
    await killSupervisor(home);
    await atRest(home);
    expect(spent(home)).toBeLessThan(40_000 + largest(home));
    await home.run(['supervisor', 'start']);
    for (const name of ['a', 'b']) {
      const agent = await home.until(name, ({ state }) => state === 'limited', 'limited');
      expect(agent.reason).toMatch(/^all agents: daily budget of 40000 tokens is used up/);
      expect(Date.parse(agent.resumeAt ?? '')).toBeGreaterThan(Date.now());
    }
    // The other one may have had a call under way when the cap was reached.
    expect(callsBeyond(home, 40_000)).toBeLessThanOrEqual(1);
  });
});

const largest = (home: TuttiHome): number => Math.max(...home.model.requests().map(tokens));

describe('a context that is full', () => {
  it('is handed off to a new conversation with a summary that the agent wrote, and the next message comes after it', async () => {
    const agents = 'agents: { reader: { task: "look around [[scenario:multi n=12]]", budget: { context: 200 } } }\n';
    const home = await homeWith('', agents);
    await home.run(['up']);
    await home.until('reader', ({ turns }) => turns >= 1, 'a turn');
    await home.run(['send', 'reader', 'and then say this back']);
    await home.until('reader', ({ turns, state, queued }) => turns >= 4 && state === 'idle' && queued === 0, 'done');
    const events = await home.events('reader');
    const verdicts = events.flatMap((e) =>
      e.type === 'watchdog' && e.verdict.startsWith('context_') ? [e.verdict] : [],
    );
    expect(verdicts).toEqual(['context_summary', 'context_handoff']);
    const said = await home.said('reader');
    const asked = said.findIndex((text) => text.startsWith('user: Your context is nearly full'));
    const summary = said[asked + 1] ?? '';
    expect(summary).toMatch(/^assistant: ack Your context is nearly full/);
    const handoff = said.find((text) => text.startsWith('user: Your earlier conversation had become too long')) ?? '';
    expect(handoff).toContain(
      `The summary that you wrote for this conversation:\n${summary.slice('assistant: '.length)}`,
    );
    expect(said.at(-1)).toContain('ack and then say this back');
    expect(
      new Set(events.flatMap((e) => (e.type === 'session' && e.conversationId ? [e.conversationId] : []))).size,
    ).toBe(2);
    expect((await home.agent('reader')).restarts).toBe(0);
  });
});
