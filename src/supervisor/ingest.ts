/**
 * Reading host journals: the only event channel. A doorbell, a beat or a greeting pokes the tail of that agent, which reads
 * behind its cursor, decodes, and puts whole batches into the mailbox. Exactly once: the cursor is in the events themselves.
 */
import { runnerOf } from '../core/agent.ts';
import type { JournalRecord } from '../core/host-wire.ts';
import type { AgentState } from '../core/state.ts';
import type { Input } from '../core/step.ts';
import { createRecordDecoder, type DriverLookup, type Position, type RecordDecoder } from './decode.ts';
import type { JournalReader, ProcessId } from './ports.ts';

/** Read at a time. Bytes. */
const CHUNK = 1024 * 1024;

export interface IngestOptions {
  journals: JournalReader;
  lookup: DriverLookup;
  /** The agent as the loop knows it now; null when there is none (any more). */
  agent(agentId: string): AgentState | null;
  submit(input: Input): Promise<unknown>;
  failed(agentId: string, error: unknown): void;
}

export interface Ingest {
  /** There is news; returns at once. */
  poke(agentId: string): void;
  /** Resolves when the journal of this epoch (and all before it) has been read to its present end and is in the state. */
  drain(agentId: string, epoch: number): Promise<void>;
  /** Processes that the journal names as the agent's own, as far as they were read: its CLI and what that started. */
  processes(agentId: string): ProcessId[];
  forget(agentId: string): void;
}

interface Tail {
  position: Position | null;
  decoder: RecordDecoder | null;
  /** Newest epoch that was asked for. */
  epoch: number;
  running: Promise<void> | null;
  again: boolean;
  seen: Map<string, ProcessId>;
}

/** Newest processes remembered for the hunt, per agent. */
const SEEN_LIMIT = 2_000;

export function createIngest(options: IngestOptions): Ingest {
  const tails = new Map<string, Tail>();

  const tailOf = (agentId: string): Tail => {
    let tail = tails.get(agentId);
    if (!tail) {
      tail = { position: null, decoder: null, epoch: 0, running: null, again: false, seen: new Map() };
      tails.set(agentId, tail);
    }
    return tail;
  };

  const run = (agentId: string, tail: Tail): Promise<void> => {
    tail.again = true;
    tail.running ??= (async () => {
      try {
        while (tail.again) {
          tail.again = false;
          await readOn(agentId, tail, options);
        }
      } catch (error) {
        // The decoder may be ahead of what the state took in: both begin again at the state's cursor.
        tail.decoder = null;
        tail.position = null;
        throw error;
      } finally {
        tail.running = null;
      }
    })();
    return tail.running;
  };

  return {
    poke(agentId) {
      const tail = tailOf(agentId);
      tail.epoch = Math.max(tail.epoch, options.agent(agentId)?.host.epoch ?? 0);
      run(agentId, tail).catch((error) => options.failed(agentId, error));
    },
    async drain(agentId, epoch) {
      const tail = tailOf(agentId);
      tail.epoch = Math.max(tail.epoch, epoch);
      await run(agentId, tail);
    },
    processes: (agentId) => [...(tails.get(agentId)?.seen.values() ?? [])],
    forget: (agentId) => void tails.delete(agentId),
  };
}

/** Reads until nothing new is there, through later epochs as well. */
async function readOn(agentId: string, tail: Tail, options: IngestOptions): Promise<void> {
  const agent = options.agent(agentId);
  if (!agent) return;
  if (!tail.decoder) await begin(agent, tail, options);
  if (!tail.position && !(await nextEpoch(agentId, tail, options))) return;
  for (;;) {
    const position = tail.position as Position;
    const read = await options.journals.read(agentId, position.epoch, position.offset, CHUNK);
    if (read.size < position.offset) await reportShort(agentId, tail, read.size, options);
    else if (read.records.length > 0 || read.corrupt.length > 0) await take(agentId, tail, read, options);
    // Read to its end: what is written from now on rings again. Opening the file once more would only say so.
    const after = tail.position as Position;
    const more = after.offset < read.size && after.offset > position.offset;
    if (!more && !(await nextEpoch(agentId, tail, options))) return;
  }
}

/** Rebuilds the decoder: the records from where it last held nothing to the cursor are decoded again and their events dropped. */
async function begin(agent: AgentState, tail: Tail, options: IngestOptions): Promise<void> {
  const position = agent.cursor ? { ...agent.cursor } : null;
  const heard = agent.cli.phase === 'ready' || agent.cli.turn;
  const rest = position?.rest ?? { epoch: 0, n: 0, offset: 0 };
  tail.decoder = createRecordDecoder({ lookup: options.lookup, cli: runnerOf(agent).cli, heard, rest });
  tail.position = position;
  if (!position || rest.epoch !== position.epoch || rest.n >= position.n) return;
  let { offset } = rest;
  while (offset < position.offset) {
    const { records } = await options.journals.read(agent.id, position.epoch, offset, CHUNK);
    for (const { record, end } of records) {
      if (record.n > position.n) return;
      remember(tail, record);
      tail.decoder.push(record, position.epoch, end);
      offset = end;
    }
    if (records.length === 0) return;
  }
}

/** Moves to the first journal behind the present one; false when there is none (yet). */
async function nextEpoch(agentId: string, tail: Tail, options: IngestOptions): Promise<boolean> {
  const now = tail.position?.epoch ?? 0;
  if (tail.epoch <= now) return false;
  const epochs = await options.journals.epochs(agentId);
  const next = epochs.filter((epoch) => epoch > now).sort((a, b) => a - b)[0];
  if (next === undefined) return false;
  // The host of the old epoch is gone: what its decoder held comes out with the first record of the new one.
  tail.decoder?.flush();
  tail.position = { epoch: next, n: 0, offset: 0, rest: { epoch: next, n: 0, offset: 0 } };
  return true;
}

type Read = Awaited<ReturnType<JournalReader['read']>>;

/** Puts what was read into the mailbox, in file order, with every corrupt line reported at its place. */
async function take(agentId: string, tail: Tail, read: Read, options: IngestOptions): Promise<void> {
  const damage = [...read.corrupt].sort((a, b) => a.offset - b.offset);
  let batch: typeof read.records = [];
  const flush = async (): Promise<void> => {
    const records = batch;
    batch = [];
    if (records.length > 0) await submitRecords(agentId, tail, records, options);
  };
  for (const item of read.records) {
    while (damage[0] && damage[0].offset < item.end) {
      await flush();
      await reportCorrupt(agentId, tail, damage.shift() as Read['corrupt'][0], options);
    }
    batch.push(item);
  }
  await flush();
  for (const corrupt of damage) await reportCorrupt(agentId, tail, corrupt, options);
}

async function submitRecords(
  agentId: string,
  tail: Tail,
  records: Read['records'],
  options: IngestOptions,
): Promise<void> {
  const position = tail.position as Position;
  const { epoch } = position;
  const decoder = tail.decoder as RecordDecoder;
  let last = position;
  const ingested = [];
  for (const { record, end } of records) {
    // A repeated number is a line that was written twice: the first one counts.
    if (record.n <= last.n) {
      last = { ...last, offset: end };
      continue;
    }
    remember(tail, record);
    const item = decoder.push(record, epoch, end);
    ingested.push(item);
    last = { epoch, n: record.n, offset: end, rest: item.end.rest };
  }
  if (ingested.length > 0) await options.submit({ type: 'records', agentId, epoch, records: ingested });
  tail.position = last;
}

async function reportCorrupt(
  agentId: string,
  tail: Tail,
  corrupt: Read['corrupt'][0],
  options: IngestOptions,
): Promise<void> {
  const position = tail.position as Position;
  const offset = corrupt.end ?? corrupt.offset + Buffer.byteLength(corrupt.text) + 1;
  const cursor = { ...position, offset: Math.max(position.offset, offset) };
  await options.submit({
    type: 'journal_damage',
    agentId,
    epoch: position.epoch,
    at: { epoch: position.epoch, n: position.n },
    message: `a line of the host journal at byte ${corrupt.offset} cannot be read: ${corrupt.text.slice(0, 200)}`,
    cursor,
  });
  tail.position = cursor;
}

async function reportShort(agentId: string, tail: Tail, size: number, options: IngestOptions): Promise<void> {
  const position = tail.position as Position;
  const cursor = { ...position, offset: size, rest: { epoch: position.epoch, n: position.n, offset: size } };
  await options.submit({
    type: 'journal_damage',
    agentId,
    epoch: position.epoch,
    at: { epoch: position.epoch, n: position.n },
    message: `the host journal has ${size} bytes, and ${position.offset} had been read: its end was lost`,
    cursor,
  });
  tail.position = cursor;
}

/** What to hunt if it outlives its host: the CLI, and what was seen below it. */
function remember(tail: Tail, record: JournalRecord): void {
  const found = record.kind === 'spawn' ? [record] : record.kind === 'tree' ? record.pids : [];
  for (const { pid, start } of found) tail.seen.set(`${pid} ${start}`, { pid, start });
  while (tail.seen.size > SEEN_LIMIT) {
    const [oldest] = tail.seen.keys();
    if (oldest === undefined) return;
    tail.seen.delete(oldest);
  }
}
