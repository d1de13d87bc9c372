import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineItem, type LineLimits, lineSplitter } from '../../../src/drivers/lines.ts';

const SMALL: LineLimits = { line: 10, piece: 4, hard: 20 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function split(chunks: Uint8Array[], limits?: LineLimits): LineItem[] {
  const items: LineItem[] = [];
  const splitter = lineSplitter((item) => items.push(item), limits);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return items;
}

const line = (text: string, size = bytes(text).length, partial = false): LineItem => ({
  kind: 'line',
  text,
  bytes: size,
  partial,
});
const piece = (part: number, text: string): LineItem => ({ kind: 'piece', part, text, last: null });
const last = (part: number, text: string, size: number, cut = false, partial = false): LineItem => ({
  kind: 'piece',
  part,
  text,
  last: { bytes: size, cut, partial },
});

const cases: { id: string; given: string | Uint8Array; expected: LineItem[] }[] = [
  { id: 'nothing', given: '', expected: [] },
  { id: 'an empty line', given: '\n', expected: [line('')] },
  { id: 'two lines', given: 'a\nb\n', expected: [line('a'), line('b')] },
  { id: 'half a line at the end', given: 'a\nb', expected: [line('a'), line('b', 1, true)] },
  {
    id: 'carriage returns before newlines',
    given: 'a\r\n\r\nb\rc\n',
    expected: [line('a', 2), line('', 1), line('b\rc')],
  },
  { id: 'a carriage return that may be half of an end', given: 'a\r', expected: [line('a\r', 2, true)] },
  { id: 'NUL bytes', given: 'a\0b\n', expected: [line('a\0b')] },
  { id: 'a byte order mark', given: '\ufeffa\n', expected: [line('\ufeffa')] },
  {
    id: 'invalid UTF-8',
    given: Uint8Array.of(0x61, 0xff, 0xc3, 0x0a, 0xe2, 0x82, 0x0a),
    expected: [line('a\ufffd\ufffd', 3), line('\ufffd', 2)],
  },
  { id: 'a line of exactly the limit', given: '0123456789\n', expected: [line('0123456789')] },
  {
    id: 'one byte more',
    given: '0123456789a\nb\n',
    expected: [piece(0, '0123'), piece(1, '4567'), last(2, '89a', 11), line('b')],
  },
  {
    id: 'an over-long line with a carriage return',
    given: '0123456789ab\r\n',
    expected: [piece(0, '0123'), piece(1, '4567'), piece(2, '89ab'), last(3, '', 13)],
  },
  {
    id: 'an over-long line that never ends',
    given: '0123456789ab',
    expected: [piece(0, '0123'), piece(1, '4567'), last(2, '89ab', 12, false, true)],
  },
  {
    id: 'a line beyond the hard limit',
    given: `${'x'.repeat(50)}\ny\n`,
    expected: [...[0, 1, 2, 3].map((part) => piece(part, 'xxxx')), last(4, 'xxxx', 50, true), line('y')],
  },
  {
    id: 'a character across pieces',
    given: 'abc€defghijk\n',
    expected: [piece(0, 'abc'), piece(1, '€de'), piece(2, 'fghi'), last(3, 'jk', 14)],
  },
];

describe('the line splitter', () => {
  test.each(cases)('splits $id', ({ given, expected }) => {
    const all = typeof given === 'string' ? bytes(given) : given;
    expect(split([all], SMALL)).toEqual(expected);
  });

  test.each(cases)('gives the same for $id when the bytes come one by one', ({ given, expected }) => {
    const all = typeof given === 'string' ? bytes(given) : given;
    expect(
      split(
        [...all].map((byte) => Uint8Array.of(byte)),
        SMALL,
      ),
    ).toEqual(expected);
  });

  test('gives the same items at every split of any bytes', () => {
    const anything = fc.uint8Array({ maxLength: 80 });
    const textual = fc
      .array(fc.constantFrom('a', '\n', '\r', '\r\n', '\0', '€', '😀', '0123456789abc'), { maxLength: 25 })
      .map((parts) => bytes(parts.join('')));
    fc.assert(
      fc.property(fc.oneof(anything, textual), fc.array(fc.nat(80), { maxLength: 8 }), (all, cuts) => {
        const at = [...cuts.map((cut) => Math.min(cut, all.length)), 0, all.length].sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => all.subarray(at[index], end));
        expect(split(chunks, SMALL)).toEqual(split([all], SMALL));
      }),
      { numRuns: 2000 },
    );
  });

  test('loses no byte of valid text: the pieces of a line join to the line', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 8 }),
        fc.array(fc.string({ unit: 'grapheme', maxLength: 3 }), { maxLength: 8 }),
        (first, rest) => {
          const text = [first, ...rest].join('').replaceAll(/[\r\n]/g, ' ');
          const items = split([bytes(text)], { line: 10, piece: 4, hard: 1000 });
          expect(items.map((item) => item.text).join('')).toBe(text);
        },
      ),
    );
  });

  test('does not keep what the caller puts into the chunk afterwards', () => {
    const items: LineItem[] = [];
    const splitter = lineSplitter((item) => items.push(item));
    const chunk = bytes('abc');
    splitter.push(chunk);
    chunk.fill(0x78);
    splitter.push(bytes('d\n'));
    expect(items).toEqual([line('abcd')]);
  });

  test('passes a line of 60 MiB in pieces within the heap of a pane host', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tutti-lines-'));
    try {
      const outfile = join(folder, 'program.cjs');
      buildSync({
        stdin: {
          contents: `
            import { lineSplitter } from './src/drivers/lines.ts';
            const seen = { lines: 0, pieces: 0, characters: 0, longest: 0, last: null };
            const splitter = lineSplitter((item) => {
              if (item.kind === 'line') { seen.lines += 1; return; }
              seen.pieces += 1;
              seen.characters += item.text.length;
              seen.longest = Math.max(seen.longest, item.text.length);
              seen.last = item.last;
            });
            const chunk = Buffer.from('é'.repeat(32 * 1024));
            splitter.push(Buffer.from('before\\n'));
            for (let sent = 0; sent < 60 * 1024 * 1024; sent += chunk.length) splitter.push(chunk);
            splitter.push(Buffer.from('\\nafter\\n'));
            splitter.end();
            console.log(JSON.stringify(seen));
          `,
          resolveDir: process.cwd(),
          loader: 'ts',
        },
        outfile,
        bundle: true,
        platform: 'node',
        format: 'cjs',
        logLevel: 'error',
      });
      const flags = ['--max-semi-space-size=1', '--max-old-space-size=32'];
      const run = spawnSync(process.execPath, [...flags, outfile], { encoding: 'utf8' });
      expect(run.stderr).toBe('');
      const size = 60 * 1024 * 1024;
      expect(JSON.parse(run.stdout)).toEqual({
        lines: 2,
        pieces: size / (64 * 1024),
        characters: size / 2,
        longest: 32 * 1024,
        last: { bytes: size, cut: false, partial: false },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
