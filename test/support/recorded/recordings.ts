/**
 * The recordings of the real CLIs, their labels, and what our own decoders and policies make of them (`replay.ts`).
 * This file reads them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Line } from '../../../src/drivers/driver.ts';
import { type Dialect, dialects } from '../../../src/drivers/registry.ts';

const STREAMS = join(process.cwd(), 'test', 'streams');
/** Folders of recordings: by CLI as it was run by hand, and `driven`: by tutti's own drivers (`record.ts`). */
const FOLDERS = ['claude', 'codex', 'gemini', 'opencode', 'aider', 'driven'] as const;
type Folder = (typeof FOLDERS)[number];
type RecordedCli = Exclude<Folder, 'driven'>;

/** What a person said of a recording (test/streams/labels.yaml says what each word means); null = not judged. */
export interface Label {
  turns: string[] | null;
  error: string | null;
  retryable: boolean | null;
  reset: boolean | null;
  state: string | null;
  cause: string;
  after: string;
}

export interface Recording {
  /** `<folder>/<name>`. */
  id: string;
  cli: RecordedCli;
  /** null: no stream that a driver reads (text for people, indented JSON). */
  dialect: Dialect | null;
  /** Lines of both directions in the order of their times. Milliseconds since the start. */
  lines: (Line & { atMs: number })[];
  exit: { code: number | null; signal: string | null; stderr: string; atMs: number };
  /** It was told to go on with a conversation that is there. */
  resumes: boolean;
}

interface Meta {
  cli: RecordedCli;
  command: string;
  exit_code: number | null;
  exit_signal: string | null;
  duration_ms: number;
  line_ms: number[];
  stdin?: { at_ms: number; line: string }[];
  stderr?: string;
}

/** Not streams of a dialect: text for people, or one indented object. */
const PLAIN: ReadonlySet<string> = new Set([
  'claude/text-text',
  'codex/human',
  'gemini/json',
  'gemini/json-error',
  'opencode/human',
]);

function dialectOf(id: string, cli: RecordedCli, command: string): Dialect | null {
  if (PLAIN.has(id)) return null;
  if (cli === 'codex') return command.includes('app-server') ? 'codex' : 'codex-exec';
  if (cli === 'gemini' || cli === 'opencode') return / --?acp\b| acp\b/.test(command) ? 'acp' : cli;
  return cli;
}

const textLines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

export function recordings(): Recording[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(STREAMS, folder))
      .filter((file) => file.endsWith(folder === 'aider' ? '.txt' : '.meta.json'))
      .toSorted()
      .map((file) => (folder === 'aider' ? aider(file) : recording(folder, file.slice(0, -'.meta.json'.length)))),
  );
}

/** What the server sent is in a file of its own; its standard output says only where it listens. */
const linesOf = (folder: string, name: string): string[] =>
  textLines(readFileSync(join(STREAMS, folder, `${name}${name === 'serve' ? '.events' : ''}.jsonl`), 'utf8'));

function recording(folder: Folder, name: string): Recording {
  const meta = JSON.parse(readFileSync(join(STREAMS, folder, `${name}.meta.json`), 'utf8')) as Meta;
  const out = linesOf(folder, name).map((text, i) => ({
    dir: 'out' as const,
    text,
    atMs: meta.line_ms[i] ?? meta.duration_ms,
  }));
  const id = `${folder}/${name}`;
  const written = (meta.stdin ?? []).map(({ at_ms, line }) => ({ dir: 'in' as const, text: line, atMs: at_ms }));
  return {
    id,
    cli: meta.cli,
    dialect: dialectOf(id, meta.cli, meta.command),
    // What was written first stands before what came in the same millisecond.
    lines: [...written, ...out].toSorted((a, b) => a.atMs - b.atMs),
    exit: { code: meta.exit_code, signal: meta.exit_signal, stderr: meta.stderr ?? '', atMs: meta.duration_ms },
    resumes: / --resume | resume | -s ses_/.test(meta.command),
  };
}

/** Reconstructed from aider's source, without a meta file: it ends with 0 whatever happened. */
function aider(file: string): Recording {
  const lines = readFileSync(join(STREAMS, 'aider', file), 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return {
    id: `aider/${file.slice(0, -'.txt'.length)}`,
    cli: 'aider',
    dialect: 'aider',
    lines: lines.map((text, i) => ({ dir: 'out', text, atMs: i })),
    exit: { code: 0, signal: null, stderr: '', atMs: lines.length },
    resumes: false,
  };
}

/** The dialect's decoder. */
export const decoderOf = (dialect: Dialect) => dialects[dialect].decoder();

export function labels(): Record<string, Label> {
  const file = parse(readFileSync(join(STREAMS, 'labels.yaml'), 'utf8')) as Record<
    string,
    Record<string, Partial<Label>>
  >;
  const all: Record<string, Label> = {};
  for (const [cli, named] of Object.entries(file)) {
    for (const [name, label] of Object.entries(named)) {
      const { turns = null, error = null, retryable = null, reset = null, state = null, cause, after } = label;
      if (cause === undefined || after === undefined)
        throw new Error(`${cli}/${name} has no cause or no state after it`);
      all[`${cli}/${name}`] = { turns, error, retryable, reset, state, cause, after };
    }
  }
  return all;
}
