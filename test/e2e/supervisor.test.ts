/** The supervisor on pretended hosts (real sockets and journals): lives, deaths and exactly-once delivery. */
import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TuttiEvent } from '../../src/core/event.ts';
import { core } from '../../src/supervisor/core.ts';
import { homePaths } from '../../src/system/paths.ts';
import { declared, PERSON, type Supervised, supervised } from '../support/supervised.ts';
import { waitFor } from '../support/wait.ts';

let home: Supervised;
beforeEach(() => {
  home = supervised();
});
afterEach(() => home.remove());

const isIdle = (ref: string): boolean => {
  const agent = home.facade.get(ref);
  return agent.state === 'idle' && agent.queued === 0;
};
const idle = (ref: string): Promise<true> => waitFor(`${ref} is idle`, () => isIdle(ref));
const send = (ref: string, content: string): Promise<unknown> =>
  home.facade.send(ref, { content, now: false, messageId: null }, PERSON);
const said = (id: string): string[] => home.world.conversation(id).map((message) => message.text);

async function spawn(name = 'alice', task: string | null = null): Promise<string> {
  const { id } = await home.facade.spawn(declared(name, { task }), PERSON);
  await idle(id);
  return id;
}

/** The laws of the log: no gap, one event per place in a journal, and the state is what it reduces to. */
function checkLog(events: TuttiEvent[]): void {
  expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
  const ends = events.flatMap((e) => (e.src?.end ? [`${e.agentId} ${e.src.epoch}:${e.src.n}`] : []));
  expect(new Set(ends).size).toBe(ends.length);
  const logId = home.log.snapshot?.logId ?? '';
  const again = structuredClone(events).reduce(core.reduce, core.emptyState(logId));
  expect(again.agents).toEqual(home.snapshots.saved?.agents);
}

describe('a supervisor', () => {
  it('starts a host, delivers the task, and sees the turn to its end', async () => {
    await home.start();
    const id = await spawn('alice', 'build it');
    expect(said(id)).toEqual(['build it']);
    expect(home.facade.get('alice')).toMatchObject({
      state: 'idle',
      turns: 1,
      costUsd: 0.01,
      incarnation: 1,
      queued: 0,
    });
    expect(home.facade.health()).toMatchObject({ recovering: false, unknown: [], problems: [] });
  });

  it('delivers many messages one by one, in order', async () => {
    await home.start();
    const id = await spawn();
    const texts = Array.from({ length: 40 }, (_, i) => `message ${i}`);
    for (const text of texts) await send(id, text);
    await idle(id);
    expect(said(id)).toEqual(texts);
  });

  it('stops an agent and says so when nothing of it is left', async () => {
    await home.start();
    const id = await spawn();
    await home.facade.act(id, { verb: 'stop' }, PERSON);
    await waitFor('stopped', () => home.facade.get(id).state === 'stopped');
    expect(home.world.host(id)).toBeNull();
  });

  it('forgets a removed agent and ends its host', async () => {
    await home.start();
    const id = await spawn();
    await home.facade.remove('alice', PERSON);
    await waitFor('it is gone', () => home.facade.list().length === 0);
    expect(home.world.host(id)).toBeNull();
    await spawn('alice');
  });

  it('brings a CLI that was killed back with the same conversation', async () => {
    await home.start();
    const id = await spawn('alice', 'remember teapot');
    const { conversationId } = home.facade.get(id);
    home.world.host(id)?.killCli();
    await waitFor('second incarnation', () => home.facade.get(id).incarnation === 2 && isIdle(id));
    expect(home.facade.get(id)).toMatchObject({ restarts: 1, conversationId });
    await send(id, 'which word?');
    await idle(id);
    expect(said(id).filter((text) => text === 'remember teapot')).toHaveLength(1);
  });

  it('brings a host that was killed back, and its agent with it', async () => {
    await home.start();
    const id = await spawn();
    home.world.host(id)?.kill();
    await waitFor('a new host', () => home.world.started(id) === 2 && isIdle(id));
    await send(id, 'still there?');
    await idle(id);
    expect(said(id)).toEqual(['still there?']);
  });

  it.each(['before', 'after'] as const)(
    'asks the conversation when a host died with a message under way (%s it got in)',
    async (when) => {
      await home.start();
      const id = await spawn();
      home.world.faults.dieInMessage = when;
      await send(id, 'exactly once');
      await send(id, 'and then this');
      await waitFor('all is said', () => said(id).includes('and then this') && isIdle(id));
      expect(said(id).filter((text) => text === 'exactly once')).toHaveLength(1);
      expect(said(id).indexOf('exactly once')).toBeLessThan(said(id).indexOf('and then this'));
    },
  );

  it('ends a host that takes no commands, and starts another', async () => {
    await home.start();
    const id = await spawn();
    home.world.faults.deaf = true;
    await send(id, 'anybody there?');
    await waitFor('the deaf host is given up', () => home.facade.get(id).state !== 'working' && !home.world.host(id));
    home.world.faults.deaf = false;
    await waitFor('delivered by another', () => said(id).includes('anybody there?') && isIdle(id));
    expect(said(id).filter((text) => text === 'anybody there?')).toHaveLength(1);
  });
});

describe('a supervisor that was killed', () => {
  it('adopts the running host without touching its turn', async () => {
    await home.start();
    const id = await spawn();
    home.world.faults.slowTurns = true;
    await send(id, 'a long turn');
    await waitFor('it works', () => home.facade.get(id).state === 'working');
    const host = home.world.host(id);
    await home.crash();
    host?.record({ kind: 'out', incarnation: 1, line: 'say meanwhile' });
    await home.start();
    expect(home.facade.get(id)).toMatchObject({ state: 'working', incarnation: 1 });
    expect(home.world.host(id)).toBe(host);
    home.world.faults.slowTurns = false;
    host?.finishTurn();
    await idle(id);
    const { events } = await home.facade.events(0, { agents: null, types: ['message'] }, 100);
    expect(events.filter((event) => event.type === 'message' && event.content === 'meanwhile')).toHaveLength(1);
  });

  it('takes in the journal of a host that died meanwhile before it starts another', async () => {
    await home.start();
    const id = await spawn();
    const host = home.world.host(id);
    await home.crash();
    host?.record({ kind: 'out', incarnation: 1, line: 'say last words' });
    host?.kill();
    await home.start();
    await waitFor('it is back', () => home.world.started(id) === 2 && isIdle(id));
    const { events } = await home.facade.events(0, { agents: null, types: null }, 1_000);
    const words = events.findIndex((event) => event.type === 'message' && event.content === 'last words');
    const down = events.findIndex((event) => event.type === 'host' && event.phase === 'lost');
    expect(words).toBeGreaterThan(0);
    expect(down).toBeGreaterThan(words);
  });

  it('is not confused by a torn last line in a dead host’s journal', async () => {
    await home.start();
    const id = await spawn();
    const host = home.world.host(id);
    await home.crash();
    host?.kill();
    appendFileSync(homePaths(home.home).journal(id, 1), '{"v":1,"n":99,"at":"2026-');
    await home.start();
    await waitFor('it is back', () => home.world.started(id) === 2 && isIdle(id));
  });

  it('starts nothing for a silent host, says that it is unknown, and goes on when it speaks', async () => {
    await home.start();
    const id = await spawn();
    await home.crash();
    home.world.faults.silent = true;
    await home.start();
    expect(home.facade.health().unknown).toEqual(['alice']);
    expect(home.world.started(id)).toBe(1);
    home.world.faults.silent = false;
    home.world.host(id)?.wake();
    await waitFor('it is known', () => home.facade.health().unknown.length === 0);
    await send(id, 'welcome back');
    await idle(id);
    expect(said(id)).toEqual(['welcome back']);
    expect(home.world.started(id)).toBe(1);
  });

  it('proves no death by a tmux that does not answer', async () => {
    await home.start();
    const id = await spawn();
    await home.crash();
    home.world.tmuxAnswers = false;
    await home.start();
    expect(home.facade.get(id).state).toBe('idle');
    expect(home.world.started(id)).toBe(1);
  });

  it('does again what it had recorded and not yet done', async () => {
    await home.start();
    home.log.beforeSync = () => Promise.reject(new Error('killed before the fsync'));
    await expect(home.facade.spawn(declared('alice', { task: 'go' }), PERSON)).rejects.toThrow();
    await home.crash();
    expect(home.world.hosts()).toHaveLength(0);
    await home.start();
    await waitFor('alice is back', () => home.facade.list().length === 1);
    await waitFor('it works', () => isIdle('alice'), 30_000);
    expect(said(home.facade.get('alice').id)).toEqual(['go']);
  });

  it('answers reads while it recovers, and holds writes until it is over', async () => {
    await home.start();
    const id = await spawn();
    await home.crash();
    home.world.faults.silent = true;
    const supervisor = await home.start({ recovered: false });
    expect(supervisor.facade.health().recovering).toBe(true);
    expect(supervisor.facade.list().map((agent) => agent.name)).toEqual(['alice']);
    const sent = send(id, 'held');
    home.world.faults.silent = false;
    home.world.host(id)?.wake();
    await sent;
    expect(supervisor.facade.health().recovering).toBe(false);
    await idle(id);
  });

  it('delivers every message once and in order through many deaths of supervisor and host', async () => {
    await home.remove();
    home = supervised({
      restarts: { max: 1_000, withinMs: 600_000 },
      backoff: { baseMs: 1, capMs: 5, resetAfterMs: 600_000 },
    });
    await home.start();
    const id = await spawn();
    const texts = Array.from({ length: 60 }, (_, i) => `message ${i}`);
    for (const [i, text] of texts.entries()) {
      await send(id, text);
      if (i % 4 === 1) home.world.faults.dieInMessage = i % 8 === 1 ? 'before' : 'after';
      if (i % 6 === 5) home.world.host(id)?.killCli();
      if (i % 5 === 4) {
        await home.crash();
        if (i % 10 === 4) home.world.host(id)?.kill();
        await home.start();
      }
    }
    await waitFor('the queue is empty', () => said(id).includes('message 59') && isIdle(id), 60_000);
    expect(said(id).filter((text) => text.startsWith('message '))).toEqual(texts);
    await home.supervisor.close();
    checkLog(home.log.events);
  });
});

describe('of two supervisors', () => {
  it('the second does not start, and the first does not notice', async () => {
    await home.start();
    const first = home.supervisor;
    await expect(home.start()).rejects.toThrow('another supervisor');
    expect(first.facade.health().recovering).toBe(false);
  });

  it('one of the next protocol adopts running hosts without stopping a turn', async () => {
    await home.start();
    const id = await spawn();
    home.world.faults.slowTurns = true;
    await send(id, 'a long turn');
    await waitFor('it works', () => home.facade.get(id).state === 'working');
    await home.crash();
    await home.start({ protocol: home.world.faults.protocol + 1 });
    expect(home.facade.get(id).state).toBe('working');
    expect(home.world.started(id)).toBe(1);
  });

  it('an older one refuses a newer host, names the reason, and leaves it alone', async () => {
    home.world.faults.protocol += 1;
    await home.start({ protocol: home.world.faults.protocol });
    const id = await spawn();
    await home.crash();
    const supervisor = await home.start({ protocol: home.world.faults.protocol - 1, recovered: false });
    await expect(supervisor.recovered).rejects.toThrow(/alice: its pane host speaks host protocol 2 .* only 1/);
    expect(home.world.host(id)?.alive).toBe(true);
    expect(home.world.started(id)).toBe(1);
  });
});
