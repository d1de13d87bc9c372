/** The `bash` tool. */
import { OUTPUT_LIMIT } from '../limits.ts';
import { runCommand, type ShellRun } from '../shell.ts';
import { blockedBy } from './blocklist.ts';
import { failed, schemaOf, type Tool, type ToolOutput, textArg } from './tool.ts';

export const bash: Tool = {
  name: 'bash',
  description: `Run a shell command in the working folder. Output beyond ${OUTPUT_LIMIT} characters is cut in the middle.`,
  schema: schemaOf({ command: { type: 'string', description: 'The command, for bash -c' } }),
  async run(args, { cwd, signal, bashLimitMs }) {
    const command = textArg(args, 'command');
    if (command === null || command.trim() === '') return failed('command must be a non-empty string');
    const block = blockedBy(command);
    if (block !== null) return failed(`refused: "${block}" is on the list of commands that are never run`);
    return outputOf(await runCommand(command, { cwd, limitMs: bashLimitMs, signal }), bashLimitMs);
  },
};

function outputOf(run: ShellRun, limitMs: number): ToolOutput {
  const output = run.output.trimEnd();
  const with_ = (head: string): ToolOutput => failed(output === '' ? head : `${head}\n${output}`);
  if (run.ended === 'interrupt') return with_('Interrupted: the command was ended.');
  if (run.ended === 'timeout') return with_(`Timed out after ${limitMs / 1000} s: the command was ended.`);
  if (run.code !== 0) return with_(run.signal === null ? `Exit code ${run.code}` : `Ended by ${run.signal}`);
  return { text: output === '' ? '(no output)' : output, isError: false };
}
