/** Bytes of a terminal in raw mode → keys and pasted text, however the bytes are split. Pure but for its decoder's state. */
import { StringDecoder } from 'node:string_decoder';

export type KeyName =
  | 'enter'
  | 'newline'
  | 'backspace'
  | 'delete'
  | 'left'
  | 'right'
  | 'up'
  | 'down'
  | 'home'
  | 'end'
  | 'word-left'
  | 'word-right'
  | 'kill-line'
  | 'kill-word'
  | 'kill-rest'
  | 'interrupt'
  | 'end-of-input'
  | 'redraw';

export type Key = { kind: 'text'; text: string } | { kind: 'paste'; text: string } | { kind: 'key'; name: KeyName };

const PASTE_BEGIN = '\x1b[200~';
const PASTE_END = '\x1b[201~';
/** A longer paste is cut here. Characters. */
export const PASTE_LIMIT = 1024 * 1024;

const CONTROLS: Readonly<Record<string, KeyName>> = {
  '\r': 'enter',
  '\n': 'newline',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x01': 'home',
  '\x02': 'left',
  '\x03': 'interrupt',
  '\x04': 'end-of-input',
  '\x05': 'end',
  '\x06': 'right',
  '\x0b': 'kill-rest',
  '\x0c': 'redraw',
  '\x0e': 'down',
  '\x10': 'up',
  '\x15': 'kill-line',
  '\x17': 'kill-word',
};

const SEQUENCES: Readonly<Record<string, KeyName>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  '[1~': 'home',
  '[4~': 'end',
  '[7~': 'home',
  '[8~': 'end',
  '[3~': 'delete',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  OH: 'home',
  OF: 'end',
  '[1;3C': 'word-right',
  '[1;3D': 'word-left',
  '[1;5C': 'word-right',
  '[1;5D': 'word-left',
  f: 'word-right',
  b: 'word-left',
  '\r': 'newline',
  '\n': 'newline',
  '\x7f': 'kill-word',
};

export function createKeyReader(): (bytes: Buffer) => Key[] {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let pasting: string | null = null;

  const paste = (keys: Key[]): boolean => {
    const end = rest.indexOf(PASTE_END);
    // The end's own bytes may be split: they are kept back.
    const upTo = end >= 0 ? end : Math.max(0, rest.length - PASTE_END.length + 1);
    pasting = ((pasting ?? '') + rest.slice(0, upTo)).slice(0, PASTE_LIMIT);
    rest = rest.slice(end >= 0 ? end + PASTE_END.length : upTo);
    if (end < 0) return false;
    keys.push({ kind: 'paste', text: pasting.replace(/\r\n?/g, '\n') });
    pasting = null;
    return true;
  };

  return (bytes) => {
    rest += decoder.write(bytes);
    const keys: Key[] = [];
    while (rest !== '') {
      if (pasting !== null) {
        if (!paste(keys)) break;
        continue;
      }
      if (rest.startsWith(PASTE_BEGIN)) {
        pasting = '';
        rest = rest.slice(PASTE_BEGIN.length);
        continue;
      }
      if (rest[0] === '\x1b') {
        const length = escapeLength(rest);
        // Half a sequence, or Escape alone, which means nothing here: wait for more.
        if (length === 0) break;
        const name = SEQUENCES[rest.slice(1, length)];
        if (name) keys.push({ kind: 'key', name });
        rest = rest.slice(length);
        continue;
      }
      const name = CONTROLS[rest[0] ?? ''];
      if (name) {
        keys.push({ kind: 'key', name });
        rest = rest.slice(1);
        continue;
      }
      const text = /^[^\x00-\x1f\x7f]+/.exec(rest)?.[0];
      if (text) keys.push({ kind: 'text', text });
      rest = rest.slice(text?.length ?? 1);
    }
    return keys;
  };
}

/** Length of the escape sequence at the start; 0 = not complete. */
function escapeLength(text: string): number {
  if (text.length < 2) return 0;
  const second = text[1] ?? '';
  if (second === '\x1b') return 1;
  if (second === 'O') return text.length < 3 ? 0 : 3;
  if (second !== '[') return 2;
  const match = /^\x1b\[[0-?]*[ -/]*[@-~]/.exec(text);
  if (match) return match[0].length;
  // Something else inside: give it up, so that a stray Escape does not swallow what follows.
  return /^\x1b\[[0-?]*[ -/]*$/.test(text) && text.length < 32 ? 0 : 2;
}
