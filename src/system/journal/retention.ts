/** Which old files go: by size and age, whole files, oldest first, never the newest. */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile } from '../disk.ts';

export interface Retention {
  /** All files together. Bytes. */
  maxBytes: number;
  /** Since the last write to a file. Milliseconds. */
  maxAgeMs: number;
  /** The newest that are never dropped. */
  keep: number;
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** The event log: about a year of one busy agent, or a month of fifty. */
export const EVENT_LOG_RETENTION: Retention = { maxBytes: 2 * 1024 ** 3, maxAgeMs: 90 * DAY_MS, keep: 2 };
/** The host journals of one agent. */
export const JOURNAL_RETENTION: Retention = { maxBytes: 1024 ** 3, maxAgeMs: 90 * DAY_MS, keep: 2 };

/** How many of these files, oldest first, are to go. */
export function howManyGo(files: { size: number; writtenAt: number }[], retention: Retention, now: number): number {
  let total = files.reduce((sum, { size }) => sum + size, 0);
  let count = 0;
  for (const file of files.slice(0, Math.max(0, files.length - retention.keep))) {
    if (total <= retention.maxBytes && now - file.writtenAt <= retention.maxAgeMs) break;
    total -= file.size;
    count++;
  }
  return count;
}

/**
 * Drops old host journals of an agent.
 * @param folder hosts/<id>
 * @param before journals from this epoch on are still needed
 * @returns the epochs dropped
 */
export function dropOldJournals(folder: string, before: number, retention: Retention, now: number): number[] {
  const journals = readdirSync(folder, { withFileTypes: true })
    .filter((entry: Dirent) => entry.isFile() && /^\d+\.jsonl$/.test(entry.name))
    .map(({ name }) => ({ name, epoch: Number(name.slice(0, -'.jsonl'.length)) }))
    .sort((a, b) => a.epoch - b.epoch)
    .map((journal) => {
      const { size, mtimeMs } = statSync(join(folder, journal.name));
      return { ...journal, size, writtenAt: mtimeMs };
    });
  const going = journals.slice(0, howManyGo(journals, retention, now)).filter(({ epoch }) => epoch < before);
  for (const { name } of going) removeFile(join(folder, name));
  return going.map(({ epoch }) => epoch);
}
