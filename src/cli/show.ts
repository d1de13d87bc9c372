/** `tutti show NAME`: one agent in full. */
import { askedText } from '../core/asked.ts';
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
            const open = (await client.requests()).filter((request) => request.agentId === agent.id);
            const asks = open.map(
              (request) => `${'asks'.padEnd(14)}${askedText(request)}  (request ${request.requestId})`,
            );
            context.out.result(agent, [agentSheet(agent, Date.now()), ...asks].join('\n'));
          } finally {
            client.close();
          }
        }),
      );
  },
};
