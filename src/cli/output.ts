/**
 * What a command prints. With `--json` exactly one document on stdout, `{"status":"ok","data"}` or `{"status":"error",…}`;
 * otherwise text for people on stdout and diagnostics on stderr.
 */
import { once } from 'node:events';
import { stripVTControlCharacters, styleText } from 'node:util';
import { failureOf } from './failure.ts';

export type ColorMode = 'auto' | 'always' | 'never';
type Style = Parameters<typeof styleText>[0];

export interface Output {
  readonly json: boolean;
  readonly stdoutIsTty: boolean;
  /** Columns of the terminal; Infinity when piped (then nothing is cut). */
  readonly columns: number;
  /** Ends the command with its one result. `human` is printed without `--json`; an empty text prints nothing. */
  result(data: unknown, human: string): void;
  /** One line of a stream on stdout. */
  line(text: string): void;
  /** One JSON object of a stream on stdout. */
  object(value: unknown): void;
  /** Resolves when what was written has left, so that a slow reader holds a stream back instead of filling memory. */
  drained(): Promise<void>;
  /** A diagnostic on stderr. */
  note(text: string): void;
  error(error: unknown): void;
  paint(style: Style, text: string): string;
  progress(text: string): Progress;
}

/** Says nothing for the first 300 ms; then one line that updates, or, without a terminal, a line per step. */
export interface Progress {
  step(text: string): void;
  done(): void;
}

const QUIET_MS = 300;

interface Streams {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  env: NodeJS.ProcessEnv;
}

/** `--color` beats a non-empty NO_COLOR, which beats FORCE_COLOR; auto needs a terminal that is not dumb. */
export function wantsColor(mode: ColorMode, env: NodeJS.ProcessEnv, isTty: boolean): boolean {
  if (mode !== 'auto') return mode === 'always';
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return isTty && env.TERM !== 'dumb';
}

export function createOutput(streams: Streams, options: { json: boolean; color: ColorMode }): Output {
  const { stdout, stderr, env } = streams;
  const color = !options.json && wantsColor(options.color, env, stdout.isTTY === true);
  const paint = (style: Style, text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text;
  return {
    json: options.json,
    stdoutIsTty: stdout.isTTY === true,
    columns: stdout.isTTY ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY,
    paint,
    result(data, human) {
      if (options.json) stdout.write(`${JSON.stringify({ status: 'ok', data })}\n`);
      else if (human !== '') stdout.write(human.endsWith('\n') ? human : `${human}\n`);
    },
    line: (text) => void stdout.write(`${text}\n`),
    object: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    drained: async () => {
      if (stdout.writableNeedDrain) await once(stdout, 'drain');
    },
    note: (text) => void stderr.write(`${text}\n`),
    error(error) {
      const failure = failureOf(error);
      const code = failure?.code ?? 'RUNTIME_ERROR';
      const message =
        failure?.message ?? `this is a bug in tutti: ${error instanceof Error ? error.message : String(error)}`;
      const hint = failure ? failure.hint : 'please report it with the text below';
      if (options.json) {
        stdout.write(`${JSON.stringify({ status: 'error', code, message, hint })}\n`);
        return;
      }
      stderr.write(`tutti: ${message}  (${code})\n`);
      if (failure?.why) stderr.write(`  why   ${failure.why}\n`);
      if (hint) for (const line of hint.split('\n')) stderr.write(`  fix   ${line}\n`);
      if (!failure && error instanceof Error && error.stack) stderr.write(`${error.stack}\n`);
    },
    progress: (text) => createProgress(text, stderr, options.json),
  };
}

function createProgress(first: string, stderr: NodeJS.WriteStream, json: boolean): Progress {
  let text = first;
  let shown = false;
  const show = (): void => {
    if (json) return;
    shown = true;
    stderr.write(stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  };
  const timer = setTimeout(show, QUIET_MS);
  timer.unref();
  return {
    step(next) {
      if (next === text) return;
      text = next;
      if (shown) show();
    },
    done() {
      clearTimeout(timer);
      if (shown && stderr.isTTY) stderr.write('\r\u001b[K');
    },
  };
}

/** Columns a text takes on a terminal, near enough for a table: wide East Asian characters count two, marks none. */
export function width(text: string): number {
  let columns = 0;
  for (const char of stripVTControlCharacters(text)) {
    const code = char.codePointAt(0) ?? 0;
    if (/\p{Mark}/u.test(char) || code < 32) continue;
    columns += isWide(code) ? 2 : 1;
  }
  return columns;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cuts to `columns`, with `…` at the end where something was cut. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let out = '';
  let used = 0;
  for (const char of text) {
    const w = width(char);
    if (used + w > columns - 1) break;
    out += char;
    used += w;
  }
  return `${out}…`;
}

export interface Column {
  title: string;
  align?: 'right';
}

/** A table in the manner of docker and kubectl: no borders, two spaces between columns; only the last column is cut, on a terminal. */
export function table(columns: Column[], rows: string[][], limit: number): string {
  const widths = columns.map((c, i) => Math.max(width(c.title), ...rows.map((r) => width(r[i] ?? ''))));
  const line = (cells: string[]): string => {
    const padded = cells.map((cell, i) => {
      const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
      return columns[i]?.align === 'right' ? space + cell : cell + space;
    });
    return cut(padded.join('  ').trimEnd(), limit);
  };
  return [line(columns.map((c) => c.title)), ...rows.map(line)].join('\n');
}
