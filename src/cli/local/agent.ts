/** `tutti agent v0|v1 PROMPT`: a built-in agent by hand, its JSONL on stdout. */
import { AGENT_USAGE, runAgentProcess } from '../../agents/process.ts';
import type { CommandFile } from '../program.ts';

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('[words...]', 'version, prompt and options as below')
      .allowUnknownOption()
      .addHelpText(
        'after',
        `\n${AGENT_USAGE}\nExamples:\n  $ tutti agent v1 "Fix the failing test"\n  $ tutti agent v0 "What is in this folder?" | jq -r 'select(.type=="message").content'`,
      )
      .action(
        run(async (context) => {
          const { stdin, cwd, local } = context;
          return runAgentProcess(command.args, {
            cwd,
            version: local.version,
            stdin,
            stdout: process.stdout,
            stderr: process.stderr,
          });
        }),
      );
  },
};
