import { describe, expect, it } from 'vitest';
import type { TuttiEvent } from '../../../src/core/event.ts';
import type { EventFilter } from '../../../src/supervisor/facade.ts';
import { createHub, type Subscription } from '../../../src/supervisor/hub.ts';
import { memoryLog } from '../../support/memory-log.ts';

const ALL: EventFilter = { agents: null, types: null };
const event = (seq: number, agentId = 'a', type: 'raw' | 'thinking' = 'raw'): TuttiEvent =>
  ({ seq, at: '', agentId, agent: agentId, incarnation: 1, type, line: `${seq}`, content: `${seq}` }) as TuttiEvent;

function publishing(from: number, to: number) {
  const log = memoryLog();
  const hub = createHub(log, 0);
  for (let seq = from; seq <= to; seq++) {
    log.events.push(event(seq));
    hub.publish([event(seq)]);
  }
  return { log, hub };
}

async function seqs(subscription: Subscription, limit = 100_000): Promise<number[]> {
  return (await subscription.pull(limit)).map((item) => item.event.seq);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('hub', () => {
  it('gives each subscriber every event after its place once, in order', async () => {
    const { hub } = publishing(1, 20);
    const subscription = hub.subscribe(5, ALL);
    expect(await seqs(subscription, 7)).toEqual(range(6, 12));
    expect(await seqs(subscription)).toEqual(range(13, 20));
    expect(await seqs(subscription)).toEqual([]);
  });

  it('reads from the log what memory no longer holds', async () => {
    const { hub } = publishing(1, 30_000);
    expect(await seqs(hub.subscribe(0, ALL))).toEqual(range(1, 30_000));
  });

  it('goes on behind a gap that retention has left', async () => {
    const { hub, log } = publishing(1, 30_000);
    log.events.splice(0, 29_000);
    const got = await seqs(hub.subscribe(0, ALL));
    expect(got.at(-1)).toBe(30_000);
    expect(got[0]).toBeGreaterThan(1);
  });

  it('filters by agent and type, and counts what it passed over as seen', async () => {
    const hub = createHub(memoryLog(), 0);
    hub.publish([event(1, 'a'), event(2, 'b'), event(3, 'a', 'thinking'), event(4, 'b', 'thinking')]);
    const subscription = hub.subscribe(0, { agents: ['b'], types: ['thinking'] });
    expect(await seqs(subscription)).toEqual([4]);
    expect(subscription.position).toBe(4);
  });

  it('starts over from another place with another filter', async () => {
    const { hub } = publishing(1, 9);
    const subscription = hub.subscribe(9, ALL);
    subscription.move({ since: 3, filter: { agents: ['a'], types: null } });
    expect(await seqs(subscription)).toEqual(range(4, 9));
  });

  it('tells subscribers of news until they close', () => {
    const hub = createHub(memoryLog(), 0);
    const subscription = hub.subscribe(0, ALL);
    let told = 0;
    subscription.onNews(() => {
      told += 1;
    });
    hub.publish([event(1)]);
    subscription.close();
    hub.publish([event(2)]);
    expect(told).toBe(1);
    expect(hub.subscribers).toBe(0);
  });

  it('makes the text of an event once for all subscribers', async () => {
    const { hub } = publishing(1, 1);
    const [first] = await hub.subscribe(0, ALL).pull(1);
    const [second] = await hub.subscribe(0, ALL).pull(1);
    expect(first?.text()).toBe(JSON.stringify(event(1)));
    expect(second).toBe(first);
  });
});
