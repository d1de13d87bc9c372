/** Bench 7: the state from a log of very many events, against reading and parsing the same files. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { TuttiEvent } from '../../src/core/event.ts';
import { emptyState } from '../../src/core/empty-state.ts';
import { rebuildState } from '../../src/supervisor/recovery.ts';
import { openEventLog } from '../../src/system/journal/event-log.ts';
import { createSnapshots } from '../../src/system/store.ts';
import { recordedLines } from './corpus.ts';
import { cpuTimed } from './numbers.ts';
import { places } from './places.ts';
import { pipeline } from './pipeline.ts';
import type { Outcome, Row } from './row.ts';

/** Read and parse twice over is what the reduced state may cost. */
const TARGET = { kind: 'ratio', value: 2 } as const;
/** Events that lie behind db.json: what happens between two of its writes, and more. */
const TAIL = 10_000;
const READ_BYTES = 1024 * 1024;
/** The log in one segment is held in memory as a whole; the supervisor's own segments are 16 MiB. */
const HEAP = '--max-old-space-size=8192';

/** A step that runs in a process of its own, so that each begins with an empty heap. */
export type Job = { do: 'write' | 'recover' | 'parse'; folder: string; events: number; segmentLimit: number | null };

interface Told {
  ms: number;
  seq: number;
  replayed: number;
  agents: unknown;
}

export async function recovery({ quick }: { quick: boolean }): Promise<Outcome> {
  const events = quick ? 50_000 : 1_000_000;
  const folder = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
  try {
    const segments = { folder: join(folder, 'segments'), events, segmentLimit: null };
    const single = { folder: join(folder, 'single'), events, segmentLimit: Number.MAX_SAFE_INTEGER };
    const outcome: Outcome = { rows: [], notes: [] };
    for (const log of [segments, single]) {
      await inProcess({ ...log, do: 'write' });
      const size = readdirSync(join(log.folder, 'events')).length;
      const whole = log === single;
      const parse = await inProcess({ ...log, do: 'parse' });
      const withDb = await inProcess({ ...log, do: 'recover' });
      rmSync(join(log.folder, 'db.json'));
      const without = await inProcess({ ...log, do: 'recover' });
      if (!isDeepStrictEqual(withDb.agents, without.agents)) throw new Error('with db.json the state is another');
      const what = whole ? 'one segment, from its first event' : `${size} segments`;
      outcome.rows.push(
        row(`${events} events, ${what}, with db.json`, withDb, parse),
        row(`${events} events, ${what}, without db.json`, without, parse),
      );
      outcome.notes.push(
        `7: ${what}: ${withDb.replayed} events were reduced with db.json, ${without.replayed} without; both gave the same state.`,
      );
      rmSync(log.folder, { recursive: true });
    }
    outcome.notes.push(
      '7: time on a core (collectors included) from the start of openEventLog to the state, each in a process of its own; the limit reads and parses all files of the log, line by line.',
    );
    return outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const row = (what: string, ours: Told, limit: Told): Row => ({
  ...{ bench: 7, what, measured: ours.ms / 1_000, limit: limit.ms / 1_000, unit: 's', target: TARGET },
});

/** Runs the job in a child (this program again) and resolves to what it told. */
function inProcess(job: Job): Promise<Told> {
  const args = [HEAP, places.runner, process.argv[1] as string, '--job', JSON.stringify(job)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      if (code === 0) done(JSON.parse(text) as Told);
      else fail(new Error(`${job.do} ended with ${code}`));
    });
  });
}

/** The child's side. */
export async function runJob(job: Job): Promise<Told> {
  switch (job.do) {
    case 'write':
      return write(job);
    case 'recover':
      return recover(job);
    case 'parse':
      return parse(job);
  }
}

const eventsOf = (job: Job): string => join(job.folder, 'events');
const nothing: Told = { ms: 0, seq: 0, replayed: 0, agents: null };

/** A log as the supervisor would have written it, and db.json as it was shortly before the end. */
async function write(job: Job): Promise<Told> {
  mkdirSync(eventsOf(job), { recursive: true });
  const limit = job.segmentLimit === null ? {} : { segmentLimit: job.segmentLimit };
  const { log } = await openEventLog({ folder: eventsOf(job), onProblem: complain, ...limit });
  await log.roll(emptyState('bench'));
  const snapshots = createSnapshots({ path: join(job.folder, 'db.json') });
  let batches: TuttiEvent[][] = [];
  const path = pipeline((events) => batches.push(events));
  const lines = recordedLines();
  let saved = false;
  for (let i = 0; path.state.seq < job.events; i++) {
    path.line(lines[i % lines.length] as string);
    if (batches.length === 0) continue;
    for (const events of batches) await log.append(events, false);
    batches = [];
    await log.roll(path.state);
    if (!saved && path.state.seq >= job.events - TAIL) {
      saved = true;
      await snapshots.save(path.state);
    }
  }
  await log.close();
  return nothing;
}

async function recover(job: Job): Promise<Told> {
  let told = nothing;
  const ms = await cpuTimed(async () => {
    const { log, recovery } = await openEventLog({ folder: eventsOf(job), onProblem: complain });
    const snapshots = createSnapshots({ path: join(job.folder, 'db.json') });
    const { state, replayed, damage } = rebuildState(await snapshots.load(), recovery, 'bench');
    if (damage.length > 0) throw new Error(damage.join('; '));
    told = { ...nothing, seq: state.seq, replayed, agents: state.agents };
    await log.close();
  });
  return { ...told, ms };
}

async function parse(job: Job): Promise<Told> {
  let lines = 0;
  const ms = await cpuTimed(() => {
    for (const name of readdirSync(eventsOf(job))) {
      const path = join(eventsOf(job), name);
      if (statSync(path).isFile()) lines += parseFile(path);
    }
  });
  return { ...nothing, ms, seq: lines };
}

/** Whole lines of 1 MiB at a time. */
function parseFile(path: string): number {
  const bytes = readFileSync(path);
  let lines = 0;
  for (let from = 0; from < bytes.length; ) {
    const least = Math.min(bytes.length - 1, from + READ_BYTES);
    const end = bytes.indexOf(10, least);
    const text = bytes.toString('utf8', from, end < 0 ? bytes.length : end);
    for (const line of text.split('\n')) if (line !== '') JSON.parse(line);
    lines += 1;
    from = end < 0 ? bytes.length : end + 1;
  }
  return lines;
}

function complain(message: string): void {
  process.stderr.write(`${message}\n`);
}
