/** Mends what a CLI itself keeps of a conversation, before it is resumed. The CLI is not running then: nobody else writes there. */
import { appendFileSync, closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { OwnRecord } from '../drivers/driver.ts';
import { errorCode } from '../system/disk.ts';
import { linesOf } from './file-lines.ts';

/** For the journal: what was done, or why it could not be done. */
export interface Mended {
  level: 'info' | 'warn';
  text: string;
}

/** A failure is said and no more: without the mending most resumes go well. */
export function mendOwnRecord(record: OwnRecord): Mended[] {
  try {
    return foldersIn(record.below).flatMap((folder) => mendFile(join(folder, record.name), record));
  } catch (error) {
    if (errorCode(error) === null) throw error;
    return [{ level: 'warn', text: `the CLI's own record could not be mended: ${errorCode(error)}` }];
  }
}

function foldersIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function mendFile(path: string, record: OwnRecord): Mended[] {
  const lines = linesOf(path);
  if (lines === null) return [];
  const text = record.mend(lines, endsWhole(path));
  if (text === '') return [];
  appendFileSync(path, text);
  return [{ level: 'info', text: `mended before the resume: ${path}` }];
}

function endsWhole(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    return size === 0 || (readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === 0x0a);
  } finally {
    closeSync(fd);
  }
}
