/** The pane host as it is built, in a real tmux, with a stand-in for claude: the plain path. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import {
  CONVERSATION,
  type HostUnderTest,
  hostUnderTest,
  isAlive,
  type Link,
  outWith,
  removeBuiltHost,
} from './host-harness.ts';

let host: HostUnderTest;
let link: Link;

beforeEach(async () => {
  host = hostUnderTest();
  await host.open(1);
  link = await host.connect();
});
afterEach(async () => {
  link.close();
  await host.remove();
});
afterAll(removeBuiltHost);

describe('a pane host', () => {
  it('greets, starts the CLI, takes a message, and has every step on record before the next', async () => {
    expect(link.hello).toMatchObject({ agentId: 'a1', epoch: 1, n: 1, cli: null, requests: [], blind: false });
    const started = await link.start(1);
    expect(started.ok).toBe(true);
    await host.record('ready');
    const sent = await link.message('say hello there');
    expect(sent).toEqual({ ok: true, result: { turnFollows: true } });
    const kinds = host.records().map(({ kind }) => kind);
    expect(kinds.slice(0, 4)).toEqual(['open', 'intent', 'spawn', 'in']);
    expect(host.records().map(({ n }) => n)).toEqual(host.records().map((_, i) => i + 1));
    await waitFor('the answer', () => outWith(host.records(), 'hello there').length > 0);
    const last = host.records().at(-1)?.n ?? 0;
    await waitFor('the bell of the last record', () => link.frames.some((f) => f.type === 'bell' && f.n >= last));
  });

  it('does a repeated command once, and tells its result again', async () => {
    await link.start(1);
    await host.record('ready');
    const id = '00000000-0000-4000-8000-000000000001';
    await link.message('say once', { id });
    const again = await link.message('say once', { id });
    expect(again.ok).toBe(true);
    expect(host.records().filter((r) => r.kind === 'intent' && r.id === id)).toHaveLength(1);
    expect(host.records().filter((r) => r.kind === 'in' && r.line.includes('say once'))).toHaveLength(1);
    await waitFor('a second result', () => host.records().filter((r) => r.kind === 'done' && r.id === id).length === 2);
  });

  it('interrupts a running turn, and lets an interrupt for another incarnation lapse', async () => {
    await link.start(1);
    await host.record('ready');
    await link.message('sleep');
    await waitFor('the turn', async () => outWith(host.records(), 'system","subtype":"init').length > 0);
    expect((await link.ask('interrupt', { incarnation: 7, turn: 1 })).ok).toBe(false);
    expect((await link.ask('interrupt', { incarnation: 1, turn: 1 })).ok).toBe(true);
    expect((await link.ask('interrupt', { incarnation: 1, turn: 1 })).result).toMatchObject({ code: 'lapsed' });
    expect((await link.message('say still here')).ok).toBe(true);
  });

  it('holds a message for the end of the running turn', async () => {
    await link.start(1);
    await host.record('ready');
    await link.message('sleep');
    const { id } = await link.command(
      'message',
      { messageId: '00000000-0000-4000-8000-00000000000a', text: 'say later', from: 'user', now: false, ordinal: 1 },
      '00000000-0000-4000-8000-00000000000a',
    );
    await link.ask('interrupt', { incarnation: 1 });
    await host.record('done', (record) => record.id === id && record.ok);
    const order = host
      .records()
      .flatMap((r) =>
        r.kind === 'in' && r.line.includes('say later') ? ['in'] : outWith([r], '"interrupted"').length ? ['end'] : [],
      );
    expect(order).toEqual(['end', 'in']);
  });

  it('says why a CLI cannot be started', async () => {
    host.writeEnv({ command: ['/nowhere/claude'] });
    expect(await link.start(1)).toMatchObject({
      ok: false,
      result: { code: 'missing', message: expect.stringContaining('/nowhere/claude') },
    });
    host.writeEnv({ cwd: '/nowhere' });
    expect(await link.start(2)).toMatchObject({ ok: false, result: { code: 'missing_folder' } });
    host.writeEnv();
    expect((await link.start(3)).ok).toBe(true);
  });

  it('records an exit that nobody asked for, and takes no message then', async () => {
    await link.start(1);
    await host.record('ready');
    await link.command('message', { messageId: 'm1', text: 'crash', from: 'user', now: false, ordinal: 0 }, 'm1');
    const exit = await host.record('exit');
    expect(exit).toMatchObject({
      incarnation: 1,
      code: 3,
      signal: null,
      asked: false,
      stderr: expect.stringContaining('crashed'),
    });
    expect(
      (await link.command('message', { messageId: 'm2', text: 'say x', from: 'user', now: false, ordinal: 0 }, 'm2'))
        .refused,
    ).toBe('no_cli');
    expect((await link.start(2, true)).ok).toBe(true);
    expect((await host.record('spawn', ({ incarnation }) => incarnation === 2)).argv).toContain(CONVERSATION);
  });

  it('stops the CLI with everything that it started, and quits', async () => {
    await link.start(1);
    await host.record('ready');
    await link.message('tool sleep 1000 & echo $! ; setsid sleep 1001 & wait');
    const { pids } = await host.record('tree', (record) => record.pids.length >= 2);
    const cli = await host.record('spawn');
    const stopped = await link.ask('stop', {});
    expect(stopped).toEqual({ ok: true, result: { left: 0 } });
    for (const { pid } of [...pids, cli]) expect(isAlive(pid)).toBe(false);
    expect(await host.record('exit')).toMatchObject({ asked: true });
    const pid = host.pid();
    await link.command('quit', {}, 'q');
    await waitFor('the host is gone', () => !isAlive(pid));
    expect(host.records().at(-1)).toMatchObject({ kind: 'done', id: 'q', ok: true });
  });

  it('refuses bad frames with the reason, and goes on', async () => {
    link.socket.write('no json\n{"type":"command","id":"x","verb":"explode","args":{}}\n{"type":"dance"}\n');
    await waitFor('three refusals', () => link.frames.filter((f) => f.type === 'refused').length === 3);
    expect(link.frames.filter((f) => f.type === 'refused').map((f) => ('id' in f ? f.id : null))).toEqual([
      null,
      'x',
      null,
    ]);
    expect((await link.start(1)).ok).toBe(true);
  });
});
