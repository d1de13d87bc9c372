/**
 * `journal/` holds the two kinds of append-only record: host journals (writer and reader: host-safe) and the event log
 * (segments: the supervisor's alone).
 *
 * This file: the writer of one host journal, `hosts/<id>/<epoch>.jsonl`. One write(2) per append, numbered records, a file of its
 * own for every host start. Host-safe.
 */
import { close, openSync } from 'node:fs';
import type { JournalRecord, RecordBody } from '../../core/host-wire.ts';
import { isoNow } from '../clock.ts';
import { errorCode, isDiskFull } from '../disk.ts';
import { appender } from './append.ts';
import { syncer } from './sync.ts';

/** A dirty journal is brought to the disk after this long. Milliseconds. */
export const SYNC_AFTER_MS = 1_000;

/** `disk_full`: nothing was written, hold everything and try again later. `io`: the disk is broken. `closed`: after close(). */
export interface JournalFailure {
  ok: false;
  reason: 'disk_full' | 'io' | 'closed';
  message: string;
}

/** `n` is the number of the last record written, `offset` the size of the file behind it in bytes. */
export type AppendResult = { ok: true; n: number; offset: number } | JournalFailure;

export interface JournalWriter {
  readonly path: string;
  readonly epoch: number;
  /** Number of the last record written; 0 before the first. */
  readonly n: number;
  /** Size in bytes. */
  readonly offset: number;
  /** Appends one record. All of it is in the file, or nothing. Never throws. */
  append(body: RecordBody): AppendResult;
  /** Appends several in one write. */
  appendAll(bodies: RecordBody[]): AppendResult;
  /** Resolves when all that was appended before the call is on the disk. Never rejects. */
  sync(): Promise<{ ok: true } | JournalFailure>;
  /** Syncs and closes. */
  close(): Promise<void>;
}

export type OpenResult =
  | { ok: true; writer: JournalWriter }
  /** `epoch_taken`: another host had this epoch: this one must not run. */
  | { ok: false; reason: 'epoch_taken' | 'disk_full' | 'io'; message: string };

/**
 * Creates the journal of a host start. The folder must exist. Never throws.
 * @param onSyncFailure told when the sync in the background fails
 */
export function openJournal(path: string, epoch: number, onSyncFailure: (failure: JournalFailure) => void): OpenResult {
  let fd: number;
  try {
    fd = openSync(path, 'ax', 0o600);
  } catch (error) {
    const message = text(error);
    if (errorCode(error) === 'EEXIST') return { ok: false, reason: 'epoch_taken', message };
    return { ok: false, reason: isDiskFull(error) ? 'disk_full' : 'io', message };
  }
  return { ok: true, writer: writerOn(fd, path, epoch, onSyncFailure) };
}

function writerOn(
  fd: number,
  path: string,
  epoch: number,
  onSyncFailure: (failure: JournalFailure) => void,
): JournalWriter {
  let n = 0;
  let open = true;
  const file = appender(fd, 0);
  const disk = syncer(fd, path, SYNC_AFTER_MS, (error) => onSyncFailure(failure(error)));

  function appendAll(bodies: RecordBody[]): AppendResult {
    if (!open) return { ok: false, reason: 'closed', message: `${path} is closed` };
    const at = isoNow();
    const lines = bodies.map(
      (body, i) => `${JSON.stringify({ v: 1, n: n + 1 + i, at, ...body } satisfies JournalRecord)}\n`,
    );
    try {
      file.append(Buffer.from(lines.join('')));
    } catch (error) {
      return failure(error);
    }
    n += bodies.length;
    disk.dirty();
    return { ok: true, n, offset: file.size };
  }

  return {
    path,
    epoch,
    get n() {
      return n;
    },
    get offset() {
      return file.size;
    },
    append: (body) => appendAll([body]),
    appendAll,
    async sync() {
      const failed = await disk.sync();
      return failed ? failure(failed.error) : { ok: true };
    },
    async close() {
      if (!open) return;
      open = false;
      const failed = await disk.stop();
      if (failed) onSyncFailure(failure(failed.error));
      await new Promise<void>((done, fail) => close(fd, (error) => (error ? fail(error) : done())));
    },
  };
}

function failure(error: unknown): JournalFailure {
  return { ok: false, reason: isDiskFull(error) ? 'disk_full' : 'io', message: text(error) };
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
