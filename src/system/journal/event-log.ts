/** The event log: one append-only sequence of events in segment files, each beginning with a snapshot. The supervisor's alone. */
import { closeSync, fdatasyncSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TuttiEvent } from '../../core/event.ts';
import type { State } from '../../core/state.ts';
import type { EventLog, EventLogRecovery } from '../../supervisor/ports.ts';
import { clock } from '../clock.ts';
import { isDiskFull, named, removeFile, replaceFileSync } from '../disk.ts';
import { bootId } from '../proc/index.ts';
import { type Appender, appender } from './append.ts';
import { markClosed, markOpen, type OpenedLog, recoverLog, type Segment } from './recovery.ts';
import { EVENT_LOG_RETENTION, howManyGo, type Retention } from './retention.ts';
import { encodeEvent, encodeHeader, MIGRATIONS, type Migrations, segmentName } from './segment-format.ts';
import { readSegment } from './segment-read.ts';
import { type Syncer, syncer } from './sync.ts';

/** A segment with more bytes of events than this is followed by a new one. */
export const SEGMENT_LIMIT = 16 * 1024 * 1024;
/** What nobody waits for is brought to the disk after this long. Milliseconds. */
const SYNC_AFTER_MS = 1_000;

export interface EventLogOptions {
  /** `events/` of the home. */
  folder: string;
  /** Told when a sync in the background fails; the next roll starts a new segment. */
  onProblem(message: string): void;
  segmentLimit?: number;
  retention?: Retention;
  /** Id of this boot; only tests of a power cut give another. */
  boot?: string;
  migrations?: Migrations;
}

/** Opens the log, repairs it and says what was found. Throws NewerLog, and the disk's errors. */
export async function openEventLog(options: EventLogOptions): Promise<{ log: EventLog; recovery: EventLogRecovery }> {
  const boot = options.boot ?? bootId();
  const opened = recoverLog(options.folder, boot, options.migrations ?? MIGRATIONS);
  markOpen(options.folder, boot);
  return { log: logOn(options, opened), recovery: opened.recovery };
}

interface Current {
  segment: Segment;
  fd: number;
  file: Appender;
  disk: Syncer;
  /** Bytes of the snapshot line. */
  head: number;
}

function logOn(options: EventLogOptions, { segments, lastSeq: lastOnDisk, recovery }: OpenedLog): EventLog {
  const limit = options.segmentLimit ?? SEGMENT_LIMIT;
  let lastSeq = lastOnDisk;
  let closed = false;
  /** A sync failed: what the file holds is in doubt until a new segment has it all in its snapshot. */
  let doubt: string | null = null;
  /** After a cut the log has a new id, which only a new segment can hold. */
  let renew = recovery.cut;
  const newest = segments.at(-1);
  let current: Current | null = newest ? use(newest, 0) : null;

  function use(segment: Segment, head: number): Current {
    const fd = openSync(segment.path, 'a', 0o600);
    const disk = syncer(fd, segment.path, SYNC_AFTER_MS, doubtful);
    return { segment, fd, file: appender(fd, segment.size), disk, head };
  }

  function doubtful(error: unknown): void {
    doubt = `the event log cannot be brought to the disk: ${error instanceof Error ? error.message : String(error)}`;
    options.onProblem(doubt);
  }

  function write(events: TuttiEvent[]): void {
    if (!current) throw new Error('the event log has no segment yet: roll first');
    events.forEach((event, i) => {
      if (event.seq !== lastSeq + 1 + i) throw new Error(`event ${event.seq} cannot follow event ${lastSeq + i}`);
    });
    try {
      current.file.append(Buffer.from(events.map(encodeEvent).join('')));
    } catch (error) {
      throw named(error, current.segment.path);
    }
    lastSeq += events.length;
    current.segment.size = current.file.size;
    current.disk.dirty();
  }

  function start(snapshot: State): void {
    const head = encodeHeader(snapshot);
    const firstSeq = snapshot.seq + 1;
    const path = join(options.folder, segmentName(firstSeq));
    // All of the old one is on the disk before the new one is there: only the newest can have a torn end.
    if (current && doubt === null) fdatasyncSync(current.fd);
    replaceFileSync(path, head);
    const old = current;
    const segment = { firstSeq, path, size: Buffer.byteLength(head) };
    // One without events has the same name, and was replaced.
    if (segments.at(-1)?.path === path) segments.pop();
    segments.push(segment);
    current = use(segment, segment.size);
    doubt = null;
    renew = false;
    // What its last sync says no longer matters: the new snapshot holds it all.
    if (old) old.disk.stop().then(() => closeSync(old.fd));
  }

  function drop(): void {
    const files = segments.map(({ path, size }) => ({ size, writtenAt: statSync(path).mtimeMs }));
    const count = howManyGo(files, options.retention ?? EVENT_LOG_RETENTION, clock.now());
    for (const { path } of segments.splice(0, count)) removeFile(path);
  }

  return {
    async append(events, durable) {
      if (closed) throw new Error('the event log is closed');
      if (events.length > 0) write(events);
      if (!durable || !current) return;
      const failed = await current.disk.sync();
      if (failed) doubtful(failed.error);
      if (doubt !== null) throw new Error(doubt);
    },
    async roll(snapshot, options = {}) {
      if (closed) throw new Error('the event log is closed');
      const force = options.force === true || renew || doubt !== null;
      if (current && !force && current.file.size - current.head < limit) return;
      if (current && snapshot.seq !== lastSeq)
        throw new Error(`a snapshot of ${snapshot.seq} cannot follow event ${lastSeq}`);
      try {
        start(snapshot);
        lastSeq = snapshot.seq;
        drop();
      } catch (error) {
        // The segment in use is whole, and grows beyond its limit until there is room for another.
        if (force || !current || !isDiskFull(error)) throw error;
      }
    },
    async read(since, { limit: most, agentId }) {
      const found: TuttiEvent[] = [];
      const parts = segments.filter((_, i) => (segments[i + 1]?.firstSeq ?? Number.POSITIVE_INFINITY) > since + 1);
      for (const { path, size } of parts.map((segment) => ({ ...segment }))) {
        if (found.length >= most) break;
        found.push(...(await readSegment(path, size, { since, limit: most - found.length, agentId })));
      }
      return found;
    },
    async close() {
      if (closed) return;
      closed = true;
      if (!current) return;
      const failed = await current.disk.stop();
      closeSync(current.fd);
      if (failed) throw failed.error;
      markClosed(options.folder);
    },
  };
}
