/**
 * From bytes to lines, incrementally: pure JavaScript and `TextDecoder`, so that the pane host can use it on a CLI's stdout.
 *
 * A line of up to `LINE_LIMIT` bytes is one item. A longer one is never held whole: from the moment it passes the limit it comes out
 * in pieces of `PIECE_BYTES`, and what lies beyond `LINE_HARD_LIMIT` is counted and dropped.
 * The items depend on the bytes alone, never on how they were split into chunks.
 */
import { LINE_HARD_LIMIT, LINE_LIMIT } from '../core/host-wire.ts';

/** Size of a piece of an over-long line, before decoding (a character across the border goes to the later piece). Bytes. */
export const PIECE_BYTES = 64 * 1024;

export type LineItem =
  /** A whole line without its newline (and the CR before it). `partial` = the stream ended before the newline came. */
  | { kind: 'line'; text: string; bytes: number; partial: boolean }
  /** Part 0, 1, 2 … of a line over the limit; the last one has the line's size in bytes, and whether its end was cut off. */
  | { kind: 'piece'; part: number; text: string; last: { bytes: number; cut: boolean; partial: boolean } | null };

export interface LineSplitter {
  /** Takes the next bytes. The chunk may be reused by the caller afterwards. */
  push(chunk: Uint8Array): void;
  /** The stream ended: half a line that is held comes out as `partial`. */
  end(): void;
}

/** Limits in bytes; for tests, which cannot afford the real ones at every split. */
export interface LineLimits {
  line: number;
  piece: number;
  hard: number;
}

const REAL_LIMITS: LineLimits = { line: LINE_LIMIT, piece: PIECE_BYTES, hard: LINE_HARD_LIMIT };
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
/** First size of the buffer for a line that is not complete. Bytes. */
const FIRST_BUFFER = 4096;

/** Invalid UTF-8 becomes U+FFFD; NUL and a byte order mark are kept as they are. */
const decoderOf = (): InstanceType<typeof TextDecoder> => new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Makes a splitter that calls `emit` once per item, in order and synchronously (a callback and not a list:
 * the pieces of one chunk need not all exist at once).
 */
export function lineSplitter(emit: (item: LineItem) => void, limits: LineLimits = REAL_LIMITS): LineSplitter {
  const whole = decoderOf();
  const pending = new ByteQueue();
  let long: LongLine | null = null;

  const add = (bytes: Uint8Array): void => {
    if (long === null && pending.length + bytes.length <= limits.line) {
      pending.append(bytes);
      return;
    }
    if (long === null) {
      long = new LongLine(emit, limits);
      long.add(pending.view());
      pending.clear(true);
    }
    long.add(bytes);
  };

  const finish = (partial: boolean): void => {
    if (long === null) emitLine(pending.view(), partial);
    else long.finish(partial);
    long = null;
    pending.clear(false);
  };

  const emitLine = (bytes: Uint8Array, partial: boolean): void => {
    const text = whole.decode(partial ? bytes : withoutCarriageReturn(bytes));
    emit({ kind: 'line', text, bytes: bytes.length, partial });
  };

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        const bytes = chunk.subarray(from, at);
        // The usual case without a copy: a line that lies in this chunk alone.
        if (long === null && pending.length === 0 && bytes.length <= limits.line) emitLine(bytes, false);
        else {
          add(bytes);
          finish(false);
        }
        from = at + 1;
      }
      if (from < chunk.length) add(chunk.subarray(from));
    },
    end() {
      if (long !== null || pending.length > 0) finish(true);
    },
  };
}

const withoutCarriageReturn = (bytes: Uint8Array): Uint8Array =>
  bytes[bytes.length - 1] === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;

/** A line over the limit: holds at most one piece. */
class LongLine {
  readonly #emit: (item: LineItem) => void;
  readonly #limits: LineLimits;
  readonly #decoder = decoderOf();
  readonly #held: Uint8Array;
  #length = 0;
  #part = 0;
  #bytes = 0;

  constructor(emit: (item: LineItem) => void, limits: LineLimits) {
    this.#emit = emit;
    this.#limits = limits;
    this.#held = new Uint8Array(limits.piece);
  }

  add(bytes: Uint8Array): void {
    const room = Math.max(0, this.#limits.hard - this.#bytes);
    this.#bytes += bytes.length;
    for (let rest = bytes.subarray(0, room); rest.length > 0; ) {
      // A full piece goes only when more follows, so that the last one is known as such.
      if (this.#length === this.#held.length) this.#flush(null);
      const taken = rest.subarray(0, this.#held.length - this.#length);
      this.#held.set(taken, this.#length);
      this.#length += taken.length;
      rest = rest.subarray(taken.length);
    }
  }

  finish(partial: boolean): void {
    const cut = this.#bytes > this.#limits.hard;
    if (!cut && !partial && this.#held[this.#length - 1] === CARRIAGE_RETURN) this.#length -= 1;
    this.#flush({ bytes: this.#bytes, cut, partial });
  }

  #flush(last: { bytes: number; cut: boolean; partial: boolean } | null): void {
    const text = this.#decoder.decode(this.#held.subarray(0, this.#length), { stream: last === null });
    this.#emit({ kind: 'piece', part: this.#part, text, last });
    this.#part += 1;
    this.#length = 0;
  }
}

/** Bytes of a line that is not complete yet, in one growing buffer outside the heap. */
class ByteQueue {
  #buffer = new Uint8Array(FIRST_BUFFER);
  length = 0;

  append(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.view());
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.length);
    this.length = needed;
  }

  view(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  /** Empties it; gives the memory back after a long line, or at once with `release`. */
  clear(release: boolean): void {
    this.length = 0;
    if (release || this.#buffer.length > PIECE_BYTES) this.#buffer = new Uint8Array(FIRST_BUFFER);
  }
}
