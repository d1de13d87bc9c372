/** A small tmpfs, for tests of a full disk. Needs the right to mount: `available` says so, and the skipped test's name shows it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  path: string;
  unmount(): void;
}

function mount(path: string, size: string): SmallDisk {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tutti-test', path], { stdio: 'pipe', timeout: 10_000 });
  return { path, unmount: () => void execFileSync('umount', [path], { stdio: 'pipe', timeout: 10_000 }) };
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'tutti-mount-'));
  try {
    mount(folder, '64k').unmount();
    return true;
  } catch (error) {
    process.stderr.write(
      `tests of a full disk are skipped, no tmpfs can be mounted: ${String(error).split('\n')[0]}\n`,
    );
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const smallDisk = { available: canMount(), mount };
