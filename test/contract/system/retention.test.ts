import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropOldJournals, howManyGo } from '../../../src/system/journal/retention.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';

let home: TempHome;
beforeEach(() => {
  home = tempHome();
});
afterEach(() => home.remove());

const NOW = 1_000_000;

describe('retention', () => {
  const file = (size: number, age: number) => ({ size, writtenAt: NOW - age });
  it.each([
    { id: 'within both limits nothing goes', files: [file(10, 1), file(10, 1), file(10, 1)], go: 0 },
    { id: 'too large: the oldest, until it fits', files: [file(60, 9), file(30, 8), file(50, 7), file(20, 1)], go: 1 },
    { id: 'too old: these go', files: [file(1, 500), file(1, 400), file(1, 10), file(1, 1)], go: 2 },
    { id: 'never the newest two', files: [file(500, 900), file(500, 800)], go: 0 },
    { id: 'none', files: [], go: 0 },
  ])('$id', ({ files, go }) => {
    expect(howManyGo(files, { maxBytes: 100, maxAgeMs: 100, keep: 2 }, NOW)).toBe(go);
  });

  it('drops host journals that are old, never one that is still needed or that is no journal', () => {
    const folder = home.paths.hostDir('a');
    mkdirSync(folder);
    writeFileSync(join(folder, 'history.md'), 'x');
    for (const epoch of [2, 9, 10, 11, 12]) {
      const path = home.paths.journal('a', epoch);
      writeFileSync(path, 'x'.repeat(100));
      utimesSync(path, 1, 1);
    }
    const retention = { maxBytes: 1e9, maxAgeMs: 1_000, keep: 2 };
    expect(dropOldJournals(folder, 10, retention, Date.now())).toEqual([2, 9]);
    expect(dropOldJournals(folder, 99, retention, Date.now())).toEqual([10]);
    expect(readdirSync(folder).sort()).toEqual(['11.jsonl', '12.jsonl', 'history.md']);
  });
});
