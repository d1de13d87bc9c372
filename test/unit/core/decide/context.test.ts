import { describe, expect, it } from 'vitest';
import { emptyState } from '../../../../src/core/empty-state.ts';
import type { DriverEventBody, Json } from '../../../../src/core/event.ts';
import { CARE_LIMIT_MS } from '../../../../src/core/limits.ts';
import { reduce } from '../../../../src/core/reduce/index.ts';
import type { AgentSpec } from '../../../../src/core/state.ts';
import { Desk, ended, TURN } from '../desk.ts';

const full = (contextUsed: number, contextLimit: number | null = 100): DriverEventBody => ({
  type: 'usage',
  input: 1,
  output: 1,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd: null,
  contextUsed,
  contextLimit,
  model: null,
  estimated: false,
});
const says = (content: string): DriverEventBody => ({
  type: 'message',
  role: 'assistant',
  content,
  from: null,
  messageId: null,
});
const OVERFLOW: DriverEventBody = {
  type: 'error',
  code: 'context_overflow',
  message: 'prompt is too long',
  retryable: false,
};

/** A turn that ended well and filled the context so far. */
function worked(desk: Desk, used: number, limit: number | null = 100): Desk {
  desk.send(`m${used}`);
  desk.confirm(`m${used}`);
  const message = { type: 'message', role: 'user', content: 'do it', from: null, messageId: `m${used}` } as const;
  desk.said(TURN, message, full(used, limit), ended('ok'));
  return desk;
}
const verdicts = (desk: Desk): string[] =>
  desk.events('watchdog').flatMap(({ verdict }) => (verdict.startsWith('context_') ? [verdict] : []));
/** The message of the supervisor that is on its way. */
const told = (desk: Desk): string => desk.agent().queue.find(({ from }) => from === 'supervisor')?.text ?? '';
const up = (spec: Partial<AgentSpec> = {}): Desk => new Desk().up(spec);

function summarised(desk: Desk, summary: string | null): void {
  const message = desk.agent().queue.find(({ from }) => from === 'supervisor');
  desk.confirm(message?.messageId ?? '');
  desk.said(TURN, ...(summary === null ? [] : [says(summary)]), ended(summary === null ? 'error' : 'ok'));
}

/** After the handoff: the old process ended, the new one is ready. */
function begunAnew(desk: Desk): void {
  desk.exit({ cause: 'asked', code: null }, true);
  desk.orderDone('stop');
  desk.orderDone('start', { pid: 61 });
  desk.ready(undefined, 'conv-2');
}

describe('a context that fills up', () => {
  it('is left alone below the threshold, and where nobody knows its limit', () => {
    expect(verdicts(worked(up(), 79))).toEqual([]);
    expect(verdicts(worked(up(), 1_000_000, null))).toEqual([]);
  });

  it.each(['claude', 'codex'])('is compacted by %s itself, and what waits goes on after it', (cli) => {
    const desk = worked(up({ cli }), 80);
    expect(desk.orders()).toContain('compact');
    expect(desk.events('watchdog').at(-1)).toMatchObject({
      verdict: 'context_compact',
      observation: 'its context is 80 % full',
      evidence: '80 of 100 tokens after turn 1',
    });
    desk.send('next');
    desk.orderDone('compact');
    expect(desk.orders()).not.toContain('message');
    desk.said(TURN, { type: 'compaction', trigger: 'manual', before: 80, after: 10 }, ended('ok'));
    expect(desk.orders()).toContain('message');
    expect(verdicts(desk)).toEqual(['context_compact', 'context_compacted']);
  });

  it('counts as compacted where the CLI does not say how much is left', () => {
    const desk = worked(up({ cli: 'codex' }), 80);
    desk.orderDone('compact');
    desk.said(TURN, { type: 'compaction', trigger: null, before: null, after: null }, ended('ok'));
    expect(verdicts(desk)).toEqual(['context_compact', 'context_compacted']);
    expect(desk.agent().context.used).toBeNull();
  });

  it('is handed off with a summary where compacting leaves it full', () => {
    const desk = worked(up(), 80);
    desk.orderDone('compact');
    desk.said(TURN, { type: 'compaction', trigger: null, before: 80, after: 81 }, ended('ok'));
    expect(told(desk)).toContain('Write a summary for your successor');
  });

  it('is handed off with a summary where the CLI cannot compact, or says so', () => {
    expect(told(worked(up({ cli: 'gemini' }), 80))).toContain('Write a summary');
    const refused = worked(up(), 80);
    refused.orderDone('compact', { code: 'cannot' }, false);
    expect(told(refused)).toContain('Write a summary');
  });

  it('goes on in a new conversation that is told the summary, and then the next message', () => {
    const desk = worked(up({ cli: 'gemini', task: null }), 96);
    desk.send('next');
    desk.done();
    summarised(desk, 'All is in src/a.ts; tests are left.');
    expect(desk.orders()).toEqual(['stop']);
    begunAnew(desk);
    expect(desk.agent()).toMatchObject({ conversationId: 'conv-2', restarts: 0 });
    expect(told(desk)).toMatch(/^Your earlier conversation had become too long/);
    expect(told(desk)).toContain(
      'The summary that you wrote for this conversation:\nAll is in src/a.ts; tests are left.',
    );
    const first = desk.agent().queue[0];
    desk.confirm(first?.messageId ?? '');
    desk.said(TURN, ended('ok'));
    expect(desk.agent().care.summary).toBeNull();
    expect(desk.agent().queue[0]).toMatchObject({ messageId: 'next', state: 'sent' });
  });

  it('is handed off with what is on record where no summary is written', () => {
    const desk = worked(up({ cli: 'gemini' }), 96);
    summarised(desk, null);
    begunAnew(desk);
    expect(told(desk)).toContain('The last message you were given:');
    expect(told(desk)).not.toContain('The summary that you wrote');
  });

  it('is handed off without one that does not come in time', () => {
    const desk = worked(up({ cli: 'gemini' }), 96);
    desk.record({ kind: 'done', id: desk.agent().queue[0]?.messageId ?? '', ok: true, result: { turnFollows: null } });
    desk.now += CARE_LIMIT_MS;
    desk.input({ type: 'tick' });
    expect(verdicts(desk)).toContain('context_handoff');
  });

  it('is not handed off again and again', () => {
    const desk = worked(up({ cli: 'gemini' }), 96);
    summarised(desk, 'words');
    begunAnew(desk);
    desk.confirm(desk.agent().queue[0]?.messageId ?? '');
    desk.said(TURN, full(99), ended('ok'));
    expect(verdicts(desk)).toEqual(['context_summary', 'context_handoff']);
  });

  it("has the agent's own limit where that is lower", () => {
    const desk = worked(up({ cli: 'gemini', budget: { usd: null, tokens: null, context: 1_000 } }), 850, 100_000);
    expect(desk.events('watchdog').at(-1)?.evidence).toBe('850 of 1000 tokens after turn 1');
    expect(
      verdicts(worked(up({ cli: 'gemini', budget: { usd: null, tokens: null, context: 1_000 } }), 850, null)),
    ).toEqual(['context_summary']);
  });

  it("of an agent that is done is nobody's concern", () => {
    const desk = up({ once: true, cli: 'gemini' });
    worked(desk, 96);
    expect(desk.agent().state).toBe('done');
    expect(verdicts(desk)).toEqual([]);
  });
});

describe('a conversation that is too long', () => {
  function overflown(desk: Desk): Desk {
    desk.send('m1');
    desk.confirm('m1');
    desk.said(TURN, OVERFLOW, ended('error'));
    return desk;
  }

  it('is compacted where the CLI can, and the work is taken up again', () => {
    const desk = overflown(up());
    desk.orderDone('compact');
    desk.said(TURN, { type: 'compaction', trigger: null, before: null, after: 10 }, ended('ok'));
    expect(verdicts(desk)).toEqual(['context_compact', 'context_compacted']);
    expect(told(desk)).toContain('Please go on with what you were doing');
  });

  it('is handed off from the record where that does not help, or the CLI cannot', () => {
    const desk = overflown(up());
    desk.orderDone('compact');
    desk.said(TURN, OVERFLOW, ended('error'));
    expect(verdicts(desk)).toEqual(['context_compact', 'context_handoff']);
    expect(verdicts(overflown(up({ cli: 'gemini' })))).toEqual(['context_handoff']);
  });

  it('again at once in the new conversation is left to a person', () => {
    const desk = overflown(up({ cli: 'gemini' }));
    begunAnew(desk);
    desk.confirm(desk.agent().queue[0]?.messageId ?? '');
    desk.said(TURN, OVERFLOW, ended('error'));
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: expect.stringContaining('full again') });
  });
});

it('the same events give the same care', () => {
  const desk = worked(up({ cli: 'gemini' }), 96);
  summarised(desk, 'words');
  begunAnew(desk);
  const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;
  expect(plain(desk.log.reduce(reduce, emptyState('log-1234')))).toEqual(plain(desk.state));
});
