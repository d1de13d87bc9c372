import { describe, expect, it } from 'vitest';
import { startHeartbeat } from '../../../src/supervisor/heartbeat.ts';
import type { ServiceLink } from '../../../src/supervisor/ports.ts';
import { waitFor } from '../../support/wait.ts';

/** A clock that a test moves, and a manager that remembers. */
function fixture(pulse: () => Promise<string | null>, watchdogMs: number | null = 180_000) {
  const timers: { at: number; run: () => void; gone: boolean }[] = [];
  const told: string[] = [];
  const logged: string[] = [];
  let now = 0;
  const service: ServiceLink = {
    watchdogMs,
    ready: async () => undefined,
    status: async () => undefined,
    alive: async (text) => void told.push(`${now / 1_000}s ${text}`),
    stopping: async () => undefined,
  };
  const heartbeat = startHeartbeat({
    service,
    clock: {
      now: () => now,
      random: () => 0,
      uuid: () => '',
      setTimeout(run, ms) {
        const timer = { at: now + ms, run, gone: false };
        timers.push(timer);
        return {
          cancel: () => {
            timer.gone = true;
          },
        };
      },
    },
    log: (level, text) => void logged.push(`${level}: ${text}`),
    pulse,
    status: () => '2 idle',
  });
  /** Runs what is due, one after the other, each to its end. */
  const pass = async (ms: number): Promise<void> => {
    const end = now + ms;
    await new Promise(setImmediate);
    for (;;) {
      const next = timers.filter((timer) => !timer.gone && timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      next.gone = true;
      now = next.at;
      next.run();
      await new Promise(setImmediate);
    }
    now = end;
  };
  return { heartbeat, told, logged, pass, waiting: () => timers.filter((timer) => !timer.gone).length };
}

describe('the ping for a service manager', () => {
  it('goes out at once and then once a minute for a watchdog of three', async () => {
    const { told, pass, logged } = fixture(async () => null);
    await pass(180_000);
    expect(told).toEqual(['0s 2 idle', '60s 2 idle', '120s 2 idle', '180s 2 idle']);
    expect(logged).toEqual([]);
  });

  it('is not sent by a loop that does not turn, and is again by one that does', async () => {
    let release = (_stuck: null): void => undefined;
    let hangs = false;
    const { told, pass, logged } = fixture(() =>
      hangs
        ? new Promise<null>((resolve) => {
            release = resolve;
          })
        : Promise.resolve(null),
    );
    await pass(59_000);
    hangs = true;
    await pass(600_000);
    expect(told).toEqual(['0s 2 idle']);
    expect(logged.at(-1)).toMatch(/error: the loop has not turned/);
    hangs = false;
    release(null);
    await pass(60_000);
    expect(told.length).toBeGreaterThan(1);
  });

  it('is sent by one that stands still because the disk is full, with the reason', async () => {
    const { told, pass } = fixture(async () => 'the disk is full');
    await pass(0);
    expect(told).toEqual(['0s the disk is full']);
  });

  it('goes on after a pulse that failed', async () => {
    let fails = true;
    const { told, pass, logged } = fixture(() => (fails ? Promise.reject(new Error('odd')) : Promise.resolve(null)));
    await waitFor('it was logged', () => logged.includes('warn: no ping: odd'));
    fails = false;
    await pass(60_000);
    expect(told).toEqual(['60s 2 idle']);
  });

  it('ends with the supervisor, and sets no timer where nobody asks', async () => {
    const asked = fixture(async () => null);
    asked.heartbeat.stop();
    await asked.pass(600_000);
    expect(asked.told).toHaveLength(0);
    expect(asked.waiting()).toBe(0);
    const silent = fixture(async () => null, null);
    await silent.pass(600_000);
    expect(silent).toMatchObject({ told: [], logged: [] });
    expect(silent.waiting()).toBe(0);
  });
});
