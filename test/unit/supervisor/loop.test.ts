import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../../src/core/config/settings.ts';
import type { TuttiEvent } from '../../../src/core/event.ts';
import type { AgentSpec } from '../../../src/core/state.ts';
import type { Effect, Input } from '../../../src/core/step.ts';
import { core } from '../../../src/supervisor/core.ts';
import { createLoop, NotRecorded } from '../../../src/supervisor/loop.ts';
import type { Clock } from '../../../src/supervisor/ports.ts';
import { clock } from '../../../src/system/clock.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { waitFor } from '../../support/wait.ts';

const spec: AgentSpec = {
  ...{ cli: 'tutti', model: null, role: null, parentId: null, zone: null, task: null, cwd: '/', worktree: null },
  ...{
    branch: null,
    permissions: 'auto',
    restart: 'transient',
    once: false,
    account: 'tutti:default',
    settings: {},
    fallback: [],
    fallbackReturn: false,
  },
  budget: { usd: null, tokens: null },
};
const spawn = (name: string, id = name): Input => ({
  type: 'command',
  id: `spawn-${id}`,
  by: 'user',
  command: { verb: 'spawn', agentId: id, name, project: 'p', spec, messageId: null },
});

/** Declared, and not to be started. */
const down = (name: string): Input => ({
  type: 'command',
  id: `apply-${name}`,
  by: 'user',
  command: {
    verb: 'apply',
    project: 'p',
    hash: 'h',
    config: {},
    agents: [{ agentId: name, name, spec, messageId: null, wanted: 'down' }],
    prune: false,
  },
});

const wake = (agent: string, at: string): Input => ({
  type: 'command',
  id: `wake-${agent}`,
  by: 'user',
  command: {
    verb: 'schedule',
    schedule: {
      ...{ id: 'p.wake', name: 'wake', project: 'p', agent, message: 'good morning', when: { kind: 'at', at } },
      ...{ missed: 'fire', by: 'user', declared: false },
    },
  },
});

function fixture(time: Clock = clock) {
  const log = memoryLog();
  const published: TuttiEvent[] = [];
  const performed: Effect[] = [];
  const problems = new Map<string, string | null>();
  const loop = createLoop({
    state: core.emptyState('log-1'),
    log,
    clock: time,
    settings: DEFAULTS,
    publish: (events) => void published.push(...events),
    perform: (effect) => void performed.push(effect),
    changed: () => undefined,
    fatal: (error) => problems.set('fatal', error.message),
    problem: (key, text) => void problems.set(key, text),
  });
  return { log, published, performed, problems, loop };
}

const recovered = async (loop: ReturnType<typeof fixture>['loop']): Promise<void> => {
  await loop.submit({ type: 'boot', pid: 1, build: 'b', crashed: false });
  await loop.submit({ type: 'recovered' });
};

describe('loop', () => {
  it('writes before it publishes, and its state is what the log reduces to', async () => {
    const { loop, log, published } = fixture();
    await recovered(loop);
    await loop.submit(spawn('alice'));
    await loop.submit(spawn('bob'));
    expect(published).toEqual(log.events);
    const again = structuredClone(log.events).reduce(core.reduce, core.emptyState('log-1'));
    expect(again).toEqual(loop.state);
    expect(log.events.map((event) => event.seq)).toEqual(log.events.map((_, i) => i + 1));
    await loop.stop();
  });

  it('acknowledges and acts on a durable step only after the fsync, and publishes it at once', async () => {
    const { loop, log, published, performed } = fixture();
    await recovered(loop);
    let release = (): void => undefined;
    log.beforeSync = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    let replied = false;
    const reply = loop.submit(spawn('alice')).then((value) => {
      replied = true;
      return value;
    });
    await waitFor('the event is published', () => published.some((event) => event.type === 'agent_spawned'));
    expect(replied).toBe(false);
    expect(performed).toEqual([]);
    release();
    expect(await reply).toMatchObject({ ok: true });
    expect(performed.map((effect) => effect.do)).toContain('start_host');
    await loop.stop();
  });

  it('keeps the order of effects when only some of the steps wait for an fsync', async () => {
    const { loop, log, performed } = fixture();
    await recovered(loop);
    log.beforeSync = () => new Promise((resolve) => setImmediate(resolve));
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => loop.submit(spawn(name))));
    const started = performed.flatMap((effect) => (effect.do === 'start_host' ? [effect.agentId] : []));
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    await loop.stop();
  });

  it('stands still while the log cannot be written, loses nothing, and goes on when it can', async () => {
    const { loop, log, problems } = fixture();
    await recovered(loop);
    log.fail = new Error('ENOSPC: no space left on device');
    const happened = loop.submit({ type: 'boot', pid: 1, build: 'other', crashed: false });
    await waitFor('the problem is said', () => problems.get('log')?.includes('ENOSPC'));
    const before = log.events.length;
    log.fail = null;
    await happened;
    expect(log.events.length).toBeGreaterThan(before);
    expect(problems.get('log')).toBeNull();
    await loop.stop();
  });

  it('refuses a command that cannot be recorded, and does nothing of it', async () => {
    const { loop, log, performed } = fixture();
    await recovered(loop);
    log.fail = new Error('ENOSPC: no space left on device');
    await expect(loop.submit(spawn('alice'))).rejects.toThrow(NotRecorded);
    log.fail = null;
    expect(await loop.submit(spawn('bob'))).toMatchObject({ ok: true });
    expect(Object.values(loop.state.agents).map((agent) => agent.name)).toEqual(['bob']);
    expect(performed.filter((effect) => effect.do === 'start_host')).toHaveLength(1);
    await loop.stop();
  });

  it('sees within a minute that the machine has slept past a deadline, and asks nobody before one is due', async () => {
    const timers: { run: () => void; ms: number }[] = [];
    let now = Date.UTC(2026, 0, 1);
    const slow = {
      ...clock,
      now: () => now,
      setTimeout: (run: () => void, ms: number) => {
        timers.push({ run, ms });
        return { cancel: () => undefined };
      },
    };
    const { loop, log } = fixture(slow);
    await recovered(loop);
    await loop.submit(down('alice'));
    await loop.submit(wake('alice', new Date(now + 10 * 3_600_000).toISOString()));
    await waitFor('the loop has come to rest', () => loop.backlog === 0);
    const before = log.events.length;
    const longest = Math.max(...timers.map(({ ms }) => ms));
    expect(longest).toBeLessThanOrEqual(60_000);
    timers.at(-1)?.run();
    expect(log.events.length).toBe(before);
    // It sleeps for eleven hours, and only the last minute of its timer has passed.
    now += 11 * 3_600_000;
    timers.at(-1)?.run();
    await waitFor('the deadline is served', () => log.events.length > before);
    await loop.stop();
  });

  it('refuses input after the end and finishes what was waiting', async () => {
    const { loop } = fixture();
    await recovered(loop);
    const waiting = Promise.all(['a', 'b', 'c'].map((name) => loop.submit(spawn(name))));
    const stopped = loop.stop();
    expect(await waiting).toHaveLength(3);
    await stopped;
    await expect(loop.submit(spawn('d'))).rejects.toThrow('stopped');
  });

  it('takes each of many inputs exactly once while more come in', async () => {
    const { loop, log } = fixture();
    await recovered(loop);
    const names = Array.from({ length: 300 }, (_, i) => `n${i}`);
    await Promise.all(
      names.map((name, i) => (i % 3 ? Promise.resolve() : Promise.resolve()).then(() => loop.submit(spawn(name)))),
    );
    expect(log.events.filter((event) => event.type === 'agent_spawned')).toHaveLength(300);
    await loop.stop();
  });
});

describe('the pulse of the loop', () => {
  it('comes when what was submitted before it has been taken in and is on disk', async () => {
    const { loop, log } = fixture();
    await recovered(loop);
    let release = (): void => undefined;
    log.beforeSync = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    let turned = false;
    const pulse = loop.pulse().then((stuck) => {
      turned = true;
      return stuck;
    });
    await waitFor('the sync was asked for', () => log.syncs > 0);
    expect(turned).toBe(false);
    release();
    expect(await pulse).toBeNull();
    await loop.stop();
    await expect(loop.pulse()).rejects.toThrow('has stopped');
  });

  it('does not come from a loop that hangs, which tells for how long', async () => {
    const { loop, log } = fixture();
    await recovered(loop);
    expect(loop.stalledMs).toBe(0);
    let release = (): void => undefined;
    const { append } = log;
    log.append = async (events, durable) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return append(events, durable);
    };
    const spawned = loop.submit(spawn('alice'));
    let turned = false;
    const pulse = loop.pulse().then(() => {
      turned = true;
    });
    await waitFor('time passes', () => loop.stalledMs > 20);
    expect(turned).toBe(false);
    log.append = append;
    release();
    await Promise.all([spawned, pulse]);
    expect(loop.stalledMs).toBe(0);
    await loop.stop();
  });

  it('says why a loop that cannot write stands still, and does not call that a hang', async () => {
    const { loop, log } = fixture();
    await recovered(loop);
    await loop.submit(spawn('alice'));
    log.fail = new Error('no space');
    const event = loop.submit({
      type: 'effect_done',
      effect: { do: 'start_host', agentId: 'alice', epoch: 1 },
      ok: true,
      value: null,
    });
    const held = loop.submit({ type: 'boot', pid: 2, build: 'b', crashed: false });
    expect(await loop.pulse()).toMatch(/cannot be written: no space/);
    expect(loop.stalledMs).toBe(0);
    log.fail = null;
    await Promise.all([event, held]);
    expect(await loop.pulse()).toBeNull();
    await loop.stop();
  });
});
