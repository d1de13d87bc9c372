import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootId, self, startOf } from '../../../../src/system/proc/index.ts';
import { clearTally, noteEnd, noteStart, readTally } from '../../../../src/system/service/tally.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-tally-'));
  file = join(folder, 'tally.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A run on disk that ended without a word. */
const dead = (crashes: number, more: object = {}): void =>
  writeFileSync(
    file,
    JSON.stringify({
      v: 1,
      crashes,
      lastCrashAt: 5,
      running: { pid: 4_000_000, start: '1', boot: bootId(), at: Date.now() - 1_000, ...more },
    }),
  );

describe('the tally on disk', () => {
  it('counts a run before that has no end, and this process once', () => {
    dead(2);
    expect(noteStart(file, 600_000).crashes).toBe(3);
    expect(noteStart(file, 600_000).crashes).toBe(3);
    expect(readTally(file)).toMatchObject({ crashes: 3, running: { ...self(), boot: bootId() } });
    noteEnd(file);
    expect(readTally(file)).toMatchObject({ crashes: 0, running: null });
    expect(readdirSync(folder)).toEqual(['tally.json']);
  });

  it('does not count one that lives and waits for its turn', () => {
    dead(1, { pid: process.ppid, start: startOf(process.ppid) });
    expect(noteStart(file, 600_000).crashes).toBe(1);
  });

  it('leaves the start of another alone at its own end', () => {
    dead(1);
    const before = readFileSync(file, 'utf8');
    noteEnd(file);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('is cleared by a person, who waits for nothing', () => {
    dead(7);
    clearTally(file);
    expect(readTally(file)).toMatchObject({ crashes: 0, running: { pid: 4_000_000 } });
  });

  it.each([
    ['an empty file', ''],
    ['half a file', '{"v":1,"cra'],
    ['a list', '[]'],
    ['a negative count', '{"v":1,"crashes":-3}'],
    ['a count that is none', '{"v":1,"crashes":1e400}'],
  ])('begins anew with %s', (_id, text) => {
    writeFileSync(file, text);
    expect(readTally(file)).toMatchObject({ crashes: 0, running: null });
    expect(noteStart(file, 1).crashes).toBe(0);
  });

  it('drops a time that no clock can show', () => {
    writeFileSync(
      file,
      '{"v":1,"crashes":1,"lastCrashAt":1e300,"running":{"pid":1,"start":"1","boot":"b","at":1e300}}',
    );
    expect(readTally(file)).toEqual({ v: 1, crashes: 1, lastCrashAt: null, running: null });
  });
});
