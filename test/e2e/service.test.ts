/**
 * The supervisor as a service of the built program, under a harness that plays systemd: killed, ended and stopped, it is back each
 * time, and the agents are the same processes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

describe('the tmux server of a service', () => {
  /** As far as a supervisor can tell, a user's systemd with this systemd-run. */
  const managed = (text: string): { env: Record<string, string>; asked: () => string } => {
    const bin = join(home.home, 'played');
    const asked = join(bin, 'asked');
    mkdirSync(join(home.home, 'runtime/systemd'), { recursive: true });
    writeFileSync(join(home.home, 'runtime/systemd/private'), '');
    mkdirSync(bin);
    writeFileSync(asked, '');
    writeFileSync(join(bin, 'systemd-run'), `#!/bin/sh\necho "$@" >> '${asked}'\n${text}\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env['PATH']}`, XDG_RUNTIME_DIR: join(home.home, 'runtime') };
    return { env, asked: () => readFileSync(asked, 'utf8').trim() };
  };
  const supervisorLog = (): string => readFileSync(home.paths.supervisorLog, 'utf8');

  it('is started once, in a scope of its own, and outlives the supervisor', async () => {
    const { env, asked } = managed('while [ "$1" != -- ]; do shift; done; shift; exec "$@"');
    systemd = await playService(home, env, WATCHDOG_MS);
    await systemd.ready(1);
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    const before = await identities('alice');
    process.kill(systemd.pid ?? 0, 'SIGKILL');
    await systemd.ready(2);
    expect(await identities('alice')).toEqual(before);
    expect(asked().split('\n')).toHaveLength(1);
    expect(asked()).toMatch(
      /^--user --scope .*--unit=tutti-[0-9a-f]{8}-[0-9a-f]{8}\.scope .* -- tmux -L tutti-[0-9a-f]{8} /,
    );
    expect(supervisorLog()).not.toContain('no scope');
  });

  it('is started without one where it cannot be had, and the log says so', async () => {
    const { env, asked } = managed('echo "Failed to start transient scope unit: refused" >&2; exit 1');
    systemd = await playService(home, env, WATCHDOG_MS);
    await systemd.ready(1);
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    expect(asked()).toMatch(/^--user --scope /);
    expect(supervisorLog()).toMatch(/no scope for the tmux server \(Failed to start transient scope unit: refused\)/);
  });
});

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

describe('the guard against idle sleep', () => {
  /** Where a played systemd-inhibit says that it runs. */
  const inhibitor = (text: string): Record<string, string> => {
    const bin = join(home.home, 'played');
    mkdirSync(bin);
    writeFileSync(join(bin, 'systemd-inhibit'), `#!/bin/sh\necho $$ "$@" >> '${join(bin, 'asked')}'\n${text}\n`, {
      mode: 0o755,
    });
    writeFileSync(join(bin, 'asked'), '');
    const config = join(home.home, 'config.yaml');
    writeFileSync(config, 'version: 1\npower: { inhibitSleep: true }\n');
    return { PATH: `${bin}:${process.env['PATH']}`, TUTTI_CONFIG: config };
  };
  const asked = (): string[] =>
    readFileSync(join(home.home, 'played/asked'), 'utf8').trim().split('\n').filter(Boolean);

  it('runs while an agent works and not before, and ends with a supervisor that is killed', async () => {
    const env = inhibitor('while [ $# -gt 0 ] && [ "$1" != cat ]; do shift; done; exec "$@"');
    await home.data(['supervisor', 'start'], { env });
    expect(asked()).toEqual([]);
    await home.data(['spawn', 'alice', '--task', hold('awake.go')], { env });
    await home.until('alice', (agent) => agent.toolCalls === 1);
    const [line = '', ...more] = asked();
    expect(more).toEqual([]);
    expect(line).toMatch(/^\d+ --what=idle --who=tutti --why=agents are at work --mode=block cat$/);
    const pid = Number(line.split(' ')[0]);
    expect(startOf(pid)).not.toBeNull();
    process.kill(supervisorPid(), 'SIGKILL');
    await waitFor('it has ended', () => startOf(pid) === null);
  });

  it('that cannot be had is told as a problem, and work goes on', async () => {
    const env = inhibitor('echo "no logind here" >&2; exit 1');
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait'], { env });
    const { problems } = await home.data(['supervisor', 'status']);
    expect(problems).toEqual([
      expect.stringMatching(/may go to sleep while agents work: systemd-inhibit: no logind here/),
    ]);
    expect(asked()).toHaveLength(1);
  });
});
