/** Text for a terminal: made harmless, measured in cells, cut and wrapped. Pure. */

/** Escape sequences (CSI, OSC and other strings, two-character ones), complete or cut off. */
const ESCAPES =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|[ -/]*[0-~]?)|\x9b[0-?]*[ -/]*[@-~]?/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text of agents and tools without anything that could move the cursor, ring, or turn the writing direction. Keeps newlines. */
export function harmless(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(ESCAPES, '').replace(/\t/g, '    ').replace(CONTROLS, '');
}

/** The same in one line. */
export function oneLine(text: string): string {
  return harmless(text)
    .replace(/\s*\n\s*/g, ' ')
    .trim();
}

const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x23f0, 0x23f0],
  [0x23f3, 0x23f3],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x267f, 0x267f],
  [0x2693, 0x2693],
  [0x26a1, 0x26a1],
  [0x26aa, 0x26ab],
  [0x26bd, 0x26be],
  [0x26c4, 0x26c5],
  [0x26ce, 0x26ce],
  [0x26d4, 0x26d4],
  [0x26ea, 0x26ea],
  [0x26f2, 0x26f3],
  [0x26f5, 0x26f5],
  [0x26fa, 0x26fa],
  [0x26fd, 0x26fd],
  [0x2705, 0x2705],
  [0x270a, 0x270b],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x274e, 0x274e],
  [0x2753, 0x2755],
  [0x2757, 0x2757],
  [0x2795, 0x2797],
  [0x27b0, 0x27b0],
  [0x27bf, 0x27bf],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b50],
  [0x2b55, 0x2b55],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f200, 0x1f320],
  [0x1f32d, 0x1f335],
  [0x1f337, 0x1f37c],
  [0x1f37e, 0x1f393],
  [0x1f3a0, 0x1f3ca],
  [0x1f3cf, 0x1f3d3],
  [0x1f3e0, 0x1f3f0],
  [0x1f3f4, 0x1f3f4],
  [0x1f3f8, 0x1f43e],
  [0x1f440, 0x1f440],
  [0x1f442, 0x1f4fc],
  [0x1f4ff, 0x1f53d],
  [0x1f54b, 0x1f54e],
  [0x1f550, 0x1f567],
  [0x1f57a, 0x1f57a],
  [0x1f595, 0x1f596],
  [0x1f5a4, 0x1f5a4],
  [0x1f5fb, 0x1f64f],
  [0x1f680, 0x1f6c5],
  [0x1f6cc, 0x1f6cc],
  [0x1f6d0, 0x1f6d2],
  [0x1f6d5, 0x1f6d7],
  [0x1f6dc, 0x1f6df],
  [0x1f6eb, 0x1f6ec],
  [0x1f6f4, 0x1f6fc],
  [0x1f7e0, 0x1f7eb],
  [0x1f90c, 0x1f93a],
  [0x1f93c, 0x1f945],
  [0x1f947, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

const MARK = /^[\p{Mn}\p{Me}]$/u;

/** Joiners and variation selectors take no cell. */
const isJoiner = (code: number): boolean => (code >= 0x200b && code <= 0x200d) || (code >= 0xfe00 && code <= 0xfe0f);

/** Cells of one code point. */
export function cellsOf(char: string): 0 | 1 | 2 {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (isJoiner(code) || MARK.test(char)) return 0;
  return WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}

export function cells(text: string): number {
  let sum = 0;
  for (const char of text) sum += cellsOf(char);
  return sum;
}

/** Cut to a width, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (text.length <= width && cells(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const char of text) {
    const size = cellsOf(char);
    if (used + size > width - 1) break;
    out += char;
    used += size;
  }
  return width > 0 ? `${out}…` : '';
}

/** The end of a text that fits a width. */
export function tail(text: string, width: number): string {
  let out = '';
  let used = 0;
  for (const char of [...text].reverse()) {
    used += cellsOf(char);
    if (used > width) break;
    out = char + out;
  }
  return out;
}

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cells(text)));
}

/** Lines of at most `width` cells: broken at spaces where there are any, keeping the text's own newlines. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(1, width)));
}

function wrapLine(line: string, width: number): string[] {
  const out: string[] = [];
  let row = '';
  let used = 0;
  for (const word of line.split(/(?<= )/)) {
    const size = cells(word.trimEnd());
    if (used > 0 && used + size > width) {
      out.push(row.trimEnd());
      row = '';
      used = 0;
    }
    if (size <= width) {
      row += word;
      used += cells(word);
      continue;
    }
    for (const char of word) {
      if (used + cellsOf(char) > width) {
        out.push(row);
        row = '';
        used = 0;
      }
      row += char;
      used += cellsOf(char);
    }
  }
  out.push(row.trimEnd());
  return out;
}
