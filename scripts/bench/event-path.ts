/** Bench 1: from a CLI's bytes to the state, against JSON.parse alone of the same lines. */
import type { JournalRecord } from '../../src/core/host-wire.ts';
import { lineSplitter } from '../../src/drivers/lines.ts';
import { corpus } from './corpus.ts';
import { cpuTimed, percentile } from './numbers.ts';
import { journalLines, pipeline } from './pipeline.ts';
import type { Outcome } from './row.ts';

/** The recommended pipeline may take twice as long as the parse (limits: at least half of its rate). */
const TARGET = { kind: 'ratio', value: 2 } as const;
/** As a pipe gives them. Bytes. */
const CHUNK = 64 * 1024;
const ROUNDS = 5;

/** Rounds of all candidates by turns, so that other load meets them alike; the median of each. Milliseconds on a core. */
async function medians<K extends string>(candidates: Record<K, () => void>): Promise<Record<K, number>> {
  const names = Object.keys(candidates) as K[];
  const times = new Map<K, number[]>(names.map((name) => [name, []]));
  for (const name of names) candidates[name]();
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) times.get(name)?.push(await cpuTimed(candidates[name]));
  }
  return Object.fromEntries(names.map((name) => [name, percentile(times.get(name) ?? [], 0.5)])) as Record<K, number>;
}

export async function eventPath({ quick }: { quick: boolean }): Promise<Outcome> {
  const lines = corpus(quick ? 20_000 : 100_000);
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const journal = journalLines(lines);
  let events = 0;
  const times = await medians({
    parse: () => {
      for (const line of lines) JSON.parse(line);
    },
    path: () => {
      events = 0;
      const path = pipeline((batch) => {
        events += batch.length;
      });
      const splitter = lineSplitter((item) => {
        if (item.kind === 'line') path.line(item.text);
      });
      for (let at = 0; at < bytes.length; at += CHUNK) splitter.push(bytes.subarray(at, at + CHUNK));
      splitter.end();
      path.flush();
    },
    parseJournal: () => {
      for (const line of journal) JSON.parse(line);
    },
    journal: () => {
      const path = pipeline(() => undefined);
      for (const line of journal) path.record(JSON.parse(line) as JournalRecord, line.length);
      path.flush();
    },
  });
  const each = (ms: number): number => (ms * 1_000) / lines.length;
  const row = { bench: 1, unit: 'µs/line', target: TARGET };
  return {
    rows: [
      {
        ...row,
        what: 'line → event → state, against JSON.parse',
        measured: each(times.path),
        limit: each(times.parse),
      },
      {
        ...row,
        what: 'journal line → state, against JSON.parse of record and line',
        measured: each(times.journal),
        limit: each(times.parseJournal + times.parse),
      },
    ],
    notes: [
      `1: ${lines.length} recorded lines of ${Math.round(bytes.length / lines.length)} bytes on average gave ${events} events (${Math.round((lines.length / times.path) * 1_000)} lines/s on one core); median of ${ROUNDS} rounds, in time on a core.`,
    ],
  };
}
