/** The patrol on real processes: what belongs to nobody is found and ended, what belongs to somebody is left alone. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cron } from '../../src/system/cron.ts';
import { startOf } from '../../src/system/proc/index.ts';
import { type Row, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

let home: TuttiHome;
const children: ChildProcess[] = [];

beforeAll(async () => {
  home = await tuttiHome();
  writeFileSync(
    join(home.work, 'config.yaml'),
    'version: 1\npatrol: { every: 1s, diskFree: 999999999, memoryFree: 0 }\n',
  );
  home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await home.remove();
});

/** A process that says it belongs to an agent of this home. */
function planted(marker: string): number {
  const child = spawn('sleep', ['600'], {
    env: { PATH: process.env['PATH'] ?? '', TUTTI_AGENT: marker },
    detached: true,
  });
  children.push(child);
  return child.pid ?? 0;
}

const verdicts = async (verdict: string): Promise<Row[]> =>
  (await home.events()).filter((e) => e.type === 'watchdog' && e.verdict === verdict);

describe('the patrol', () => {
  it('ends a process of an agent that is gone, and touches nothing of one that lives', async () => {
    await home.run(['spawn', 'alice']);
    const alice = await home.idle('alice');
    const orphan = planted(`${home.home8}/0deadbeef0/1`);
    const other = planted('00000000/0deadbeef0/1');
    await waitFor('the orphan is ended', () => startOf(orphan) === null);
    expect(startOf(other)).not.toBeNull();
    expect(startOf(alice.pid ?? 0)).not.toBeNull();
    expect(await verdicts('orphan_process')).toMatchObject([
      { layer: 3, action: 'end', evidence: `carries its marker, no host has it: pid ${orphan}` },
    ]);
    expect(await home.agent('alice')).toMatchObject({ incarnation: 1, state: 'idle' });
  });

  it('ends what a stopped agent left behind', async () => {
    const { id } = await home.agent('alice');
    await home.run(['stop', 'alice']);
    await home.run(['spawn', 'bob']);
    await home.idle('bob');
    const left = planted(`${home.home8}/${id}/1`);
    await waitFor('it is ended', () => startOf(left) === null);
    expect(await home.agent('bob')).toMatchObject({ incarnation: 1, state: 'idle' });
  });

  it('removes the launch environment of an agent that nobody knows, and nothing else', async () => {
    const old = home.paths.agentEnv('0deadbeef1');
    const young = home.paths.agentEnv('0deadbeef2');
    const accounts = join(home.paths.env, 'notify.json');
    for (const file of [old, young, accounts]) writeFileSync(file, '{}');
    for (const file of [old, accounts]) utimesSync(file, new Date(0), new Date(0));
    await waitFor('it is gone', () => !existsSync(old));
    expect([young, accounts].map((file) => existsSync(file))).toEqual([true, true]);
    expect(existsSync(home.paths.agentEnv((await home.agent('bob')).id))).toBe(true);
  });

  it('closes a dead session of an agent that is gone, and leaves a person’s own alone', async () => {
    const tmux = (...args: string[]): string =>
      execFileSync('tmux', ['-L', home.tmuxSocket, ...args], { env: home.env, encoding: 'utf8' });
    const sessions = (): string[] => tmux('list-sessions', '-F', '#{session_name}').split('\n');
    tmux('new-session', '-d', '-s', 'mine', 'sleep 600');
    tmux('new-session', '-d', '-s', 'old', 'sleep 600');
    tmux('set-option', '-p', '-t', '=old:', '@tutti_agent', '1');
    await waitFor('it is named', async () => (await verdicts('orphan_session')).length > 0);
    expect(sessions()).toEqual(expect.arrayContaining(['mine', 'old', 'bob']));
    tmux('set-option', '-p', '-t', '=old:', 'remain-on-exit', 'on');
    tmux('respawn-pane', '-k', '-t', '=old:', 'true');
    await waitFor('it is closed', () => !sessions().includes('old'));
    expect(sessions()).toEqual(expect.arrayContaining(['mine', 'bob']));
    expect((await verdicts('orphan_session')).map((e) => e['action'])).toEqual(['note', 'close']);
    tmux('kill-session', '-t', '=mine');
  });

  it('tells of a disk that is nearly full once, however often it looks', async () => {
    await waitFor('it is told', async () => (await verdicts('disk_low')).length > 0);
    expect(await verdicts('disk_low')).toHaveLength(1);
    const alerts = (await home.events()).filter((e) => e.type === 'command' && e.verb === 'alert');
    expect(alerts).toMatchObject([
      { args: { severity: 'warning', text: expect.stringMatching(/disk of the home is nearly full/) } },
    ]);
  });

  it('stays at home while nobody is wanted', async () => {
    await home.run(['stop', '--all']);
    const marker = `${home.home8}/0deadbeef3/1`;
    const orphan = planted(marker);
    const rounds: number[] = [];
    const { stop } = cron.every(1, (at) => rounds.push(at));
    await waitFor('the time of three rounds', () => rounds.length > 3);
    stop();
    expect(startOf(orphan)).not.toBeNull();
    await home.run(['resume', 'bob']);
    await waitFor('it goes its rounds again', () => startOf(orphan) === null);
  });
});
