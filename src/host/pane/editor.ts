/** The line that a person types: text with a cursor, kept until it is sent. Pure. */
import { cells, cellsOf } from '../../core/transcript/cells.ts';
import type { Key, KeyName } from './keys.ts';

/** Sent texts remembered for the up key. */
const HISTORY_LIMIT = 50;
/** Longest text. Characters. */
export const TEXT_LIMIT = 1024 * 1024;
/** A line break inside the input row. */
const BREAK = '⏎';

export class Editor {
  #chars: string[] = [];
  #cursor = 0;
  #history: string[] = [];
  /** Position in the history while it is walked through; its length = the draft. */
  #at = 0;
  #draft = '';

  get text(): string {
    return this.#chars.join('');
  }

  get empty(): boolean {
    return this.#chars.length === 0;
  }

  clear(): void {
    this.#set('');
  }

  /** Returns a text that was sent, or null. */
  take(key: Key): string | null {
    if (key.kind === 'key') return this.#key(key.name);
    this.#insert(key.text);
    return null;
  }

  #key(name: KeyName): string | null {
    switch (name) {
      case 'enter':
        return this.#send();
      case 'newline':
        this.#insert('\n');
        break;
      case 'backspace':
        if (this.#cursor > 0) this.#chars.splice(--this.#cursor, 1);
        break;
      case 'delete':
        this.#chars.splice(this.#cursor, 1);
        break;
      case 'left':
        this.#cursor = Math.max(0, this.#cursor - 1);
        break;
      case 'right':
        this.#cursor = Math.min(this.#chars.length, this.#cursor + 1);
        break;
      case 'home':
        this.#cursor = 0;
        break;
      case 'end':
        this.#cursor = this.#chars.length;
        break;
      case 'word-left':
        this.#cursor = this.#wordStart();
        break;
      case 'word-right':
        this.#cursor = this.#wordEnd();
        break;
      case 'kill-line':
        this.#chars.splice(0, this.#cursor);
        this.#cursor = 0;
        break;
      case 'kill-word': {
        const from = this.#wordStart();
        this.#chars.splice(from, this.#cursor - from);
        this.#cursor = from;
        break;
      }
      case 'kill-rest':
        this.#chars.length = this.#cursor;
        break;
      case 'up':
        this.#walk(-1);
        break;
      case 'down':
        this.#walk(1);
        break;
      case 'interrupt':
      case 'end-of-input':
      case 'redraw':
        break;
    }
    return null;
  }

  #insert(text: string): void {
    const chars = [...text].slice(0, Math.max(0, TEXT_LIMIT - this.#chars.length));
    this.#chars = [...this.#chars.slice(0, this.#cursor), ...chars, ...this.#chars.slice(this.#cursor)];
    this.#cursor += chars.length;
  }

  #send(): string | null {
    const text = this.text;
    if (text.trim() === '') return null;
    this.#history = [...this.#history, text].slice(-HISTORY_LIMIT);
    this.#set('');
    this.#at = this.#history.length;
    return text;
  }

  #set(text: string): void {
    this.#chars = [...text];
    this.#cursor = this.#chars.length;
  }

  #walk(step: -1 | 1): void {
    const to = this.#at + step;
    if (to < 0 || to > this.#history.length) return;
    if (this.#at === this.#history.length) this.#draft = this.text;
    this.#at = to;
    this.#set(this.#history[to] ?? this.#draft);
  }

  #wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && this.#chars[at - 1] === ' ') at--;
    while (at > 0 && this.#chars[at - 1] !== ' ') at--;
    return at;
  }

  #wordEnd(): number {
    let at = this.#cursor;
    while (at < this.#chars.length && this.#chars[at] === ' ') at++;
    while (at < this.#chars.length && this.#chars[at] !== ' ') at++;
    return at;
  }

  /** The part around the cursor that fits one row, and the cursor's cell in it. */
  view(width: number): { text: string; cursor: number } {
    const shown = this.#chars.slice(0, this.#cursor).map(visible);
    let from = shown.length;
    let used = 0;
    while (from > 0 && used + cellsOf(shown[from - 1] ?? '') < width) used += cellsOf(shown[--from] ?? '');
    const before = shown.slice(from).join('');
    let after = '';
    for (const char of this.#chars.slice(this.#cursor, this.#cursor + width).map(visible)) {
      if (cells(before + after + char) > width) break;
      after += char;
    }
    return { text: before + after, cursor: cells(before) };
  }
}

/** One cell for what has none. */
function visible(char: string): string {
  if (char === '\n') return BREAK;
  const code = char.codePointAt(0) ?? 0;
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ? ' ' : char;
}
