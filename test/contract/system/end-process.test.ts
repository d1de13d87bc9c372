import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { startOf } from '../../../src/system/proc/index.ts';
import { endProcess } from '../../../src/system/service/end-process.ts';
import { waitFor } from '../../support/wait.ts';

let child: ChildProcess | null = null;
afterEach(() => void child?.kill('SIGKILL'));

/** A process that prints when it is ready for signals. */
async function started(program: string): Promise<{ pid: number; start: string }> {
  child = spawn(process.execPath, ['-e', `${program}; console.log("ready"); setInterval(() => {}, 1e6)`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (child.stdout) await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  return { pid, start: startOf(pid) ?? '' };
}

describe('ending a process by its pid', () => {
  it('lets one that listens end by itself', async () => {
    expect(await endProcess(await started(''), 20_000)).toBe('ended');
  });

  it('wakes one that is stopped, so that it can end by itself', async () => {
    const id = await started('process.on("SIGTERM", () => process.exit(3))');
    process.kill(id.pid, 'SIGSTOP');
    expect(await endProcess(id, 20_000)).toBe('ended');
    await waitFor('its status', () => child?.exitCode === 3);
  });

  it('kills one that does not listen', async () => {
    expect(await endProcess(await started('process.on("SIGTERM", () => {})'), 200)).toBe('killed');
  });

  it('never touches another process that has the pid now', async () => {
    const id = await started('');
    expect(await endProcess({ pid: id.pid, start: `${Number(id.start) - 1}` }, 20_000)).toBe('ended');
    expect(startOf(id.pid)).toBe(id.start);
  });
});
