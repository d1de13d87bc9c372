/** From a tool call in ACP's words (and in those of Gemini and OpenCode) to the unified ones. */
import type { Json, JsonObject, ToolName } from '../../core/event.ts';
import { firstString, list, number, object, string } from './fields.ts';

/** Tools by the name that the CLI itself gives them. */
const BY_NAME: Readonly<Record<string, ToolName>> = {
  // gemini
  run_shell_command: 'bash',
  read_file: 'read',
  read_many_files: 'read',
  write_file: 'write',
  replace: 'edit',
  list_directory: 'search',
  glob: 'search',
  grep_search: 'search',
  search_file_content: 'search',
  google_web_search: 'web',
  web_fetch: 'web',
  write_todos: 'todo',
  // opencode
  bash: 'bash',
  read: 'read',
  write: 'write',
  edit: 'edit',
  multiedit: 'edit',
  patch: 'edit',
  apply_patch: 'edit',
  list: 'search',
  grep: 'search',
  codesearch: 'search',
  webfetch: 'web',
  websearch: 'web',
  task: 'task',
  todowrite: 'todo',
  todoread: 'todo',
};

/** ACP's kinds of tool call. */
const BY_KIND: Readonly<Record<string, ToolName>> = {
  execute: 'bash',
  read: 'read',
  edit: 'edit',
  delete: 'edit',
  move: 'edit',
  search: 'search',
  fetch: 'web',
  think: 'other',
  switch_mode: 'other',
  other: 'other',
};

/** `kind` is null in the one-shot dialects, which have names only. Tools of MCP servers are `mcp_SERVER_TOOL` (gemini) or `SERVER_TOOL`. */
export function toolOf(native: string | null, kind: string | null): ToolName {
  const named = native === null ? undefined : BY_NAME[native];
  if (named !== undefined) return named;
  if (native?.startsWith('mcp_')) return 'mcp';
  const byKind = kind === null ? undefined : BY_KIND[kind];
  if (byKind !== undefined && byKind !== 'other') return byKind;
  // Only MCP tools have a server's name in front; the CLIs' own ones are all in the table.
  return native?.includes('_') ? 'mcp' : 'other';
}

const PATH_KEYS = ['path', 'filePath', 'file_path', 'absolute_path', 'filepath', 'dir_path', 'notebook_path'] as const;
const QUERY_KEYS = ['query', 'pattern', 'search'] as const;
const FILE_TOOLS: ReadonlySet<ToolName> = new Set(['read', 'write', 'edit', 'search']);

/** The CLI's own arguments plus the common ones (`command path query url`) where they can be told. */
export function argsOf(
  tool: ToolName,
  raw: JsonObject,
  more: { title?: string; path?: string | null } = {},
): JsonObject {
  const args: JsonObject = { ...raw };
  const add = (key: string, value: string | null | undefined): void => {
    if (value && args[key] === undefined) args[key] = value;
  };
  if (tool === 'bash') add('command', firstString(raw, ['command', 'cmd']) ?? more.title);
  if (FILE_TOOLS.has(tool)) add('path', firstString(raw, PATH_KEYS) ?? more.path);
  if (tool === 'search') add('query', firstString(raw, QUERY_KEYS));
  if (tool === 'web') {
    add('url', firstString(raw, ['url', 'uri']));
    add('query', firstString(raw, QUERY_KEYS));
  }
  return args;
}

/** What is known of one ACP tool call: `tool_call`, its updates and its permission request, taken together. */
export interface AcpCall {
  callId: string;
  native: string | null;
  kind: string | null;
  title: string;
  raw: JsonObject;
  path: string | null;
  content: Json[];
  output: JsonObject;
  /** The `tool_call` event was given. */
  announced: boolean;
  /** We refused it. Gemini says nothing more about it then. */
  refused: boolean;
}

export const newCall = (callId: string): AcpCall => ({
  callId,
  native: null,
  kind: null,
  title: '',
  raw: {},
  path: null,
  content: [],
  output: {},
  announced: false,
  refused: false,
});

/** Takes in what a `tool_call`, `tool_call_update` or permission request says. */
export function mergeCall(call: AcpCall, update: JsonObject): void {
  const title = string(update['title']) ?? '';
  if (call.native === null) call.native = nativeOf(call.callId, title);
  call.kind = string(update['kind']) ?? call.kind;
  if (title !== '') call.title = title;
  call.raw = { ...call.raw, ...object(update['rawInput']) };
  const content = list(update['content']);
  if (content.length > 0) call.content = content;
  call.output = { ...call.output, ...object(update['rawOutput']) };
  const location = string(object(list(update['locations'])[0])['path']);
  call.path = diffOf(call)?.path ?? location ?? call.path;
}

/** Gemini's call ids begin with the tool's name; OpenCode's first title is the tool's name. Else unknown. */
function nativeOf(callId: string, title: string): string | null {
  const inId = /^([a-z][\w-]*?)__/.exec(callId)?.[1];
  return inId ?? (/^[A-Za-z][\w-]*$/.test(title) ? title : null);
}

interface Diff {
  path: string | null;
  before: string;
  after: string;
}

function diffOf(call: AcpCall): Diff | null {
  for (const block of call.content) {
    const diff = object(block);
    if (diff['type'] !== 'diff') continue;
    return { path: string(diff['path']), before: string(diff['oldText']) ?? '', after: string(diff['newText']) ?? '' };
  }
  return null;
}

export function callTool(call: AcpCall): ToolName {
  const tool = toolOf(call.native, call.kind);
  // An ACP "edit" of a file that did not exist is a write.
  return tool === 'edit' && call.native === null && diffOf(call)?.before === '' ? 'write' : tool;
}

/** Arguments of the `tool_call` event; a diff (all that Gemini tells of an edit) becomes `old_string` and `new_string`, or `content`. */
export function callArgs(call: AcpCall): JsonObject {
  const tool = callTool(call);
  const args = argsOf(tool, call.raw, { title: call.title, path: call.path });
  const diff = diffOf(call);
  if (diff === null || Object.keys(call.raw).length > 0) return args;
  return tool === 'write'
    ? { ...args, content: diff.after }
    : { ...args, old_string: diff.before, new_string: diff.after };
}

/**
 * What the tool gave back, as text, by its final update: what stood in `content` before described the call.
 * (Gemini gives no output of commands; then it is empty.)
 */
export function callResult(call: AcpCall, final: JsonObject): string {
  const texts = list(final['content'])
    .map((block) => string(object(object(block)['content'])['text']))
    .filter((text) => text !== null);
  if (texts.length > 0) return texts.join('\n');
  return firstString(call.output, ['output', 'error', 'message']) ?? '';
}

/** The CLI called it failed, or it reports the exit status of a command that failed. */
export function callFailed(call: AcpCall, status: string): boolean {
  const exit = number(object(call.output['metadata'])['exit']);
  return status === 'failed' || (exit !== null && exit !== 0);
}
