/** Real processes that hang, are stopped, or run in circles, and honest work that only looks like it: each gets the verdict it deserves. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TuttiEvent } from '../../src/core/event.ts';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

/** As short as it may be. */
const CONFIG = `version: 1
limits: { starts: 8 }
watchdog:
  backoff: { base: 100ms, cap: 1s }
  stall: { nudgeAfter: 10s, restartAfter: 20s, silentAfter: 20s }
`;

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome();
  writeFileSync(join(home.work, 'config.yaml'), CONFIG);
  home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
  await home.data(['supervisor', 'start']);
});
afterAll(() => home.remove());

const task = (scenario: string): string => `Do this. [[scenario:${scenario}]]`;
const spawn = (name: string, scenario: string) => {
  const cwd = join(home.work, name);
  execFileSync('git', ['init', '-q', cwd]);
  return home.data(['spawn', name, '--cwd', cwd, '--task', task(scenario)]);
};
type Watchdog = Extract<TuttiEvent, { type: 'watchdog' }>;
const found = async (name: string): Promise<Watchdog[]> =>
  (await home.events(name)).filter((event): event is Watchdog => event.type === 'watchdog');
/** What layer 1 did about an agent, in order. */
const deeds = async (name: string): Promise<string[]> =>
  (await found(name))
    .filter(({ layer, verdict }) => layer === 1 && verdict !== 'streaming')
    .map(({ verdict, action }) => `${verdict} → ${action}`);
const over = (name: string) => home.until(name, ({ state }) => state === 'idle' || state === 'failed', 'it is over');

describe('what has gone wrong', () => {
  it.concurrent.each([
    ['hangs', 'hang n=1', 'stalled'],
    ['stalls', 'stall n=1', 'stalled'],
    ['one-call', 'loop heeds=1', 'call_loop'],
    ['three-calls', 'loop3 heeds=1', 'call_cycle'],
    ['words', 'words heeds=1', 'text_loop'],
    ['undoes', 'undo heeds=1', 'undo_loop'],
  ])('%s: is found with evidence, and goes on after what the watchdog did', async (name, scenario, verdict) => {
    await spawn(name, scenario);
    const end = await over(name);
    expect(end).toMatchObject({ state: 'idle', queued: 0 });
    const seen = (await found(name)).filter((event) => event.verdict === verdict);
    expect(seen.length).toBeGreaterThan(0);
    for (const event of seen) expect(event.evidence).toMatch(/\S/);
    expect((await home.said(name)).at(-1)).toMatch(
      /^assistant: (It worked after all|I was going round in circles|ack Your supervisor)/,
    );
  });

  it.concurrent('a circle that heeds nothing ends with a person, who reads why', async () => {
    await spawn('never', 'loop');
    const end = await home.until('never', ({ state }) => state === 'failed', 'given up');
    expect(end).toMatchObject({ state: 'failed', hint: expect.stringMatching(/\S/) as string });
    expect(end.reason).toMatch(/same call|missing-file/);
    const rungs = (await deeds('never')).map((deed) => deed.split(' → ')[1] ?? '');
    const order = ['note', 'nudge', 'redirect', 'restart', 'fresh', 'hand_over', 'ask', 'alert'];
    const climbed = rungs.filter((rung) => order.includes(rung)).map((rung) => order.indexOf(rung));
    expect(climbed).toEqual(climbed.toSorted((a, b) => a - b));
    expect(climbed.length).toBeGreaterThan(3);
    expect((await home.run(['why', 'never'])).stdout).toMatch(/missing-file/);
  });

  it.concurrent('a stopped CLI is started again with its conversation', async () => {
    await spawn('stopped-cli', 'text say="I remember."');
    const before = await home.idle('stopped-cli');
    await home.run(['send', 'stopped-cli', task('slow tokens=40 ms=200')]);
    const { pid } = await home.until('stopped-cli', ({ state }) => state === 'working');
    process.kill(pid ?? 0, 'SIGSTOP');
    const after = await home.until('stopped-cli', (a) => a.pid !== null && a.pid !== pid, 'another process');
    expect(after.conversationId).toBe(before.conversationId);
    expect(await home.idle('stopped-cli')).toMatchObject({ conversationId: before.conversationId });
    expect(await deeds('stopped-cli')).toContain('stalled → restart');
  });
});

describe('what only looks wrong', () => {
  it.concurrent.each([
    ['polls', 'polling n=8 s=0.3', 'The build is through.'],
    ['mends', 'testfix n=6', 'The test passes now.'],
    ['builds', 'sleep s=15', 'All done.'],
    ['streams', 'slow tokens=80 ms=200', 'The quick brown fox'],
    ['many', 'multi n=12', 'All done.'],
  ])('%s: nothing is done about it', async (name, scenario, words) => {
    await spawn(name, scenario);
    const end = await over(name);
    expect(await deeds(name)).toEqual([]);
    expect(end).toMatchObject({ state: 'idle', restarts: 0, incarnation: 1, turns: 1 });
    expect((await home.said(name)).at(-1)).toContain(words);
  });
});

describe('tmux', () => {
  const server = (): number =>
    Number(execFileSync('tmux', ['-L', home.tmuxSocket, 'display-message', '-p', '#{pid}'], { encoding: 'utf8' }));

  it('that is stopped does not keep agents from working, guarded and on record', async () => {
    await spawn('blind', 'text say="Ready."');
    await home.idle('blind');
    const pid = server();
    expect(pid).toBeGreaterThan(1);
    process.kill(pid, 'SIGSTOP');
    try {
      await home.run(['send', 'blind', task('tool cmd="tutti approve r-1"')]);
      await home.run(['send', 'blind', task('tool cmd="touch worked.txt"')]);
      await waitFor('it worked', async () => (await home.agent('blind')).turns === 3);
      await home.until('blind', ({ state, queued }) => state === 'idle' && queued === 0, 'idle');
      const events = await home.events('blind');
      expect(events.filter(({ type }) => type === 'guard')).toMatchObject([
        { rule: 'no-self-approve', verdict: 'deny' },
      ]);
      expect(events.filter(({ type }) => type === 'tool_result')).toMatchObject([
        { isError: true },
        { isError: false },
      ]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await home.agent('blind')).toMatchObject({ restarts: 0, incarnation: 1 });
    expect(await deeds('blind')).toEqual(['denied → note']);
  });

  it('lets a stopped pane host go on by itself', async () => {
    await spawn('stopped-host', 'text say="I remember."');
    const before = await home.idle('stopped-host');
    process.kill(before.hostPid ?? 0, 'SIGSTOP');
    await home.run(['send', 'stopped-host', 'Are you there']);
    const { conversationId, hostPid } = before;
    expect(await home.idle('stopped-host')).toMatchObject({ conversationId, hostPid, restarts: 0, queued: 0 });
    expect((await home.said('stopped-host')).at(-1)).toBe('assistant: ack Are you there');
  });

  it('gone, a stopped pane host is cleared away, and the agent comes back in another with its conversation', async () => {
    await spawn('alone', 'text say="I remember."');
    await home.idle('alone');
    await home.run(['send', 'alone', task('slow tokens=200 ms=100')]);
    const before = await home.until('alone', ({ state }) => state === 'working');
    process.kill(server(), 'SIGKILL');
    // Working, it is not moved into another pane.
    await waitFor('its host is blind', async () =>
      (await home.events('alone')).some((event) => event.type === 'host' && event.blind === true),
    );
    process.kill(before.hostPid ?? 0, 'SIGSTOP');
    await home.run(['send', 'alone', 'Are you there']);
    await home.until('alone', ({ hostPid }) => hostPid !== null && hostPid !== before.hostPid, 'another host');
    expect(await home.idle('alone')).toMatchObject({ conversationId: before.conversationId, queued: 0 });
    expect((await home.said('alone')).at(-1)).toBe('assistant: ack Are you there');
  });
});
