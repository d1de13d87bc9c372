/** Finds and reads events in a segment without parsing what is not wanted. */
import { type FileHandle, open } from 'node:fs/promises';
import type { TuttiEvent } from '../../core/event.ts';
import { errorCode } from '../disk.ts';
import { completeLines } from './lines.ts';
import { MIGRATIONS, parseEvent, parseHeader, seqOf } from './segment-format.ts';

/** Bytes read at a time; a longer line is read whole. */
const CHUNK = 256 * 1024;
/** The search by halves ends when the part left is this small. Bytes. */
const NEAR = 64 * 1024;
/** Bytes read at each step of it. */
const PROBE = 8 * 1024;

export interface Query {
  since: number;
  limit: number;
  agentId: string | undefined;
}

/**
 * Events of one segment with seq > since, ascending, up to `size` bytes of it. Empty when retention took the file meanwhile.
 */
export async function readSegment(path: string, size: number, query: Query): Promise<TuttiEvent[]> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  try {
    const head = await readLine(file, size);
    const header = head ? parseHeader(head.toString('utf8')) : null;
    const body = head ? head.length + 1 : 0;
    const found: TuttiEvent[] = [];
    const wanted =
      query.agentId === undefined ? null : Buffer.from(JSON.stringify({ agentId: query.agentId }).slice(1, -1));
    for (let at = await near(file, body, size, query.since); at < size && found.length < query.limit; ) {
      const lines = completeLines(await readChunk(file, at, size), at);
      for (const line of lines) {
        if ((seqOf(line.bytes) ?? 0) <= query.since || (wanted && !line.bytes.includes(wanted))) continue;
        const event = parseEvent(line.bytes.toString('utf8'), header?.v ?? 1, MIGRATIONS);
        if (event && (wanted === null || event.agentId === query.agentId)) found.push(event);
        if (found.length >= query.limit) break;
      }
      const end = lines.at(-1)?.end;
      if (end === undefined) break;
      at = end;
    }
    return found;
  } finally {
    await file.close();
  }
}

/** Offset of a line start at or before the first event with seq > since: halves the part, seq only grows. */
async function near(file: FileHandle, from: number, size: number, since: number): Promise<number> {
  let low = from;
  let high = size;
  while (high - low > NEAR) {
    const middle = low + Math.floor((high - low) / 2);
    const lines = completeLines(await readChunk(file, middle, size, PROBE), middle);
    // The first piece is the end of a line that began before.
    const line = lines[1];
    const start = lines[0]?.end;
    const seq = line ? seqOf(line.bytes) : null;
    if (start === undefined || seq === null || start >= high) break;
    if (seq <= since) low = start;
    else high = middle;
  }
  return low;
}

/** Bytes from `at`, at least up to the end of the second line where there is one. */
async function readChunk(file: FileHandle, at: number, size: number, first = CHUNK): Promise<Buffer> {
  for (let length = first; ; length *= 2) {
    const want = Math.min(length, size - at);
    const buffer = Buffer.allocUnsafe(want);
    const { bytesRead } = await file.read(buffer, 0, want, at);
    const got = buffer.subarray(0, bytesRead);
    const newline = got.indexOf(0x0a);
    if ((newline >= 0 && got.indexOf(0x0a, newline + 1) >= 0) || at + bytesRead >= size || bytesRead < want) return got;
  }
}

async function readLine(file: FileHandle, size: number): Promise<Buffer | null> {
  const chunk = await readChunk(file, 0, size, PROBE);
  const newline = chunk.indexOf(0x0a);
  return newline < 0 ? null : chunk.subarray(0, newline);
}
