/** Permissions and the guard in a real host: nothing runs that was not allowed, whatever goes wrong. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CompiledRule, ConfigureArgs } from '../../src/core/host-wire.ts';
import { waitFor } from '../support/wait.ts';
import { type HostUnderTest, hostProgram, hostUnderTest, type Link, outWith, removeBuiltHost } from './host-harness.ts';

let host: HostUnderTest;
let link: Link;
let cwd: string;

beforeEach(async () => {
  host = hostUnderTest();
  cwd = join(dirname(host.home.paths.home), 'user');
  await host.open(1);
  link = await host.connect();
});
afterEach(async () => {
  link.close();
  await host.remove();
});
afterAll(removeBuiltHost);

async function ready(permissions: ConfigureArgs['permissions'], rules: CompiledRule[] | null = null): Promise<void> {
  host.writeEnv({ permissions });
  const view = { name: 'alice', cli: 'claude', model: null, task: null, branch: null };
  await link.ask('configure', { permissions, rules: rules as never, view, below: [] });
  await link.start(1);
  await host.record('ready');
}
const turnOver = (count = 1): Promise<unknown> =>
  waitFor('the turn is over', () => outWith(host.records(), '"type":"result"').length >= count);
const ran = (file: string): boolean => existsSync(join(cwd, file));

describe('the gate of a pane host', () => {
  it.each(['ask', 'auto', 'bypass'] as const)('refuses what a built-in rule holds, under %s', async (permissions) => {
    await ready(permissions);
    await link.message('tool tutti approve r-1; touch ran');
    await turnOver();
    const verdict = await host.record('verdict');
    expect(verdict).toMatchObject({
      verdict: 'deny',
      by: 'rule:no-self-approve',
      callId: expect.stringContaining('toolu_'),
    });
    expect(ran('ran')).toBe(false);
    expect(host.screen()).toContain('✗ DENIED');
  });

  it('lets a call run under auto, with its verdict on record before the answer', async () => {
    await ready('auto');
    await link.message('tool touch ran');
    await turnOver();
    expect(ran('ran')).toBe(true);
    const records = host.records();
    const verdict = records.findIndex((r) => r.kind === 'verdict' && r.verdict === 'allow');
    const answer = records.findIndex((r) => r.kind === 'in' && r.line.includes('permissionDecision'));
    expect(verdict).toBeGreaterThan(0);
    expect(answer).toBe(verdict + 1);
  });

  it('keeps a request while the supervisor is away, and takes the first of two answers', async () => {
    await ready('ask');
    await link.message('tool touch ran');
    const { requestId, tool, args } = await host.record('request');
    expect({ tool, args }).toMatchObject({ tool: 'bash', args: { command: 'touch ran' } });
    link.close();
    link = await host.connect();
    expect(link.hello.requests).toEqual([requestId]);
    const no = link.ask('answer', { requestId, decision: 'deny', text: 'not now', by: 'user' });
    const yes = link.ask('answer', { requestId, decision: 'allow', text: null, by: 'user' });
    expect((await no).ok).toBe(true);
    expect(await yes).toMatchObject({ ok: false, result: { code: 'not_open' } });
    await turnOver();
    expect(ran('ran')).toBe(false);
    expect(outWith(host.records(), 'not now').length).toBeGreaterThan(0);
  });

  it('lets a request lapse with its turn', async () => {
    await ready('ask');
    await link.message('tool touch ran');
    const { requestId } = await host.record('request');
    await link.ask('interrupt', { incarnation: 1 });
    expect(await host.record('answered')).toMatchObject({ requestId, decision: 'expired' });
    expect((await link.ask('answer', { requestId, decision: 'allow', text: null, by: 'user' })).ok).toBe(false);
    expect(ran('ran')).toBe(false);
  });

  it('puts a question to the person, and the typed words are the answer', async () => {
    await ready('auto');
    await link.message('question Which colour?');
    expect(await host.record('request')).toMatchObject({ what: 'question', text: 'Which colour?' });
    host.tmux('send-keys', '-t', '=alice:', 'dark blue', 'Enter');
    expect(await host.record('answered')).toMatchObject({ decision: 'answered', text: 'dark blue' });
    await turnOver();
    expect(host.records().some((r) => r.kind === 'in' && r.line.includes('"Which colour?":"dark blue"'))).toBe(true);
  });

  it('refuses everything when the guard cannot be loaded', async () => {
    const guard = join(dirname(hostProgram()), 'guard.cjs');
    const code = readFileSync(guard);
    rmSync(guard);
    try {
      await ready('bypass');
      await link.message('tool touch ran');
      await turnOver();
      expect(await host.record('verdict')).toMatchObject({ verdict: 'deny', why: expect.stringContaining('guard') });
      expect(ran('ran')).toBe(false);
    } finally {
      writeFileSync(guard, code);
    }
  });

  it('refuses everything while a rule is malformed, and says so', async () => {
    await ready('bypass', [
      { id: 'odd', verdict: 'deny', why: 'x', match: { kind: 'tool', tools: 7 } } as unknown as CompiledRule,
    ]);
    await link.message('tool touch ran');
    await turnOver();
    expect(await host.record('verdict')).toMatchObject({ verdict: 'deny', why: expect.stringContaining('odd') });
    expect(ran('ran')).toBe(false);
  });

  it('replaces known secrets in the journal and the pane, and hands them to the CLI as they are', async () => {
    host.writeEnv({ secrets: { MY_KEY: 'hunter2-hunter2' } });
    await link.start(1);
    await host.record('ready');
    await link.message('tool printf %s "$MY_KEY" | tee seen; printf "%s" "$MY_KEY" | wc -c');
    await turnOver();
    expect(readFileSync(join(cwd, 'seen'), 'utf8')).toBe('hunter2-hunter2');
    const journal = readFileSync(host.home.paths.journal('a1', 1), 'utf8');
    expect(journal).not.toContain('hunter2');
    expect(journal).toContain('«secret:MY_KEY»');
    expect(host.screen()).not.toContain('hunter2');
  });

  it('ends the turn of a request that is too long to be read', async () => {
    await ready('bypass');
    await link.message('bigask 9');
    await turnOver();
    expect(await host.record('verdict')).toMatchObject({ verdict: 'deny', why: expect.stringContaining('too long') });
    expect(await host.record('piece', (record) => record.last !== undefined)).toMatchObject({ last: { cut: false } });
  });
});
