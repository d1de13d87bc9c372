import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalReader, readJournal, readTail } from '../../../src/system/journal/reader.ts';
import { type JournalWriter, openJournal } from '../../../src/system/journal/writer.ts';
import { bundleFixture } from '../../support/bundle.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';
import { smallDisk } from '../../support/small-disk.ts';

let home: TempHome;
let path: string;
const failures: string[] = [];
beforeEach(() => {
  home = tempHome();
  mkdirSync(home.paths.hostDir('a'));
  path = home.paths.journal('a', 1);
  failures.length = 0;
});
afterEach(() => home.remove());

function open(at = path, epoch = 1): JournalWriter {
  const opened = openJournal(at, epoch, (failure) => failures.push(failure.message));
  if (!opened.ok) throw new Error(opened.message);
  return opened.writer;
}
const note = (text: string) => ({ kind: 'note', level: 'info', text }) as const;

describe('the writer of a host journal', () => {
  it('numbers records from 1, says where each ends, and the file is 0600', async () => {
    const writer = open();
    const first = writer.append(note('one'));
    const more = writer.appendAll([note('two'), note('three')]);
    await writer.close();
    expect(first).toMatchObject({ ok: true, n: 1 });
    expect(more).toMatchObject({ ok: true, n: 3, offset: statSync(path).size });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { records, next, size } = await readJournal(path, 0, 1e6);
    expect(records.map(({ record }) => record.n)).toEqual([1, 2, 3]);
    expect(records[0]?.end).toBe(first.ok ? first.offset : -1);
    expect(next).toBe(size);
  });

  it('refuses an epoch that is taken', () => {
    open();
    expect(openJournal(path, 1, () => undefined)).toMatchObject({ ok: false, reason: 'epoch_taken' });
  });

  it('after close it refuses, and closing twice is fine', async () => {
    const writer = open();
    await writer.close();
    await writer.close();
    expect(writer.append(note('late'))).toMatchObject({ ok: false, reason: 'closed' });
  });

  it('syncs on demand, again for what came during a sync, and by itself while dirty', async () => {
    const writer = open();
    writer.append(note('one'));
    const first = writer.sync();
    writer.append(note('two'));
    expect(await Promise.all([first, writer.sync(), writer.sync()])).toEqual([
      { ok: true },
      { ok: true },
      { ok: true },
    ]);
    await writer.close();
    expect(failures).toEqual([]);
  });

  it.skipIf(!smallDisk.available)(
    'on a full disk it writes all of a record or nothing, and goes on when there is room',
    async () => {
      const disk = smallDisk.mount(join(home.home, 'small'), '2m');
      try {
        const filler = join(disk.path, 'filler');
        writeFileSync(filler, Buffer.alloc(1_000_000));
        const writer = open(join(disk.path, '1.jsonl'));
        expect(writer.append(note('before'))).toMatchObject({ ok: true, n: 1 });
        const big = 'x'.repeat(1_500_000);
        expect(writer.append(note(big))).toMatchObject({ ok: false, reason: 'disk_full' });
        expect(statSync(writer.path).size).toBe(writer.offset);
        truncateSync(filler, 0);
        expect(writer.append(note(big))).toMatchObject({ ok: true, n: 2 });
        await writer.close();
        const { records, corrupt } = await readJournal(writer.path, 0, 1e6);
        expect(corrupt).toEqual([]);
        expect(records).toHaveLength(1);
        expect((await readJournal(writer.path, records[0]?.end ?? 0, 1)).records[0]?.record).toMatchObject({
          n: 2,
          text: big,
        });
      } finally {
        disk.unmount();
      }
    },
  );

  it('killed at any moment, the file holds whole records in order, or one torn last line', async () => {
    const program = bundleFixture('journal-writer', home.home);
    for (let round = 0; round < 20; round++) {
      const file = home.paths.journal('a', 100 + round);
      const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = new Promise((done) => child.once('exit', done));
      await new Promise((done) => child.stdout.once('data', done));
      child.kill('SIGKILL');
      await exited;
      let offset = 0;
      let n = 0;
      for (;;) {
        const { records, corrupt, next } = await readJournal(file, offset, 1 << 20);
        expect(corrupt).toEqual([]);
        if (next === offset) break;
        for (const { record } of records) expect(record.n).toBe(++n);
        offset = next;
      }
      expect(n).toBeGreaterThan(0);
    }
  });
});

describe('the reader of host journals', () => {
  const line = (n: number, text = '') =>
    `${JSON.stringify({ v: 1, n, at: '2025-01-01T00:00:00.000Z', ...note(text) })}\n`;
  const reader = () => journalReader(home.paths.hosts);

  it('never goes past a torn last line, and reads it once it is whole', async () => {
    writeFileSync(path, line(1) + line(2).slice(0, -5));
    const first = await reader().read('a', 1, 0, 1e6);
    expect(first.records.map(({ record }) => record.n)).toEqual([1]);
    expect(first.next).toBe(line(1).length);
    expect(first.size).toBeGreaterThan(first.next);
    appendFileSync(path, line(2).slice(-5));
    expect((await reader().read('a', 1, first.next, 1e6)).records.map(({ record }) => record.n)).toEqual([2]);
  });

  it('reports corrupt lines with their place and reads on behind them, also when nothing follows', async () => {
    const rubbish = ['\0\0\0\0\n', '{"v":1,"n":0,"at":"x","kind":"note"}\n', 'null\n', '{"n":3}\n'];
    writeFileSync(path, line(1) + rubbish.join('') + line(2) + 'bad\n');
    const read = await reader().read('a', 1, 0, 1e6);
    expect(read.records.map(({ record }) => record.n)).toEqual([1, 2]);
    expect(read.corrupt.map(({ text }) => `${text}\n`)).toEqual([...rubbish, 'bad\n']);
    expect(read.corrupt[0]?.offset).toBe(line(1).length);
    expect(read.next).toBe(read.size);
    expect(read.corrupt.at(-1)?.end).toBe(read.size);
  });

  it('reads in steps of about the limit, whatever the limit', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => line(i + 1, 'é'.repeat(i * 7)));
    writeFileSync(path, lines.join(''));
    for (const limit of [1, 100, 1_000, 1e6]) {
      const seen: number[] = [];
      for (let offset = 0; ; ) {
        const { records, next } = await reader().read('a', 1, offset, limit);
        if (next === offset) break;
        for (const { record, end } of records) {
          seen.push(record.n);
          expect(end).toBeLessThanOrEqual(next);
        }
        offset = next;
      }
      expect(seen).toEqual(lines.map((_, i) => i + 1));
    }
  });

  it('a journal that lost its end is shorter than the offset, and a missing one has size 0', async () => {
    writeFileSync(path, line(1));
    expect(await reader().read('a', 1, 500, 100)).toMatchObject({ records: [], size: line(1).length, next: 500 });
    expect(await reader().read('a', 9, 0, 100)).toEqual({ records: [], corrupt: [], size: 0, next: 0 });
  });

  it('keeps fields and kinds that it does not know', async () => {
    writeFileSync(path, '{"v":2,"n":1,"at":"x","kind":"future","extra":[1]}\n');
    expect((await reader().read('a', 1, 0, 100)).records[0]?.record).toMatchObject({
      v: 2,
      kind: 'future',
      extra: [1],
    });
  });

  it('lists the epochs in order of number, and none for an agent without journals', async () => {
    for (const epoch of [10, 9, 2]) writeFileSync(home.paths.journal('a', epoch), '');
    writeFileSync(join(home.paths.hostDir('a'), 'note.txt'), '');
    expect(await reader().epochs('a')).toEqual([2, 9, 10]);
    expect(await reader().epochs('nobody')).toEqual([]);
  });

  it('the tail for the pane is the last whole records', () => {
    writeFileSync(path, [1, 2, 3, 4].map((n) => line(n, 'x'.repeat(100))).join('') + '{"torn');
    expect(readTail(path, 1e6).map(({ n }) => n)).toEqual([1, 2, 3, 4]);
    expect(readTail(path, 400).map(({ n }) => n)).toEqual([3, 4]);
    expect(readTail(`${path}x`, 400)).toEqual([]);
    expect(readFileSync(path, 'utf8').endsWith('{"torn')).toBe(true);
  });
});
