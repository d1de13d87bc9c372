import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyState } from '../../../src/core/empty-state.ts';
import type { TuttiEvent } from '../../../src/core/event.ts';
import { type EventLogOptions, openEventLog } from '../../../src/system/journal/event-log.ts';
import { encodeEvent, encodeHeader, segmentName } from '../../../src/system/journal/segment-format.ts';
import { sampleEvent, sampleEvents, sampleState } from '../../support/sample-state.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';
import { eventLogSuite } from '../suites/event-log.ts';

let home: TempHome;
let folder: string;
const problems: string[] = [];
beforeEach(() => {
  home = tempHome();
  folder = home.paths.events;
  problems.length = 0;
});
afterEach(() => home.remove());

const open = (change: Partial<EventLogOptions> = {}) =>
  openEventLog({ folder, onProblem: (message) => problems.push(message), ...change });
const seqs = (events: { seq: number }[]) => events.map(({ seq }) => seq);
const segments = () => readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
const quarantined = () => readdirSync(join(folder, 'quarantine'));

/** Writes a segment by hand. */
function segment(first: number, lines: string[]): string {
  const path = join(folder, segmentName(first));
  writeFileSync(path, lines.join(''));
  return path;
}
const header = (seq: number) => encodeHeader(sampleState(seq));
const lines = (first: number, last: number) => sampleEvents(first, last).map(encodeEvent);

describe('the event log in segments', () => {
  eventLogSuite(() => ({ open: () => open() }));

  it('rolls when a segment is full, and reads across segments', async () => {
    const { log } = await open({ segmentLimit: 2_000 });
    await log.roll(sampleState(0));
    for (let seq = 1; seq <= 100; seq++) {
      await log.append([sampleEvent(seq)], false);
      await log.roll(sampleState(seq));
    }
    expect(segments().length).toBeGreaterThan(5);
    expect(seqs(await log.read(0, { limit: 1_000 }))).toEqual(seqs(sampleEvents(1, 100)));
    expect(seqs(await log.read(37, { limit: 4 }))).toEqual([38, 39, 40, 41]);
    await log.close();
    const again = await open();
    expect(again.recovery.tail.length).toBeLessThan(20);
    expect((again.recovery.snapshot?.seq ?? 0) + again.recovery.tail.length).toBe(100);
    await again.log.close();
  });

  it('finds any event in a large segment with lines of all lengths', async () => {
    const { log } = await open();
    await log.roll(sampleState(0));
    const events = sampleEvents(1, 400).map((event) => ({ ...event, content: 'x'.repeat((event.seq * 7919) % 5_000) }));
    const long = { ...sampleEvent(401), content: 'y'.repeat(600_000) } as TuttiEvent;
    await log.append([...(events as TuttiEvent[]), long, ...sampleEvents(402, 420)], false);
    for (let since = 0; since < 420; since += 13) {
      expect(seqs(await log.read(since, { limit: 2 }))).toEqual([since + 1, since + 2].filter((seq) => seq <= 420));
    }
    await log.close();
  });

  it('retention drops whole segments by size and by age, never the newest two', async () => {
    const retention = { maxBytes: 3_000, maxAgeMs: 1e12, keep: 2 };
    const { log } = await open({ segmentLimit: 1_000, retention });
    await log.roll(sampleState(0));
    for (let seq = 1; seq <= 60; seq++) {
      await log.append([sampleEvent(seq)], false);
      await log.roll(sampleState(seq));
    }
    const kept = segments();
    expect(kept.length).toBeLessThan(5);
    const events = await log.read(0, { limit: 1_000 });
    expect(events.at(-1)?.seq).toBe(60);
    expect(seqs(events)).toEqual(seqs(sampleEvents(events[0]?.seq ?? 0, 60)));
    await log.close();

    for (const name of kept) utimesSync(join(folder, name), 1, 1);
    const old = await open({ segmentLimit: 1, retention: { maxBytes: 1e12, maxAgeMs: 60_000, keep: 2 } });
    await old.log.append([sampleEvent(61)], false);
    await old.log.roll(sampleState(61));
    expect(segments()).toHaveLength(2);
    await old.log.close();
  });

  it('a hundred waiters are all told, and everything is there', async () => {
    const { log } = await open();
    await log.roll(sampleState(0));
    const waits = Array.from({ length: 100 }, (_, i) => log.append([sampleEvent(i + 1)], i % 3 === 0));
    await Promise.all(waits);
    await log.close();
    expect((await open()).recovery.tail).toHaveLength(100);
  });
});

describe('a damaged event log', () => {
  it('cut at any byte it keeps every whole batch before, cuts the rest off, and goes on', async () => {
    const ref = { epoch: 1, n: 7 };
    const end = { offset: 10, rest: { epoch: 1, n: 7, offset: 10 } };
    const events = [
      sampleEvent(1),
      sampleEvent(2),
      sampleEvent(3, { src: ref }),
      sampleEvent(4, { src: ref }),
      sampleEvent(5, { src: { ...ref, end } }),
      sampleEvent(6),
    ];
    const text = header(0) + events.map(encodeEvent).join('');
    const whole = [0, 1, 2, 5, 6];
    const ends = whole.map((count) => (header(0) + events.slice(0, count).map(encodeEvent).join('')).length);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: header(0).length, max: text.length }), async (size) => {
        const path = segment(1, [text]);
        truncateSync(path, size);
        const { log, recovery } = await open();
        const count = whole[ends.filter((offset) => offset <= size).length - 1] ?? 0;
        expect(seqs(recovery.tail)).toEqual(seqs(events.slice(0, count)));
        expect(recovery.cut).toBe(false);
        expect(recovery.damage.length).toBe(ends.includes(size) ? 0 : 1);
        await log.append([sampleEvent(count + 1)], true);
        await log.close();
        const again = await open();
        expect(seqs(again.recovery.tail)).toEqual(seqs(sampleEvents(1, count + 1)));
        expect(again.recovery.damage).toEqual([]);
        await again.log.close();
      }),
      { numRuns: 60 },
    );
  });

  const damages: { id: string; damage: (all: string[]) => string[]; lost: number[] }[] = [
    { id: 'a line of rubbish for one of the middle', damage: (all) => all.with(3, '\0\0\0rubbish\n'), lost: [3] },
    { id: 'a newline that was lost', damage: (all) => all.with(3, (all[3] ?? '').trimEnd()), lost: [3, 4] },
    { id: 'an inserted line', damage: (all) => all.toSpliced(3, 0, '{"half":\n'), lost: [] },
    { id: 'a line that stands twice', damage: (all) => all.toSpliced(3, 0, all[2] ?? ''), lost: [] },
    {
      id: 'a seq that grew by a damaged digit',
      damage: (all) => all.with(3, (all[3] ?? '').replace('"seq":3', '"seq":93')),
      lost: [3],
    },
    { id: 'a line that is gone', damage: (all) => all.toSpliced(4, 1), lost: [4] },
    { id: 'the first event', damage: (all) => all.with(1, 'x\n'), lost: [1] },
  ];
  it.each(damages)('$id: put into quarantine and said, and every other event is kept', async ({ damage, lost }) => {
    segment(1, damage([header(0), ...lines(1, 8)]));
    const { log, recovery } = await open();
    expect(seqs(recovery.tail)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const event of recovery.tail) {
      if (lost.includes(event.seq))
        expect(event).toMatchObject({ type: 'error', message: expect.stringContaining('damaged') });
      else expect(event).toEqual(sampleEvent(event.seq));
    }
    expect(recovery).toMatchObject({ snapshot: sampleState(0), cut: true });
    expect(recovery.damage.length).toBeGreaterThan(0);
    await log.close();
    const again = await open();
    expect(again.recovery).toMatchObject({ damage: [], cut: false, tail: recovery.tail });
    await again.log.close();
  });

  it('an unreadable end is cut off and kept aside: what stood there may have been published', async () => {
    segment(1, [header(0), ...lines(1, 3), '\0\0\0\0\n', `${encodeEvent(sampleEvent(5)).slice(0, -9)}`]);
    const { log, recovery } = await open();
    expect(seqs(recovery.tail)).toEqual([1, 2, 3]);
    expect(recovery.cut).toBe(true);
    expect(quarantined()).toHaveLength(1);
    await log.append([sampleEvent(4)], true);
    await log.close();
  });

  it('a last event whose number leaves a hole is no event of ours', async () => {
    segment(1, [header(0), ...lines(1, 3), encodeEvent(sampleEvent(900_000))]);
    const { log, recovery } = await open();
    expect(seqs(recovery.tail)).toEqual([1, 2, 3]);
    await log.close();
  });

  it('a damaged snapshot: the one before it serves, with all events since', async () => {
    segment(1, [header(0), ...lines(1, 3)]);
    segment(4, ['rubbish\n', ...lines(4, 6)]);
    const { log, recovery } = await open();
    expect(recovery.snapshot).toEqual(sampleState(0));
    expect(seqs(recovery.tail)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(recovery.cut).toBe(true);
    // The first roll after a cut happens whatever the size: the new id of the log has to be on the disk.
    await log.roll(sampleState(6, 'new-id'));
    await log.close();
    const again = await open();
    expect(again.recovery).toEqual({ snapshot: sampleState(6, 'new-id'), tail: [], damage: [], cut: false });
    await again.log.close();
  });

  it('no snapshot is left at all: every event is still given', async () => {
    segment(1, ['rubbish\n', ...lines(1, 3)]);
    const { log, recovery } = await open();
    expect(recovery.snapshot).toBeNull();
    expect(seqs(recovery.tail)).toEqual([1, 2, 3]);
    await log.close();
  });

  it('left open by another boot it may have lost its end without a trace, and says so', async () => {
    const first = await open({ boot: 'boot-1' });
    await first.log.roll(sampleState(0));
    await first.log.append(sampleEvents(1, 2), true);
    await first.log.append(sampleEvents(3, 9), false);
    // What a power cut leaves of what was not synced.
    truncateSync(join(folder, segmentName(1)), (header(0) + lines(1, 4).join('')).length + 11);
    const second = await open({ boot: 'boot-2' });
    expect(seqs(second.recovery.tail)).toEqual([1, 2, 3, 4]);
    expect(second.recovery.cut).toBe(true);
    await second.log.close();
    const third = await open({ boot: 'boot-3' });
    expect(third.recovery).toMatchObject({ cut: false, damage: [] });
    await third.log.close();
  });

  it('unsynced tails damaged in every way: what was acknowledged as durable is always there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('cut', 'zeros', 'noise'),
        async (durable, loose, share, kind) => {
          for (const name of segments()) truncateSync(join(folder, name), 0);
          const path = segment(1, [header(0)]);
          const { log } = await open({ boot: 'b' });
          await log.append(sampleEvents(1, durable), true);
          const safe = statSync(path).size;
          if (loose > 0) await log.append(sampleEvents(durable + 1, durable + loose), false);
          const bytes = readFileSync(path);
          const from = safe + Math.floor((bytes.length - safe) * share);
          if (kind === 'cut') truncateSync(path, from);
          else writeFileSync(path, bytes.fill(kind === 'zeros' ? 0 : 0x6b, from));
          const { recovery } = await open({ boot: 'c' });
          expect(seqs(recovery.tail).slice(0, durable)).toEqual(seqs(sampleEvents(1, durable)));
          expect(recovery.cut).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a half-made segment of a killed roll is swept away', async () => {
    segment(1, [header(0), ...lines(1, 2)]);
    writeFileSync(join(folder, '.000000000003.jsonl.99.abc.tmp'), '{"v":1,');
    const { log, recovery } = await open();
    expect(seqs(recovery.tail)).toEqual([1, 2]);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await log.close();
  });
});

describe('versions of the event log', () => {
  it('an older one is migrated line by line', async () => {
    const old = { logId: 'l', seq: 0, agents: [], old: true };
    segment(1, [`${JSON.stringify({ v: 0, snapshot: old })}\n`, '{"seq":1,"at":"x","type":"thinking","text":"hi"}\n']);
    const { log, recovery } = await open({
      migrations: {
        0: {
          snapshot: ({ old: _old, ...rest }) => ({ ...rest, agents: {} }),
          event: ({ text, ...rest }) => ({ ...rest, content: text }),
        },
      },
    });
    expect(recovery.snapshot).toEqual(emptyState('l'));
    expect(recovery.tail[0]).toEqual({ seq: 1, at: 'x', type: 'thinking', content: 'hi' });
    expect(recovery.damage).toEqual([]);
    await log.close();
  });

  it('a newer one is refused and not touched', async () => {
    const path = segment(1, ['{"v":99,"snapshot":{"seq":0}}\n', '{"new":"thing"}\n']);
    const before = readFileSync(path, 'utf8');
    await expect(open()).rejects.toThrow('newer tutti');
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});

describe.skipIf(!smallDisk.available)('the event log on a full disk', () => {
  it('appends nothing of a batch that has no room, says so by type, and goes on when there is room', async () => {
    const disk = smallDisk.mount(join(home.home, 'small'), '2m');
    try {
      folder = join(disk.path, 'events');
      mkdirSync(folder);
      const filler = join(disk.path, 'filler');
      const { log } = await open({ segmentLimit: 100_000 });
      await log.roll(sampleState(0));
      await log.append(sampleEvents(1, 2), true);
      writeFileSync(filler, Buffer.alloc(1_200_000));
      const big = { ...sampleEvent(3), content: 'x'.repeat(1_500_000) } as TuttiEvent;
      await expect(log.append([big], false)).rejects.toMatchObject({ name: 'DiskFull' });
      expect(seqs(await log.read(0, { limit: 9 }))).toEqual([1, 2]);
      truncateSync(filler, 0);
      await log.append([big], true);
      writeFileSync(filler, Buffer.alloc(400_000));
      // A roll that finds no room leaves the segment in use.
      const large = { ...sampleState(3), projects: { p: { hash: 'x'.repeat(400_000), config: {}, at: 'x' } } };
      await log.roll(large);
      await log.append([sampleEvent(4)], true);
      await log.close();
      const again = await open();
      expect(seqs(again.recovery.tail)).toEqual([1, 2, 3, 4]);
      await again.log.close();
    } finally {
      disk.unmount();
    }
  });
});
