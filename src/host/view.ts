/**
 * `host.cjs view`: shows a host that lost its own terminal, in a new pane. It draws the tail of the host's journal, follows it by
 * the host's bells, and relays what is typed to the host's socket. It commands nothing, and ends with the host.
 */
import { connect, type Socket } from 'node:net';
import type { DriverEventBody } from '../core/event.ts';
import type { FromHost, JournalRecord, ToHost } from '../core/host-wire.ts';
import type { Decoder } from '../drivers/driver.ts';
import { type JournalRead, journalEpochs, readJournal } from '../system/journal/reader.ts';
import type { HomePaths } from '../system/paths.ts';
import { createFrameSplitter } from './frames.ts';
import { readLaunchFile } from './launch-file.ts';
import { openPane } from './pane/terminal-pane.ts';
import type { Pane, PaneStatus } from './pane/pane.ts';
import { loadDriver } from './side-files.ts';
import type { TypedInput } from './socket.ts';

/** Of the journal so far, its end is drawn. Bytes. */
const TAIL_BYTES = 512 * 1024;
/** Read at a time. Bytes. */
const CHUNK = 256 * 1024;

export async function runView(paths: HomePaths, agentId: string, program: string): Promise<void> {
  const socket = connect(paths.hostSocket(agentId));
  // At once: a host that dies while its journal is read must still be noticed.
  const closed = untilClosed(socket, () => follower?.poke());
  let follower: Follower | null = null;
  const send = (frame: ToHost): void => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(frame)}\n`);
  };
  const relay = (input: TypedInput): void => send({ v: 1, type: 'typed', input });
  const pane = openPane({ typed: relay });
  const launch = readLaunchFile(paths.agentEnv(agentId));
  if (launch.ok) {
    const { name, cli, model, cwd } = launch.file;
    pane.header({ name, cli, model, task: null, branch: null }, cwd);
  }
  const epochs = await journalEpochs(paths.hostDir(agentId));
  const epoch = epochs.at(-1);
  if (epoch === undefined) throw new Error('this agent has no host journal');
  follower = new Follower(paths.journal(agentId, epoch), pane, (cli) =>
    loadDriver(program, cli, launch.ok ? launch.file.protocol : null),
  );
  await follower.begin();
  send({ v: 1, type: 'watch' });
  await closed;
  await follower.poke();
  pane.close();
}

/** Resolves at end of file: the host is gone, or it was never there. */
function untilClosed(socket: Socket, rang: () => void): Promise<void> {
  const split = createFrameSplitter();
  return new Promise((done) => {
    socket.on('data', (bytes: Buffer) => {
      for (const line of split(bytes)) {
        const frame = JSON.parse(line) as FromHost;
        if (frame.type === 'bell' || frame.type === 'hello') rang();
      }
    });
    socket.on('error', () => done());
    socket.on('close', () => done());
  });
}

/** Reads a journal on, decodes its lines as the host did, and draws them. */
class Follower {
  readonly #path: string;
  readonly #pane: Pane;
  readonly #decoderOf: (cli: string) => { decoder(): Decoder } | null;
  #decoder: Decoder | null = null;
  #offset = 0;
  #reading: Promise<void> | null = null;
  #again = false;
  #status: PaneStatus = { state: 'idle', since: 0, queued: 0, budget: null, alarm: null };
  readonly #asking = new Set<string>();

  constructor(path: string, pane: Pane, decoderOf: (cli: string) => { decoder(): Decoder } | null) {
    this.#path = path;
    this.#pane = pane;
    this.#decoderOf = decoderOf;
  }

  /** Everything is decoded, since a line may need the ones before it; only the end is drawn. */
  async begin(): Promise<void> {
    const { size } = await readJournal(this.#path, 0, 1);
    await this.#read(Math.max(0, size - TAIL_BYTES));
  }

  /** There may be more. */
  poke(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#read(0);
    }
  }

  async #read(drawFrom: number): Promise<void> {
    for (let more = true; more; ) {
      const read: JournalRead = await readJournal(this.#path, this.#offset, CHUNK);
      for (const { record, end } of read.records) this.#record(record, end > drawFrom);
      more = read.next > this.#offset;
      this.#offset = Math.max(this.#offset, read.next);
    }
  }

  #record(record: JournalRecord, drawn: boolean): void {
    const at = Date.parse(record.at);
    const events = this.#decoded(record);
    this.#follow(record, events, at);
    if (!drawn) return;
    this.#pane.events(events, at);
    this.#pane.record(record, at);
  }

  #decoded(record: JournalRecord): DriverEventBody[] {
    if (record.kind === 'spawn') this.#decoder = this.#decoderOf(record.cli)?.decoder() ?? null;
    if (record.kind === 'exit') return this.#decoder?.end() ?? [];
    if (record.kind === 'piece' && record.part === 0) return [{ type: 'raw', line: record.text.slice(0, 500) }];
    if (record.kind !== 'out' && record.kind !== 'in' && record.kind !== 'err') return [];
    return this.#decoder?.push({ dir: record.kind, text: record.line }).events ?? [];
  }

  /** The state in the footer, as far as the journal tells it. */
  #follow(record: JournalRecord, events: DriverEventBody[], at: number): void {
    if (record.kind === 'request') this.#asking.add(record.requestId);
    if (record.kind === 'answered') this.#asking.delete(record.requestId);
    const turn = events.findLast((event) => event.type === 'turn');
    const before = this.#status.state;
    let state = before;
    if (record.kind === 'exit' && !record.byDesign) state = 'stopped';
    else if (record.kind === 'spawn') state = 'starting';
    else if (record.kind === 'ready') state = 'idle';
    if (turn) state = turn.phase === 'start' ? 'working' : 'idle';
    if (this.#asking.size > 0) state = 'waiting';
    else if (state === 'waiting') state = 'working';
    if (state === before) return;
    this.#status = { ...this.#status, state, since: at };
    this.#pane.status(this.#status);
  }
}
