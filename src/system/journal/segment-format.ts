/** What stands in a segment of the event log: a snapshot line, then one event a line. Pure. */
import { completeState } from '../../core/complete-state.ts';
import type { TuttiEvent } from '../../core/event.ts';
import type { State } from '../../core/state.ts';
import { parseObject } from './lines.ts';

/** Version of the segments that this build writes; each segment's first line says its own. */
export const SEGMENT_VERSION = 1;

type Plain = Record<string, unknown>;

/** Turns a snapshot and an event of one version into those of the next. */
export interface Migration {
  snapshot(state: Plain): Plain;
  event(event: Plain): Plain;
}

/** By the version they start from. Every older version that was ever released has one. */
export type Migrations = Record<number, Migration>;
export const MIGRATIONS: Migrations = {};

/** The log was written by a newer tutti: this one must leave it alone. */
export class NewerLog extends Error {
  override name = 'NewerLog';
}

export interface Header {
  v: number;
  /** null: it was damaged; the state comes from an earlier segment. */
  snapshot: State | null;
}

/** Segment files are named by the seq of their first event. */
export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(12, '0')}.jsonl`;
}

/** Seq of the first event of a segment, from its name; null for other files. */
export function firstSeqOf(name: string): number | null {
  const match = /^(\d{12,})\.jsonl$/.exec(name);
  return match ? Number(match[1]) : null;
}

export function encodeHeader(snapshot: State | null): string {
  return `${JSON.stringify({ v: SEGMENT_VERSION, snapshot })}\n`;
}

/** One line, seq first: it is searched for without parsing the rest. */
export function encodeEvent(event: TuttiEvent): string {
  const { seq, ...rest } = event;
  return `${JSON.stringify({ seq, ...rest })}\n`;
}

const SEQ = /^\{"seq":(\d+),/;

/** Seq of an event line from its first bytes, or null. */
export function seqOf(line: Buffer): number | null {
  const match = SEQ.exec(line.toString('latin1', 0, 30));
  return match ? Number(match[1]) : null;
}

/**
 * Reads a segment's first line. null = damaged.
 * @throws NewerLog
 */
export function parseHeader(text: string, migrations: Migrations = MIGRATIONS): Header | null {
  const value = parseObject(text);
  const v = value?.['v'];
  if (!value || typeof v !== 'number' || !('snapshot' in value)) return null;
  if (v > SEGMENT_VERSION) {
    throw new NewerLog(`the event log was written by a newer tutti (version ${v}, this one knows ${SEGMENT_VERSION})`);
  }
  const snapshot = value['snapshot'];
  if (snapshot === null) return { v, snapshot: null };
  if (typeof snapshot !== 'object' || Array.isArray(snapshot)) return null;
  const state = migrate(snapshot as Plain, v, 'snapshot', migrations);
  return Number.isInteger(state['seq']) ? { v, snapshot: completeState(state as unknown as State) } : null;
}

/** Reads an event line of a segment of version `v`. null = damaged. */
export function parseEvent(text: string, v: number, migrations: Migrations = MIGRATIONS): TuttiEvent | null {
  const value = parseObject(text);
  if (!value || !isEvent(value)) return null;
  return migrate(value, v, 'event', migrations) as unknown as TuttiEvent;
}

function isEvent(value: Plain): boolean {
  const { seq, at, type } = value;
  return Number.isSafeInteger(seq) && Number(seq) >= 1 && typeof at === 'string' && typeof type === 'string';
}

function migrate(value: Plain, from: number, what: keyof Migration, migrations: Migrations): Plain {
  let current = value;
  for (let v = from; v < SEGMENT_VERSION; v++) {
    const step = migrations[v];
    if (!step) throw new Error(`no migration of the event log from version ${v}`);
    current = step[what](current);
  }
  return current;
}

/**
 * How many events at the end belong to a batch that was not written whole: all events of one journal record are appended
 * together, and only the last of them carries `end`.
 */
export function unfinished(events: TuttiEvent[]): number {
  const { src } = events.at(-1) ?? {};
  if (!src || src.end) return 0;
  let count = 0;
  for (const event of [...events].reverse()) {
    const same = event.src && !event.src.end && event.src.epoch === src.epoch && event.src.n === src.n;
    if (!same) break;
    count++;
  }
  return count;
}

/** Stands where a damaged event stood, so that the log has no gap. */
export function placeholder(seq: number, at: string): TuttiEvent {
  return {
    seq,
    at,
    agentId: null,
    agent: null,
    incarnation: null,
    type: 'error',
    code: 'unknown',
    message: `event ${seq} was damaged on the disk; what was left of it is in events/quarantine`,
    retryable: false,
  };
}
