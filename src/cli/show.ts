/** `tutti show NAME`: one agent in full. */
import { agentSheet } from './agent-text.ts';
import type { CommandFile } from './program.ts';

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('<name>', 'agent')
      .addHelpText('after', '\nExamples:\n  $ tutti show fix\n  $ tutti show fix --json | jq .data.conversationId')
      .action(
        run(async (context, name: string) => {
          const client = await context.connect();
          try {
            const agent = await client.get(name);
            context.out.result(agent, agentSheet(agent, Date.now()));
          } finally {
            client.close();
          }
        }),
      );
  },
};
