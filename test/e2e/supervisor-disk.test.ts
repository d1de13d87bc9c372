/** The supervisor on the real event log and db.json, killed at random places, also in the middle of a step. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { TuttiEvent } from '../../src/core/event.ts';
import { homePaths } from '../../src/system/paths.ts';
import { declared, PERSON, type Supervised, supervised } from '../support/supervised.ts';
import { waitFor } from '../support/wait.ts';

const RESTARTS = {
  restarts: { max: 1_000, withinMs: 600_000 },
  backoff: { baseMs: 1, capMs: 5, resetAfterMs: 600_000 },
};

let home: Supervised;
afterEach(() => home.remove());

/** mulberry32: a run is repeated by its seed. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const quiet = (): boolean => home.facade.list().every((agent) => agent.state === 'idle' && agent.queued === 0);

async function everything(): Promise<TuttiEvent[]> {
  return (await home.facade.events(0, { agents: null, types: null }, 1_000_000)).events;
}

async function restart(): Promise<void> {
  await home.crash();
  await home.start();
}

/** Sends until it is accepted: as a client does whose supervisor dies under it. The id makes a repeat harmless. */
async function send(id: string, content: string, messageId: string): Promise<void> {
  for (;;) {
    let outcome: 'sent' | Error | null = null;
    home.facade.send(id, { content, now: false, messageId }, PERSON).then(
      () => {
        outcome = 'sent';
      },
      (error: Error) => {
        outcome = error;
      },
    );
    await waitFor('it is sent, or the supervisor is dead', () => outcome !== null || home.log.fail !== null);
    if (home.log.fail) await restart();
    else if (outcome === 'sent') return;
    else throw outcome;
  }
}

const uuid = (i: number): string => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;

describe('a supervisor on the disk', () => {
  it.each([1, 2, 3])('loses and repeats no message and no event when killed at random (seed %i)', async (seed) => {
    home = supervised(RESTARTS, { disk: true });
    const rnd = random(seed);
    await home.start();
    const ids: string[] = [];
    for (const name of ['alice', 'bob', 'carol']) ids.push((await home.facade.spawn(declared(name), PERSON)).id);
    const texts = ids.map(() => [] as string[]);
    let kills = 0;
    for (let i = 0; i < 120; i++) {
      const which = Math.floor(rnd() * ids.length);
      const id = ids[which] as string;
      const dice = rnd();
      if (dice < 0.08) home.world.faults.dieInMessage = rnd() < 0.5 ? 'before' : 'after';
      else if (dice < 0.14) home.world.host(id)?.kill();
      else if (dice < 0.2) home.world.host(id)?.killCli();
      if (rnd() < 0.15) {
        kills += 1;
        // After some more appends the log stops taking any: a kill between two steps, or between append and effect.
        let left = Math.floor(rnd() * 4);
        const { append } = home.log;
        const dying = home.log;
        dying.append = async (batch, durable) => {
          if (left-- <= 0) dying.fail = new Error('killed');
          await append(batch, durable);
        };
      }
      texts[which]?.push(`message ${i}`);
      await send(id, `message ${i}`, uuid(i));
    }
    expect(kills).toBeGreaterThan(5);
    await waitFor('all is quiet', async () => {
      if (home.log.fail) await restart();
      return quiet();
    });
    ids.forEach((id, which) => {
      const said = home.world.conversation(id).map((message) => message.text);
      expect(said.filter((text) => text.startsWith('message '))).toEqual(texts[which]);
    });
    const events = await everything();
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
    const ends = events.flatMap((e) => (e.src?.end ? [`${e.agentId} ${e.src.epoch}:${e.src.n}`] : []));
    expect(new Set(ends).size).toBe(ends.length);
  });

  it('starts the same without db.json, with a damaged one, and with one of another log', async () => {
    home = supervised({}, { disk: true });
    await home.start();
    await home.facade.spawn(declared('alice', { task: 'go' }), PERSON);
    await waitFor('quiet', quiet);
    const before = home.facade.list();
    const { db } = homePaths(home.home);
    const same = async (): Promise<void> => {
      await home.start();
      expect(home.facade.list().map(({ id, turns, queued }) => ({ id, turns, queued }))).toEqual(
        before.map(({ id, turns, queued }) => ({ id, turns, queued })),
      );
      await home.supervisor.close();
    };
    await home.supervisor.close();
    rmSync(db);
    await same();
    writeFileSync(db, '{"v":1,"logId":');
    await same();
    writeFileSync(db, JSON.stringify({ ...JSON.parse(readFileSync(db, 'utf8')), logId: 'another', agents: {} }));
    await same();
    expect(readdirSync(home.home).some((name) => name.startsWith('db.json.damaged'))).toBe(true);
    await home.start();
  });

  it('begins a new log with what db.json knows when the log is gone', async () => {
    home = supervised({}, { disk: true });
    await home.start();
    const { id } = await home.facade.spawn(declared('alice'), PERSON);
    await waitFor('quiet', quiet);
    const { log } = home.facade.health();
    await home.supervisor.close();
    rmSync(homePaths(home.home).events, { recursive: true });
    await home.start();
    expect(home.facade.health().log).not.toBe(log);
    await home.facade.send(id, { content: 'still here', now: false, messageId: null }, PERSON);
    await waitFor('answered', () => quiet() && home.world.conversation(id).length === 1);
    expect(home.world.started(id)).toBe(1);
  });

  it('keeps the launch environment private, and removes it with the agent', async () => {
    home = supervised({}, { disk: true });
    await home.start();
    const launch = {
      command: null,
      args: ['--x'],
      env: { TMUX: '1', API_KEY: 'secret-value' },
      secrets: {},
      systemPrompt: null,
    };
    const { id } = await home.facade.spawn(declared('alice', { launch }), PERSON);
    const file = homePaths(home.home).agentEnv(id);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      ...{ v: 1, name: 'alice', cli: 'tutti', command: ['words'], args: ['--x'], home8: home.home8 },
      env: { API_KEY: 'secret-value' },
    });
    expect(readFileSync(file, 'utf8')).not.toContain('TMUX');
    await home.facade.remove(id, PERSON);
    await waitFor('removed', () => !existsSync(file));
    await expect(home.facade.spawn(declared('bob', { cli: 'nope' }), PERSON)).rejects.toThrow('no such CLI');
    expect(readdirSync(join(home.home, 'env'))).toEqual([]);
  });
});
