/** One line of the result: what was measured, the limit that the same machine gave in the same run, and the target. */

export interface Row {
  /** Number of the bench (1–7). */
  bench: number;
  what: string;
  measured: number;
  /** What the platform alone needs for it; null where the target is an absolute figure. */
  limit: number | null;
  unit: string;
  /** `ratio`: measured ÷ limit at most this; `most`: measured at most this; null: told for comparison only. */
  target: { kind: 'ratio' | 'most'; value: number } | null;
}

export interface Outcome {
  rows: Row[];
  /** What a reader must know of how it was measured. */
  notes: string[];
}

export const ratioOf = (row: Row): number | null => (row.limit ? row.measured / row.limit : null);

export function verdictOf(row: Row): 'ok' | 'missed' | '–' {
  if (row.target === null) return '–';
  const value = row.target.kind === 'most' ? row.measured : ratioOf(row);
  return value !== null && value <= row.target.value ? 'ok' : 'missed';
}

/** Three significant digits, so that 0.0123 and 12300 both read well. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1_000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

const HEAD = ['#', 'what', 'measured', 'limit in this run', 'ratio', 'target', ''];

function cells(row: Row): string[] {
  const ratio = ratioOf(row);
  const target =
    row.target === null
      ? '–'
      : row.target.kind === 'ratio'
        ? `≤ ${figure(row.target.value)}×`
        : `≤ ${figure(row.target.value)} ${row.unit}`;
  return [
    String(row.bench),
    row.what,
    `${figure(row.measured)} ${row.unit}`,
    row.limit === null ? '–' : `${figure(row.limit)} ${row.unit}`,
    ratio === null ? '–' : `${figure(ratio)}×`,
    target,
    verdictOf(row),
  ];
}

/** A table that is readable as text and as Markdown. */
export function table(rows: Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  const draw = (line: string[]): string => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [draw(HEAD), rule, ...rows.map((row) => draw(cells(row)))].join('\n');
}
