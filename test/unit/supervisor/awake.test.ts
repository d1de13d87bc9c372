import { describe, expect, it } from 'vitest';
import type { AgentStateName } from '../../../src/core/event.ts';
import type { State } from '../../../src/core/state.ts';
import { createAwake } from '../../../src/supervisor/awake.ts';

const MINUTE = 60_000;

/** A fleet whose states a test sets, a guard that notes, a clock that a test moves. */
function fixture() {
  const did: string[] = [];
  const problems: (string | null)[] = [];
  let fleet: AgentStateName[] = [];
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  let ended = (_why: string): void => undefined;
  const awake = createAwake({
    guard: {
      hold(onEnd) {
        did.push('hold');
        ended = onEnd;
        return { release: () => void did.push('release') };
      },
    },
    clock: {
      now: () => now,
      random: () => 0,
      uuid: () => '',
      setTimeout(run, ms) {
        const timer = { at: now + ms, run };
        timers.push(timer);
        return {
          cancel: () => {
            timers = timers.filter((each) => each !== timer);
          },
        };
      },
    },
    state: () => ({ agents: Object.fromEntries(fleet.map((state, i) => [`a${i}`, { state }])) }) as unknown as State,
    problem: (text) => void problems.push(text),
  });
  return {
    did,
    problems,
    awake,
    fails: (why: string) => ended(why),
    timers: () => timers.length,
    become(...states: AgentStateName[]) {
      fleet = states;
      awake.changed();
    },
    pass(ms: number) {
      now += ms;
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const { run } of due) run();
    },
  };
}

describe('the guard against idle sleep', () => {
  it('is one for all agents that work, and none while nobody does', () => {
    const { did, become, pass, timers } = fixture();
    become('idle', 'stopped');
    expect(did).toEqual([]);
    become('working', 'idle');
    become('working', 'working');
    expect(did).toEqual(['hold']);
    become('idle', 'idle');
    pass(MINUTE - 1);
    expect(did).toEqual(['hold']);
    pass(1);
    expect(did).toEqual(['hold', 'release']);
    expect(timers()).toBe(0);
  });

  it('stays from turn to turn', () => {
    const { did, become, pass } = fixture();
    for (let turn = 0; turn < 10; turn++) {
      become('working');
      become('idle');
      pass(MINUTE / 2);
    }
    expect(did).toEqual(['hold']);
  });

  it.each([
    ['starting', true],
    ['working', true],
    ['backoff', true],
    ['limited', false],
    ['waiting', false],
    ['idle', false],
    ['failed', false],
  ] as const)('an agent that is %s needs it: %s', (state, needed) => {
    const { did, become } = fixture();
    become(state);
    expect(did.length > 0).toBe(needed);
  });

  it('that cannot be had is a problem, and is not tried at each event', () => {
    const { did, become, pass, problems, fails } = fixture();
    become('working');
    fails('systemd-inhibit: not found');
    for (let i = 0; i < 100; i++) become('working');
    expect(did).toEqual(['hold']);
    expect(problems.at(-1)).toBe('the machine may go to sleep while agents work: systemd-inhibit: not found');
    pass(10 * MINUTE);
    become('working');
    expect(did).toEqual(['hold', 'hold']);
    expect(problems.at(-1)).toBeNull();
  });

  it('ends with the supervisor, and is not asked for again', () => {
    const { did, become, awake } = fixture();
    become('working');
    awake.stop();
    become('working');
    expect(did).toEqual(['hold', 'release']);
  });
});
