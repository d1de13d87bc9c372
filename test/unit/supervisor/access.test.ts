import { describe, expect, it } from 'vitest';
import type { AgentState, State } from '../../../src/core/state.ts';
import { identify, isBelow, requireBelow } from '../../../src/supervisor/access.ts';
import { core } from '../../../src/supervisor/core.ts';

const agent = (id: string, parentId: string | null): AgentState =>
  ({ id, name: `name-${id}`, spec: { parentId } }) as unknown as AgentState;

const state: State = {
  ...core.emptyState('log'),
  agents: {
    top: agent('top', null),
    child: agent('child', 'top'),
    grandchild: agent('grandchild', 'child'),
    other: agent('other', null),
    ring: agent('ring', 'ring2'),
    ring2: agent('ring2', 'ring'),
  },
};
const asker = (marker: string | null) => ({ marker, commandId: null });
const of = (id: string): AgentState => state.agents[id] as AgentState;

describe('identify', () => {
  it('takes a caller without a marker for a person', () => {
    expect(identify(state, asker(null), 'aaaa')).toEqual({ by: 'user', from: 'user', agent: null });
  });

  it('knows an agent by its marker, in any incarnation', () => {
    expect(identify(state, asker('aaaa/child/7'), 'aaaa')).toMatchObject({
      by: 'agent:name-child',
      from: 'name-child',
    });
  });

  it.each(['bbbb/child/1', 'aaaa/nobody/1', '', 'child'])('denies a marker that it cannot place: %j', (marker) => {
    expect(() => identify(state, asker(marker), 'aaaa')).toThrow(expect.objectContaining({ code: 'DENIED' }));
  });
});

describe('requireBelow', () => {
  it.each([
    ['child', 'top', true],
    ['grandchild', 'top', true],
    ['top', 'top', false],
    ['top', 'child', false],
    ['other', 'top', false],
    ['ring', 'top', false],
  ])('%s below %s: %s', (target, above, below) => {
    expect(isBelow(state, of(target), above)).toBe(below);
    const caller = { by: 'agent:x', from: 'x', agent: of(above) };
    const check = () => requireBelow(state, caller, of(target));
    if (below) check();
    else expect(check).toThrow(expect.objectContaining({ code: 'DENIED' }));
  });

  it('lets a person command everything', () => {
    expect(() => requireBelow(state, { by: 'user', from: 'user', agent: null }, of('top'))).not.toThrow();
  });
});
