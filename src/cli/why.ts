/** `tutti why NAME`: the chain of causes behind its present state, in plain words. */
import type { CommandFile } from './program.ts';

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('<name>', 'agent')
      .addHelpText('after', '\nExamples:\n  $ tutti why fix')
      .action(
        run(async (context, name: string) => {
          const client = await context.connect();
          try {
            const why = await client.why(name);
            const chain = why.chain.map(
              (link) => `  ${link.at ?? ''}  ${link.text}${link.seq === null ? '' : `  (event ${link.seq})`}`,
            );
            const head = `${why.agent} is ${why.state}${why.reason ? `: ${why.reason}` : ''}`;
            const hint = why.hint ? [`  fix   ${why.hint}`] : [];
            context.out.result(why, [head, ...hint, ...chain].join('\n'));
          } finally {
            client.close();
          }
        }),
      );
  },
};
