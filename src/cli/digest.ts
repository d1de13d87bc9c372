/** `tutti digest`: what happened while you were away. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../core/config/duration.ts';
import type { CommandFile, Context } from './program.ts';
import { digestText } from '../core/digest/words.ts';

/** Without `--since`. */
const DEFAULT_SPAN = '24h';

export const command: CommandFile = {
  define(command, run) {
    command
      .option('--since <duration|time>', 'how far back: 8h, or an ISO time', sinceFlag)
      .addHelpText(
        'after',
        `\nWithout --since it goes back ${DEFAULT_SPAN}.\n\nExamples:\n  $ tutti digest\n  $ tutti digest --since 8h\n  $ tutti digest --since 2026-01-31T18:00:00Z --json\nA digest every morning:  notify: { sinks: […], digest: "08:00" }  in config.yaml`,
      )
      .action(
        run(async (context, flags: { since?: string }) => digest(context, flags.since ?? sinceFlag(DEFAULT_SPAN))),
      );
  },
};

function sinceFlag(text: string): string {
  const span = parseDuration(text);
  if (span !== null) return new Date(Date.now() - span).toISOString();
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('expected a duration such as 8h, or an ISO 8601 time');
  return new Date(at).toISOString();
}

async function digest(context: Context, since: string): Promise<void> {
  const client = await context.connect();
  try {
    const found = await client.digest(since);
    context.out.result(found, digestText(found));
  } finally {
    client.close();
  }
}
