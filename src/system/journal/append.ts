/** Appends to one file: all of it or nothing. What a failed write left behind is cut off again. Host-safe. */
import { ftruncateSync } from 'node:fs';
import { errorCode, writeAllSync } from '../disk.ts';

export interface Appender {
  /** Bytes in the file, as far as whole appends go. */
  readonly size: number;
  /** Appends in one write(2) where the system takes it whole. Throws the system's error, and then nothing was appended. */
  append(bytes: Uint8Array): void;
}

/** @param fd opened for appending @param size of the file now */
export function appender(fd: number, size: number): Appender {
  let good = size;
  let torn = false;
  return {
    get size() {
      return good;
    },
    append(bytes) {
      // A torn end would join with what comes now.
      if (torn) ftruncateSync(fd, good);
      torn = true;
      try {
        writeAllSync(fd, bytes);
        torn = false;
      } catch (error) {
        torn = !cutBack(fd, good);
        throw error;
      }
      good += bytes.length;
    },
  };
}

/** Cuts a half-written append off at once; false = it has to be tried again before the next one. */
function cutBack(fd: number, size: number): boolean {
  try {
    ftruncateSync(fd, size);
    return true;
  } catch (error) {
    if (errorCode(error) === null) throw error;
    return false;
  }
}
