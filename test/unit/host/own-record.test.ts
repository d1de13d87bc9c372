import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OwnRecord } from '../../../src/drivers/driver.ts';
import { mendOwnRecord } from '../../../src/host/own-record.ts';

let root: string;
let seen: [string[], boolean][];
const record = (append: string): OwnRecord => ({
  below: join(root, 'projects'),
  name: 'talk.jsonl',
  mend: (lines, whole) => {
    seen.push([[...lines], whole]);
    return append;
  },
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tutti-own-record-'));
  seen = [];
});
afterEach(() => rmSync(root, { recursive: true }));

function file(folder: string, text: string): string {
  mkdirSync(join(root, 'projects', folder), { recursive: true });
  const path = join(root, 'projects', folder, 'talk.jsonl');
  writeFileSync(path, text);
  return path;
}

describe("a CLI's own record", () => {
  test('is looked for in every folder, read whole, and appended to where something has to be', () => {
    const one = file('one', 'a\nb\n');
    const two = file('two', 'c\nhalf');
    mkdirSync(join(root, 'projects', 'empty'));
    expect(mendOwnRecord(record('more\n'))).toEqual(
      [one, two].map((path) => ({ level: 'info', text: `mended before the resume: ${path}` })),
    );
    expect(seen).toEqual([
      [['a', 'b'], true],
      [['c', 'half'], false],
    ]);
    expect([one, two].map((path) => readFileSync(path, 'utf8'))).toEqual(['a\nb\nmore\n', 'c\nhalfmore\n']);
  });

  test('is left as it is where nothing has to be appended', () => {
    const path = file('one', 'a\n');
    expect(mendOwnRecord(record(''))).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe('a\n');
  });

  test('need not be there', () => {
    expect(mendOwnRecord(record('more\n'))).toEqual([]);
    expect(seen).toEqual([]);
  });

  test('that cannot be mended is told of, and stops nothing', () => {
    writeFileSync(join(root, 'projects'), 'no folder');
    expect(mendOwnRecord(record('more\n'))).toEqual([
      { level: 'warn', text: expect.stringContaining('ENOTDIR') as string },
    ]);
  });
});
