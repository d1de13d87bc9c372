/** What the model does, item by item: the call and the result that each kind of tool item of the app-server stands for. */
import type { Json, JsonObject, ToolName } from '../../core/event.ts';
import { scriptOf } from './shell-word.ts';
import { isObject, known, listOf, numberOrNull, objectOf, textOf, textOrNull } from './values.ts';

export interface Call {
  tool: ToolName;
  args: JsonObject;
  nativeTool: string;
}

export interface Result {
  text: string;
  isError: boolean;
}

export interface ToolItem {
  call(item: JsonObject): Call;
  result(item: JsonObject): Result;
}

/** Statuses that mean that the call did not do what it was asked to. */
const FAILED: ReadonlySet<string> = new Set(['failed', 'declined', 'interrupted']);
const failed = (item: JsonObject): boolean => FAILED.has(textOf(item.status));

const commandExecution: ToolItem = {
  call: (item) => ({
    tool: 'bash',
    nativeTool: 'commandExecution',
    args: known({ command: scriptOf(textOf(item.command)), cwd: textOrNull(item.cwd) }),
  }),
  result: (item) => ({ text: commandText(item), isError: failed(item) }),
};

/** The output, with the exit code before it when it is not 0; a refused command has neither. */
function commandText(item: JsonObject): string {
  const output = textOf(item.aggregatedOutput) || textOf(item.aggregated_output);
  if (item.status === 'declined') return 'declined';
  const code = numberOrNull(item.exitCode) ?? numberOrNull(item.exit_code);
  return code === null || code === 0 ? output : `Exit code ${code}\n${output}`;
}

/**
 * The arguments of a file change: `path` is the first file, `paths` all of them (also where a move ends) when there are several,
 * `diff` what changes. app-server tells kinds as `{type}`, exec as a word.
 */
export function changeArgs(changes: Json | undefined): { args: JsonObject; onlyNew: boolean } {
  const list = listOf(changes).filter(isObject);
  const paths = list
    .flatMap((change) => [textOf(change.path), textOf(objectOf(change.kind).move_path)])
    .filter(Boolean);
  const diff = list.map((change) => textOf(change.diff)).join('\n');
  return {
    onlyNew: list.length > 0 && list.every((change) => kindOf(change) === 'add'),
    args: known({ path: paths[0], paths: paths.length > 1 ? paths : null, diff: diff || null }),
  };
}

const kindOf = (change: JsonObject): string => textOf(change.kind) || textOf(objectOf(change.kind).type) || 'update';

const fileChange: ToolItem = {
  call(item) {
    const { args, onlyNew } = changeArgs(item.changes);
    return { tool: onlyNew ? 'write' : 'edit', nativeTool: 'fileChange', args };
  },
  result: (item) => ({
    text: [
      ...(item.status === 'completed' ? [] : [textOf(item.status)]),
      ...listOf(item.changes)
        .filter(isObject)
        .map((change) => `${kindOf(change)} ${textOf(change.path)}`),
    ].join('\n'),
    isError: failed(item),
  }),
};

/** Text of MCP or dynamic tool content; what is not text is named by its type. */
function contentText(content: Json | undefined): string {
  return listOf(content)
    .filter(isObject)
    .map((part) => (typeof part.text === 'string' ? part.text : `[${textOf(part.type) || 'content'}]`))
    .join('\n');
}

const mcpToolCall: ToolItem = {
  call: (item) => ({
    tool: 'mcp',
    nativeTool: `${textOf(item.server)}.${textOf(item.tool)}`,
    args: argumentsOf(item.arguments),
  }),
  result(item) {
    if (isObject(item.error)) return { text: textOf(item.error.message), isError: true };
    const result = objectOf(item.result);
    const structured = result.structuredContent ?? result.structured_content ?? null;
    return {
      text: contentText(result.content) || (structured === null ? '' : JSON.stringify(structured)),
      isError: failed(item),
    };
  },
};

const argumentsOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : known({ arguments: value }));

const dynamicToolCall: ToolItem = {
  call: (item) => ({ tool: 'mcp', nativeTool: textOf(item.tool), args: argumentsOf(item.arguments) }),
  result: (item) => ({ text: contentText(item.contentItems), isError: failed(item) || item.success === false }),
};

const collabAgentToolCall: ToolItem = {
  call: (item) => ({
    tool: 'task',
    nativeTool: textOf(item.tool),
    args: known({ prompt: textOrNull(item.prompt), agents: item.receiverThreadIds, model: textOrNull(item.model) }),
  }),
  result: (item) => ({ text: JSON.stringify(item.agentsStates ?? {}), isError: failed(item) }),
};

const webSearch: ToolItem = {
  call(item) {
    const action = objectOf(item.action);
    return {
      tool: 'web',
      nativeTool: 'webSearch',
      args: known({
        query: textOf(item.query) || textOrNull(action.query),
        url: textOrNull(action.url),
        pattern: textOrNull(action.pattern),
      }),
    };
  },
  result: (item) => ({
    text: isObject(item.action) || Array.isArray(item.results) ? JSON.stringify(item.results ?? item.action) : '',
    isError: false,
  }),
};

const imageView: ToolItem = {
  call: (item) => ({ tool: 'read', nativeTool: 'imageView', args: known({ path: item.path }) }),
  result: () => ({ text: '', isError: false }),
};

const imageGeneration: ToolItem = {
  call: (item) => ({
    tool: 'other',
    nativeTool: 'imageGeneration',
    args: known({ prompt: textOrNull(item.revisedPrompt) }),
  }),
  // The picture itself is base64 of any size: it stays in the journal.
  result: (item) => ({
    text: textOf(item.savedPath) || textOf(item.fileId) || '[image]',
    isError: isObject(item.failure),
  }),
};

const sleep: ToolItem = {
  call: (item) => ({ tool: 'other', nativeTool: 'sleep', args: known({ durationMs: item.durationMs }) }),
  result: () => ({ text: '', isError: false }),
};

const functionCallOutput: ToolItem = {
  call: (item) => ({ tool: 'other', nativeTool: textOf(item.name), args: {} }),
  result: (item) => ({ text: textOf(item.output) || contentText(item.output), isError: false }),
};

/** Items of the app-server that are tool calls. */
export const TOOL_ITEMS: Record<string, ToolItem> = {
  commandExecution,
  fileChange,
  mcpToolCall,
  dynamicToolCall,
  collabAgentToolCall,
  webSearch,
  imageView,
  imageGeneration,
  sleep,
  functionCallOutput,
};

/** Items of `codex exec --json` that are tool calls: the same things in snake case. */
export const EXEC_TOOL_ITEMS: Record<string, ToolItem> = {
  command_execution: commandExecution,
  file_change: fileChange,
  mcp_tool_call: mcpToolCall,
  collab_tool_call: {
    call: (item) => ({
      tool: 'task',
      nativeTool: textOf(item.tool),
      args: known({ prompt: textOrNull(item.prompt), agents: item.receiver_thread_ids }),
    }),
    result: (item) => ({ text: JSON.stringify(item.agents_states ?? {}), isError: failed(item) }),
  },
  web_search: webSearch,
};
