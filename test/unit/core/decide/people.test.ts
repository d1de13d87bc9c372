import { describe, expect, it } from 'vitest';
import type { Command } from '../../../../src/core/step.ts';
import { Desk, ended, ID, SPEC, TURN } from '../desk.ts';

const REQUEST = { requestId: 'r1', what: 'permission', tool: 'bash', args: { command: 'make' }, text: 'make' } as const;

function asking(): Desk {
  const desk = new Desk().up();
  desk.send('m1');
  desk.confirm('m1');
  desk.said(TURN);
  desk.record({ kind: 'request', incarnation: 1, ...REQUEST });
  desk.done();
  return desk;
}

describe('requests', () => {
  it('make the agent wait for a person until they are answered', () => {
    const desk = asking();
    expect(desk.agent()).toMatchObject({ state: 'waiting', requests: { r1: { text: 'make' } } });
    const { reply } = desk.command({ verb: 'answer', requestId: 'r1', decision: 'allow', text: null });
    expect(reply).toMatchObject({ ok: true });
    expect(desk.done()).toMatchObject([{ verb: 'answer', args: { requestId: 'r1', decision: 'allow', by: 'user' } }]);
    desk.record({ kind: 'answered', requestId: 'r1', decision: 'allowed', by: 'user', text: null });
    expect(desk.agent()).toMatchObject({ state: 'working', requests: {} });
  });

  it.each([
    ['twice', 'r1', 'CONFLICT'],
    ['to nobody', 'r9', 'NOT_FOUND'],
  ])('refuse an answer %s', (_name, requestId, code) => {
    const desk = asking();
    desk.command({ verb: 'answer', requestId: 'r1', decision: 'allow', text: null });
    const { reply } = desk.command({ verb: 'answer', requestId, decision: 'deny', text: null });
    expect(reply).toMatchObject({ ok: false, error: { code } });
  });

  it.each([
    ['its turn', (desk: Desk) => desk.said(ended('interrupted'))],
    ['the process', (desk: Desk) => desk.exit()],
    ['the host', (desk: Desk) => desk.hostDown()],
  ])('expire with the end of %s', (_name, end) => {
    const desk = asking();
    end(desk);
    expect(desk.events('permission').at(-1)).toMatchObject({ requestId: 'r1', decision: 'expired' });
    expect(desk.agent().requests).toEqual({});
  });
});

describe('interrupt', () => {
  it('names the incarnation and the turn, and lapses with them', () => {
    const desk = new Desk().up();
    desk.said(TURN);
    desk.command({ verb: 'interrupt', agentId: ID });
    desk.command({ verb: 'interrupt', agentId: ID });
    expect(desk.done()).toMatchObject([{ verb: 'interrupt', args: { incarnation: 1, turn: 1 } }]);
    desk.said(ended('interrupted'));
    expect(Object.values(desk.agent().pending).map((order) => order.verb)).not.toContain('interrupt');
  });

  it('of an idle agent does nothing and says so', () => {
    const desk = new Desk().up();
    expect(desk.command({ verb: 'interrupt', agentId: ID }).reply).toMatchObject({
      ok: true,
      value: { interrupted: false },
    });
    expect(desk.orders()).toEqual([]);
  });
});

describe('names', () => {
  it('belong to one agent of a home, and the refusal names the owner', () => {
    const desk = new Desk();
    desk.spawn();
    expect(desk.spawn({}, 'a-2').reply).toMatchObject({
      ok: false,
      error: { code: 'CONFLICT', message: expect.stringContaining('demo') },
    });
  });

  it.each(['send', 'stop', 'pause', 'resume', 'restart', 'rm', 'interrupt'] as const)(
    'that nobody has are not found: %s',
    (verb) => {
      const more = { messageId: 'm', text: 't', from: 'user', now: false, fresh: false };
      const { reply } = new Desk().command({ verb, agentId: 'nobody', ...more } as Command);
      expect(reply).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    },
  );
});

describe('apply', () => {
  const declare = (
    desk: Desk,
    agents: Record<string, Partial<typeof SPEC>>,
    options: { prune?: boolean; hash?: string } = {},
  ) =>
    desk.command({
      verb: 'apply',
      project: 'demo',
      hash: options.hash ?? 'h1',
      config: {},
      agents: Object.entries(agents).map(([name, spec]) => ({
        agentId: `id-${name}`,
        name,
        spec: { ...SPEC, ...spec },
        messageId: spec.task ? `task-${name}` : null,
      })),
      prune: options.prune === true,
    }).reply;

  it('creates what is declared, and nothing the second time', () => {
    const desk = new Desk();
    expect(declare(desk, { alice: { task: 'a' }, bob: {} })).toMatchObject({
      ok: true,
      value: { created: ['alice', 'bob'] },
    });
    const events = desk.log.length;
    expect(declare(desk, { alice: { task: 'a' }, bob: {} })).toMatchObject({
      value: { unchanged: ['alice', 'bob'], created: [] },
    });
    expect(desk.log.length - events).toBe(1);
  });

  it('takes up changes: at the next boundary what needs a new process, as a message what is a new task', () => {
    const desk = new Desk();
    declare(desk, { alice: {} });
    desk.hostUp({}, 'id-alice');
    desk.orderDone('start', {}, true, 'id-alice');
    desk.ready('id-alice');
    desk.done();
    expect(declare(desk, { alice: { model: 'opus', task: 'new' } }, { hash: 'h2' })).toMatchObject({
      value: { changed: ['alice'] },
    });
    expect(desk.orders()).toEqual(['configure', 'stop']);
    expect(desk.agent('id-alice')).toMatchObject({ model: 'opus', queue: [{ messageId: 'task-alice' }] });
  });

  it('reports what is no longer declared, stops it only with prune, and leaves what was spawned alone', () => {
    const desk = new Desk();
    desk.spawn({}, 'a-9', 'zoe');
    declare(desk, { alice: {}, bob: {} });
    expect(declare(desk, { alice: {} }, { hash: 'h2' })).toMatchObject({ value: { undeclared: ['bob'], pruned: [] } });
    expect(desk.agent('id-bob').wanted).toBe('up');
    expect(declare(desk, { alice: {} }, { prune: true, hash: 'h2' })).toMatchObject({ value: { pruned: ['bob'] } });
    expect(desk.agent('id-bob').wanted).toBe('down');
    expect(desk.agent('a-9').wanted).toBe('up');
  });

  it('brings up again what was stopped or has failed', () => {
    const desk = new Desk();
    declare(desk, { alice: {} });
    desk.command({ verb: 'stop', agentId: 'id-alice' });
    expect(declare(desk, { alice: {} })).toMatchObject({ value: { changed: ['alice'] } });
    expect(desk.agent('id-alice').wanted).toBe('up');
  });

  it('refuses a name that another project owns, and changes nothing', () => {
    const desk = new Desk();
    desk.command({ verb: 'spawn', agentId: 'x', name: 'alice', project: 'other', spec: SPEC, messageId: null });
    const events = desk.log.length;
    expect(declare(desk, { alice: {}, bob: {} })).toMatchObject({
      ok: false,
      error: { code: 'CONFLICT', message: expect.stringContaining('other') },
    });
    expect(desk.log.length).toBe(events);
  });
});

describe('configure', () => {
  it('tells a host which agents are below its own, and again when that changes', () => {
    const desk = new Desk().up();
    desk.spawn({ parentId: ID }, 'a-2', 'bob');
    desk.spawn({ parentId: 'a-2' }, 'a-3', 'carl');
    const told = desk.done().flatMap((e) => (e.do === 'host_command' && e.verb === 'configure' ? [e.args.below] : []));
    expect(told).toEqual([['bob'], ['bob', 'carl']]);
  });
});
