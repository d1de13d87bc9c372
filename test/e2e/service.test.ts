/**
 * The supervisor as a service of the built program, under a harness that plays systemd: killed, ended and stopped, it is back each
 * time, and the agents are the same processes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alive, startOf } from '../../src/system/proc/index.ts';
import { environmentOf } from '../../src/system/proc/table.ts';
import { rememberedServer } from '../../src/system/tmux/server.ts';
import { lockOwner } from '../../src/system/lock.ts';
import { type PlayedSystemd, playService } from '../support/service-manager.ts';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

/** In place of three minutes; a busy machine must not be taken for a hang. Milliseconds. */
const WATCHDOG_MS = 6_000;

let home: TuttiHome;
let systemd: PlayedSystemd | null = null;
beforeEach(async () => {
  home = await tuttiHome();
});
afterEach(async () => {
  await systemd?.end();
  systemd = null;
  await home.remove();
});

async function play(change: Record<string, string | null> = {}): Promise<PlayedSystemd> {
  systemd = await playService(home, change, WATCHDOG_MS);
  return systemd;
}

const hold = (name: string): string => `Hold. [[scenario:tool cmd="until [ -e ${name} ]; do sleep 0.05; done"]]`;
const supervisorPid = (): number => lockOwner(home.paths.supervisorLock)?.pid ?? 0;

/** What must not change when the supervisor dies. */
async function identities(...names: string[]): Promise<object> {
  const agents = await Promise.all(
    names.map(async (name) => {
      const { id, pid, hostPid, incarnation, conversationId, restarts } = await home.agent(name);
      return {
        id,
        pid,
        hostPid,
        incarnation,
        conversationId,
        restarts,
        starts: [pid, hostPid].map((p) => startOf(p ?? 0)),
      };
    }),
  );
  return { agents, tmux: rememberedServer(home.paths.tmuxPid) };
}

describe('the supervisor as a service', () => {
  it('is back after each of 20 deaths, with the same agents as the same processes', async () => {
    const manager = await play();
    await manager.ready(1);
    await home.data(['spawn', 'idle', '--task', 'hello', '--wait']);
    await home.data(['spawn', 'busy', '--task', hold('go')]);
    await home.until('busy', (agent) => agent.toolCalls === 1);
    const before = await identities('idle', 'busy');

    // What ends in good order breaks the row of crashes, so that no wait grows long here.
    const ways = Array.from({ length: 20 }, (_, i) => (['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGTERM'] as const)[i % 4]);
    for (const [i, signal] of ways.entries()) {
      await manager.ready(i + 1);
      const pid = manager.pid ?? 0;
      expect(supervisorPid()).toBe(pid);
      process.kill(pid, signal);
      await waitFor(`death ${i + 1}`, () => manager.deaths.length === i + 1, 60_000);
      expect(await waitFor('the next run', () => manager.pid, 60_000)).not.toBe(pid);
      await manager.ready(i + 2);
      expect(await identities('idle', 'busy')).toEqual(before);
    }
    const told = (signal: string) =>
      ({
        SIGKILL: { code: null, signal: 'SIGKILL', watchdog: false },
        SIGTERM: { code: 143, signal: null, watchdog: false },
        SIGSTOP: { code: null, signal: 'SIGKILL', watchdog: true },
      })[signal];
    expect(manager.deaths).toEqual(ways.map((signal) => told(signal ?? '')));

    writeFileSync(join(home.work, 'go'), '');
    expect(await home.idle('busy')).toMatchObject({ incarnation: 1, turns: 1 });
    await home.data(['send', 'idle', 'still there?', '--wait']);
    expect(await home.agent('idle')).toMatchObject({ incarnation: 1, turns: 2, restarts: 0 });
    const seqs = (await home.events()).map((event) => event.seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    await manager.stop();
    expect(alivePids(before)).toEqual([true, true, true, true]);
  });

  it('pings only a few times per watchdog time, tells how things are, and hands the manager’s variables to nobody', async () => {
    const manager = await play();
    await manager.ready(1);
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    const begun = performance.now();
    const pings = () => manager.words.filter((word) => word.includes('WATCHDOG=1'));
    const first = pings().length;
    await waitFor('three more pings', () => pings().length >= first + 3);
    expect(performance.now() - begun).toBeGreaterThan(WATCHDOG_MS / 2);
    expect(pings().at(-1)).toContain('STATUS=1 idle');
    const { pid, hostPid } = await home.agent('alice');
    for (const each of [pid, hostPid, rememberedServer(home.paths.tmuxPid)?.pid]) {
      const names = (environmentOf(each ?? 0) ?? []).map((line) => line.split('=')[0]);
      expect(names).toContain('PATH');
      expect(names.filter((name) => /^(NOTIFY_SOCKET|WATCHDOG_|INVOCATION_ID)/.test(name ?? ''))).toEqual([]);
    }
  });

  it('stays down when a person stopped it', async () => {
    const manager = await play();
    await manager.ready(1);
    await home.run(['supervisor', 'stop']);
    await waitFor('it has ended', () => manager.deaths.length === 1);
    expect(manager.deaths).toEqual([{ code: 0, signal: null, watchdog: false }]);
    expect(manager.words.some((word) => word.includes('STOPPING=1'))).toBe(true);
    expect(manager.starts).toBe(1);
  });

  it('waits longer after each crash, says so, and not for a person', async () => {
    const config = join(home.home, 'config.yaml');
    const backoff = (base: string) => writeFileSync(config, `version: 1\nwatchdog: { backoff: { base: ${base} } }\n`);
    backoff('1500ms');
    const manager = await play({ TUTTI_CONFIG: config });
    await manager.ready(1);
    const waits: number[] = [];
    for (const run of [1, 2]) {
      process.kill(manager.pid ?? 0, 'SIGKILL');
      const died = performance.now();
      await manager.ready(run + 1);
      waits.push(performance.now() - died);
    }
    expect(waits[0]).toBeGreaterThan(1_500);
    expect(waits[1]).toBeGreaterThan(3_000);
    expect(manager.words.some((word) => word.includes('STATUS=2 crashes in a row: starting in 3 s'))).toBe(true);
    expect((await home.run(['supervisor', 'status'])).stdout).toMatch(/^deaths: it ended unasked 2 times in a row/m);

    backoff('20s');
    process.kill(manager.pid ?? 0, 'SIGKILL');
    await waitFor('it waits', () =>
      manager.words.some((word) => word.includes('3 crashes in a row: starting in 60 s')),
    );
    expect((await home.run(['supervisor', 'status'])).stderr).toMatch(/^deaths: it ended unasked 3 times in a row/m);
    const asked = performance.now();
    await home.data(['supervisor', 'start']);
    expect(performance.now() - asked).toBeLessThan(50_000);
  });

  it('waits for one that a command started, and takes over when that ends', async () => {
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    const first = supervisorPid();
    const before = await identities('alice');
    const manager = await play();
    await waitFor('it waits', () => manager.words.some((word) => word.includes(`supervisor ${first} has this home`)));
    expect(supervisorPid()).toBe(first);
    await home.run(['supervisor', 'stop']);
    await waitFor('it takes over', () => supervisorPid() === manager.pid);
    await waitFor('it is ready', () => manager.words.some((word) => word.includes('STATUS=1 idle')));
    expect(await identities('alice')).toEqual(before);
    expect(manager.deaths).toEqual([]);
  });
});

/** Whether the processes of these identities still live. */
function alivePids(of: object): boolean[] {
  const { agents } = of as { agents: { pid: number; hostPid: number; starts: string[] }[] };
  return agents.flatMap(({ pid, hostPid, starts }) =>
    [pid, hostPid].map((each, i) => alive({ pid: each, start: starts[i] ?? '' })),
  );
}

describe('a supervisor that hangs', () => {
  /** Stopped by SIGSTOP: it holds lock and socket, and answers nothing. */
  async function hung(): Promise<number> {
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    const pid = supervisorPid();
    process.kill(pid, 'SIGSTOP');
    await waitFor('it is stopped', () => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') T '));
    return pid;
  }

  it('is named by every command, with the way out', async () => {
    const pid = await hung();
    for (const args of [['ps'], ['supervisor', 'status'], ['send', 'alice', 'hi']]) {
      const ran = await home.run(args);
      expect(ran.status, args.join(' ')).toBe(6);
      expect(ran.stderr).toMatch(
        new RegExp(
          `supervisor ${pid} of .* hangs: no answer .* within 5 s +\\(TIMEOUT\\)\\n +fix +tutti supervisor restart`,
        ),
      );
    }
    process.kill(pid, 'SIGCONT');
  });

  it.each([['restart'], ['check']])(
    'is ended by `supervisor %s`, which starts another; agents do not notice',
    async (verb) => {
      await home.data(['spawn', 'bob', '--task', 'hello', '--wait']);
      const before = await identities('bob');
      const pid = await hung();
      const ran = await home.run(['supervisor', verb]);
      expect(ran.status, ran.stderr).toBe(0);
      expect(ran.stderr).toContain(`supervisor ${pid} does not answer: ending it; agents keep running`);
      expect(startOf(pid)).toBeNull();
      await waitFor('another has the home', () => ![0, pid].includes(supervisorPid()));
      await waitFor('it has recovered', async () => !(await home.data(['supervisor', 'status']))['recovering']);
      expect(await identities('bob')).toEqual(before);
    },
  );

  it('is left alone by `supervisor check` when it answers', async () => {
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    const pid = supervisorPid();
    expect(await home.data(['supervisor', 'check'])).toEqual({ hung: null, ended: null });
    expect(supervisorPid()).toBe(pid);
  });
});
