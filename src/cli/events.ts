/** `tutti events [NAME…]`: the event log, one event a line. */
import { InvalidArgumentError } from 'commander';
import { EVENT_TYPES, type EventType, type TuttiEvent } from '../core/event.ts';
import { abortOnInterrupt, collect } from './options.ts';
import type { CommandFile, Context } from './program.ts';

interface Flags {
  follow?: boolean;
  type: string[];
  since?: string;
}

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('[name...]', 'agents (default: all)')
      .option('-f, --follow', 'go on with what happens from now')
      .option('--type <type>', 'only events of this type; repeat for more', collect, [])
      .option('--since <seq|time>', 'events after this seq, or since this ISO time', sinceFlag)
      .addHelpText(
        'after',
        '\nExamples:\n  $ tutti events -f\n  $ tutti events fix --type tool_call --type exit\n  $ tutti events --since 2026-01-31T08:00:00Z | jq -r .type | sort | uniq -c',
      )
      .action(run(async (context, names: string[], flags: Flags) => events(context, names, flags)));
  },
};

function sinceFlag(text: string): string {
  if (/^\d{1,15}$/.test(text) || !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('expected a seq (a number) or an ISO 8601 time');
}

function isEventType(text: string): text is EventType {
  return Object.hasOwn(EVENT_TYPES, text);
}

async function events(context: Context, names: string[], flags: Flags): Promise<void> {
  const unknown = flags.type.find((type) => !isEventType(type));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`no event type ${unknown}; there are: ${Object.keys(EVENT_TYPES).join(' ')}`);
  }
  const types = flags.type.filter(isEventType);
  const client = await context.connect();
  try {
    const agents =
      names.length > 0 ? await Promise.all(names.map(async (name) => (await client.get(name)).id)) : undefined;
    const filter = { ...(agents ? { agents } : {}), ...(types.length > 0 ? { types } : {}) };
    let since: number | string | undefined =
      flags.since !== undefined && /^\d+$/.test(flags.since) ? Number(flags.since) : flags.since;
    let next = 0;
    for (let more = true; more; ) {
      const page = await client.events({ ...filter, ...(since === undefined ? { since: 0 } : { since }) });
      for (const event of page.events) print(context, event);
      next = page.next;
      since = page.next;
      more = page.more;
    }
    if (!flags.follow) return;
    const stream = client.stream({ ...filter, since: next, signal: abortOnInterrupt() });
    for await (const event of stream) {
      print(context, event);
      await context.out.drained();
    }
  } finally {
    client.close();
  }
}

function print(context: Context, event: TuttiEvent): void {
  context.out.object(event);
}
