/**
 * The record of a built-in agent: `<dir>/record.jsonl`, one entry a line, only ever appended to. It is the conversation: what is in
 * it was said, what is not was not. Begun anew, the old one stays beside it as `record-<id>.jsonl`.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { clock, isoNow } from '../system/clock.ts';
import { type Entry, INTERRUPTED, openCalls } from './conversation.ts';

/** The conversation that should be resumed is not there. */
export class NoConversation extends Error {
  constructor(id: string, dir: string) {
    super(`no conversation ${id} in ${dir}`);
    this.name = 'NoConversation';
  }
}

type Body<E = Entry> = E extends Entry ? Omit<E, 'v' | 'at'> : never;

export interface RecordOptions {
  /** null = in memory only. */
  dir: string | null;
  /** Go on with this conversation. */
  resume: string | null;
  /** Id for a new one; null = a random one. */
  conversationId: string | null;
  /** `v0`, `v1` … */
  agent: string;
}

export class ConversationRecord {
  readonly id: string;
  readonly resumed: boolean;
  /** Lines that could not be read when it was opened: kept in the file, left out of the conversation. */
  readonly damaged: number;
  readonly #entries: Entry[];
  readonly #ids: Set<string>;
  readonly #file: number | null;
  /** Bytes of whole entries in the file. */
  #size: number;

  /**
   * Opens the record. On resuming, half a last line is cut off and calls without a result get one.
   * @throws NoConversation when the one to resume is not there; a system error when the folder cannot be used
   */
  static open(options: RecordOptions): ConversationRecord {
    const { dir, resume } = options;
    if (dir === null) return new ConversationRecord(null, [], 0, options);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, 'record.jsonl');
    const found = existsSync(path) ? readEntries(path) : null;
    if (resume !== null && found?.id === resume) {
      const file = openSync(path, 'a', 0o600);
      if (found.bytes < found.size) ftruncateSync(file, found.bytes);
      return new ConversationRecord(file, found.entries, found.damaged, options);
    }
    const kept = resume === null ? null : join(dir, `record-${resume}.jsonl`);
    if (resume !== null && (kept === null || !existsSync(kept))) throw new NoConversation(resume, dir);
    if (found !== null) renameSync(path, join(dir, `record-${found.id ?? clock.uuid()}.jsonl`));
    if (kept !== null) {
      renameSync(kept, path);
      return ConversationRecord.open(options);
    }
    return new ConversationRecord(openSync(path, 'a', 0o600), [], 0, options);
  }

  private constructor(file: number | null, entries: Entry[], damaged: number, options: RecordOptions) {
    this.#file = file;
    this.#size = file === null ? 0 : fstatSync(file).size;
    this.#entries = entries;
    this.#ids = new Set(entries.flatMap((entry) => (entry.type === 'user' ? [entry.id] : [])));
    this.damaged = damaged;
    this.resumed = entries.length > 0;
    const first = entries[0];
    this.id = first?.type === 'conversation' ? first.id : (options.conversationId ?? clock.uuid());
    if (!this.resumed) this.#append({ type: 'conversation', id: this.id, agent: options.agent });
    this.closeCalls();
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Is a message with this id in the conversation? */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Takes a message in; on the disk when it returns. */
  user(id: string, text: string): void {
    this.#append({ type: 'user', id, text });
    this.#ids.add(id);
    if (this.#file !== null) fsyncSync(this.#file);
  }

  assistant(content: Extract<Entry, { type: 'assistant' }>['content']): void {
    this.#append({ type: 'assistant', content });
  }

  result(body: Omit<Extract<Entry, { type: 'result' }>, 'v' | 'at' | 'type'>): void {
    this.#append({ type: 'result', ...body });
  }

  end(outcome: Extract<Entry, { type: 'end' }>['outcome']): void {
    this.#append({ type: 'end', outcome });
  }

  /** Gives every call that has no result one that says so. */
  closeCalls(): void {
    for (const call of openCalls(this.#entries))
      this.result({ callId: call.id, tool: null, text: INTERRUPTED, isError: true });
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }

  #append(body: Body): void {
    const entry = { v: 1, ...body, at: isoNow() } as Entry;
    if (this.#file !== null) this.#write(this.#file, Buffer.from(`${JSON.stringify(entry)}\n`, 'utf8'));
    this.#entries.push(entry);
  }

  /** The whole entry or nothing: what a full disk took of it is taken back. */
  #write(file: number, bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      this.#size += bytes.length;
    } catch (error) {
      ftruncateSync(file, this.#size);
      throw error;
    }
  }
}

interface Found {
  id: string | null;
  entries: Entry[];
  damaged: number;
  /** Up to the last whole line. */
  bytes: number;
  size: number;
}

function readEntries(path: string): Found {
  const data = readFileSync(path);
  const bytes = data.lastIndexOf(0x0a) + 1;
  const lines = data.subarray(0, bytes).toString('utf8').split('\n').slice(0, -1);
  const entries = lines.map(entryOf).filter((entry) => entry !== null);
  const first = entries[0];
  const id = first?.type === 'conversation' ? first.id : null;
  return { id, entries, damaged: lines.length - entries.length, bytes, size: data.length };
}

const KINDS: Readonly<Record<Entry['type'], true>> = {
  conversation: true,
  user: true,
  assistant: true,
  result: true,
  end: true,
};

/** The entry of a line; null when it is damaged. */
function entryOf(line: string): Entry | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null || !('type' in value) || !('v' in value)) return null;
  return value.v === 1 && typeof value.type === 'string' && Object.hasOwn(KINDS, value.type) ? (value as Entry) : null;
}
