/** `tutti send NAME TEXT|-`: queues a message: durable, delivered once, in order. */
import { CliFailure } from './failure.ts';
import { abortOnInterrupt, durationFlag, readStdin } from './options.ts';
import type { CommandFile, Context } from './program.ts';

interface Flags {
  now?: boolean;
  wait?: boolean;
  timeout?: number;
}

const WAIT_MS = 600_000;

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('<name>', 'agent')
      .argument('<text...>', 'message; - reads standard input')
      .option('--now', 'steer the running turn, where the CLI can')
      .option('--wait', 'wait for the end of the turn, and print what the agent said')
      .option('--timeout <duration>', 'with --wait (default 10m)', durationFlag)
      .addHelpText(
        'after',
        '\nExamples:\n  $ tutti send fix "Now run the auth suite"\n  $ git diff | tutti send review -\n  $ tutti send fix --now "Use the clock from src/time"',
      )
      .action(run(async (context, name: string, words: string[], flags: Flags) => send(context, name, words, flags)));
  },
};

async function send(context: Context, name: string, words: string[], flags: Flags): Promise<void> {
  const text = words.length === 1 && words[0] === '-' ? await readStdin(context) : words.join(' ');
  if (text.trim() === '')
    throw new CliFailure('INVALID_ARGUMENT', 'an empty message', {
      hint: 'give text, or - and something on standard input',
    });
  const client = await context.connect();
  try {
    const now = flags.now === true;
    if (!flags.wait) {
      const queued = await client.send(name, text, { now });
      context.out.result(queued, `queued for ${name}`);
      return;
    }
    const progress = context.out.progress(`${name} works`);
    try {
      const result = await client.sendAndWait(name, text, {
        now,
        timeoutMs: flags.timeout ?? WAIT_MS,
        signal: abortOnInterrupt(),
      });
      progress.done();
      if (result.outcome !== 'ok') {
        throw new CliFailure('RUNTIME_ERROR', `the turn of ${name} ended: ${result.outcome}`, {
          hint: `tutti why ${name}`,
        });
      }
      context.out.result(result, result.text);
    } finally {
      progress.done();
    }
  } finally {
    client.close();
  }
}
