/** A CLI with one process per turn (aider's way) under a real host, with a stand-in. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostUnderTest, hostUnderTest, type Link, removeBuiltHost } from './host-harness.ts';

let host: HostUnderTest;
let link: Link;

beforeEach(async () => {
  const program = join(import.meta.dirname, '../fixtures/fake-cli/aider.mjs');
  host = hostUnderTest({ env: { cli: 'aider', command: [process.execPath, program] } });
  await host.open(1);
  link = await host.connect();
});
afterEach(async () => {
  link.close();
  await host.remove();
});
afterAll(removeBuiltHost);

const start = (resume = false): Promise<{ ok: boolean }> =>
  link.ask('start', { incarnation: 1, conversationId: null, resume, settings: {} });

describe('a CLI with one process per turn', () => {
  it('is looked at once, is ready, and gets a process for each message', async () => {
    expect((await start()).ok).toBe(true);
    await host.record('ready');
    expect(await link.message('first\nof two lines')).toMatchObject({ ok: true });
    const id = '00000000-0000-4000-8000-0000000000b2';
    const args = { messageId: id, text: 'second', from: 'user', now: false, ordinal: 1 };
    expect(await link.ask('message', args, id)).toMatchObject({ ok: true });
    const kinds = host
      .records()
      .flatMap((r) => (r.kind === 'spawn' || r.kind === 'exit' || r.kind === 'ready' ? [r.kind] : []));
    expect(kinds.slice(0, 6)).toEqual(['spawn', 'ready', 'exit', 'spawn', 'exit', 'spawn']);
    expect(
      host
        .records()
        .filter((r) => r.kind === 'exit')
        .every((r) => r.kind === 'exit' && r.byDesign === true),
    ).toBe(true);
  });

  it('tells what the process did not take in, and what it did', async () => {
    await start();
    await host.record('ready');
    expect(await link.message('lose')).toMatchObject({ ok: false, result: { code: 'refused', retryable: true } });
    const id = '00000000-0000-4000-8000-0000000000b3';
    const args = { messageId: id, text: 'keep', from: 'user', now: false, ordinal: 0 };
    expect(await link.ask('message', args, id)).toMatchObject({ ok: true });
    const spawned = host.records().filter((r) => r.kind === 'spawn').length;
    const again = '00000000-0000-4000-8000-0000000000b4';
    expect(await link.ask('confirm', { ...args, messageId: again }, again)).toEqual({
      ok: true,
      result: { turnFollows: false },
    });
    expect(host.records().filter((r) => r.kind === 'spawn')).toHaveLength(spawned);
  });

  it('ends the incarnation when its process fails', async () => {
    await start();
    await host.record('ready');
    await link.command('message', { messageId: 'm', text: 'fail', from: 'user', now: false, ordinal: 0 }, 'm');
    const exit = await host.record('exit', ({ code }) => code === 1);
    expect(exit).toMatchObject({ asked: false, stderr: expect.stringContaining('no key') });
    expect(exit.byDesign).toBeUndefined();
  });

  it('stops between two turns with an exit on record', async () => {
    await start();
    await host.record('ready');
    await link.message('hello');
    expect(await link.ask('stop', {})).toEqual({ ok: true, result: { left: 0 } });
    expect(host.records().findLast((r) => r.kind === 'exit')).toMatchObject({ asked: true });
  });
});
