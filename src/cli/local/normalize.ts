/** `tutti normalize --from DIALECT`: any CLI's output on stdin, unified events on stdout, one a line. */
import { InvalidArgumentError, Option } from 'commander';
import { createNormalizer, type NormalizeStats } from '../../drivers/normalize.ts';
import { type Dialect, dialects } from '../../drivers/registry.ts';
import type { CommandFile, Context } from '../program.ts';

const NAMES = Object.keys(dialects) as Dialect[];

interface Flags {
  from: Dialect;
  stats?: boolean;
}

export const command: CommandFile = {
  define(command, run) {
    command
      .addOption(new Option('--from <dialect>', 'what comes in').choices(NAMES).makeOptionMandatory())
      .option('--stats', 'instead of the events, account for every line')
      .addHelpText('after', EXAMPLES)
      .action(run(async (context, flags: Flags) => normalize(context, flags)));
  },
};

const EXAMPLES = `
Examples:
  $ claude -p --output-format stream-json --verbose "hi" | tutti normalize --from claude
  $ tutti normalize --from codex-exec --stats < run.jsonl`;

async function normalize(context: Context, flags: Flags): Promise<void> {
  const dialect = dialects[flags.from];
  if (!dialect) throw new InvalidArgumentError(`no dialect ${String(flags.from)}`);
  const normalizer = createNormalizer(dialect);
  const show = (events: object[]): void => {
    if (flags.stats) return;
    for (const event of events) context.out.object(event);
  };
  for await (const chunk of context.stdin) {
    show(normalizer.push(chunk as Uint8Array));
    await context.out.drained();
  }
  show(normalizer.end());
  if (flags.stats) context.out.result(normalizer.stats(), statsText(normalizer.stats()));
}

function statsText(stats: NormalizeStats): string {
  const kinds = (fate: keyof NormalizeStats['kinds']): string[] =>
    Object.entries(stats.kinds[fate]).map(
      ([kind, count]) => `  ${String(count).padStart(6)}  ${fate.padEnd(8)}${kind}`,
    );
  return [
    `lines ${stats.lines} = decoded ${stats.decoded} + empty ${stats.empty} + raw ${stats.raw}   (${stats.bytes} bytes${stats.partial ? ', the last line is cut' : ''})`,
    ...kinds('decoded'),
    ...kinds('empty'),
    ...kinds('raw'),
    `turns ${stats.turns}, tool calls ${stats.toolCalls}, results ${stats.toolResults} (${stats.toolErrors} failed), errors ${stats.errors}, cost ${stats.costUsd === null ? 'not reported' : `$${stats.costUsd.toFixed(4)}`}`,
  ].join('\n');
}
