/** fdatasync of one file: on demand for a whole group of waiters, and by itself a while after a write. Host-safe. */
import { fdatasync } from 'node:fs';
import { dirname } from 'node:path';
import { clock } from '../clock.ts';
import { syncFolderSync } from '../disk.ts';

export interface Syncer {
  /** Something was written. */
  dirty(): void;
  /** Resolves when everything written before the call is on the disk; null or what went wrong. Never rejects. */
  sync(): Promise<{ error: unknown } | null>;
  /** A last sync; no timer is left. */
  stop(): Promise<{ error: unknown } | null>;
}

/**
 * Waiters that come while a sync runs share the next one: that is all the grouping there is, so nobody waits longer than two syncs.
 * @param afterMs a dirty file is synced by itself after this long; no timer while it is clean
 * @param onFailure told when such a sync fails
 */
export function syncer(fd: number, path: string, afterMs: number, onFailure: (error: unknown) => void): Syncer {
  let writes = 0;
  let synced = 0;
  let folderSynced = false;
  let timer: { cancel(): void } | null = null;
  let running: Promise<{ error: unknown } | null> | null = null;

  function run(): Promise<{ error: unknown } | null> {
    const upTo = writes;
    return new Promise((done) => {
      fdatasync(fd, (error) => {
        try {
          if (error) throw error;
          // Once: the file's own name has to be on the disk as well.
          if (!folderSynced) syncFolderSync(dirname(path));
          folderSynced = true;
          synced = upTo;
          done(null);
        } catch (reason) {
          done({ error: reason });
        }
      });
    });
  }

  async function sync(): Promise<{ error: unknown } | null> {
    const wanted = writes;
    for (;;) {
      if (synced >= wanted) return null;
      if (!running) break;
      // The running one may have begun before our write.
      const failed = await running;
      if (failed) return failed;
    }
    timer?.cancel();
    timer = null;
    running = run();
    const failed = await running;
    running = null;
    return failed;
  }

  return {
    dirty() {
      writes++;
      timer ??= clock.setTimeout(() => {
        timer = null;
        sync().then((failed) => {
          if (failed) onFailure(failed.error);
        });
      }, afterMs);
    },
    sync,
    async stop() {
      const failed = await sync();
      timer?.cancel();
      timer = null;
      return failed;
    },
  };
}
