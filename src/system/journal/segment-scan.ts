/** Reads one segment of the event log whole and says what is wrong with it. Pure: bytes in, findings out. */
import type { TuttiEvent } from '../../core/event.ts';
import { type ByteLine, completeLines } from './lines.ts';
import {
  encodeEvent,
  encodeHeader,
  firstSeqOf,
  type Header,
  type Migrations,
  parseEvent,
  parseHeader,
  placeholder,
  unfinished,
} from './segment-format.ts';

/** A hole of more events than this is not filled. */
const HOLE_LIMIT = 10_000;

export interface Scan {
  header: Header;
  events: TuttiEvent[];
  /** Lines that are neither header nor event, or stand in the wrong place. */
  damaged: { offset: number; bytes: Buffer }[];
  /** Bytes behind the last whole batch of the newest segment: never published, or lost to a power cut. */
  tail: Buffer;
  /** true: whole lines at the end were unreadable: they may have been published. */
  lostEnd: boolean;
  /** What the file has to hold; null = it is as it should be (but for the tail). */
  rewrite: string | null;
  /** Where the file has to end. */
  size: number;
  notes: string[];
}

/**
 * @param newest its end may be torn, and is cut; in an older one everything was synced before the next began
 * @throws NewerLog
 */
export function scanSegment(bytes: Buffer, name: string, newest: boolean, migrations: Migrations): Scan {
  const lines = completeLines(bytes, 0);
  const [first] = lines;
  const parsed = first ? parseHeader(first.bytes.toString('utf8'), migrations) : null;
  const header = parsed ?? { v: 1, snapshot: null };
  const notes: string[] = [];
  // A damaged header is quarantined; if there is none at all, the first line may still be an event.
  const headless = !parsed && first !== undefined && parseEvent(first.bytes.toString('utf8'), 1, migrations) !== null;
  const body = headless ? lines : lines.slice(1);
  const base = (firstSeqOf(name) ?? 1) - 1;
  const sorted = sort(body, base, header.v, migrations);
  const damaged = sorted.damaged.map(({ start, bytes: line }) => ({ offset: start, bytes: line }));
  if (!parsed && first && !headless) damaged.unshift({ offset: 0, bytes: first.bytes });
  if (!parsed) notes.push(`${name}: its snapshot is damaged`);

  const good = sorted.good;
  const drop = newest ? unfinished(good.map(({ event }) => event)) : 0;
  const kept = good.slice(0, good.length - drop);
  const end = kept.at(-1)?.line.end ?? (headless ? 0 : (first?.end ?? 0));
  const inside = damaged.filter(({ offset }) => offset < end);
  const lostEnd = damaged.length > inside.length;
  const holes = fill(
    kept.map(({ event }) => event),
    base,
  );
  const tail = newest ? bytes.subarray(end) : Buffer.alloc(0);
  if (newest && tail.length > 0) notes.push(tailNote(name, tail, drop, lostEnd));
  if (inside.length > 0) notes.push(`${name}: ${inside.length} damaged line(s) put into quarantine`);
  if (holes.left > 0) notes.push(`${name}: a hole of ${holes.left} event numbers was left`);
  if (holes.filled > 0) notes.push(`${name}: ${holes.filled} event(s) lost`);
  const changed = !parsed || inside.length > 0 || holes.filled > 0;
  return {
    header,
    events: holes.events,
    damaged: inside,
    tail,
    lostEnd: newest && lostEnd,
    rewrite: changed ? encodeHeader(header.snapshot) + holes.events.map(encodeEvent).join('') : null,
    size: newest ? end : bytes.length,
    notes,
  };
}

function tailNote(name: string, tail: Buffer, events: number, lostEnd: boolean): string {
  const what = lostEnd
    ? 'an unreadable end'
    : events > 0
      ? `an unfinished batch of ${events} event(s)`
      : 'a torn last line';
  return `${name}: ${what} of ${tail.length} bytes was cut off`;
}

interface Sorted {
  good: { event: TuttiEvent; line: ByteLine }[];
  damaged: ByteLine[];
}

/** Separates events in ascending order, all beyond `base`, from everything else. */
function sort(lines: ByteLine[], base: number, v: number, migrations: Migrations): Sorted {
  const good: Sorted['good'] = [];
  const damaged: ByteLine[] = [];
  const last = (back: number) => good.at(-back)?.event.seq ?? base;
  for (const line of lines) {
    const event = parseEvent(line.bytes.toString('utf8'), v, migrations);
    if (!event) damaged.push(line);
    else if (event.seq > last(1)) good.push({ event, line });
    else if (event.seq > last(2) && last(1) !== last(2) + 1) {
      // Not this one is out of order, but the one before: a damaged digit made its seq too large.
      const wrong = good.pop();
      if (wrong) damaged.push(wrong.line);
      good.push({ event, line });
    } else damaged.push(line);
  }
  // A last one that leaves a hole where no line is missing is wrong as well.
  const end = good.at(-1);
  const before = good.at(-2)?.line.end ?? 0;
  if (end && last(1) !== last(2) + 1 && !damaged.some(({ start }) => start >= before && start < end.line.start)) {
    damaged.push(end.line);
    good.pop();
  }
  return { good, damaged: damaged.sort((a, b) => a.start - b.start) };
}

interface Holes {
  events: TuttiEvent[];
  filled: number;
  /** In holes that are too large to fill. */
  left: number;
}

/** Puts placeholders where events are missing. */
function fill(events: TuttiEvent[], base: number): Holes {
  const holes: Holes = { events: [], filled: 0, left: 0 };
  let seq = base;
  let at = events[0]?.at ?? '';
  for (const event of events) {
    const hole = event.seq - seq - 1;
    if (hole > HOLE_LIMIT) holes.left += hole;
    else {
      holes.filled += hole;
      for (let missing = seq + 1; missing < event.seq; missing++) holes.events.push(placeholder(missing, at));
    }
    holes.events.push(event);
    ({ seq, at } = event);
  }
  return holes;
}
