import { describe, expect, it } from 'vitest';
import { cut, table, wantsColor, width } from '../../../src/cli/output.ts';

describe('width', () => {
  it.each([
    ['abc', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['\u001b[31mred\u001b[0m', 3],
    ['🚀', 2],
  ])('of %j is %d columns', (text, columns) => {
    expect(width(text)).toBe(columns);
  });
});

it('cuts with an ellipsis that fits', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('日本語', 4)).toBe('日…');
  expect(cut('abc', 4)).toBe('abc');
});

it('aligns numbers right and cuts only on a terminal', () => {
  const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' as const }, { title: 'TEXT' }];
  const rows = [
    ['a', '1', 'short'],
    ['long-name', '12', 'a text that goes on'],
  ];
  expect(table(columns, rows, 24)).toBe('NAME        N  TEXT\na           1  short\nlong-name  12  a text t…');
  expect(table(columns, rows, Number.POSITIVE_INFINITY)).toContain('a text that goes on');
});

describe('colour', () => {
  it.each([
    ['--color beats NO_COLOR', 'always', { NO_COLOR: '1' }, false, true],
    ['NO_COLOR beats FORCE_COLOR', 'auto', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['an empty NO_COLOR means nothing', 'auto', { NO_COLOR: '', TERM: 'xterm' }, true, true],
    ['auto needs a terminal', 'auto', { TERM: 'xterm' }, false, false],
    ['a dumb terminal gets none', 'auto', { TERM: 'dumb' }, true, false],
  ] as const)('%s', (_id, mode, env, tty, expected) => {
    expect(wantsColor(mode, env, tty)).toBe(expected);
  });
});
