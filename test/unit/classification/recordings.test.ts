import { describe, expect, test } from 'vitest';
import { labels, recordings } from '../../support/recorded/recordings.ts';
import { replay } from '../../support/recorded/replay.ts';

const all = recordings();
const said = labels();

test('every recording has a label, and every label a recording', () => {
  expect(all.map(({ id }) => id).sort()).toEqual(Object.keys(said).sort());
});

describe('what a recording is taken for is what a person says that it is', () => {
  test.each(all.map((recording) => [recording.id, recording] as const))('%s', (id, recording) => {
    expect(replay(recording)).toEqual(said[id]);
  });
});
