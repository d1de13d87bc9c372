/** Our tool words in the names and arguments of the client that offered its tools. Pure. */
import type { JsonObject } from '../../core/event.ts';
import type { Step, ToolWord } from './script.ts';

export interface NativeCall {
  name: string;
  args: JsonObject;
}

interface ToolForm {
  name: string;
  args(args: JsonObject): JsonObject;
}

const same = (args: JsonObject): JsonObject => args;
const described = (args: JsonObject): JsonObject => ({ ...args, description: 'Scripted command' });
const seconds = (args: JsonObject): JsonObject => ({ ...args, timeout_ms: 600_000 });

/** Known forms per word, in order of preference; the first whose name was offered is taken. */
const FORMS: Readonly<Record<ToolWord, readonly ToolForm[]>> = {
  bash: [
    { name: 'Bash', args: described },
    { name: 'shell_command', args: seconds },
    { name: 'exec_command', args: ({ command }) => ({ cmd: command ?? '', yield_time_ms: 30_000 }) },
    { name: 'shell', args: ({ command }) => ({ command: ['bash', '-lc', command ?? ''] }) },
    { name: 'run_shell_command', args: described },
    { name: 'bash', args: same },
  ],
  read: [
    { name: 'Read', args: ({ path }) => ({ file_path: path ?? '' }) },
    { name: 'read_file', args: ({ path }) => ({ file_path: path ?? '' }) },
    { name: 'read', args: same },
  ],
  write: [
    { name: 'Write', args: ({ path, content }) => ({ file_path: path ?? '', content: content ?? '' }) },
    { name: 'write_file', args: ({ path, content }) => ({ file_path: path ?? '', content: content ?? '' }) },
    { name: 'write', args: same },
  ],
  edit: [
    { name: 'Edit', args: ({ path, ...change }) => ({ file_path: path ?? '', ...change }) },
    {
      name: 'replace',
      args: ({ path, ...change }) => ({ file_path: path ?? '', ...change, instruction: 'Scripted change' }),
    },
    { name: 'edit', args: same },
  ],
  todo: [
    { name: 'TodoWrite', args: ({ items }) => ({ todos: items ?? [] }) },
    { name: 'todo', args: same },
  ],
};

/** opencode has our names and its own arguments: told apart by a tool that only it offers. */
const OPENCODE_MARK = 'todowrite';
const opencode: Readonly<Record<ToolWord, ToolForm>> = {
  bash: { name: 'bash', args: described },
  read: { name: 'read', args: ({ path }) => ({ filePath: path ?? '' }) },
  write: { name: 'write', args: ({ path, content }) => ({ filePath: path ?? '', content: content ?? '' }) },
  edit: {
    name: 'edit',
    args: ({ path, old_string, new_string }) => ({
      filePath: path ?? '',
      oldString: old_string ?? '',
      newString: new_string ?? '',
    }),
  },
  todo: { name: 'todowrite', args: ({ items }) => ({ todos: items ?? [] }) },
};

/** The call as the client knows it. A tool that was not offered keeps our word: the client says so itself. */
export function nativeCall(step: Extract<Step, { do: 'call' | 'native-call' }>, offered: string[]): NativeCall {
  if (step.do === 'native-call') return { name: step.name, args: step.args };
  if (offered.includes(OPENCODE_MARK))
    return { name: opencode[step.tool].name, args: opencode[step.tool].args(step.args) };
  const form = FORMS[step.tool].find(({ name }) => offered.includes(name));
  return form ? { name: form.name, args: form.args(step.args) } : { name: step.tool, args: step.args };
}
