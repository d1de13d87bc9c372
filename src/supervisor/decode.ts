/**
 * Journal records of one agent → records with their events. Owns the driver's decoder of the running incarnation, and knows
 * where in the journal that decoder last held nothing (`rest`): from there it can be rebuilt after a restart of the supervisor.
 */
import type { CursorEnd, DriverEventBody, JournalRef } from '../core/event.ts';
import type { JournalRecord } from '../core/host-wire.ts';
import type { IngestedRecord } from '../core/step.ts';
import type { Decoder, Driver } from '../drivers/driver.ts';
import { FIELD_LIMIT } from './seal.ts';

export type DriverLookup = (cli: string) => Driver | null;
export type Position = JournalRef & CursorEnd;

export interface RecordDecoder {
  /** `end` is the offset behind the record. */
  push(record: JournalRecord, epoch: number, end: number): IngestedRecord;
  /** The process is gone without an exit record (its host died): what the decoder still held. */
  flush(): DriverEventBody[];
}

interface Options {
  lookup: DriverLookup;
  /** CLI of the incarnation that runs at `start`, for records before the next `spawn`. */
  cli: string;
  /** Whether anything was already read from that incarnation's stdout. */
  heard: boolean;
  /** Where the decoder stands at rest now. */
  rest: CursorEnd['rest'];
}

export function createRecordDecoder(options: Options): RecordDecoder {
  let driver = options.lookup(options.cli);
  let decoder: Decoder | null = null;
  let { heard, rest } = options;
  /** First bytes of a line that comes in pieces; null between such lines. */
  let pieces: string | null = null;
  /** Events that belong to a process whose end nobody recorded; they ride on the next record. */
  let orphaned: DriverEventBody[] = [];

  const line = (dir: 'out' | 'in' | 'err', text: string): DriverEventBody[] => {
    if (!driver) return dir === 'out' ? [{ type: 'raw', line: text }] : [];
    decoder ??= driver.decoder();
    return decoder.push({ dir, text }).events;
  };

  const finish = (): DriverEventBody[] => {
    const held = decoder?.end() ?? [];
    decoder = null;
    pieces = null;
    return held;
  };

  const piece = (record: JournalRecord & { kind: 'piece' }, epoch: number): DriverEventBody[] => {
    pieces = (pieces ?? '') + (pieces === null ? record.text.slice(0, FIELD_LIMIT) : '');
    if (!record.last) return [];
    const raw = { type: 'raw', line: pieces, bytes: record.last.bytes, ref: { epoch, n: record.n } } as const;
    pieces = null;
    return [raw];
  };

  const eventsOf = (record: JournalRecord, epoch: number): DriverEventBody[] => {
    switch (record.kind) {
      case 'out':
        heard = true;
        return line('out', record.line);
      case 'in':
      case 'err':
        return line(record.kind, record.line);
      case 'piece':
        heard = true;
        return piece(record, epoch);
      case 'open':
        return finish();
      case 'spawn': {
        const held = finish();
        driver = options.lookup(record.cli);
        decoder = driver?.decoder() ?? null;
        heard = false;
        return held;
      }
      case 'exit':
        return finish();
      case 'ready':
      case 'intent':
      case 'done':
      case 'typed':
      case 'verdict':
      case 'request':
      case 'answered':
      case 'budget':
      case 'tree':
      case 'note':
        return [];
    }
  };

  return {
    push(record, epoch, end) {
      const silent = !heard;
      const events = [...orphaned, ...eventsOf(record, epoch)];
      orphaned = [];
      if (pieces === null && (decoder === null || decoder.atRest)) rest = { epoch, n: record.n, offset: end };
      const ingested: IngestedRecord = { record, events, end: { offset: end, rest } };
      if (record.kind !== 'exit' || !driver) return ingested;
      const { code, signal, asked, stderr } = record;
      return { ...ingested, exit: driver.classifyExit({ code, signal, asked, stderr, silent }) };
    },
    flush() {
      orphaned = [...orphaned, ...finish()];
      return orphaned;
    },
  };
}
