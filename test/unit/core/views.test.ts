import { describe, expect, it } from 'vitest';
import { agentView } from '../../../src/core/agent-view.ts';
import { nextDue } from '../../../src/core/due.ts';
import { eventSchema, SAME_AS_TYPES } from '../../../src/core/event-schema.ts';
import { AGENT_STATES } from '../../../src/core/event.ts';
import { digest, uuidFrom } from '../../../src/core/id.ts';
import { reduce } from '../../../src/core/reduce/index.ts';
import { emptyState } from '../../../src/core/empty-state.ts';
import { phaseOf, STATUS } from '../../../src/core/tables.ts';
import { why } from '../../../src/core/why/index.ts';
import { agentSchema } from '../../../src/api/wire-agent.ts';
import { Desk, ended, ID, SETTINGS, TURN } from './desk.ts';

/** A day in the life of an agent, with as many kinds of events as can be had. */
function eventful(): Desk {
  const desk = new Desk().up({ task: 'build' });
  desk.confirm(`task-of-${ID}`);
  desk.said(TURN, { type: 'thinking', content: 'hm', tokens: 3 });
  desk.said({ type: 'tool_call', callId: 'c1', tool: 'edit', args: { path: 'a.ts' }, nativeTool: 'Edit' });
  desk.record({
    kind: 'verdict',
    callId: 'c1',
    requestId: null,
    tool: 'edit',
    args: {},
    verdict: 'deny',
    by: 'rule:x',
    why: 'no',
  });
  desk.said({
    type: 'tool_result',
    callId: 'c1',
    tool: 'edit',
    result: 'ok',
    isError: false,
    tokens: 1,
    durationMs: 2,
  });
  desk.said({
    type: 'usage',
    input: 10,
    output: 5,
    cacheRead: 2,
    cacheWrite: 1,
    costUsd: 0.5,
    contextUsed: 100,
    contextLimit: 200,
    model: 'm',
    estimated: false,
  });
  desk.said({ type: 'message', role: 'assistant', content: 'done', from: null, messageId: null });
  desk.said(ended('ok'));
  desk.exit();
  return desk;
}

describe('the agent object', () => {
  it('has every key of the wire schema', () => {
    const view = agentView(eventful().agent(), { tmuxSocket: 'tutti' });
    expect(agentSchema.strict().parse(view)).toEqual(view);
    expect(Object.keys(view).toSorted()).toEqual(Object.keys(agentSchema.shape).toSorted());
  });

  it('adds up tokens and money, and invents none', () => {
    const desk = new Desk().up();
    expect(agentView(desk.agent(), { tmuxSocket: 't' })).toMatchObject({ costUsd: null, tokens: { total: 0 } });
    const view = agentView(eventful().agent(), { tmuxSocket: 't' });
    expect(view).toMatchObject({ costUsd: 0.5, tokens: { input: 10, total: 18 }, context: { used: 100, limit: 200 } });
    expect(view).toMatchObject({
      filesProduced: ['a.ts'],
      toolCalls: 1,
      turns: 1,
      tmux: { socket: 't', session: 'alice' },
    });
  });
});

describe('the older words for a state', () => {
  it.each(AGENT_STATES)('has a status and a phase for %s', (state) => {
    expect(STATUS[state]).toBeDefined();
    expect(phaseOf(state, false)).toBeDefined();
  });

  it('takes idle with an open task as working', () => {
    expect([phaseOf('idle', true), phaseOf('idle', false)]).toEqual(['working', 'complete']);
  });
});

describe('the event schema', () => {
  it('is the same as the types, or nothing would compile', () => {
    expect(SAME_AS_TYPES).toBe(true);
  });

  it('takes every event that the core writes', () => {
    for (const event of eventful().log)
      expect(eventSchema.safeParse(event).error?.message, JSON.stringify(event)).toBeUndefined();
  });

  it.each([
    ['an unknown type', { type: 'nonsense' }],
    ['a missing field', { type: 'raw' }],
    ['a wrong value', { type: 'guard', rule: 'r', verdict: 'maybe', tool: 'bash', args: {}, why: '' }],
  ])('refuses %s', (_name, body) => {
    const envelope = { seq: 1, at: 'now', agentId: null, agent: null, incarnation: null };
    expect(eventSchema.safeParse({ ...envelope, ...body }).success).toBe(false);
  });
});

describe('the state', () => {
  it('is what the log says', () => {
    const desk = eventful();
    const replayed = desk.log.reduce((state, event) => reduce(state, event), emptyState('log-1234'));
    expect(replayed).toEqual(desk.state);
  });

  it('is JSON and nothing else', () => {
    const { state } = eventful();
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });

  it('only counts an event of a type that a newer build writes', () => {
    const event = {
      seq: 1,
      at: '2026-01-01T00:00:00.000Z',
      agentId: null,
      agent: null,
      incarnation: null,
      type: 'later',
    };
    expect(reduce(emptyState('l'), event as never)).toMatchObject({ seq: 1, totals: { events: 1 } });
  });
});

describe('why', () => {
  it('tells the state, and then its causes from the newest back', () => {
    const desk = eventful();
    const chain = why(desk.agent(), desk.log, desk);
    expect(chain).toMatchObject({ agent: 'alice', state: 'starting' });
    const texts = chain.chain.map((link) => link.text);
    expect(texts[0]).toContain('it is starting');
    expect(texts.some((text) => text.includes('the CLI ended (crash; code 1)'))).toBe(true);
    expect(texts.some((text) => text.includes('rule x said deny'))).toBe(true);
    expect(texts.length).toBeLessThanOrEqual(20);
  });
});

describe('nextDue', () => {
  it('is nothing for an idle agent, and the end of a wait for one in backoff', () => {
    const desk = new Desk().up();
    expect(nextDue(desk.state, SETTINGS)).toBeNull();
    desk.exit();
    desk.upAgain();
    desk.exit();
    expect(nextDue(desk.state, SETTINGS)).toBe(desk.now + 500);
  });

  it('never stays in the past: each deadline that passes changes something', () => {
    const desk = new Desk();
    desk.spawn();
    for (let i = 0; i < 200; i++) {
      const due = nextDue(desk.state, SETTINGS);
      if (due === null) break;
      desk.now = Math.max(desk.now, due);
      expect(desk.input({ type: 'tick' }).events.length).toBeGreaterThan(0);
      const clear = desk.done().find((effect) => effect.do === 'clear');
      if (clear) desk.input({ type: 'effect_done', effect: clear, ok: true, value: null });
    }
    expect(desk.agent().state).toBe('failed');
  });
});

describe('ids', () => {
  it('are valid UUIDs that follow from what they name', () => {
    const ids = new Set(Array.from({ length: 5_000 }, (_, i) => uuidFrom('agent', 'note', i)));
    expect(ids.size).toBe(5_000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidFrom('a', 1)).toBe(uuidFrom('a', 1));
    expect(uuidFrom('a', 11)).not.toBe(uuidFrom('a1', 1));
  });

  it('tell two values apart', () => {
    expect(digest({ a: 1 })).not.toBe(digest({ a: 2 }));
  });
});
