/** A small valid state and events, for tests of what stores them. */
import { noAlerts } from '../../src/core/alerts/alert.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { STATE_VERSION, type State } from '../../src/core/state.ts';

export function sampleState(seq: number, logId = 'log-1'): State {
  return {
    v: STATE_VERSION,
    logId,
    seq,
    agents: {},
    removing: {},
    projects: {},
    accounts: {},
    commands: {},
    fleet: { countFrom: null, hold: null },
    patrol: { found: {} },
    digest: { from: null, pending: null },
    schedules: {},
    alerts: noAlerts(),
    purses: {},
    advice: { day: '', calls: 0, tokens: 0 },
    totals: { events: seq, raw: 0 },
  };
}

export function sampleEvent(seq: number, change: Partial<TuttiEvent> = {}): TuttiEvent {
  return {
    seq,
    at: new Date(1_700_000_000_000 + seq).toISOString(),
    agentId: seq % 2 ? 'a' : 'b',
    agent: seq % 2 ? 'alice' : 'bob',
    incarnation: 1,
    type: 'thinking',
    content: `thought ${seq}`,
    tokens: null,
    ...change,
  } as TuttiEvent;
}

/** Events first … last. */
export function sampleEvents(first: number, last: number): TuttiEvent[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => sampleEvent(first + i));
}
