/**
 * Publication: every event that was written goes through here to the subscribers, in order.
 *
 * Nobody has a queue of his own. The hub keeps the newest events in one ring; a subscriber has a position and pulls. Who falls
 * behind the ring reads from the log on disk, so a slow subscriber costs no memory and loses nothing.
 */
import type { TuttiEvent } from '../core/event.ts';
import type { EventLog } from './ports.ts';
import type { EventFilter } from './facade.ts';

/** Newest events kept in memory: number, and their rough size in bytes. */
const RING_EVENTS = 8_192;
const RING_BYTES = 16 * 1024 * 1024;
/** Events read from disk at a time for a subscriber that is behind. */
const DISK_BATCH = 2_000;

/** An event and its JSON text, which is made once for all subscribers. */
export interface Published {
  event: TuttiEvent;
  text(): string;
}

export interface Subscription {
  /** seq up to which everything was looked at. */
  readonly position: number;
  /** Next matching events, at most `limit`; empty when there are none now. */
  pull(limit: number): Promise<Published[]>;
  /** `run` is called (once per publication) while there is news; it must not throw. */
  onNews(run: () => void): void;
  /** Goes on from another place, or with another filter. */
  move(change: { since?: number; filter?: EventFilter }): void;
  close(): void;
}

export interface Hub {
  publish(events: TuttiEvent[]): void;
  subscribe(since: number, filter: EventFilter): Subscription;
  readonly subscribers: number;
}

export function matches(event: TuttiEvent, filter: EventFilter): boolean {
  if (filter.types !== null && !filter.types.includes(event.type)) return false;
  return filter.agents === null || (event.agentId !== null && filter.agents.includes(event.agentId));
}

function published(event: TuttiEvent): Published {
  let text: string | null = null;
  return {
    event,
    text() {
      text ??= JSON.stringify(event);
      return text;
    },
  };
}

/** Rough: the long texts of an event, plus its envelope. */
function weight(event: TuttiEvent): number {
  let size = 400;
  if ('content' in event && typeof event.content === 'string') size += event.content.length;
  if (event.type === 'tool_result') size += event.result.length;
  if (event.type === 'raw') size += event.line.length;
  return size;
}

/** @param startSeq seq of the last event before the first that will be published. */
export function createHub(log: EventLog, startSeq: number): Hub {
  let ring: Published[] = [];
  /** Index in `ring` of the oldest kept one: dropping is O(1), compaction now and then. */
  let head = 0;
  let bytes = 0;
  let last = startSeq;
  const news = new Set<() => void>();

  const drop = (): void => {
    while (ring.length - head > RING_EVENTS || (bytes > RING_BYTES && ring.length - head > 1)) {
      bytes -= weight((ring[head] as Published).event);
      head += 1;
    }
    if (head > RING_EVENTS) {
      ring = ring.slice(head);
      head = 0;
    }
  };

  const firstInRing = (): number => (ring.length > head ? (ring[head] as Published).event.seq : last + 1);

  /** Everything after a seq, from memory where it is there, else from disk. Empty = nothing newer. */
  const after = async (seq: number): Promise<Published[]> => {
    if (seq >= last) return [];
    const first = firstInRing();
    if (seq + 1 >= first) return ring.slice(head + (seq + 1 - first));
    return (await log.read(seq, { limit: DISK_BATCH })).map(published);
  };

  return {
    get subscribers() {
      return news.size;
    },
    publish(events) {
      for (const event of events) {
        ring.push(published(event));
        bytes += weight(event);
        last = event.seq;
      }
      drop();
      for (const run of news) run();
    },
    subscribe(since, firstFilter) {
      let position = since;
      let filter = firstFilter;
      let moves = 0;
      let run: (() => void) | null = null;
      return {
        get position() {
          return position;
        },
        async pull(limit) {
          const out: Published[] = [];
          for (;;) {
            const move = moves;
            const batch = await after(position);
            // The place was changed while the disk was read: what was read is for the old one.
            if (move !== moves) continue;
            if (batch.length === 0) {
              // Disk had nothing where the ring is ahead: retention dropped it. Go on with what there is.
              if (position < last && out.length === 0 && position + 1 < firstInRing()) {
                position = firstInRing() - 1;
                continue;
              }
              return out;
            }
            for (const item of batch) {
              position = item.event.seq;
              if (matches(item.event, filter)) out.push(item);
              if (out.length >= limit) return out;
            }
          }
        },
        onNews(callback) {
          if (run) news.delete(run);
          run = callback;
          news.add(callback);
        },
        move(change) {
          moves += 1;
          if (change.since !== undefined) position = change.since;
          if (change.filter !== undefined) filter = change.filter;
        },
        close() {
          if (run) news.delete(run);
          run = null;
        },
      };
    },
  };
}
