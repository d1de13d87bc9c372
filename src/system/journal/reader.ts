/** Reads host journals: complete records with their offsets, never past a torn last line. Host-safe. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { JournalRecord } from '../../core/host-wire.ts';
import type { JournalReader } from '../../supervisor/ports.ts';
import { errorCode } from '../disk.ts';
import { type ByteLine, completeLines, parseObject } from './lines.ts';

/**
 * Longest record that is read. Bytes. A piece of a CLI line holds 8 MiB at most, which JSON escapes can make six times as long.
 * A longer one without an end is corrupt.
 */
export const RECORD_LIMIT = 64 * 1024 * 1024;
/** A corrupt line is quoted up to here. Bytes. */
const QUOTE_LIMIT = 4 * 1024;
/** First read when the caller's limit is larger. Bytes. */
const CHUNK = 256 * 1024;
/** After a read of this size others get a turn: a long journal may not keep timers and sockets waiting. Bytes. */
const YIELD_BYTES = 64 * 1024;

export interface JournalRead {
  records: { record: JournalRecord; end: number }[];
  corrupt: { offset: number; end: number; text: string }[];
  size: number;
  next: number;
}

/** The port: reads below `hosts/`. */
export function journalReader(hostsFolder: string): JournalReader {
  return {
    read: (agentId, epoch, offset, limit) => readJournal(join(hostsFolder, agentId, `${epoch}.jsonl`), offset, limit),
    epochs: (agentId) => journalEpochs(join(hostsFolder, agentId)),
  };
}

/** Epochs that have a journal in this folder, ascending. */
export async function journalEpochs(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  return names
    .map((name) => /^(\d+)\.jsonl$/.exec(name)?.[1])
    .filter((epoch) => epoch !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Complete records from `offset` on, about `limitBytes` of them (at least one, however long it is).
 * A missing file reads as empty. Rejects on an error of the disk.
 * Read without the thread pool: what a host has just written is in memory, and each trip to another thread costs more than the read.
 */
export async function readJournal(path: string, offset: number, limitBytes: number): Promise<JournalRead> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { records: [], corrupt: [], size: 0, next: offset };
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    let want = Math.max(1, Math.min(limitBytes, size - offset));
    for (;;) {
      const buffer = readPart(file, offset, Math.min(want, size - offset));
      const lines = completeLines(buffer, offset);
      if (lines.length > 0 || offset + buffer.length >= size) {
        if (buffer.length >= YIELD_BYTES) await turnOfTheLoop();
        return { ...toRecords(lines), size, next: behind(lines, offset) };
      }
      // No end of line in there: a long record. One beyond the limit is skipped to its end.
      if (want > RECORD_LIMIT) return skipLong(file, offset, size, buffer);
      want = Math.max(want * 2, CHUNK);
    }
  } finally {
    closeSync(file);
  }
}

function readPart(file: number, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.max(0, length));
  let filled = 0;
  while (filled < buffer.length) {
    const read = readSync(file, buffer, filled, buffer.length - filled, offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return buffer.subarray(0, filled);
}

function skipLong(file: number, offset: number, size: number, head: Buffer): JournalRead {
  for (let at = offset + head.length; at < size; at += CHUNK) {
    const part = readPart(file, at, Math.min(CHUNK, size - at));
    const newline = part.indexOf(0x0a);
    if (newline >= 0) {
      const end = at + newline + 1;
      return { records: [], corrupt: [{ offset, end, text: quote(head) }], size, next: end };
    }
  }
  return { records: [], corrupt: [], size, next: offset };
}

function behind(lines: ByteLine[], offset: number): number {
  return lines.at(-1)?.end ?? offset;
}

/** Sorts lines into records and corrupt ones. */
function toRecords(lines: ByteLine[]): Pick<JournalRead, 'records' | 'corrupt'> {
  const records: JournalRead['records'] = [];
  const corrupt: JournalRead['corrupt'] = [];
  for (const line of lines) {
    const record = parseRecord(line.bytes.toString('utf8'));
    if (record) records.push({ record, end: line.end });
    else corrupt.push({ offset: line.start, end: line.end, text: quote(line.bytes) });
  }
  return { records, corrupt };
}

/** A journal record has `v`, `n`, `at` and `kind`; fields and kinds that this build does not know are kept as they are. */
export function parseRecord(text: string): JournalRecord | null {
  const value = parseObject(text);
  if (!value) return null;
  const { v, n, at, kind } = value;
  const whole = Number.isInteger(v) && Number.isInteger(n) && typeof at === 'string' && typeof kind === 'string';
  return whole && Number(n) >= 1 ? (value as unknown as JournalRecord) : null;
}

function quote(bytes: Buffer): string {
  return bytes.subarray(0, QUOTE_LIMIT).toString('utf8');
}

/**
 * The last records of a journal, from about its last `maxBytes`: for the pane, which redraws from them.
 * Corrupt and torn lines are left out (they are the supervisor's to report). A missing file reads as empty.
 */
export function readTail(path: string, maxBytes: number): JournalRecord[] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(0, size - maxBytes);
    const buffer = Buffer.allocUnsafe(size - from);
    let filled = 0;
    while (filled < buffer.length) {
      const read = readSync(fd, buffer, filled, buffer.length - filled, from + filled);
      if (read === 0) break;
      filled += read;
    }
    const lines = completeLines(buffer.subarray(0, filled), from);
    return toRecords(from > 0 ? lines.slice(1) : lines).records.map(({ record }) => record);
  } finally {
    closeSync(fd);
  }
}
