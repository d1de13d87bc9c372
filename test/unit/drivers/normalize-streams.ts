/** The recorded streams and their counts by jq, for the tests of `tutti normalize`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Decoder } from '../../../src/drivers/driver.ts';
import { createNormalizer, type NormalizedEvent, type NormalizeStats } from '../../../src/drivers/normalize.ts';

const STREAMS = join(import.meta.dirname, '../../streams');

/** Not JSONL, so not a dialect: they are text for people, one indented object, or what a server says on its terminal. */
export const NOT_JSONL: Readonly<Record<string, string>> = {
  'claude/text-text': 'text for a person (--output-format text)',
  'codex/human': 'text for a person (no --json)',
  'gemini/json': 'one indented JSON object (--output-format json)',
  'opencode/human': 'text for a person (no --format json)',
  'opencode/serve': 'what the server prints on its terminal; its events are in serve.events',
};

/** Counts of one stream as `test/fixtures/jq/<cli>/counts.jq` takes them from the recording. */
export interface Counts {
  lines: number;
  toolCalls: number;
  toolResults: number;
  failedResults: number;
  turnStarts: number;
  turnEnds: number;
  errors: number;
  costUsd: number | null;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  notJson: number;
}

export const expectedOf = (cli: string): Record<string, Counts> =>
  JSON.parse(readFileSync(join(STREAMS, 'expected', `${cli}.json`), 'utf8')) as Record<string, Counts>;

export const namesOf = (cli: string): string[] =>
  readdirSync(join(STREAMS, cli))
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => file.slice(0, -'.jsonl'.length));

export const bytesOf = (cli: string, name: string): Uint8Array => readFileSync(join(STREAMS, cli, `${name}.jsonl`));

export interface Normalized {
  events: NormalizedEvent[];
  stats: NormalizeStats;
}

export function normalized(dialect: { decoder(): Decoder }, chunks: Iterable<Uint8Array>): Normalized {
  const normalizer = createNormalizer(dialect);
  const events: NormalizedEvent[] = [];
  for (const chunk of chunks) events.push(...normalizer.push(chunk));
  events.push(...normalizer.end());
  return { events, stats: normalizer.stats() };
}

export function countsOf({ events, stats }: Normalized): Counts {
  // An estimate of ours is in no recording.
  const usage = events.filter((event) => event.type === 'usage').filter((event) => !event.estimated);
  const sum = (key: 'input' | 'output' | 'cacheRead' | 'cacheWrite'): number =>
    usage.reduce((all, event) => all + event[key], 0);
  return {
    lines: stats.lines,
    toolCalls: stats.toolCalls,
    toolResults: stats.toolResults,
    failedResults: stats.toolErrors,
    turnStarts: stats.turns,
    turnEnds: events.filter((event) => event.type === 'turn' && event.phase === 'end').length,
    errors: stats.errors,
    costUsd: stats.costUsd === null ? null : Number(stats.costUsd.toFixed(9)),
    input: sum('input'),
    output: sum('output'),
    cacheRead: sum('cacheRead'),
    cacheWrite: sum('cacheWrite'),
    notJson: stats.raw,
  };
}

export function* byteByByte(all: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < all.length; at += 1) yield all.subarray(at, at + 1);
}

/** Chunks of changing sizes, the same ones for the same seed. */
export function* chunked(all: Uint8Array, seed: number): Generator<Uint8Array> {
  let state = seed;
  for (let at = 0; at < all.length; ) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const size = 1 + (state % 700);
    yield all.subarray(at, at + size);
    at += size;
  }
}

/** What each kind of line gave over all streams: its fates and event types. */
export function kindsOf(dialectOf: (name: string) => { decoder(): Decoder }, cli: string): Record<string, string> {
  const kinds = new Map<string, Set<string>>();
  for (const name of namesOf(cli)) {
    if (NOT_JSONL[`${cli}/${name}`] !== undefined) continue;
    const decoder = dialectOf(name).decoder();
    for (const text of readFileSync(join(STREAMS, cli, `${name}.jsonl`), 'utf8').split('\n')) {
      if (text === '') continue;
      const { events, fate, kind } = decoder.push({ dir: 'out', text });
      const seen = kinds.get(kind) ?? new Set();
      for (const type of events.length === 0 ? [`(${fate})`] : events.map((event) => event.type)) seen.add(type);
      kinds.set(kind, seen);
    }
  }
  return Object.fromEntries(
    [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, seen]) => [kind, [...seen].sort().join(' ')]),
  );
}
