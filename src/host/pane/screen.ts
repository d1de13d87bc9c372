/**
 * The terminal: final rows that scroll away into the terminal's own history, and a footer of two rows below them.
 *
 * Writes through a non-blocking descriptor of its own. A frame that finds no room is not waited for: its rows stay queued and are
 * drawn later. Every row of the footer is filled to one cell less than the width, so that its height after a resize can be told:
 * the footer is climbed and erased before anything is written over it. The cursor is always in the footer.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { clock } from '../../system/clock.ts';
import { errorCode } from '../../system/disk.ts';
import { type Block, clip, filled, type Row, span, toAnsi } from '../../core/transcript/style.ts';

/** Rows that wait to be drawn; beyond it the oldest are left out, and said so. As many as tmux keeps. */
export const QUEUE_LIMIT = 2_000;
/** Rows in one write. */
const FRAME_ROWS = 200;
/** Between tries when the terminal takes nothing. Milliseconds. */
const RETRY_FIRST_MS = 1;
const RETRY_MOST_MS = 250;
/** A terminal that is being resized is left alone until it rests. Milliseconds. */
export const RESIZE_REST_MS = 100;
/** Smaller than this there is no footer. */
const MIN_ROWS = 4;
const MIN_COLS = 10;

export interface Footer {
  status: Row;
  input: { text: string; cursor: number };
}

export interface Size {
  cols: number;
  rows: number;
}

export interface ScreenOptions {
  path: string;
  color: boolean;
  size(): Size;
  footer(width: number): Footer;
  /** Said in place of rows that were left out. */
  skipped(count: number): Row;
}

interface Drawn {
  cols: number;
  /** Cell of the cursor in the input row. */
  cursor: number;
}

export class Screen {
  readonly #options: ScreenOptions;
  #fd: number | null = null;
  #queue: Row[] = [];
  #blocks: Block[] = [];
  #left = 0;
  #footer: Drawn | null = null;
  #rest: Buffer | null = null;
  #scheduled = false;
  #retry: { cancel(): void } | null = null;
  #wait = RETRY_FIRST_MS;
  #resizing: { cancel(): void } | null = null;

  constructor(options: ScreenOptions) {
    this.#options = options;
    try {
      this.#fd = openSync(options.path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      if (errorCode(error) === null) throw error;
    }
    // Bracketed paste: several lines arrive as one text.
    if (this.#fd !== null) this.#write('\x1b[?2004h');
  }

  get blind(): boolean {
    return this.#fd === null;
  }

  /** Rows below all others. */
  print(block: Block): void {
    if (this.blind) return;
    this.#blocks.push(block);
    if (this.#blocks.length > QUEUE_LIMIT) {
      this.#blocks.shift();
      this.#left += 1;
    }
    this.refresh();
  }

  /** The footer changed. Draws once for all calls of one go. */
  refresh(): void {
    if (this.#scheduled || this.blind) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  resized(): void {
    this.#resizing?.cancel();
    this.#resizing = clock.setTimeout(() => {
      this.#resizing = null;
      this.#draw();
    }, RESIZE_REST_MS);
  }

  close(): void {
    this.#resizing?.cancel();
    this.#retry?.cancel();
    if (this.#fd === null) return;
    this.#write(`${this.#erased()}\x1b[?2004l\x1b[?25h`);
    this.lost();
  }

  /** The terminal is gone. */
  lost(): void {
    if (this.#fd === null) return;
    const fd = this.#fd;
    this.#fd = null;
    this.#queue = [];
    this.#blocks = [];
    try {
      closeSync(fd);
    } catch (error) {
      if (errorCode(error) === null) throw error;
    }
  }

  #draw(): void {
    if (this.blind || this.#resizing || this.#retry) return;
    if (this.#rest && !this.#writeRest()) return;
    const size = this.#options.size();
    this.#layOut(size);
    this.#frame(size, this.#footer);
  }

  #layOut(size: Size): void {
    const width = Math.max(1, size.cols - 1);
    if (this.#left > 0) {
      this.#queue.push(this.#options.skipped(this.#left));
      this.#left = 0;
    }
    while (this.#blocks.length > 0 && this.#queue.length < FRAME_ROWS) {
      const block = this.#blocks.shift();
      if (block) this.#queue.push(...block(width));
    }
  }

  /** One write: footer off, rows, footer on. Rows leave the queue only when it was taken. */
  #frame(size: Size, footer: Drawn | null): void {
    const rows = this.#queue.slice(0, FRAME_ROWS);
    const width = Math.max(1, size.cols - 1);
    const erase = footer ? climb(footer, size.cols) : '';
    const text = rows.map((row) => `${toAnsi(clip(row, width), this.#options.color)}\x1b[K\r\n`).join('');
    const { bytes, drawn } = this.#footerBytes(size);
    if (!this.#write(`\x1b[?25l${erase}${text}${bytes}\x1b[?25h`)) return;
    this.#footer = drawn;
    this.#queue.splice(0, rows.length);
    if (this.#queue.length > 0 || this.#blocks.length > 0) this.refresh();
  }

  #footerBytes(size: Size): { bytes: string; drawn: Drawn | null } {
    if (size.rows < MIN_ROWS || size.cols < MIN_COLS) return { bytes: '', drawn: null };
    const width = size.cols - 1;
    const { status, input } = this.#options.footer(width);
    const line = filled([span(input.text)], width);
    const bytes = `${toAnsi(filled(status, width), this.#options.color)}\r\n${toAnsi(line, false)}\r`;
    return {
      bytes: input.cursor > 0 ? `${bytes}\x1b[${input.cursor}C` : bytes,
      drawn: { cols: size.cols, cursor: input.cursor },
    };
  }

  #erased(): string {
    return this.#footer ? climb(this.#footer, this.#options.size().cols) : '';
  }

  /** false: nothing of it was taken (it is to be drawn again later), or the terminal is gone. */
  #write(text: string): boolean {
    if (this.#fd === null) return false;
    const bytes = Buffer.from(text);
    const written = this.#put(bytes);
    if (written === 0) {
      this.#tryLater();
      return false;
    }
    if (written < bytes.length) {
      this.#rest = bytes.subarray(written);
      this.#tryLater();
    } else this.#wait = RETRY_FIRST_MS;
    return true;
  }

  #writeRest(): boolean {
    const rest = this.#rest;
    if (!rest) return true;
    const written = this.#put(rest);
    this.#rest = written < rest.length ? rest.subarray(written) : null;
    if (!this.#rest) return true;
    if (written > 0) this.#wait = RETRY_FIRST_MS;
    this.#tryLater();
    return false;
  }

  #put(bytes: Buffer): number {
    if (this.#fd === null) return 0;
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      const code = errorCode(error);
      if (code === null) throw error;
      // Anything but "no room now" means that the terminal is gone.
      if (code !== 'EAGAIN' && code !== 'EINTR') this.lost();
      return 0;
    }
  }

  #tryLater(): void {
    if (this.blind || this.#retry) return;
    this.#retry = clock.setTimeout(() => {
      this.#retry = null;
      this.#draw();
    }, this.#wait);
    this.#wait = Math.min(this.#wait * 2, RETRY_MOST_MS);
  }
}

/**
 * From the cursor in the input row to the start of the footer, which a narrower terminal has wrapped, with everything there erased.
 * Never erases to the end of the display from its first cell: tmux would keep that as history.
 */
function climb(footer: Drawn, cols: number): string {
  const status = Math.max(1, Math.ceil((footer.cols - 1) / cols));
  const up = status + Math.floor(footer.cursor / cols);
  return `\r\x1b[${up}A\x1b[2K\x1b[B\r\x1b[J\x1b[A\r`;
}
