import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../../src/core/event.ts';
import { RESET_MARGIN_MS } from '../../../../src/core/limits.ts';
import { CRASH, Desk, ended, ID, TURN } from '../desk.ts';

describe('a CLI that ends unasked', () => {
  it('is started again at once the first time, with its conversation', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN);
    desk.said(ended('ok'));
    desk.done();
    desk.exit();
    expect(desk.done()).toMatchObject([
      { verb: 'start', args: { incarnation: 2, conversationId: 'conv', resume: true } },
    ]);
    expect(desk.agent()).toMatchObject({ state: 'starting', restarts: 1 });
  });

  it.each([
    [2, 500],
    [3, 1_000],
    [4, 2_000],
    [5, 4_000],
  ])('waits after crash %i for half of the most at chance 0.5: %i ms', (crashes, wait) => {
    const desk = new Desk().up();
    for (let i = 1; i < crashes; i++) {
      desk.exit();
      desk.wait(60_000);
      desk.upAgain();
    }
    desk.exit();
    expect(desk.agent().state).toBe('backoff');
    expect(Date.parse(desk.agent().resumeAt ?? '') - desk.now).toBe(wait);
  });

  it('gives up after more crashes than allowed in the window, and says how to go on', () => {
    const desk = new Desk().up();
    for (let i = 0; i < 6; i++) {
      desk.exit();
      if (desk.agent().state === 'backoff') desk.wait(60_000);
      if (desk.agent().cli.phase === 'starting') desk.upAgain();
    }
    expect(desk.agent()).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('6 times'),
      hint: expect.any(String),
    });
    desk.done();
    desk.wait(3_600_000);
    expect(desk.orders()).toEqual([]);
    desk.command({ verb: 'resume', agentId: ID });
    expect(desk.orders()).toEqual(['start']);
  });

  it('forgets crashes older than the window', () => {
    const desk = new Desk().up();
    for (let i = 0; i < 10; i++) {
      desk.exit();
      if (desk.agent().state === 'backoff') desk.wait(60_000);
      desk.upAgain();
      desk.now += 130_000;
    }
    expect(desk.agent().state).toBe('idle');
  });

  it('starts at once again after ten minutes of health', () => {
    const desk = new Desk().up();
    desk.exit();
    desk.upAgain();
    desk.now += 600_000;
    desk.exit();
    expect(desk.agent().state).toBe('starting');
    expect(desk.events('watchdog').at(-1)).toMatchObject({ verdict: 'healthy' });
  });

  it('writes the exit durably, for its tally must not be lost', () => {
    const step = new Desk().up().exit();
    expect(step.events.find(({ body }) => body.type === 'exit')?.durable).toBe(true);
  });

  it('writes all that follows from a record as one group, whose last event moves the cursor', () => {
    const desk = new Desk().up();
    desk.exit();
    const group = desk.log.filter((event) => event.src !== undefined && event.src.n === desk.agent().cursor?.n);
    expect(group.map((event) => event.src?.end !== undefined)).toEqual(group.map((_, i) => i === group.length - 1));
  });

  it.each([
    ['auth', { cause: 'auth', code: 'auth', message: 'not logged in', hint: 'log in', retryable: false }, 'failed'],
    ['missing', { cause: 'missing', message: 'no such program', retryable: false }, 'failed'],
    ['a limit', { cause: 'limit', message: 'limit' }, 'limited'],
    ['clean, nothing to do', { cause: 'clean', code: null, message: 'it ended' }, 'done'],
  ])('is judged by its cause: %s', (_name, verdict, state) => {
    const desk = new Desk().up();
    desk.exit(verdict as Partial<typeof CRASH>);
    expect(desk.agent()).toMatchObject({ state, restarts: 0 });
    expect(desk.orders()).not.toContain('start');
  });

  it.each([
    ['permanent', 'clean', 'starting'],
    ['permanent', 'crash', 'starting'],
    ['transient', 'clean', 'done'],
    ['transient', 'crash', 'starting'],
    ['temporary', 'clean', 'done'],
    ['temporary', 'crash', 'failed'],
  ] as const)('with restart: %s and an end that is %s it is %s', (restart, cause, state) => {
    const desk = new Desk().up({ restart });
    desk.exit({ cause });
    expect(desk.agent().state).toBe(state);
  });

  it('is no end at all for a CLI with one process per turn', () => {
    const desk = new Desk().up();
    const { incarnation } = desk.agent().cli;
    desk.record(
      { kind: 'exit', incarnation, code: 0, signal: null, asked: false, stderr: '', byDesign: true },
      { exit: CRASH },
    );
    expect(desk.agent()).toMatchObject({ state: 'idle', cli: { phase: 'ready', incarnation } });
    expect(desk.orders()).toEqual([]);
  });
});

describe('a CLI that ends after a turn that failed', () => {
  const failedTurn = (code: ErrorCode, retryable: boolean): Desk => {
    const desk = new Desk().up();
    desk.said(TURN);
    const limit = code === 'usage_limit' || code === 'rate_limit';
    desk.said({ type: 'error', code, message: `it met ${code}`, retryable }, ended(limit ? 'limit' : 'error'));
    desk.done();
    return desk;
  };

  it.each<[ErrorCode, boolean, string, string]>([
    ['usage_limit', true, 'limit', 'limited'],
    ['rate_limit', true, 'limit', 'limited'],
    ['overloaded', true, 'turn_failed', 'limited'],
    ['auth', false, 'auth', 'failed'],
    ['billing', false, 'billing', 'failed'],
    ['model', false, 'turn_failed', 'failed'],
    ['context_overflow', false, 'turn_failed', 'starting'],
  ])('with %s has that as its cause, and says the error once', (code, retryable, cause, state) => {
    const desk = failedTurn(code, retryable);
    desk.exit();
    expect(desk.events('exit')).toMatchObject([{ cause }]);
    expect(desk.events('error').map((error) => error.code)).toEqual([code]);
    expect(desk.agent().state).toBe(state);
  });

  it.each([
    // Started again at once: a start asks the model nothing.
    ['signal', ['start'], []],
    ['crash', [], ['start']],
  ])('by a %s asks the model nothing before the end of the limit, and goes on then', (cause, before, after) => {
    const desk = failedTurn('usage_limit', true);
    desk.exit({ cause });
    expect(desk.orders()).toEqual(before);
    if (before.length > 0) desk.upAgain();
    desk.wait(59_000);
    expect(desk.orders()).toEqual([]);
    expect(desk.agent().state).toBe('limited');
    desk.wait(1_000);
    expect(desk.orders()).toEqual(after.length > 0 ? after : ['message']);
  });

  it('stays failed where only a person can help', () => {
    const desk = failedTurn('auth', false);
    const { hint } = desk.agent();
    desk.exit({ cause: 'signal' });
    desk.wait(3_600_000);
    expect(desk.orders()).toEqual([]);
    expect(desk.agent()).toMatchObject({ state: 'failed', hint });
  });

  it('is not done, however well it ended', () => {
    const desk = failedTurn('model', false);
    desk.exit({ cause: 'clean', code: null });
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: 'it met model' });
  });

  it('is started again after a turn that found its context full, however well it ended', () => {
    const desk = failedTurn('context_overflow', false);
    desk.exit({ cause: 'clean', code: null });
    expect(desk.agent()).toMatchObject({ state: 'starting' });
  });

  it('is not done before the work that a limit has stopped is', () => {
    const desk = failedTurn('usage_limit', true);
    desk.exit({ cause: 'clean', code: null });
    expect(desk.agent().state).toBe('limited');
    desk.wait(3_600_000);
    expect(desk.agent().state).not.toBe('done');
  });

  it('crashed, if the turn had not ended, however well it says that it ended', () => {
    const desk = new Desk().up();
    desk.said(TURN);
    desk.exit({ cause: 'clean', code: null });
    expect(desk.events('exit')).toMatchObject([{ cause: 'crash' }]);
    expect(desk.agent()).toMatchObject({ state: 'starting', restarts: 1 });
  });

  it('is judged by itself alone when the turn was one of an earlier process', () => {
    const desk = failedTurn('model', false);
    desk.exit({ cause: 'signal' });
    desk.upAgain();
    desk.exit();
    expect(desk.events('exit').at(-1)).toMatchObject({ cause: 'crash' });
  });

  it('is failed with a word on money when its budget is used up', () => {
    const desk = new Desk().up();
    desk.said(TURN);
    desk.said(ended('budget'));
    expect(desk.agent()).toMatchObject({ state: 'failed', hint: expect.stringContaining('budget') });
  });
});

describe('a start that fails', () => {
  it('is explained and not repeated, unless it says that it may help', () => {
    const desk = new Desk();
    desk.spawn();
    desk.hostUp();
    desk.orderDone('start', { code: 'missing', message: 'claude is not installed', hint: 'install it' }, false);
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: 'claude is not installed', hint: 'install it' });
  });

  it('is repeated when the machine was short of something', () => {
    const desk = new Desk();
    desk.spawn();
    desk.hostUp();
    desk.done();
    desk.orderDone('start', { code: 'EAGAIN', message: 'no process' }, false);
    expect(desk.orders()).toEqual(['start']);
  });

  it('is judged hung when the CLI never takes messages', () => {
    const desk = new Desk();
    desk.spawn();
    desk.hostUp();
    desk.orderDone('start');
    desk.done();
    desk.wait(120_000);
    expect(desk.orders()).toEqual(['stop']);
    desk.exit({}, true);
    expect(desk.agent().tally.cli).toHaveLength(1);
    desk.orderDone('stop');
    expect(desk.orders()).toEqual(['start']);
  });
});

describe('an interrupt', () => {
  it('that ends no turn within a minute means that the CLI hangs: it is started again with its conversation', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN, { type: 'tool_call', callId: 'c', tool: 'bash', args: { command: 'make' }, nativeTool: 'Bash' });
    desk.command({ verb: 'interrupt', agentId: ID });
    desk.done();
    desk.wait(59_000);
    expect(desk.orders()).toEqual([]);
    desk.wait(1_000);
    expect(desk.events('watchdog').at(-1)).toMatchObject({
      verdict: 'cli_hung',
      observation: 'it did not obey an interrupt',
    });
    expect(desk.orders()).toEqual(['stop']);
  });
});

describe('limits', () => {
  it('waits for the reset, and then goes on with a note', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN);
    const retryAfterMs = 90_000;
    desk.said({
      type: 'rate_limit',
      limit: 'rejected',
      scope: 'five_hour',
      resetsAt: null,
      retryAfterMs,
      utilization: 1,
    });
    expect(desk.agent()).toMatchObject({ state: 'limited', gate: null });
    desk.said(ended('limit'));
    desk.send('m2');
    expect(desk.agent()).toMatchObject({ state: 'limited', gate: null });
    const wait = retryAfterMs + RESET_MARGIN_MS;
    expect(Date.parse(desk.agent().resumeAt ?? '')).toBe(desk.now + wait);
    desk.done();
    desk.wait(wait);
    expect(desk.done()).toMatchObject([{ verb: 'message', args: { text: expect.stringContaining('limit') } }]);
  });

  it('looks limited only until there is progress', () => {
    const desk = new Desk().up();
    desk.said(TURN);
    desk.said({
      type: 'rate_limit',
      limit: 'rejected',
      scope: null,
      resetsAt: null,
      retryAfterMs: 1_000,
      utilization: null,
    });
    desk.said({ type: 'thinking', content: 'on', tokens: null });
    expect(desk.agent().state).toBe('working');
  });

  it('doubles from 60 s to 15 min where no time is told', () => {
    const desk = new Desk().up();
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      desk.said(TURN);
      desk.said(ended('limit'));
      const wait = Date.parse(desk.agent().resumeAt ?? '') - desk.now;
      waits.push(wait);
      desk.wait(wait);
      const note = desk.agent().queue[0];
      if (note) desk.confirm(note.messageId);
    }
    expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
  });

  it('takes a turn that failed for want of the service as one to be taken up again', () => {
    const desk = new Desk().up();
    desk.said(TURN);
    desk.said({ type: 'error', code: 'overloaded', message: 'overloaded', retryable: true }, ended('error'));
    expect(desk.agent()).toMatchObject({ state: 'limited', reason: 'overloaded' });
  });

  it('fails with a hint where a person has to log in', () => {
    const desk = new Desk().up();
    desk.said(TURN);
    desk.said({ type: 'error', code: 'auth', message: 'invalid key', retryable: false }, ended('error'));
    expect(desk.agent()).toMatchObject({
      state: 'failed',
      reason: 'invalid key',
      hint: expect.stringContaining('log in'),
    });
  });
});

describe('restart by command', () => {
  it('stops the CLI, starts it with its conversation, and counts nothing', () => {
    const desk = new Desk().up();
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN);
    desk.said(ended('ok'));
    desk.done();
    desk.command({ verb: 'restart', agentId: ID, fresh: false });
    expect(desk.orders()).toEqual(['stop']);
    desk.exit({}, true);
    desk.orderDone('stop');
    expect(desk.done()).toMatchObject([{ verb: 'start', args: { resume: true } }]);
    expect(desk.agent()).toMatchObject({ restarts: 0, tally: { cli: [] } });
  });

  it('with fresh begins a new conversation, with the task', () => {
    const desk = new Desk().up({ task: 'build it' });
    desk.confirm(`task-of-${ID}`);
    desk.said(TURN);
    desk.said(ended('ok'));
    desk.command({ verb: 'restart', agentId: ID, fresh: true });
    desk.exit({}, true);
    desk.done();
    desk.orderDone('stop');
    expect(desk.done()).toMatchObject([{ verb: 'start', args: { resume: false } }]);
    desk.orderDone('start');
    desk.ready(ID, 'conv-2');
    expect(desk.done()).toMatchObject([{ verb: 'message', args: { text: 'build it' } }]);
  });
});
