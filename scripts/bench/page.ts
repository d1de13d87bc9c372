/** The generated part of docs/performance.md. A run of some benches replaces their rows and notes, and leaves the others. */
import { readFileSync, writeFileSync } from 'node:fs';
import { places } from './places.ts';

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';
/** A row or note begins with the number of its bench. */
const OF_BENCH = /^(?:\| |- )(\d+)(?: *\||:)/;

const benchOf = (line: string): number | null => Number(OF_BENCH.exec(line)?.[1] ?? 0) || null;

/** Throws when the page has no place for it. */
export function writePage(text: string): void {
  const page = readFileSync(places.page, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const [old, after] = rest?.split(END) ?? [];
  if (before === undefined || old === undefined || after === undefined) {
    throw new Error(`${places.page} has no place for the table`);
  }
  writeFileSync(places.page, `${before}${BEGIN}\n\n${merged(old, text)}\n\n${END}${after}`);
}

function merged(old: string, fresh: string): string {
  const lines = fresh.trim().split('\n');
  const measured = new Set(lines.map(benchOf));
  const kept = old.split('\n').filter((line) => benchOf(line) !== null && !measured.has(benchOf(line)));
  const all = [...kept, ...lines.filter((line) => benchOf(line) !== null)];
  const sorted = all.sort((a, b) => (benchOf(a) ?? 0) - (benchOf(b) ?? 0));
  const head = lines.slice(0, 2);
  const rows = aligned([...head, ...sorted.filter((line) => line.startsWith('|'))]);
  const notes = sorted.filter((line) => line.startsWith('-'));
  return [...rows, '', ...notes].join('\n');
}

/** Columns of one width, whatever run their rows are from. */
function aligned(rows: string[]): string[] {
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const widths = (cells[0] ?? []).map((_, i) =>
    Math.max(...cells.map((row, r) => (r === 1 ? 0 : (row[i] ?? '').length))),
  );
  return cells.map((row, r) =>
    r === 1
      ? `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
      : `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
}
