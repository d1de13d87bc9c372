/** A full disk under a real host: it holds its CLI, refuses commands, and goes on by itself when there is room. */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { smallDisk } from '../support/small-disk.ts';
import { waitFor } from '../support/wait.ts';
import { hostUnderTest, outWith, removeBuiltHost } from './host-harness.ts';

afterAll(removeBuiltHost);

describe.runIf(smallDisk.available)('a pane host on a full disk', () => {
  it('loses no record and no line, refuses what it cannot record, and goes on when there is room', async () => {
    const host = hostUnderTest();
    const disk = smallDisk.mount(host.home.paths.hosts, '2m');
    try {
      await host.open(1);
      const link = await host.connect();
      await link.start(1);
      await host.record('ready');
      const filler = join(disk.path, 'filler');
      const go = join(dirname(host.home.paths.home), 'user', 'go');
      // More than the rest of the journal's last page, which a full tmpfs still takes.
      await link.message('tool until [ -e go ]; do sleep 0.02; done; echo it went; seq 9000');
      await host.record('verdict');
      fill(filler);
      writeFileSync(go, '');
      await waitFor('the pane says so', () => host.screen().includes('! nothing can be recorded'));
      expect((await link.command('message', message('m2', 'say refused'), 'm2')).refused).toBe('disk_full');
      expect(outWith(host.records(), '"content":"it went')).toEqual([]);
      rmSync(filler);
      await waitFor('what the CLI said meanwhile', () => outWith(host.records(), '"content":"it went').length === 1);
      await waitFor('the alarm is over', () => /○ idle/.test(host.screen()));
      expect(await link.message('say light again')).toMatchObject({ ok: true });
      expect(host.records().map(({ n }) => n)).toEqual(host.records().map((_, i) => i + 1));
      link.close();
    } finally {
      const pid = host.pid();
      process.kill(pid, 'SIGKILL');
      await waitFor('the host and its CLI let go of the disk', () => unmounted(disk));
      await host.remove();
    }
  });
});

function unmounted(disk: { unmount(): void }): boolean {
  try {
    disk.unmount();
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('busy')) return false;
    throw error;
  }
}

const message = (messageId: string, text: string) => ({ messageId, text, from: 'user', now: false, ordinal: 0 });

/** Takes all the room that is left, to the last byte. */
function fill(path: string): void {
  for (const size of [65_536, 4_096, 1]) {
    for (let more = true; more; ) {
      try {
        writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        more = false;
      }
    }
  }
}
