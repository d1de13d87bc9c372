import { describe, expect, it } from 'vitest';
import {
  PROBE_LIMIT_MS,
  RELAPSE_MS,
  RESET_FARTHEST_MS,
  RESET_MARGIN_MS,
  STAGGER_SPREAD_MS,
} from '../../../../src/core/limits.ts';
import { nextDue } from '../../../../src/core/due.ts';
import { iso, ms } from '../../../../src/core/time.ts';
import { ended, T0, TURN } from '../desk.ts';
import { ACCOUNT, FleetDesk, idOf, rejected, THOUGHT } from './fleet.ts';

const RESET = 90_000;
const others = [2, 3, 4].map(idOf);

/** a-1 was refused; the others have a message each and wait for the reset. */
function held(told: Parameters<typeof rejected>[0] = { resetsAt: T0 + RESET }): FleetDesk {
  const desk = new FleetDesk().fleet(4);
  desk.working('a-1');
  desk.done();
  desk.refused('a-1', told);
  for (const id of others) desk.send(`task-${id}`, { id });
  return desk;
}

/** At the reset: who tries, its turn running. */
function probing(): FleetDesk {
  const desk = held();
  desk.until(RESET + RESET_MARGIN_MS);
  const [probe] = desk.asked();
  desk.takes(probe as string);
  desk.done();
  return desk;
}

describe('an account that meets a limit', () => {
  it('holds all its agents until the reset, and says so with one cause', () => {
    const desk = held();
    desk.until(RESET);
    expect(desk.asked()).toEqual([]);
    for (const id of ['a-1', ...others]) {
      expect(desk.agent(id)).toMatchObject({ state: 'limited', resumeAt: iso(T0 + RESET + RESET_MARGIN_MS) });
      expect(desk.agent(id).reason).toContain(ACCOUNT);
    }
    const causes = desk.events('agent_status').filter((e) => e.state === 'limited' && e.resumeAt !== null);
    expect(causes).toHaveLength(4);
    for (const { cause } of causes) expect(cause).toEqual({ by: 'account', text: ACCOUNT });
  });

  it('leaves agents of other accounts, and idle ones, as they are', () => {
    const desk = held();
    desk.up({ account: 'main' }, 'b-1', 'other');
    desk.up({}, 'a-9', 'idle');
    desk.send('x', { id: 'b-1' });
    expect(desk.asked()).toEqual(['b-1']);
    expect(desk.agent('a-9').state).toBe('idle');
  });

  it('holds agents of the model family alone where the window counts only that', () => {
    const desk = new FleetDesk();
    desk.up({ model: 'claude-opus-5' }, 'a-1', 'n1');
    desk.up({ model: 'claude-opus-5' }, 'a-2', 'n2');
    desk.up({ model: 'claude-haiku-4-5' }, 'a-3', 'n3');
    desk.working('a-1');
    desk.refused('a-1', { resetsAt: T0 + RESET, scope: 'seven_day_opus' });
    desk.done();
    desk.send('x', { id: 'a-2' });
    desk.send('y', { id: 'a-3' });
    expect(desk.asked()).toEqual(['a-3']);
    expect(desk.agent('a-2').state).toBe('limited');
  });

  it('does not let a crash, a restart or a resume of an agent begin a turn before the reset', () => {
    const desk = held();
    desk.exit();
    desk.orderDone('start', { pid: 61 });
    desk.ready();
    desk.command({ verb: 'resume', agentId: 'a-2' });
    desk.until(RESET - 1_000);
    expect(desk.asked()).toEqual([]);
    expect(desk.agent()).toMatchObject({ state: 'limited', cli: { incarnation: 2, phase: 'ready' } });
  });

  it('keeps what was sent meanwhile, in order, and delivers each once', () => {
    const desk = held();
    desk.send('later', { id: 'a-2' });
    expect(desk.agent('a-2').queue.map((m) => m.messageId)).toEqual(['task-a-2', 'later']);
  });
});

describe('turns that run when the account meets a limit', () => {
  it('are ended after the grace, and their work is owed', () => {
    const desk = new FleetDesk().fleet(2);
    desk.working('a-1');
    desk.working('a-2');
    desk.refused('a-1', { resetsAt: T0 + RESET });
    desk.done();
    desk.wait(desk.settings.limit.graceMs - 1);
    expect(desk.orders()).toEqual([]);
    expect(nextDue(desk.state, desk.settings)).toBe(desk.now + 1);
    desk.wait(1);
    expect(desk.done()).toMatchObject([{ agentId: 'a-2', verb: 'interrupt' }]);
    expect(desk.events('watchdog').at(-1)).toMatchObject({ action: 'interrupt', evidence: expect.any(String) });
    desk.saidBy('a-2', ended('interrupted'));
    expect(desk.agent('a-2')).toMatchObject({ state: 'limited', owes: 'limit' });
    desk.wait(60_000);
    expect(desk.orders()).toEqual([]);
  });

  it('are not taken up again where a person interrupted them too', () => {
    const desk = new FleetDesk().fleet(2);
    desk.working('a-1');
    desk.working('a-2');
    desk.refused('a-1', { resetsAt: T0 + RESET });
    desk.wait(desk.settings.limit.graceMs);
    desk.command({ verb: 'interrupt', agentId: 'a-2' });
    desk.saidBy('a-2', ended('interrupted'));
    expect(desk.agent('a-2').owes).toBeNull();
  });

  it('stand still while a person is asked, and are ended when that is answered', () => {
    const desk = new FleetDesk().fleet(2);
    desk.working('a-1');
    desk.working('a-2');
    const request = { requestId: 'r1', what: 'permission', tool: 'bash', args: {}, text: 'make' } as const;
    desk.record({ kind: 'request', incarnation: 1, ...request }, { id: 'a-2' });
    desk.refused('a-1', { resetsAt: T0 + RESET });
    desk.done();
    desk.wait(30_000);
    expect(desk.orders()).toEqual([]);
    desk.record({ kind: 'answered', requestId: 'r1', decision: 'allowed', by: 'user', text: null }, { id: 'a-2' });
    expect(desk.orders()).toEqual(['interrupt']);
  });

  it('tell only more of the same limit when they are refused as well', () => {
    const desk = new FleetDesk().fleet(3);
    for (const i of [1, 2, 3]) desk.working(idOf(i));
    desk.refused('a-1');
    desk.now += 1_000;
    desk.refused('a-2');
    expect(desk.account()).toMatchObject({ attempt: 1, until: iso(T0 + 60_000) });
    desk.refused('a-3', { resetsAt: T0 + 300_000 });
    expect(desk.account()).toMatchObject({ attempt: 1, until: iso(T0 + 300_000 + RESET_MARGIN_MS) });
  });
});

describe('after the reset', () => {
  it('one agent tries, the one whose work is oldest', () => {
    const desk = held();
    desk.until(RESET + RESET_MARGIN_MS - 1);
    expect(desk.asked()).toEqual([]);
    desk.wait(1);
    expect(desk.asked()).toEqual(['a-1']);
    desk.until(RESET + 10_000);
    expect(desk.asked()).toEqual([]);
    expect(desk.agent('a-2').reason).toContain('n1 tries');
  });

  it('its start alone lets nobody else go on; its first answer does, one after another', () => {
    const desk = probing();
    const opened = desk.now;
    expect(desk.account().limit).toBe('rejected');
    desk.saidBy('a-1', THOUGHT);
    expect(desk.account()).toMatchObject({ limit: 'allowed', attempt: 0 });
    expect(desk.asked()).toEqual([]);
    const times: number[] = [];
    while (times.length < 3 && desk.now < opened + 60_000) {
      desk.wait(100);
      for (const _id of desk.asked()) times.push(desk.now - opened);
    }
    expect(times).toEqual([1_000, 2_000, 3_000]);
    for (const id of others) expect(desk.account().turns[id]).toBeUndefined();
  });

  it('goes on with the interrupted work by a note in the same conversation', () => {
    const desk = held();
    desk.until(RESET + RESET_MARGIN_MS);
    expect(desk.done()).toMatchObject([{ verb: 'message', args: { text: expect.stringContaining('go on') } }]);
    expect(desk.agent()).toMatchObject({ conversationId: 'conv', owes: null });
  });

  it('a refusal of the one that tries holds all again, for longer where no time is told', () => {
    const desk = held({});
    desk.until(60_000);
    expect(desk.asked()).toEqual(['a-1']);
    desk.takes('a-1');
    desk.refused('a-1');
    expect(desk.account()).toMatchObject({ attempt: 2, until: iso(desk.now + 120_000), probe: null });
    desk.done();
    desk.wait(119_999);
    expect(desk.asked()).toEqual([]);
    desk.wait(1);
    expect(desk.asked()).toHaveLength(1);
  });

  it('another one tries when the first cannot', () => {
    const desk = held();
    desk.until(RESET + RESET_MARGIN_MS);
    expect(desk.asked()).toEqual(['a-1']);
    desk.command({ verb: 'stop', agentId: 'a-1' });
    desk.wait(0);
    expect(desk.asked()).toEqual(['a-2']);
  });

  it('another one tries when the first gets no turn in time', () => {
    const desk = held();
    desk.until(RESET + RESET_MARGIN_MS);
    desk.done();
    desk.wait(PROBE_LIMIT_MS - 1);
    expect(desk.asked()).toEqual([]);
    desk.wait(1);
    expect(desk.asked()).toEqual(['a-2']);
  });

  it('not refused for long is taken as success', () => {
    const desk = probing();
    desk.wait(PROBE_LIMIT_MS);
    expect(desk.account().limit).toBe('allowed');
    expect(desk.events('account').at(-1)?.why).toContain('not refused');
  });

  it('but one that is refused right after it goes on doubling where it was: nobody had been answered', () => {
    const desk = new FleetDesk().fleet(2);
    const attempts: number[] = [];
    desk.working('a-1');
    desk.refused('a-1');
    for (let round = 0; round < 3; round++) {
      attempts.push(desk.account().attempt);
      desk.until(ms(desk.account().until ?? '') - T0);
      desk.done();
      desk.takes('a-1');
      desk.wait(PROBE_LIMIT_MS);
      expect(desk.account().limit).toBe('allowed');
      desk.wait(1_000);
      desk.refused('a-1');
    }
    expect([...attempts, desk.account().attempt]).toEqual([1, 2, 3, 4]);
  });

  it('and one that is refused long after it begins anew', () => {
    const desk = probing();
    desk.wait(PROBE_LIMIT_MS);
    desk.wait(RELAPSE_MS);
    desk.refused(desk.account().probe?.agentId ?? 'a-1');
    expect(desk.account().attempt).toBe(1);
  });

  it('a free account with nobody waiting is tried by the next who wants a turn', () => {
    const desk = new FleetDesk().fleet(2);
    desk.working('a-1');
    desk.refused('a-1', { resetsAt: T0 + RESET });
    desk.command({ verb: 'stop', agentId: 'a-1' });
    desk.orderDone('quit');
    desk.hostDown();
    expect(nextDue(desk.state, desk.settings)).toBeNull();
    desk.until(RESET * 3, 10_000);
    desk.done();
    desk.send('x', { id: 'a-2' });
    expect(desk.asked()).toEqual(['a-2']);
    expect(desk.account().probe?.agentId).toBe('a-2');
  });

  it('twenty agents all go on within the spread, whoever comes first', () => {
    const desk = new FleetDesk().fleet(20);
    for (let i = 1; i <= 20; i++) desk.working(idOf(i));
    for (let i = 1; i <= 20; i++) desk.refused(idOf(i), { resetsAt: T0 + RESET });
    desk.done();
    desk.until(RESET + RESET_MARGIN_MS, 1_000);
    const [probe] = desk.asked();
    desk.takes(probe as string);
    desk.saidBy(probe as string, THOUGHT);
    const opened = desk.now;
    const asked: string[] = [];
    while (desk.now < opened + STAGGER_SPREAD_MS) {
      desk.wait(250);
      asked.push(...desk.asked());
    }
    expect(new Set([probe, ...asked]).size).toBe(20);
    expect(asked).toHaveLength(19);
  });
});

describe('times that cannot be believed', () => {
  it.each([
    ['a reset that is over', T0 - 1, 60_000],
    ['a reset far beyond any window', T0 + RESET_FARTHEST_MS + 1, 60_000],
    ['the farthest reset that is believed', T0 + RESET_FARTHEST_MS, RESET_FARTHEST_MS + RESET_MARGIN_MS],
  ])('%s', (_what, resetsAt, wait) => {
    expect(ms(held({ resetsAt }).account().until ?? '') - T0).toBe(wait);
  });

  it('a clock that jumps ahead makes it due at once', () => {
    const desk = held({ resetsAt: T0 + 5 * 3_600_000 });
    desk.wait(24 * 3_600_000);
    expect(desk.asked()).toHaveLength(1);
  });

  it('a clock that is set back makes no hold longer than it was told to be', () => {
    const desk = held();
    desk.now -= 3_600_000;
    desk.wait(0);
    expect(ms(desk.account().until ?? '') - desk.now).toBe(RESET + RESET_MARGIN_MS);
    desk.wait(RESET + RESET_MARGIN_MS);
    expect(desk.asked()).toHaveLength(1);
  });

  it('a refusal that is read late counts from when it was', () => {
    const desk = new FleetDesk().fleet(2);
    desk.working('a-1');
    desk.now += 3_600_000;
    const { epoch } = desk.agent().host;
    const record = { v: 1, n: 900, at: iso(T0 + 1_000), kind: 'out', incarnation: 1, line: 'x' } as const;
    const end = { offset: 9_000, rest: { epoch, n: 900, offset: 9_000 } };
    const events = [rejected(), ended('limit')];
    desk.done();
    desk.input({ type: 'records', agentId: 'a-1', epoch, records: [{ record, events, end }] });
    expect(desk.asked()).toEqual(['a-1']);
  });

  it('a refusal from before the account was found free holds nobody', () => {
    const desk = probing();
    desk.saidBy('a-1', THOUGHT);
    const { epoch } = desk.agent('a-2').host;
    const record = { v: 1, n: 900, at: iso(T0 + 1_000), kind: 'out', incarnation: 1, line: 'x' } as const;
    const end = { offset: 9_000, rest: { epoch, n: 900, offset: 9_000 } };
    desk.input({ type: 'records', agentId: 'a-2', epoch, records: [{ record, events: [TURN, ended('limit')], end }] });
    expect(desk.account().limit).toBe('allowed');
    expect(desk.agent('a-2').owes).toBe('limit');
  });
});

describe('a limit without a structured time', () => {
  const refusal = (message: string) =>
    [{ type: 'error', code: 'usage_limit', message, retryable: true }, ended('limit')] as const;

  it('holds until the time that the error tells in words', () => {
    const desk = new FleetDesk().fleet(1);
    desk.working('a-1');
    desk.saidBy('a-1', ...refusal("You've hit your session limit · resets 1:29am (UTC)"));
    expect(desk.account().until).toBe(iso(T0 + 90 * 60_000 + RESET_MARGIN_MS));
  });

  it('is held for the whole account when a CLI tries again by itself, whose work goes on later', () => {
    const desk = new FleetDesk().fleet(2);
    desk.working('a-1');
    desk.saidBy('a-1', { type: 'retry', attempt: 1, max: 3, delayMs: 500, error: 'rate_limit 429' });
    expect(desk.account()).toMatchObject({ limit: 'rejected', until: iso(T0 + 60_000) });
    desk.saidBy('a-1', ended('interrupted'));
    expect(desk.agent('a-1')).toMatchObject({ owes: 'limit', state: 'limited' });
  });

  it('is no limit when it tries again for another reason', () => {
    const desk = new FleetDesk().fleet(1);
    desk.working('a-1');
    desk.saidBy('a-1', { type: 'retry', attempt: 1, max: 3, delayMs: 500, error: 'overloaded 529' });
    expect(desk.state.accounts).toEqual({});
  });
});

describe('a person who wants it now', () => {
  it('lets that agent try at once, and its answer frees all', () => {
    const desk = held();
    desk.done();
    expect(desk.command({ verb: 'resume', agentId: 'a-3', now: true }).reply).toMatchObject({ value: { tries: true } });
    expect(desk.asked()).toEqual(['a-3']);
    desk.takes('a-3');
    desk.saidBy('a-3', THOUGHT);
    expect(desk.account().limit).toBe('allowed');
  });

  it('a refusal holds as before', () => {
    const desk = held();
    desk.command({ verb: 'resume', agentId: 'a-3', now: true });
    desk.done();
    desk.takes('a-3');
    desk.refused('a-3', { resetsAt: T0 + RESET });
    desk.until(RESET - 1_000);
    expect(desk.asked()).toEqual([]);
  });

  it('may type in the pane: that is delivered already, and tries', () => {
    const desk = held();
    desk.record({ kind: 'typed', id: 'typed-1', verb: 'message', text: 'go' }, { id: 'a-4' });
    expect(desk.account().probe?.agentId).toBe('a-4');
    desk.confirm('typed-1', true, 'a-4');
    desk.saidBy('a-4', TURN);
    desk.wait(10_000);
    expect(desk.orders()).not.toContain('interrupt');
  });
});

describe('an account near its limit', () => {
  const near = (utilization: number, resetsAt: number) =>
    ({
      type: 'rate_limit',
      limit: 'warning',
      scope: 'five_hour',
      resetsAt: iso(resetsAt),
      retryAfterMs: null,
      utilization,
    }) as const;

  it('is warned of once for each window, by whichever agent learns of it', () => {
    const desk = new FleetDesk().fleet(2);
    desk.working('a-1');
    desk.working('a-2');
    desk.saidBy('a-1', near(0.91, T0 + RESET));
    desk.saidBy('a-2', near(0.93, T0 + RESET));
    const alerts = desk.events('watchdog').filter((e) => e.action === 'alert');
    expect(alerts).toMatchObject([{ evidence: expect.stringContaining('91 %'), cause: { text: ACCOUNT } }]);
    desk.saidBy('a-2', near(0.9, T0 + 2 * RESET));
    expect(desk.events('watchdog').filter((e) => e.action === 'alert')).toHaveLength(2);
    expect(desk.agent('a-1').state).toBe('working');
  });
});

describe('accounts with the names of object keys', () => {
  it.each(['constructor', '__proto__', 'toString'])('are accounts like any other: %s', (account) => {
    const desk = new FleetDesk();
    desk.up({ account }, 'a-1', 'n1');
    desk.working('a-1');
    expect(desk.asked()).toEqual(['a-1']);
    desk.refused('a-1', { resetsAt: T0 + RESET });
    desk.wait(10_000);
    expect(desk.asked()).toEqual([]);
    expect(desk.agent('a-1').state).toBe('limited');
  });
});
