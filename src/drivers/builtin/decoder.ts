/** The decoder of the built-in agents' lines: those of the first specification, and ours. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';
import { parseObject, text } from './fields.ts';
import { isKind, KINDS, kindOf, type Memory } from './kinds.ts';

export function decoder(): Decoder {
  return new BuiltinDecoder();
}

class BuiltinDecoder implements Decoder {
  readonly #memory: Memory = { calls: 0 };

  /** Each of our lines stands for itself; only calls without an id are counted. */
  get atRest(): boolean {
    return this.#memory.calls === 0;
  }

  push(line: Line): Decoded {
    if (line.dir === 'err') return { events: [], fate: 'empty', kind: 'stderr' };
    if (line.text.trim() === '') return { events: [], fate: 'empty', kind: 'blank' };
    const parsed = parseObject(line.text);
    if (parsed === null) return raw(line.text, 'not JSON');
    return this.#read(parsed, line.text, line.dir === 'in' ? `in/${text(parsed.type) ?? 'no type'}` : kindOf(parsed));
  }

  end(): DriverEventBody[] {
    return [];
  }

  #read(parsed: JsonObject, line: string, kind: string): Decoded {
    if (!isKind(kind)) return raw(line, kind);
    const row = KINDS[kind];
    if (typeof row !== 'function') return { events: [], fate: 'empty', kind };
    const events = row(parsed, this.#memory);
    return events === null ? raw(line, kind) : { events, fate: 'decoded', kind };
  }
}

const raw = (line: string, kind: string): Decoded => ({ events: [{ type: 'raw', line }], fate: 'raw', kind });
