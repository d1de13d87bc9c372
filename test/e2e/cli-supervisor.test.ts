/** The daemon on the command line of the built program: start, stop, restart, status, its deaths, and builds of other protocols. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startOf } from '../../src/system/proc/index.ts';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

const hold = (name: string): string => `Hold. [[scenario:tool cmd="until [ -e ${name} ]; do sleep 0.05; done"]]`;
const pidOf = async (home: TuttiHome): Promise<number> => (await home.data(['supervisor', 'status']))['pid'];
const isGone = (pid: number): boolean => startOf(pid) === null;

describe('the supervisor', () => {
  let home: TuttiHome;
  beforeAll(async () => {
    home = await tuttiHome();
  });
  afterAll(() => home.remove());

  it('starts, tells how it is, and is one', async () => {
    const started = await home.run(['supervisor', 'start']);
    expect(started).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^supervisor runs: pid \d+, version \d/),
    });
    const pid = await pidOf(home);
    const status = await home.run(['supervisor', 'status']);
    expect(status.stdout).toMatch(
      new RegExp(
        `^supervisor runs: pid ${pid}, .*\\nhome ${home.home}, tmux socket ${home.tmuxSocket}, .*\\nagents: none\\n$`,
      ),
    );
    expect((await home.data(['supervisor', 'start']))['pid']).toBe(pid);
    expect(await pidOf(home)).toBe(pid);
  });

  it('refuses a second one (exit 4)', async () => {
    const pid = await pidOf(home);
    const second = await home.run(['supervisor', 'run']);
    expect(second).toMatchObject({
      status: 4,
      stderr: expect.stringMatching(new RegExp(`another supervisor has .*${pid}`)),
    });
    expect(await pidOf(home)).toBe(pid);
  });

  it('is started once by several commands at the same time', async () => {
    await home.run(['supervisor', 'stop']);
    const runs = await Promise.all([home.run(['ps']), home.run(['ps', '--json']), home.run(['events'])]);
    expect(runs.map((ran) => ran.status)).toEqual([0, 0, 0]);
    await waitFor('only one is left', () => home.alive().length === 1);
  });

  it('stops and starts again while agents keep their processes, in mid-turn too', async () => {
    await home.data(['spawn', 'alice', '--task', hold('stop.go')]);
    await home.data(['spawn', 'bob', '--task', 'hello', '--wait']);
    const alice = await home.until('alice', (agent) => agent.toolCalls > 0);
    const bob = await home.agent('bob');
    const pid = await pidOf(home);
    const stopped = await home.run(['supervisor', 'stop']);
    expect(stopped).toMatchObject({ status: 0, stdout: `supervisor ${pid} has ended; agents keep running\n` });
    expect(isGone(pid)).toBe(true);
    for (const agent of [alice, bob]) expect(isGone(agent.pid ?? 0)).toBe(false);
    writeFileSync(join(home.work, 'stop.go'), '');

    const restarted = await home.run(['supervisor', 'restart']);
    expect(restarted.status).toBe(0);
    expect(await home.idle('alice')).toMatchObject({ pid: alice.pid, incarnation: 1, turns: 1 });
    expect(await home.said('alice')).toHaveLength(2);
    const next = await pidOf(home);
    await home.run(['supervisor', 'restart']);
    expect(await pidOf(home)).not.toBe(next);
    expect(await home.idle('bob')).toMatchObject({ pid: bob.pid, incarnation: 1 });
  });

  it('is started by the next command when it was killed, and nothing is lost', async () => {
    await home.run(['send', 'alice', hold('kill.go')]);
    await home.run(['send', 'alice', 'queued behind']);
    const alice = await home.until('alice', (agent) => agent.toolCalls === 2);
    process.kill(await pidOf(home), 'SIGKILL');
    writeFileSync(join(home.work, 'kill.go'), '');
    expect(await home.run(['ps'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^alice /m) });
    expect(await home.idle('alice')).toMatchObject({ pid: alice.pid, incarnation: 1 });
    expect((await home.said('alice')).slice(-2)).toEqual(['user: queued behind', 'assistant: ack queued behind']);
    const seqs = (await home.events()).map((event) => event.seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  });

  it('rebuilds a damaged db.json from the log, and keeps the damaged one aside', async () => {
    const before = await home.data(['show', 'alice']);
    await home.run(['supervisor', 'stop']);
    expect(JSON.parse(readFileSync(home.paths.db, 'utf8'))).toBeTypeOf('object');
    writeFileSync(home.paths.db, '{"version":1,"state":{"ag');
    const ran = await home.run(['ps', '--json']);
    expect(ran.status).toBe(0);
    const after = await home.idle('alice');
    const same = [
      'id',
      'pid',
      'turns',
      'toolCalls',
      'conversationId',
      'task',
      'createdAt',
      'tokens',
      'incarnation',
    ] as const;
    for (const key of same) expect(after[key]).toEqual(before[key]);
    const aside = readdirSync(home.home).filter((name) => name.startsWith('db.json') && name !== 'db.json');
    expect(aside).toHaveLength(1);
    expect(readFileSync(join(home.home, aside[0] ?? ''), 'utf8')).toBe('{"version":1,"state":{"ag');
    await waitFor(
      'a whole one is written',
      () => existsSync(home.paths.db) && readFileSync(home.paths.db, 'utf8').includes(before['id']),
    );
    await home.run(['down', '--all']);
  });
});

describe('a supervisor of another build', () => {
  let home: TuttiHome;
  afterEach(() => home.remove());

  it('of the next protocol adopts running hosts without stopping a turn', async () => {
    home = await tuttiHome();
    await home.data(['spawn', 'alice', '--task', hold('next.go')]);
    const alice = await home.until('alice', (agent) => agent.toolCalls > 0);
    await home.run(['supervisor', 'stop']);
    const started = await home.run(['supervisor', 'start', '--json'], { env: { TUTTI_TEST_PROTOCOL: '2' } });
    expect(started.status).toBe(0);
    const adopted = await home.until('alice', (agent) => agent.state === 'working');
    expect(adopted).toMatchObject({ pid: alice.pid, hostPid: alice.hostPid, incarnation: 1, turns: alice.turns });
    expect(isGone(alice.pid ?? 0)).toBe(false);
    await home.run(['send', 'alice', 'after the change']);
    writeFileSync(join(home.work, 'next.go'), '');
    const after = await home.idle('alice');
    expect(after.conversationId).toBe(alice.conversationId);
    const turns = (await home.events('alice')).filter((event) => event.type === 'turn' && event.phase === 'end');
    expect(turns.map((event) => event.type === 'turn' && event.outcome)).toEqual(['ok', 'ok']);
    expect((await home.said('alice')).filter((text) => text.startsWith('user'))).toHaveLength(2);
  });

  it('of an older one refuses with the reason, and leaves the agents alone', async () => {
    home = await tuttiHome();
    const next = { env: { TUTTI_TEST_PROTOCOL: '2' } };
    await home.data(['spawn', 'alice', '--task', hold('old.go')], next);
    const alice = await home.until('alice', (agent) => agent.toolCalls > 0);
    await home.run(['supervisor', 'stop']);
    for (const args of [['supervisor', 'start'], ['send', 'alice', 'hi'], ['ps']]) {
      const ran = await home.run(args);
      expect({ args, status: ran.status }).toEqual({ args, status: 4 });
      expect(ran.stderr).toMatch(/alice: its pane host speaks host protocol 2.*only 1.*\(CONFLICT\)\n {2}fix {3}\S/);
    }
    expect((await home.run(['supervisor', 'status'])).status).toBe(5);
    expect(isGone(alice.pid ?? 0)).toBe(false);
    writeFileSync(join(home.work, 'old.go'), '');
    expect((await home.run(['supervisor', 'start'], next)).status).toBe(0);
    expect(await home.idle('alice')).toMatchObject({ pid: alice.pid, turns: 1 });
  });
});
