/** Whole writes: short writes looped, a full disk told apart from other failures, files replaced atomically. Host-safe. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { clock } from './clock.ts';

/** The disk (or the quota) is full: nothing was changed; try again when there is room. */
export class DiskFull extends Error {
  readonly path: string;
  constructor(path: string, cause: unknown) {
    super(`no space left on the disk of ${path}`, { cause });
    this.name = 'DiskFull';
    this.path = path;
  }
}

/** The `code` of a Node system error, or null. */
export function errorCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** There is no such file: also where a part of the path is no folder. */
export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function isDiskFull(error: unknown): boolean {
  const code = errorCode(error);
  return error instanceof DiskFull || code === 'ENOSPC' || code === 'EDQUOT';
}

/** A system error as it is, or as {@link DiskFull}. */
export function named(error: unknown, path: string): unknown {
  return isDiskFull(error) && !(error instanceof DiskFull) ? new DiskFull(path, error) : error;
}

/** Writes all bytes: write(2) may take fewer than it was given. Throws on the first error, when a part may be written. */
export function writeAllSync(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at, data.length - at);
}

/** Makes names in a folder durable. Some file systems refuse fsync on a folder (EINVAL): they need none. */
export function syncFolderSync(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } catch (error) {
    if (errorCode(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(fd);
  }
}

/** Name of a temporary file beside `path`: of its own for every write, so that two writers never share one. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${clock.uuid().slice(0, 8)}.tmp`);
}

/** Removes temporary files that a killed writer of `path` left behind. Only for the one owner of `path`. Returns their names. */
export function sweepTemporaries(path: string): string[] {
  const mine = `.${basename(path)}.`;
  const left = readdirSync(dirname(path)).filter((name) => name.startsWith(mine) && name.endsWith('.tmp'));
  for (const name of left) rmSync(join(dirname(path), name), { force: true });
  return left;
}

/**
 * Replaces a file in one step: temporary file, fsync, rename, fsync of the folder. Mode 0600.
 * Throws {@link DiskFull} or the system's error; then the old file is as it was and the temporary one is gone.
 */
export function replaceFileSync(path: string, data: string | Uint8Array): void {
  const temporary = temporaryName(path);
  let fd: number | null = null;
  try {
    fd = openSync(temporary, 'wx', 0o600);
    writeAllSync(fd, typeof data === 'string' ? Buffer.from(data) : data);
    fdatasyncSync(fd);
    closeSync(fd);
    fd = null;
    renameSync(temporary, path);
    syncFolderSync(dirname(path));
  } catch (error) {
    if (fd !== null) closeSync(fd);
    rmSync(temporary, { force: true });
    throw named(error, path);
  }
}

/** {@link replaceFileSync} without holding up the event loop. */
export async function replaceFile(path: string, data: string): Promise<void> {
  const temporary = temporaryName(path);
  let file: FileHandle | null = null;
  try {
    file = await open(temporary, 'wx', 0o600);
    const bytes = Buffer.from(data);
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
    await file.datasync();
    await file.close();
    file = null;
    await rename(temporary, path);
    syncFolderSync(dirname(path));
  } catch (error) {
    await file?.close();
    await rm(temporary, { force: true });
    throw named(error, path);
  }
}

/** Removes a file; one that is not there is fine. Returns whether there was one. */
export function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
