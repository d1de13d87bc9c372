import { describe, expect, test } from 'vitest';
import type { LaunchSpec } from '../../../../src/drivers/driver.ts';
import { ownRecord } from '../../../../src/drivers/claude/transcript.ts';

const spec = { conversationId: 'session-1', resume: true } as LaunchSpec;
const record = ownRecord(spec, { HOME: '/home/me' });

const said = (uuid: string, more = {}): string => JSON.stringify({ type: 'user', uuid, parentUuid: null, ...more });
const noted = (leafUuid: string | null, more = {}): string =>
  JSON.stringify({ type: 'last-prompt', leafUuid, ...more });
const note = (leafUuid: string): string =>
  `${JSON.stringify({ type: 'last-prompt', leafUuid, sessionId: 'session-1' })}\n`;

const CASES: { id: string; lines: string[]; appended: string }[] = [
  { id: 'an older message noted', lines: [said('a'), noted('a'), said('b')], appended: note('b') },
  { id: 'the last message noted', lines: [said('a'), said('b'), noted('b')], appended: '' },
  { id: 'the last message noted before an older one', lines: [said('b'), noted('b'), noted('a')], appended: note('b') },
  { id: 'nothing noted', lines: [said('a'), said('b')], appended: '' },
  { id: 'nothing said', lines: [noted('a')], appended: '' },
  { id: 'a place that a person chose', lines: [said('a'), said('b'), noted('a', { explicit: true })], appended: '' },
  {
    id: 'a chosen place noted once more',
    lines: [said('a'), said('b'), noted('a', { explicit: true }), noted('a')],
    appended: '',
  },
  {
    id: 'something said behind a chosen place',
    lines: [said('a'), noted('a', { explicit: true }), said('b')],
    appended: note('b'),
  },
  {
    id: 'a conversation that a person cleared',
    lines: [said('a'), noted('a'), said('b'), noted(null, { explicit: true })],
    appended: '',
  },
  { id: 'words of a sub-agent last', lines: [said('a'), noted('a'), said('s', { isSidechain: true })], appended: '' },
  {
    id: 'half a line last',
    lines: [said('a'), noted('a'), said('b'), '{"type":"user","uuid":"c'],
    appended: note('b'),
  },
];

describe("claude's transcript before a resume", () => {
  test.each(CASES)('with $id', ({ lines, appended }) => {
    expect(record?.mend(lines, true)).toBe(appended);
  });

  test('gets its last line ended when a kill cut it off', () => {
    expect(record?.mend([said('a')], false)).toBe('\n');
    expect(record?.mend([said('a'), noted('x')], false)).toBe(`\n${note('a')}`);
  });

  test('stands below the configuration folder, in the folder of any project', () => {
    expect(record).toMatchObject({ below: '/home/me/.claude/projects', name: 'session-1.jsonl' });
    expect(ownRecord(spec, { HOME: '/home/me', CLAUDE_CONFIG_DIR: '/c' })).toMatchObject({ below: '/c/projects' });
  });

  test('is left alone where it is not known', () => {
    expect(ownRecord({ ...spec, conversationId: null }, { HOME: '/home/me' })).toBeNull();
    expect(ownRecord(spec, {})).toBeNull();
  });
});
