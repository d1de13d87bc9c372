/**
 * A recording as the supervisor would have met it: an agent with a task, its CLI started, the recorded lines through the journal
 * decoder and the driver into `decide` and `reduce`, at the recorded times on a virtual clock; then the recorded exit.
 */
import type { RecordBody } from '../../../src/core/host-wire.ts';
import type { IngestedRecord } from '../../../src/core/step.ts';
import { createRecordDecoder } from '../../../src/supervisor/decode.ts';
import { driverFor } from '../../../src/drivers/registry.ts';
import { iso } from '../../../src/core/time.ts';
import { Desk, ID } from '../../unit/core/desk.ts';
import { decoderOf, type Label, type Recording } from './recordings.ts';

/** Shortly before the recordings were made, so that a reset time in them lies ahead. */
const RECORDED_AT = Date.UTC(2026, 10, 20, 23, 25);
const CONVERSATION = 'conversation-1';

/** What we make of it, in the words of the labels. */
export function replay(recording: Recording): Label {
  const desk = new Desk();
  desk.now = RECORDED_AT;
  const feed = feeder(desk, recording);
  const perTurn = driverFor(recording.cli)?.capabilities.persistent === false;

  // What is no stream says nothing of its message either: nothing waits there.
  const task = recording.dialect === null ? null : 'the task';
  desk.spawn({ cli: recording.cli, task, account: `${recording.cli}:default` });
  if (recording.resumes) Object.assign(desk.agent(), { conversationId: CONVERSATION, conversationUsed: true });
  desk.hostUp();
  desk.orderDone('start', { pid: 60 });
  feed({
    kind: 'spawn',
    incarnation: 1,
    cli: recording.cli,
    pid: 60,
    start: '1',
    argv: [],
    conversationId: null,
    resumed: false,
  });
  if (perTurn) feed({ kind: 'ready', incarnation: 1, conversationId: null, resumed: false });
  for (const { dir, text, atMs } of recording.dialect === null ? [] : recording.lines) {
    desk.now = RECORDED_AT + atMs;
    if (dir === 'err') continue;
    feed({ kind: dir, incarnation: 1, line: text });
  }
  const { state } = desk.agent();
  const { code, signal, stderr, atMs } = recording.exit;
  desk.now = RECORDED_AT + atMs;
  feed({ kind: 'exit', incarnation: 1, code, signal, asked: false, stderr, ...(perTurn ? { byDesign: true } : {}) });
  return judged(desk, recording, state);
}

/** Feeds journal records, and adds what the host writes of them: that the CLI is ready, and that it has the message. */
function feeder(desk: Desk, { cli, dialect }: Recording): (body: RecordBody) => void {
  const driver = driverFor(cli);
  if (!driver) throw new Error(`no driver for ${cli}`);
  const epoch = desk.state.agents[ID]?.host.epoch ?? 1;
  const lookup = () => (dialect === null ? driver : { ...driver, decoder: () => decoderOf(dialect) });
  const decoder = createRecordDecoder({ lookup, cli, heard: false, rest: { epoch, n: 0, offset: 0 } });
  let n = 0;
  const submit = (body: RecordBody, decoded?: IngestedRecord): void => {
    n += 1;
    const record = { v: 1, n, at: iso(desk.now), ...body } as const;
    const item = decoded ?? decoder.push(record, epoch, n * 10);
    desk.input({ type: 'records', agentId: ID, epoch, records: [{ ...item, record }] });
  };
  const feed = (body: RecordBody): void => {
    const item = decoder.push({ v: 1, n: n + 1, at: iso(desk.now), ...body }, epoch, n * 10);
    const said = item.events.map(({ type }) => type);
    if (desk.agent().cli.phase === 'starting' && (said.includes('session') || said.includes('turn'))) {
      const conversationId = desk.agent().conversationId ?? CONVERSATION;
      submit({ kind: 'ready', incarnation: 1, conversationId, resumed: false });
    }
    const sent = desk.agent().queue.find((message) => message.state === 'sent');
    if (sent && said.includes('turn'))
      submit({ kind: 'done', id: sent.messageId, ok: true, result: { turnFollows: true } });
    submit(body, item);
  };
  return feed;
}

function judged(desk: Desk, recording: Recording, state: string): Label {
  const turns = outcomes(desk);
  const exit = desk.events('exit').at(-1);
  const error = desk.events('error').at(-1);
  const rejected = desk.events('rate_limit').findLast(({ limit }) => limit === 'rejected');
  const limited = desk.events('turn').some(({ outcome }) => outcome === 'limit');
  const both = { cause: exit?.cause ?? 'none', after: desk.agent().state };
  if (recording.dialect === null)
    return { turns: null, error: null, retryable: null, reset: null, state: null, ...both };
  return {
    turns,
    error: error?.code ?? null,
    retryable: error?.retryable ?? null,
    reset: limited ? (rejected?.resetsAt ?? rejected?.retryAfterMs ?? null) !== null : null,
    state,
    ...both,
  };
}

function outcomes(desk: Desk): string[] {
  const turns: string[] = [];
  for (const { phase, outcome } of desk.events('turn')) {
    if (phase === 'start') turns.push('open');
    else if (turns.at(-1) === 'open') turns[turns.length - 1] = outcome ?? 'open';
    else turns.push(outcome ?? 'open');
  }
  return turns;
}
