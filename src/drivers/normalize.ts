/**
 * The pure core of `tutti normalize`: bytes of any dialect in, unified events and an account of every line out.
 * What it gives depends on the bytes alone, not on how they were split.
 */
import type { DriverEventBody } from '../core/event.ts';
import type { Decoder, Fate } from './driver.ts';
import { type LineItem, type LineLimits, lineSplitter } from './lines.ts';

/** A recording has no agent and no clock: of the envelope there is `seq`, and `n`: the input line that the event comes from, from 1. */
export type NormalizedEvent = { seq: number; at: null; n: number; bytes?: number } & DriverEventBody;

export interface NormalizeStats {
  /** All lines, and where each of them went: `lines = decoded + empty + raw`. */
  lines: number;
  decoded: number;
  empty: number;
  raw: number;
  /** Bytes read, newlines included. */
  bytes: number;
  /** Lines longer than the limit; they are raw. */
  long: number;
  /** The input ended in the middle of a line. */
  partial: boolean;
  /** Lines by fate and the CLI's own kind. */
  kinds: Record<Fate, Record<string, number>>;
  events: Record<string, number>;
  turns: number;
  toolCalls: number;
  toolResults: number;
  toolErrors: number;
  errors: number;
  /** USD; null where nothing was reported. */
  costUsd: number | null;
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number; estimated: boolean };
}

export interface Normalizer {
  /** The events of the lines that this chunk completes. */
  push(chunk: Uint8Array): NormalizedEvent[];
  /** The input ended. */
  end(): NormalizedEvent[];
  stats(): NormalizeStats;
}

/** How much of an over-long line its `raw` event shows. Characters. */
export const LONG_LINE_SHOWN = 4096;

/** `dialect` is one of the registry's. `limits` are for tests. */
export function createNormalizer(dialect: { decoder(): Decoder }, limits?: LineLimits): Normalizer {
  const decoder = dialect.decoder();
  const account = new Account();
  let out: NormalizedEvent[] = [];
  let shown = '';

  const give = (bodies: DriverEventBody[], bytes?: number): void => {
    for (const body of bodies) out.push(account.event(body, bytes));
  };
  const take = (item: LineItem): void => {
    if (item.kind === 'line') {
      const { events, fate, kind } = decoder.push({ dir: 'out', text: item.text });
      account.line(fate, kind, item.partial);
      give(events);
      return;
    }
    shown = (shown + item.text.slice(0, LONG_LINE_SHOWN)).slice(0, LONG_LINE_SHOWN);
    if (item.last === null) return;
    account.line('raw', 'too long', item.last.partial);
    account.stats.long += 1;
    give([{ type: 'raw', line: shown }], item.last.bytes);
    shown = '';
  };
  const splitter = lineSplitter(take, limits);
  const drain = (): NormalizedEvent[] => {
    const events = out;
    out = [];
    return events;
  };

  return {
    push(chunk) {
      account.stats.bytes += chunk.length;
      splitter.push(chunk);
      return drain();
    },
    end() {
      splitter.end();
      give(decoder.end());
      return drain();
    },
    stats: () => structuredCopy(account.stats),
  };
}

/** The running account: counts, and the numbers of events and turns. */
class Account {
  readonly stats: NormalizeStats = {
    lines: 0,
    decoded: 0,
    empty: 0,
    raw: 0,
    bytes: 0,
    long: 0,
    partial: false,
    kinds: { decoded: {}, empty: {}, raw: {} },
    events: {},
    turns: 0,
    toolCalls: 0,
    toolResults: 0,
    toolErrors: 0,
    errors: 0,
    costUsd: null,
    tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, estimated: false },
  };
  #seq = 0;

  line(fate: Fate, kind: string, partial: boolean): void {
    const { stats } = this;
    stats.lines += 1;
    stats[fate] += 1;
    stats.partial = stats.partial || partial;
    count(stats.kinds[fate], kind);
  }

  event(body: DriverEventBody, bytes?: number): NormalizedEvent {
    this.#seq += 1;
    this.#count(body);
    const numbered = body.type === 'turn' ? { ...body, number: this.stats.turns } : body;
    return { seq: this.#seq, at: null, n: this.stats.lines, ...numbered, ...(bytes === undefined ? {} : { bytes }) };
  }

  #count(body: DriverEventBody): void {
    const { stats } = this;
    count(stats.events, body.type);
    if (body.type === 'turn' && body.phase === 'start') stats.turns += 1;
    else if (body.type === 'tool_call') stats.toolCalls += 1;
    else if (body.type === 'tool_result') {
      stats.toolResults += 1;
      if (body.isError) stats.toolErrors += 1;
    } else if (body.type === 'error') stats.errors += 1;
    else if (body.type === 'usage') this.#spend(body);
  }

  #spend(usage: Extract<DriverEventBody, { type: 'usage' }>): void {
    const { stats } = this;
    const { tokens } = stats;
    if (usage.costUsd !== null) stats.costUsd = (stats.costUsd ?? 0) + usage.costUsd;
    tokens.input += usage.input;
    tokens.output += usage.output;
    tokens.cacheRead += usage.cacheRead;
    tokens.cacheWrite += usage.cacheWrite;
    tokens.estimated = tokens.estimated || usage.estimated;
  }
}

/** The kind is a foreign word: `__proto__` among them must be a key like any other. */
function count(table: Record<string, number>, key: string): void {
  const value: number = Object.hasOwn(table, key) ? (table[key] ?? 0) + 1 : 1;
  Object.defineProperty(table, key, { value, writable: true, enumerable: true, configurable: true });
}

const structuredCopy = (stats: NormalizeStats): NormalizeStats => JSON.parse(JSON.stringify(stats)) as NormalizeStats;
