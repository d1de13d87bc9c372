/** Styled text: spans with a style by name, and how they become bytes. Pure. */
import { cells, cut, pad } from './cells.ts';

const SGR = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  magenta: '35',
  cyan: '36',
  boldRed: '1;31',
  boldGreen: '1;32',
  boldYellow: '1;33',
  boldMagenta: '1;35',
  boldCyan: '1;36',
} as const;

export type Style = keyof typeof SGR;

export interface Span {
  text: string;
  style?: Style | undefined;
}

export type Row = Span[];

/** Rows for a width: drawn anew after a resize. */
export type Block = (width: number) => Row[];

export const span = (text: string, style?: Style): Span => (style ? { text, style } : { text });

export function rowCells(row: Row): number {
  return row.reduce((sum, { text }) => sum + cells(text), 0);
}

/** Bytes for a terminal; without colour, the text alone (every style here only repeats what a word or sign says). */
export function toAnsi(row: Row, color: boolean): string {
  return row
    .map(({ text, style }) => (style && color && text !== '' ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text))
    .join('');
}

/** Cut to a width. */
export function clip(row: Row, width: number): Row {
  const out: Row = [];
  let left = width;
  for (const { text, style } of row) {
    const size = cells(text);
    if (size > left) {
      out.push(span(cut(text, left), style));
      return out;
    }
    out.push(span(text, style));
    left -= size;
  }
  return out;
}

/** Left part, then the right part at the right edge; the left gives way. Without an edge (Infinity) the right part follows at once. */
export function spread(left: Row, right: Row, width: number): Row {
  const rightCells = rowCells(right);
  if (rightCells === 0) return clip(left, width);
  const room = Math.max(0, width - rightCells - 2);
  const shown = clip(left, room);
  const gap = Number.isFinite(width) ? Math.max(2, width - rightCells - rowCells(shown)) : 2;
  return clip([...shown, span(' '.repeat(gap)), ...right], width);
}

/** Filled with spaces: every row of the footer has the same length, so that its height after a resize is known. */
export function filled(row: Row, width: number): Row {
  const shown = clip(row, width);
  return [...shown, span(pad('', width - rowCells(shown)))];
}
