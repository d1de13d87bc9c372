import { describe, expect, test } from 'vitest';
import { geminiStream } from '../../../src/drivers/gemini/index.ts';
import { createNormalizer, LONG_LINE_SHOWN } from '../../../src/drivers/normalize.ts';
import { bytesOf, namesOf, normalized } from './normalize-streams.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const line = (fields: object): string => `${JSON.stringify(fields)}\n`;
const PROMPT = line({ type: 'message', role: 'user', content: 'x' });
const RESULT = line({
  type: 'result',
  status: 'success',
  stats: { total_tokens: 3, input: 2, output_tokens: 1, duration_ms: 5 },
});

describe('normalizing', () => {
  test('numbers events, lines and turns', () => {
    const { events } = normalized(geminiStream, [bytes(PROMPT + RESULT + PROMPT)]);
    expect(
      events.map((event) => [event.seq, event.n, event.type, event.type === 'turn' ? event.number : null]),
    ).toEqual([
      [1, 1, 'turn', 1],
      [2, 1, 'message', null],
      [3, 2, 'usage', null],
      [4, 2, 'turn', 1],
      [5, 3, 'turn', 2],
      [6, 3, 'message', null],
    ]);
  });

  test('gives the events of a line as soon as it is complete', () => {
    const normalizer = createNormalizer(geminiStream);
    expect(normalizer.push(bytes(PROMPT.slice(0, -1)))).toEqual([]);
    expect(normalizer.push(bytes('\n')).map(({ type }) => type)).toEqual(['turn', 'message']);
    expect(normalizer.end()).toEqual([]);
  });

  test('accounts for every line', () => {
    const stderr = 'garbage\n\n{"type":"new"}\n{"type":"init"}\nhalf';
    const { stats } = normalized(geminiStream, [bytes(PROMPT + stderr)]);
    expect(stats).toMatchObject({
      lines: 6,
      decoded: 1,
      empty: 1,
      raw: 4,
      long: 0,
      partial: true,
      bytes: PROMPT.length + stderr.length,
      kinds: { decoded: { message: 1 }, empty: { blank: 1 }, raw: { 'not JSON': 2, new: 1, init: 1 } },
      events: { turn: 1, message: 1, raw: 4 },
    });
  });

  test('counts kinds with odd names like any other', () => {
    const { stats } = normalized(geminiStream, [
      bytes('{"type":"__proto__"}\n{"type":"__proto__"}\n{"type":"constructor"}\n'),
    ]);
    expect(Object.entries(stats.kinds.raw)).toEqual([
      ['__proto__', 2],
      ['constructor', 1],
    ]);
  });

  test('makes one raw event with its size of a line over the limit, and goes on', () => {
    const limits = { line: 1000, piece: 100, hard: 100_000 };
    const long = 'y'.repeat(20_000);
    const normalizer = createNormalizer(geminiStream, limits);
    const events = [...normalizer.push(bytes(`${long}\n${PROMPT}`)), ...normalizer.end()];
    expect(events[0]).toEqual({
      seq: 1,
      at: null,
      n: 1,
      type: 'raw',
      line: 'y'.repeat(LONG_LINE_SHOWN),
      bytes: 20_000,
    });
    expect(events.slice(1).map(({ type }) => type)).toEqual(['turn', 'message']);
    expect(normalizer.stats()).toMatchObject({ lines: 2, raw: 1, long: 1, kinds: { raw: { 'too long': 1 } } });
  });

  test('gives stats that do not change behind the back of who asked', () => {
    const normalizer = createNormalizer(geminiStream);
    const before = normalizer.stats();
    normalizer.push(bytes(PROMPT));
    expect(before.lines).toBe(0);
    expect(normalizer.stats().lines).toBe(1);
  });

  const garbage = ['not json', '{"half":', '[1,2]', 'null', '\u0000\u0001', '{"type":42}', '\ufffd'];
  test.each(namesOf('gemini').filter((name) => name !== 'acp' && name !== 'json'))(
    'garbage between the lines of %s is raw and changes nothing else',
    (name) => {
      const text = new TextDecoder().decode(bytesOf('gemini', name));
      const lines = text.split('\n').slice(0, -1);
      const mixed = lines
        .flatMap((one, index) => [garbage[index % garbage.length] ?? '', one])
        .map((one) => `${one}\n`);
      const clean = normalized(geminiStream, [bytes(text)]);
      const dirty = normalized(geminiStream, [bytes(mixed.join(''))]);
      const kept = dirty.events.filter((event) => event.type !== 'raw').map(({ seq, n, ...event }) => event);
      expect(kept).toEqual(clean.events.map(({ seq, n, ...event }) => event));
      expect(dirty.stats).toMatchObject({ raw: lines.length, decoded: clean.stats.decoded, lines: lines.length * 2 });
    },
  );
});
