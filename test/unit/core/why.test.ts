/** What a person reads of `tutti why`, state by state. */
import { describe, expect, it } from 'vitest';
import type { DriverEventBody } from '../../../src/core/event.ts';
import { iso } from '../../../src/core/time.ts';
import { concerns, why } from '../../../src/core/why/index.ts';
import { Desk, ended, ID, SPEC, T0, TURN } from './desk.ts';
import { MINUTE, pass, thinks } from './watchdog/stage.ts';

const MAIN = { account: 'main' };
const BOB = 'b-1';

/** The sentences about `alice`, as the supervisor puts them together. */
function told(desk: Desk, id = ID): string[] {
  const agent = desk.agent(id);
  const events = desk.log.filter((event) => concerns(agent, event));
  return why(agent, events, desk).chain.map(({ text }) => text);
}

/** A second agent beside alice, working. */
function withBob(desk: Desk): Desk {
  desk.spawn({ ...SPEC, ...MAIN, task: 'work' }, BOB, 'bob');
  desk.hostUp({}, BOB);
  desk.orderDone('start', { pid: 70 }, true, BOB);
  desk.ready(BOB, 'conv-b');
  saidBy(desk, TURN);
  return desk;
}

function saidBy(desk: Desk, ...events: DriverEventBody[]): void {
  desk.record({ kind: 'out', incarnation: 1, line: 'x' }, { events, id: BOB });
}

const rejected = (resetsAt: string | null): DriverEventBody => ({
  ...{ type: 'rate_limit', limit: 'rejected', scope: 'five_hour' },
  ...{ resetsAt, retryAfterMs: null, utilization: 1 },
});

describe('limited', () => {
  it('names the account, until when and how that is known, and the agent that learned it', () => {
    const desk = withBob(new Desk().up(MAIN));
    const resetsAt = iso(T0 + 90_000);
    saidBy(desk, rejected(resetsAt), ended('limit'));
    desk.send('m1');
    const said = told(desk);
    expect(desk.agent().state).toBe('limited');
    expect(said[0]).toMatch(/^it is limited since .*: limit reached: five_hour \(account main\)$/);
    expect(said).toContainEqual(expect.stringMatching(/^it goes on at 2026-01-01T00:01:3/));
    expect(said).toContainEqual(
      expect.stringMatching(
        /^account main is at a limit \(five_hour\) since .*; nobody of it begins a turn before .*, for it resets at 2026-01-01T00:01:30\.000Z$/,
      ),
    );
    expect(said).toContainEqual(
      expect.stringMatching(
        /^bob learned that account main is at a limit \(five_hour\), which resets at 2026-01-01T00:01:30\.000Z: nobody/,
      ),
    );
    expect(told(desk, BOB)).toContainEqual(expect.stringMatching(/^it learned that account main is at a limit/));
  });

  it('says that nobody told a time, and who tries first', () => {
    const desk = withBob(new Desk().up(MAIN));
    saidBy(desk, rejected(null), ended('limit'));
    desk.send('m1');
    expect(told(desk)).toContainEqual(
      expect.stringMatching(/account main .*; nobody told when it ends, so the waits grow \(this is number 1\)$/),
    );
    pass(desk, MINUTE);
    expect(told(desk)).toContainEqual(expect.stringMatching(/account main .*; (bob|this agent) tries first$/));
    expect(told(desk)).toContainEqual(
      expect.stringMatching(/^(bob|it) was chosen to try whether the limit of account main is over/),
    );
  });

  it('is no matter of an agent of another account', () => {
    const desk = withBob(new Desk().up({ account: 'other' }));
    saidBy(desk, rejected(null), ended('limit'));
    desk.send('m1');
    expect(told(desk).filter((text) => text.includes('account main'))).toEqual([]);
  });
});

describe('backoff', () => {
  it('says until when, how often it ended, and of what', () => {
    const desk = new Desk().up();
    desk.exit();
    desk.upAgain();
    desk.exit({ message: 'it ran out of memory' });
    const said = told(desk);
    expect(said[0]).toMatch(/^it is backoff since .*: it ran out of memory$/);
    expect(said).toContainEqual(expect.stringMatching(/^it goes on at /));
    expect(said).toContain('2 unexpected end(s) in a row; the first restart is at once, each further one waits longer');
    expect(said).toContain('the CLI ended (crash; code 1)');
    expect(said).toContain('error crash: it ran out of memory');
  });

  it('with the fleet says that many ended together, and when the first may try', () => {
    const desk = new Desk().up();
    const hold = { since: iso(T0), until: iso(T0 + 15_000), attempt: 0, probe: null, triedLast: null, died: 7 };
    desk.exit();
    desk.state.fleet.hold = hold;
    expect(told(desk)).toContain(
      `the whole fleet is held until ${hold.until}: 7 agents ended together, which is one cause`,
    );
  });
});

describe('failed', () => {
  it('by the ladder says what was seen, what was tried, and that a person has to decide', () => {
    const desk = new Desk().up();
    desk.settings = { ...desk.settings, ladder: { nudges: 0, redirects: 0, restarts: 0, fresh: 0 } };
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN);
    pass(desk, 30 * MINUTE);
    const said = told(desk);
    expect(desk.agent().state).toBe('failed');
    expect(said[0]).toMatch(/^it is failed since .*; what was tried did not help$/);
    expect(said).toContain('nothing is done for it before a person says so: `tutti resume` or a message');
    expect(said).toContainEqual(
      expect.stringMatching(/^the watchdog saw that .*, and stopped it, for a person to decide$/),
    );
  });

  it('after some rungs counts them', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN);
    for (let i = 0; i < 4; i++) desk.said(thinks('I will look at the configuration of the build again.'));
    pass(desk, 30 * MINUTE);
    expect(told(desk)).toContainEqual(
      expect.stringMatching(/^the watchdog saw that .*; since it last got on it was told once/),
    );
  });

  it('by a refused login names the error and what to do', () => {
    const desk = new Desk().up();
    desk.said(TURN, { type: 'error', code: 'auth', message: 'invalid key', retryable: false }, ended('error'));
    const chain = why(desk.agent(), desk.log, desk);
    expect(chain).toMatchObject({ state: 'failed', reason: 'invalid key', hint: expect.stringContaining('log in') });
    expect(chain.chain.map(({ text }) => text)).toContain('error auth: invalid key');
  });

  it('by a budget that is used up says which one, and how much was used', () => {
    const desk = new Desk().up({ budget: { usd: 1, tokens: null } });
    const usage = { input: 10, output: 10, cacheRead: 0, cacheWrite: 0, contextUsed: null, contextLimit: null };
    desk.said(TURN, { type: 'usage', ...usage, costUsd: 1.25, model: null, estimated: false }, ended('budget'));
    expect(desk.agent().state).toBe('failed');
    expect(told(desk)).toContain('budget of 1 USD is used up: 1.25 so far');
  });
});

it('waiting: says what it asks, since when, and the command that answers', () => {
  const desk = new Desk().up();
  desk.said(TURN);
  desk.record({
    ...{ kind: 'request', incarnation: 1, requestId: 'r1', what: 'permission', tool: 'bash' },
    ...{ nativeTool: 'Bash', args: { command: 'rm -rf dist' }, text: 'may it?' },
  } as Parameters<Desk['record']>[0]);
  expect(desk.agent().state).toBe('waiting');
  expect(told(desk)).toContain(
    `permission r1 waits for a person since ${iso(T0)}: bash: rm -rf dist; tutti approve alice, or tutti deny alice`,
  );
});

it('idle: there is little to say, and nothing that is over', () => {
  const desk = new Desk().up();
  desk.said(TURN, ended('ok'));
  expect(told(desk)[0]).toMatch(/^it is idle since /);
  expect(told(desk)).toContain('turn 1 ended: ok');
  expect(told(desk).length).toBeLessThanOrEqual(20);
});
