/** Opens what is there of the event log: repairs it, says what was wrong, and gives the newest snapshot with the events after it. */
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TuttiEvent } from '../../core/event.ts';
import type { State } from '../../core/state.ts';
import type { EventLogRecovery } from '../../supervisor/ports.ts';
import { errorCode, removeFile, replaceFileSync } from '../disk.ts';
import { parseObject } from './lines.ts';
import { firstSeqOf, type Migrations, placeholder } from './segment-format.ts';
import { type Scan, scanSegment } from './segment-scan.ts';

/** Most files in quarantine; older ones go first. */
const QUARANTINE_LIMIT = 100;

export interface Segment {
  firstSeq: number;
  path: string;
  /** Bytes. */
  size: number;
}

export interface OpenedLog {
  segments: Segment[];
  lastSeq: number;
  recovery: EventLogRecovery;
}

/** Segments of a folder, oldest first. */
export function listSegments(folder: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of readdirSync(folder)) {
    const firstSeq = firstSeqOf(name);
    const path = join(folder, name);
    if (firstSeq !== null) segments.push({ firstSeq, path, size: statSync(path).size });
  }
  return segments.sort((a, b) => a.firstSeq - b.firstSeq);
}

/**
 * @param boot id of this boot: a log that another boot left open may have lost what was not synced
 * @throws NewerLog
 */
export function recoverLog(folder: string, boot: string, migrations: Migrations): OpenedLog {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) if (/^\..*\.tmp$/.test(name)) removeFile(join(folder, name));
  const segments = listSegments(folder);
  const damage: string[] = [];
  let cut = segments.length > 0 && leftOpenBy(folder, boot);
  if (cut) damage.push('the machine went down while the event log was open: its last events may be lost');

  let snapshot: State | null = null;
  let tail: TuttiEvent[] = [];
  for (let at = segments.length - 1; at >= 0 && snapshot === null; at--) {
    const segment = segments[at] as Segment;
    const scan = scanSegment(
      readFileSync(segment.path),
      segment.path.slice(folder.length + 1),
      at === segments.length - 1,
      migrations,
    );
    repair(folder, segment, scan);
    damage.push(...scan.notes);
    cut ||= scan.lostEnd || scan.damaged.length > 0 || scan.rewrite !== null;
    snapshot = scan.header.snapshot;
    tail = [...bridge(scan.events, tail[0]), ...tail];
  }
  const lastSeq = tail.at(-1)?.seq ?? snapshot?.seq ?? 0;
  return { segments, lastSeq, recovery: { snapshot, tail, damage, cut } };
}

/** Events of an older segment, with placeholders up to the first of the next. */
function bridge(events: TuttiEvent[], next: TuttiEvent | undefined): TuttiEvent[] {
  const last = events.at(-1);
  if (!last || !next) return events;
  const missing = Array.from({ length: Math.max(0, next.seq - last.seq - 1) }, (_, i) =>
    placeholder(last.seq + 1 + i, last.at),
  );
  return [...events, ...missing];
}

/** Puts damaged bytes aside and makes the file what it should be. */
function repair(folder: string, segment: Segment, scan: Scan): void {
  const name = segment.path.slice(folder.length + 1).replace(/\.jsonl$/, '');
  for (const { offset, bytes } of scan.damaged) quarantine(folder, `${name}-${offset}`, bytes);
  if (scan.lostEnd) quarantine(folder, `${name}-end-${scan.size}`, scan.tail);
  if (scan.rewrite !== null) {
    replaceFileSync(segment.path, scan.rewrite);
    segment.size = Buffer.byteLength(scan.rewrite);
  } else if (scan.tail.length > 0) {
    const fd = openSync(segment.path, 'r+');
    try {
      ftruncateSync(fd, scan.size);
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    segment.size = scan.size;
  }
}

function quarantine(folder: string, name: string, bytes: Buffer): void {
  const place = join(folder, 'quarantine');
  mkdirSync(place, { recursive: true, mode: 0o700 });
  replaceFileSync(join(place, `${name}.bin`), bytes);
  const files = readdirSync(place).sort();
  for (const old of files.slice(0, Math.max(0, files.length - QUARANTINE_LIMIT))) removeFile(join(place, old));
}

const OPEN_FILE = 'open.json';

/** Was the log left open by another boot? Then what was written and not synced may be gone without a trace. */
function leftOpenBy(folder: string, boot: string): boolean {
  try {
    const left = parseObject(readFileSync(join(folder, OPEN_FILE), 'utf8').trim());
    return left?.['boot'] !== boot;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Marks the log as open in this boot, and as closed in good order. */
export function markOpen(folder: string, boot: string): void {
  replaceFileSync(join(folder, OPEN_FILE), `${JSON.stringify({ v: 1, boot, pid: process.pid })}\n`);
}
export function markClosed(folder: string): void {
  removeFile(join(folder, OPEN_FILE));
}
