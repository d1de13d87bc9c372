import { describe, expect, it } from 'vitest';
import { completeState } from '../../../src/core/complete-state.ts';
import { emptyState } from '../../../src/core/empty-state.ts';
import { newAgent } from '../../../src/core/agent.ts';
import type { AgentSpec, State } from '../../../src/core/state.ts';

const spec = { cli: 'tutti', model: null, task: null } as AgentSpec;
const born = { id: 'a1', name: 'alice', project: 'p', spec, declared: false, at: '2026-01-01T00:00:00.000Z' };

describe('a state from an older build', () => {
  it('gets the fields that came since, in agents and in their groups, and keeps what it has', () => {
    const { seen: _seen, ...older } = { ...newAgent(born), turns: 7, cli: { incarnation: 3, phase: 'ready' } };
    const { totals: _totals, ...home } = { ...emptyState('log'), seq: 9, agents: { a1: older } };
    const state = completeState(home as unknown as State);
    expect(state.totals).toEqual({ events: 0, raw: 0 });
    expect(state.seq).toBe(9);
    expect(state.agents['a1']).toEqual({
      ...newAgent(born),
      turns: 7,
      cli: { ...newAgent(born).cli, incarnation: 3, phase: 'ready' },
    });
  });

  it('stays what it is when nothing is missing', () => {
    const agent = { ...newAgent(born), openCalls: { c: { tool: 'bash' as const, at: born.at } }, limit: null };
    const state = { ...emptyState('log'), agents: { a1: agent } } as unknown as State;
    expect(completeState(state)).toEqual(state);
  });
});
