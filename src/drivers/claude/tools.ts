/** Claude's tool names and arguments in the words of contract.md §4, and back. */
import type { JsonObject, ToolName } from '../../core/event.ts';

interface ToolShape {
  tool: ToolName;
  /** Claude's argument name → ours. The rest keeps its name. */
  rename?: Readonly<Record<string, string>>;
}

const FILE = { file_path: 'path' } as const;
const NOTEBOOK = { notebook_path: 'path' } as const;
const PATTERN = { pattern: 'query' } as const;

const SHAPES: Readonly<Record<string, ToolShape>> = {
  Bash: { tool: 'bash' },
  Read: { tool: 'read', rename: FILE },
  NotebookRead: { tool: 'read', rename: NOTEBOOK },
  Write: { tool: 'write', rename: FILE },
  Edit: { tool: 'edit', rename: FILE },
  MultiEdit: { tool: 'edit', rename: FILE },
  NotebookEdit: { tool: 'edit', rename: NOTEBOOK },
  Grep: { tool: 'search', rename: PATTERN },
  Glob: { tool: 'search', rename: PATTERN },
  LS: { tool: 'search' },
  ToolSearch: { tool: 'search' },
  WebFetch: { tool: 'web' },
  WebSearch: { tool: 'web' },
  Task: { tool: 'task' },
  Agent: { tool: 'task' },
  SendMessage: { tool: 'task' },
  Workflow: { tool: 'task' },
  TodoWrite: { tool: 'todo' },
  TodoRead: { tool: 'todo' },
  TaskCreate: { tool: 'todo' },
  TaskGet: { tool: 'todo' },
  TaskList: { tool: 'todo' },
  TaskUpdate: { tool: 'todo' },
  ListMcpResourcesTool: { tool: 'mcp' },
  ReadMcpResourceTool: { tool: 'mcp' },
};

const shapeOf = (native: string): ToolShape => {
  if (Object.hasOwn(SHAPES, native)) return SHAPES[native] ?? { tool: 'other' };
  return { tool: native.startsWith('mcp__') ? 'mcp' : 'other' };
};

export const toolOf = (native: string): ToolName => shapeOf(native).tool;

/** Arguments with our names. A name of ours that the CLI uses for something else of its own is left alone. */
export function commonArgs(native: string, input: JsonObject): JsonObject {
  return renamed(input, shapeOf(native).rename ?? {});
}

/** The inverse: what to hand back to claude when a verdict changed the arguments. */
export function nativeArgs(native: string, args: JsonObject): JsonObject {
  const pairs = Object.entries(shapeOf(native).rename ?? {}).map(([theirs, ours]) => [ours, theirs] as const);
  return renamed(args, Object.fromEntries(pairs));
}

function renamed(from: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const to: JsonObject = {};
  for (const [key, value] of Object.entries(from)) {
    const name = Object.hasOwn(names, key) ? names[key] : undefined;
    to[name !== undefined && !Object.hasOwn(from, name) ? name : key] = value;
  }
  return to;
}
