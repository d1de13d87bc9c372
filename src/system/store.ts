/** db.json: the state as people and scripts read it, through lowdb with an adapter that writes whole files or nothing. */
import { readFileSync, renameSync } from 'node:fs';
import { type Adapter, Low } from 'lowdb';
import { z } from 'zod';
import { completeState } from '../core/complete-state.ts';
import { STATE_VERSION, type State } from '../core/state.ts';
import type { Snapshots } from '../supervisor/ports.ts';
import { isoNow } from './clock.ts';
import { errorCode, replaceFile, sweepTemporaries } from './disk.ts';
import { parseObject } from './journal/lines.ts';

/** db.json of an older version becomes one of the next. By the version they start from. */
export type StateMigrations = Record<number, (state: Record<string, unknown>) => Record<string, unknown>>;
const MIGRATIONS: StateMigrations = {};

/** What has to hold for anything to work with it; the rest is rebuilt from the event log anyway. */
const stateShape = z.looseObject({
  v: z.literal(STATE_VERSION),
  logId: z.string().min(1),
  seq: z.int().min(0),
  agents: z.record(
    z.string(),
    z.looseObject({
      id: z.string(),
      name: z.string(),
      wanted: z.enum(['up', 'paused', 'down']),
      state: z.string(),
      spec: z.looseObject({ cli: z.string(), cwd: z.string() }),
      host: z.looseObject({ epoch: z.int(), phase: z.string() }),
      cli: z.looseObject({ incarnation: z.int(), phase: z.string() }),
      queue: z.array(z.looseObject({ messageId: z.string() })),
      tokens: z.looseObject({ input: z.number(), output: z.number() }),
    }),
  ),
  removing: z.record(z.string(), z.unknown()),
  projects: z.record(z.string(), z.unknown()),
  commands: z.record(z.string(), z.unknown()),
  totals: z.looseObject({ events: z.int() }),
});

export interface SnapshotOptions {
  path: string;
  migrations?: StateMigrations;
}

/** Opens db.json. One process at a time: the supervisor's lock sees to that. */
export function createSnapshots({ path, migrations = MIGRATIONS }: SnapshotOptions): Snapshots {
  const low = new Low<State | null>(adapter(path), null);
  let waiting: { state: State; done: Promise<void> } | null = null;
  let before: Promise<void> = Promise.resolve();

  return {
    async load() {
      sweepTemporaries(path);
      const text = readText(path);
      if (text === null) return { state: null, damage: null };
      const read = parseState(text, migrations);
      if (read.ok) return { state: read.state, damage: null };
      const aside = `${path}.damaged-${isoNow().replaceAll(':', '')}`;
      renameSync(path, aside);
      return {
        state: null,
        damage: `db.json cannot be used (${read.why}): it was put aside as ${aside}, and is rebuilt from the event log`,
      };
    },
    /** Saves that come during a write become one: the latest. */
    save(state) {
      if (waiting) {
        waiting.state = state;
        return waiting.done;
      }
      const mine = { state, done: Promise.resolve() };
      waiting = mine;
      mine.done = before.then(() => {
        waiting = null;
        low.data = mine.state;
        return low.write();
      });
      // Whoever saved hears of a failure; the next save only waits for its end.
      before = mine.done.then(
        () => undefined,
        () => undefined,
      );
      return mine.done;
    },
  };
}

/** lowdb's own file adapter does not sync, and gives every writer the same temporary name. */
function adapter(path: string): Adapter<State | null> {
  return {
    read: async () => null,
    write: (state) => replaceFile(path, `${JSON.stringify(state)}\n`),
  };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

type Parsed = { ok: true; state: State } | { ok: false; why: string };

/** Parses, migrates and checks the text of a db.json. */
export function parseState(text: string, migrations: StateMigrations): Parsed {
  let value = parseObject(text);
  if (!value) return { ok: false, why: 'it is not JSON' };
  const version = value['v'];
  if (typeof version !== 'number' || version > STATE_VERSION)
    return { ok: false, why: `version ${String(version)} is not known` };
  for (let v = version; v < STATE_VERSION; v++) {
    const step = migrations[v];
    if (!step) return { ok: false, why: `version ${v} cannot be read any more` };
    value = step(value);
  }
  const checked = stateShape.safeParse(value);
  if (checked.success) return { ok: true, state: completeState(checked.data as unknown as State) };
  const [issue] = checked.error.issues;
  return { ok: false, why: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}` };
}
