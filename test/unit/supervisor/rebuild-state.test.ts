import { describe, expect, it } from 'vitest';
import type { TuttiEvent } from '../../../src/core/event.ts';
import type { State } from '../../../src/core/state.ts';
import { core } from '../../../src/supervisor/core.ts';
import { rebuildState } from '../../../src/supervisor/recovery.ts';

const event = (seq: number): TuttiEvent => ({
  ...{ seq, at: '2026-01-01T00:00:00.000Z', agentId: null, agent: null, incarnation: null },
  ...{ type: 'raw', line: 'x' },
});
const at = (seq: number, logId = 'log'): State => ({ ...core.emptyState(logId), seq });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
const log = (snapshot: State | null, tail: TuttiEvent[], cut = false) => ({ snapshot, tail, damage: [], cut });
const db = (state: State | null) => ({ state, damage: null });

describe('rebuildState', () => {
  it.each([
    ['nothing at all', null, null, [], { seq: 0, replayed: 0, logId: 'new' }],
    ['the log alone', null, at(10), range(11, 20), { seq: 20, replayed: 10, logId: 'log' }],
    ['a db.json of this log', at(15), at(10), range(11, 20), { seq: 20, replayed: 5, logId: 'log' }],
    ['a db.json at the end of the log', at(20), at(10), range(11, 20), { seq: 20, replayed: 0, logId: 'log' }],
    ['a db.json older than the segment', at(5), at(10), range(11, 20), { seq: 20, replayed: 10, logId: 'log' }],
    ['a db.json of another log', at(15, 'other'), at(10), range(11, 20), { seq: 20, replayed: 10, logId: 'log' }],
    ['a db.json ahead of the log', at(30), at(10), range(11, 20), { seq: 20, replayed: 10, logId: 'log' }],
    ['a db.json without a log', at(30), null, [], { seq: 30, replayed: 0, logId: 'new' }],
  ])('from %s', (_id, snapshot, segment, tail, expected) => {
    const { state, replayed } = rebuildState(db(snapshot), log(segment, tail), 'new');
    expect({ seq: state.seq, replayed, logId: state.logId }).toEqual(expected);
  });

  it('gives a log that was cut a new id, so that clients start over', () => {
    expect(rebuildState(db(null), log(at(10), range(11, 12), true), 'new').state.logId).toBe('new');
  });

  it('says what was lost', () => {
    expect(rebuildState(db(at(30)), log(at(10), range(11, 20)), 'new').damage).toEqual([
      'the event log ends at 20 and had reached 30: its end was lost',
    ]);
  });
});
