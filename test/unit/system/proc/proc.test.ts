import { describe, expect, it } from 'vitest';
import { carries, isOurs, markerPrefix } from '../../../../src/system/proc/marker.ts';
import { parsePs } from '../../../../src/system/proc/ps.ts';
import { below, parseStat } from '../../../../src/system/proc/table.ts';

describe('the marker', () => {
  const cases: { id: string; value: string; prefix: string; hit: boolean }[] = [
    { id: 'the whole', value: '0123abcd/alice/3', prefix: '0123abcd/alice/3', hit: true },
    { id: 'every incarnation', value: '0123abcd/alice/3', prefix: '0123abcd/alice/', hit: true },
    { id: 'without the last slash', value: '0123abcd/alice/3', prefix: '0123abcd/alice', hit: true },
    { id: 'the whole home', value: '0123abcd/alice/3', prefix: '0123abcd/', hit: true },
    { id: 'a longer id is another agent', value: '0123abcd/alice2/3', prefix: '0123abcd/alice', hit: false },
    {
      id: 'a longer number is another incarnation',
      value: '0123abcd/alice/12',
      prefix: '0123abcd/alice/1',
      hit: false,
    },
    { id: 'another home', value: '0123abce/alice/1', prefix: '0123abcd/alice/1', hit: false },
    { id: 'an empty value', value: '', prefix: '0123abcd/', hit: false },
  ];
  it.each(cases)('$id: $prefix in $value is $hit', ({ value, prefix, hit }) => {
    expect(carries([`TUTTI_AGENT=${value}`, 'PATH=/bin'], markerPrefix(prefix))).toBe(hit);
    expect(carries([`NOT_TUTTI_AGENT=${value}`, `X=TUTTI_AGENT=${value}`], markerPrefix(prefix))).toBe(false);
  });

  it.each(['', '/', '//', '0123abcd//', '0123abcd//1', 'alice/', '0123ABCD/a', '0123abcd/a/1/2', '0123abcd/a b'])(
    'refuses %j as the beginning of one',
    (marker) => expect(() => markerPrefix(marker)).toThrow('not the beginning'),
  );

  it('a role without an agent is one of our own; with an agent it is not', () => {
    expect(isOurs(['TUTTI_ROLE=host'])).toBe(true);
    expect(isOurs(['TUTTI_ROLE=host', 'TUTTI_AGENT=0123abcd/a/1'])).toBe(false);
    expect(isOurs(['PATH=/bin'])).toBe(false);
  });
});

describe('the process table', () => {
  it('reads a stat line whose command name holds spaces and brackets', () => {
    const rest = Array.from({ length: 18 }, (_, i) => i).join(' ');
    expect(parseStat(`42 (a) (b c) S 7 ${rest.split(' ').slice(0, 17).join(' ')} 9876 0 0`)).toEqual({
      pid: 42,
      ppid: 7,
      start: '9876',
      zombie: false,
    });
    expect(parseStat('rubbish')).toBeNull();
  });

  it('finds who lives below, not through a protected one, and survives a loop', () => {
    const entry = (pid: number, ppid: number) => ({ pid, ppid, start: '1', zombie: false });
    const entries = [entry(2, 1), entry(3, 2), entry(4, 3), entry(5, 2), entry(6, 5), entry(7, 8), entry(8, 7)];
    expect(below(entries, [2], new Set([5])).map((e) => e.pid)).toEqual([3, 4]);
    expect(below(entries, [7]).map((e) => e.pid)).toEqual([8]);
  });

  it('parses ps of macOS', () => {
    const text = [
      '    1     0 Ss   Thu Nov 20 10:00:00 2025     /sbin/launchd',
      '  501     1 Z    Thu Nov 20 10:00:01 2025     (gone)',
      '  777   501 S+   Thu Nov  6 09:08:07 2025     sleep 5 PATH=/bin TUTTI_AGENT=0123abcd/a/1 a=b',
    ].join('\n');
    expect(parsePs(text)).toEqual([
      { pid: 1, ppid: 0, start: 'Thu Nov 20 10:00:00 2025', zombie: false, environment: [] },
      { pid: 501, ppid: 1, start: 'Thu Nov 20 10:00:01 2025', zombie: true, environment: [] },
      {
        pid: 777,
        ppid: 501,
        start: 'Thu Nov 6 09:08:07 2025',
        zombie: false,
        environment: ['PATH=/bin', 'TUTTI_AGENT=0123abcd/a/1'],
      },
    ]);
  });
});
