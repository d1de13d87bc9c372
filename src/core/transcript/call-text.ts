/** One tool call in words: its object, what came of it, and the part of its output worth a look. Pure. */
import type { JsonObject, ToolName } from '../event.ts';
import { harmless, oneLine } from './cells.ts';
import { type Row, span } from './style.ts';

/** Rows of output under a call: a command that worked, one that failed, a change of a file. */
const OUTPUT_ROWS = 5;
const FAILED_ROWS = 20;
const DIFF_ROWS = 20;
/** Output is looked at up to here. Characters. */
const LOOK_LIMIT = 256 * 1024;

const WORDS = {
  bash: 'Bash',
  read: 'Read',
  write: 'Write',
  edit: 'Edit',
  search: 'Search',
  web: 'Web',
  task: 'Task',
  todo: 'Todo',
  mcp: 'Mcp',
  other: 'Tool',
} as const satisfies Record<ToolName, string>;

export interface Call {
  tool: ToolName;
  nativeTool: string;
  args: JsonObject;
}

export interface Outcome {
  result: string;
  isError: boolean;
}

export function actorOf({ tool, nativeTool }: Call): string {
  return tool === 'other' || tool === 'mcp' ? nativeTool.replace(/^mcp__/, '').slice(0, 9) : WORDS[tool];
}

/** What the call is about, in one line; paths inside the agent's folder are shown without it. */
export function objectOf({ tool, nativeTool, args }: Call, cwd: string | null): string {
  const first = (...names: string[]): string | null => {
    for (const name of names) {
      const value = args[name];
      if (typeof value === 'string' && value !== '') return value;
      if (Array.isArray(value) && value.length > 0) return value.map(String).join(' ');
    }
    return null;
  };
  const path = (name: string | null): string => {
    if (name === null) return '';
    return cwd !== null && name.startsWith(`${cwd}/`) ? name.slice(cwd.length + 1) : name;
  };
  switch (tool) {
    case 'bash':
      return oneLine(first('command', 'cmd', 'script') ?? '');
    case 'read':
    case 'write':
    case 'edit':
      return oneLine(path(first('path', 'paths', 'file_path') ?? changedPaths(args)));
    case 'search': {
      const where = path(first('path'));
      return oneLine(`${quoted(first('query', 'pattern'))}${where === '' ? '' : ` in ${where}`}`);
    }
    case 'web':
      return oneLine(first('url', 'query') ?? '');
    case 'task':
      return oneLine(first('description', 'prompt') ?? '');
    case 'todo':
      return todos(args);
    case 'mcp':
    case 'other':
      return oneLine(`${nativeTool} ${first('path', 'command', 'query', 'url', 'name', 'title', 'description') ?? ''}`);
  }
}

const quoted = (text: string | null): string => (text === null ? '' : `"${text}"`);

function changedPaths(args: JsonObject): string | null {
  const { changes } = args;
  if (Array.isArray(changes)) {
    const paths = changes
      .map((change) => (isObject(change) ? change['path'] : null))
      .filter((p) => typeof p === 'string');
    return paths.length > 0 ? paths.join(', ') : null;
  }
  return isObject(changes) ? Object.keys(changes).join(', ') : null;
}

function todos(args: JsonObject): string {
  const list = args['todos'] ?? args['items'] ?? args['plan'];
  if (!Array.isArray(list)) return '';
  const done = list.filter((item) => isObject(item) && item['status'] === 'completed').length;
  return `${list.length} items, ${done} done`;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What came of it, for the right edge: never colour alone. */
export function resultOf(call: Call, { result, isError }: Outcome): Row {
  if (isError) return [span(`✗ ${failure(result)}`, 'boldRed')];
  switch (call.tool) {
    case 'read':
    case 'search':
      return [span(`${countLines(result)} lines`)];
    case 'edit':
    case 'write': {
      const { added, removed } = changeOf(call);
      if (added.length === 0 && removed.length === 0) return [];
      return [span(`+${added.length}`, 'green'), span(' '), span(`-${removed.length}`, 'red')];
    }
    default:
      return [];
  }
}

function failure(result: string): string {
  const code = /^(?:Exit code|exit code:?|exited with) (\d+)/i.exec(result)?.[1];
  return code ? `exit ${code}` : 'failed';
}

function countLines(text: string): number {
  const bare = text.replace(/\n+$/, '');
  return bare === '' ? 0 : bare.split('\n').length;
}

interface Change {
  removed: string[];
  added: string[];
}

function changeOf({ args }: Call): Change {
  const text = (...names: string[]): string | null => {
    const found = names.map((name) => args[name]).find((value) => typeof value === 'string');
    return typeof found === 'string' ? found : null;
  };
  const before = text('old_string', 'oldString', 'old', 'old_text');
  const after = text('new_string', 'newString', 'new', 'new_text', 'content', 'text');
  if (before === null && after === null) return { removed: [], added: [] };
  return between(linesIn(before), linesIn(after));
}

function linesIn(text: string | null): string[] {
  return text === null || text === '' ? [] : harmless(text).replace(/\n$/, '').split('\n');
}

/** Without what both begin and end with. */
function between(before: string[], after: string[]): Change {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return { removed: before.slice(head, before.length - tail), added: after.slice(head, after.length - tail) };
}

export interface Body {
  rows: Row[];
  /** Lines that are not shown. */
  more: number;
}

/** Lines under the call. */
export function bodyOf(call: Call, outcome: Outcome): Body {
  if ((call.tool === 'edit' || call.tool === 'write') && !outcome.isError) return diff(changeOf(call));
  if (call.tool !== 'bash' && !outcome.isError) return { rows: [], more: 0 };
  const limit = outcome.isError ? FAILED_ROWS : OUTPUT_ROWS;
  const text = harmless(outcome.result.slice(-LOOK_LIMIT))
    .replace(/^Exit code \d+\n/, '')
    .trimEnd();
  const lines = text === '' || text === '(no output)' ? [] : text.split('\n');
  return { rows: lines.slice(-limit).map((line) => [span(line)]), more: Math.max(0, lines.length - limit) };
}

function diff({ removed, added }: Change): Body {
  const rows: Row[] = [
    ...removed.map((line) => [span(`- ${line}`, 'red')]),
    ...added.map((line) => [span(`+ ${line}`, 'green')]),
  ];
  return { rows: rows.slice(0, DIFF_ROWS), more: Math.max(0, rows.length - DIFF_ROWS) };
}
