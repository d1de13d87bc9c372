/** What the event log of a run must show: seq without gaps, and a state that is what reducing the log gives. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { TuttiEvent } from '../../src/core/event.ts';
import { reduce } from '../../src/core/reduce/index.ts';
import type { State } from '../../src/core/state.ts';
import type { Stage } from './stage.ts';

export async function auditLog(stage: Stage): Promise<string[]> {
  await stage.stopSupervisor();
  const problems: string[] = [];
  let state: State | null = null;
  let seq = 0;
  for (const name of readdirSync(stage.eventsFolder)
    .filter((n) => n.endsWith('.jsonl'))
    .sort()) {
    for (const line of readFileSync(join(stage.eventsFolder, name), 'utf8').split('\n')) {
      if (line === '') continue;
      const record = JSON.parse(line) as { snapshot?: State } & TuttiEvent;
      if (record.snapshot) {
        if (state && !isDeepStrictEqual(plain(state), plain(record.snapshot)))
          problems.push(`${name}: its snapshot is not what the log gives`);
        state ??= record.snapshot;
        continue;
      }
      if (record.seq !== seq + 1) problems.push(`seq jumps from ${seq} to ${record.seq}`);
      seq = record.seq;
      if (!state) {
        problems.push('the log does not begin with a snapshot');
        return problems;
      }
      state = reduce(state, record);
    }
  }
  const db = JSON.parse(readFileSync(stage.dbFile, 'utf8')) as State;
  if (!isDeepStrictEqual(plain(state), plain(db))) problems.push('db.json is not what reducing the event log gives');
  return problems.slice(0, 10);
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
