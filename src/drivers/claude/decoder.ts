/**
 * The claude decoder: one line in, its events out. It sees stdout, and what we wrote to stdin (of which only one thing matters:
 * whether we refused a repeated prompt, since the empty turn around that is none).
 */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';
import { refusesPrompt } from './answers.ts';
import { parseObject, text } from './fields.ts';
import { isKind, KINDS, kindOf } from './kinds.ts';
import { Memory } from './memory.ts';

export function decoder(): Decoder {
  return new ClaudeDecoder();
}

class ClaudeDecoder implements Decoder {
  readonly #memory = new Memory();
  #atRest = true;

  /**
   * Only before the first line that counts: the totals of `result` are cumulative, so every later increment needs all earlier
   * ones of the process. (After a supervisor restart one incarnation's records are decoded again, at most.)
   */
  get atRest(): boolean {
    return this.#atRest;
  }

  push(line: Line): Decoded {
    const kind = line.dir === 'err' ? 'stderr' : line.text.trim() === '' ? 'blank' : null;
    if (kind !== null) return isKind(kind) ? { events: [], fate: 'empty', kind } : raw(line.text, kind);
    const parsed = parseObject(line.text);
    if (parsed === null) return raw(line.text, 'not JSON');
    return line.dir === 'in' ? this.#written(parsed, line.text) : this.#read(parsed, line.text);
  }

  end(): DriverEventBody[] {
    const usage = this.#memory.usage.cutShort();
    return [...this.#memory.flushAsThinking(), ...(usage === null ? [] : [usage])];
  }

  #read(parsed: JsonObject, line: string): Decoded {
    const kind = kindOf(parsed);
    if (!isKind(kind)) return raw(line, kind);
    const handler = KINDS[kind];
    if ('empty' in handler) return { events: [], fate: 'empty', kind };
    this.#atRest = false;
    const events = handler(parsed, this.#memory);
    return events === null ? raw(line, kind) : { events, fate: 'decoded', kind };
  }

  #written(parsed: JsonObject, line: string): Decoded {
    const kind = `in/${text(parsed.type) ?? 'no type'}`;
    if (!isKind(kind)) return raw(line, kind);
    if (refusesPrompt(parsed)) {
      this.#atRest = false;
      this.#memory.refusedPrompt = true;
    }
    return { events: [], fate: 'empty', kind };
  }
}

const raw = (line: string, kind: string): Decoded => ({ events: [{ type: 'raw', line }], fate: 'raw', kind });
