/** `tutti logs NAME`: the readable transcript, raw protocol lines, or one event in full. */
import type { Client } from '../client/index.ts';
import type { DriverEventBody, TuttiEvent } from '../core/event.ts';
import { toAnsi } from '../core/transcript/style.ts';
import { Transcript } from '../core/transcript/transcript.ts';
import { CliFailure } from './failure.ts';
import { abortOnInterrupt, positiveFlag } from './options.ts';
import { wantsColor } from './output.ts';
import type { CommandFile, Context } from './program.ts';

interface Flags {
  follow?: boolean;
  raw?: boolean;
  event?: number;
}

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('<name>', 'agent')
      .option('-f, --follow', 'go on with what happens from now')
      .option('--raw', "the CLI's own protocol lines, as recorded")
      .option('--event <seq>', 'one event in full', positiveFlag)
      .addHelpText(
        'after',
        '\nExamples:\n  $ tutti logs fix -f\n  $ tutti logs fix --raw | jq -c .\n  $ tutti logs fix --event 812',
      )
      .action(run(async (context, name: string, flags: Flags) => logs(context, name, flags)));
  },
};

async function logs(context: Context, name: string, flags: Flags): Promise<void> {
  const client = await context.connect();
  try {
    if (flags.event !== undefined) return await oneEvent(context, client, name, flags.event);
    if (flags.raw) return await rawLines(context, client, name, flags.follow === true);
    return await transcript(context, client, name, flags.follow === true);
  } finally {
    client.close();
  }
}

async function oneEvent(context: Context, client: Client, name: string, seq: number): Promise<void> {
  const { event, complete } = await client.fullEvent(seq, name);
  if (!complete) context.out.note('tutti: the whole is no longer kept; this is its beginning');
  context.out.result(event, JSON.stringify(event, null, 2));
}

async function rawLines(context: Context, client: Client, name: string, follow: boolean): Promise<void> {
  let from: string | undefined = '0:0';
  const show = async (): Promise<void> => {
    for (let more = true; more; ) {
      const page = await client.log(name, from === undefined ? {} : { from });
      for (const line of page.lines) {
        if (context.out.json) context.out.object(line);
        else if (line.dir === 'out') context.out.line(line.line);
      }
      await context.out.drained();
      more = page.lines.length > 0 && page.next !== null && page.next !== from;
      from = page.next ?? from;
    }
  };
  const stream = follow ? client.stream({ agents: [name], signal: abortOnInterrupt() }) : null;
  await stream?.ready;
  await show();
  if (stream) for await (const _ of stream) await show();
}

async function transcript(context: Context, client: Client, name: string, follow: boolean): Promise<void> {
  const agent = await client.get(name);
  const facts = { name: agent.name, cwd: agent.cwd };
  const lines = new Transcript(facts);
  const color = wantsColor('auto', context.env, context.out.stdoutIsTty);
  const show = (event: TuttiEvent): void => {
    if (context.out.json) return context.out.object(event);
    lines.facts = { ...facts, whole: `${agent.name} --event ${event.seq}` };
    const block = lines.event(event as DriverEventBody, Date.parse(event.at)) ?? null;
    for (const row of block?.(context.out.columns) ?? []) context.out.line(toAnsi(row, color).trimEnd());
  };
  let since = 0;
  for (let more = true; more; ) {
    const page = await client.events({ agents: [agent.id], since });
    for (const event of page.events) if (isShown(event)) show(event);
    since = page.next;
    more = page.more;
    await context.out.drained();
  }
  if (!follow) return;
  for await (const event of client.stream({ agents: [agent.id], since, signal: abortOnInterrupt() })) {
    if (isShown(event)) show(event);
  }
}

const SHOWN = new Set([
  'message',
  'thinking',
  'tool_call',
  'tool_result',
  'turn',
  'error',
  'retry',
  'rate_limit',
  'compaction',
  'activity',
  'raw',
]);

function isShown(event: TuttiEvent): boolean {
  if (!SHOWN.has(event.type)) return false;
  if (event.agent === null) throw new CliFailure('RUNTIME_ERROR', `event ${event.seq} belongs to no agent`);
  return true;
}
