/** Lines of a file that a CLI keeps, read as they are asked for; for drivers, which cannot read files. */
import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { type LineItem, lineSplitter } from '../drivers/lines.ts';
import { errorCode } from '../system/disk.ts';

/** Read at a time. Bytes. */
const CHUNK = 64 * 1024;

/** null when it cannot be read. A line over the limit of a protocol line is left out. */
export function linesOf(path: string): Iterable<string> | null {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    if (errorCode(error) === null) throw error;
    return null;
  }
  return readLines(path);
}

/** Opens at the first line that is asked for: a list that nobody reads leaves no file open. */
function* readLines(path: string): Generator<string> {
  const fd = openSync(path, 'r');
  const items: LineItem[] = [];
  const splitter = lineSplitter((item) => items.push(item));
  const chunk = Buffer.allocUnsafe(CHUNK);
  try {
    for (let more = true; more; ) {
      const read = readSync(fd, chunk, 0, CHUNK, null);
      more = read > 0;
      if (more) splitter.push(chunk.subarray(0, read));
      else splitter.end();
      for (const item of items.splice(0)) if (item.kind === 'line') yield item.text;
    }
  } finally {
    closeSync(fd);
  }
}
