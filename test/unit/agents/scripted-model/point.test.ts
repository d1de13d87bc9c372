import { describe, expect, test } from 'vitest';
import { markerOf, pointOf } from '../../../../src/agents/scripted-model/point.ts';
import type { Item } from '../../../../src/agents/scripted-model/script.ts';

const user = (text: string): Item => ({ role: 'user', text });
const assistant = (text: string): Item => ({ role: 'assistant', text });
const call: Item = { role: 'call', id: 't', name: 'bash', args: {} };
const result = (text = ''): Item => ({ role: 'result', callId: 't', text, isError: false });
const ECHO = { scenario: 'echo', params: {} };
const at = (...items: Item[]) => pointOf({ conversation: 'c', model: 'm', items, tools: ['bash'], stream: true }, ECHO);

describe('the marker', () => {
  const cases = [
    { text: 'do [[scenario:text]] it', marker: { scenario: 'text', params: {} } },
    {
      text: '[[scenario:ratelimit n=2 retry_after=1]]',
      marker: { scenario: 'ratelimit', params: { n: '2', retry_after: '1' } },
    },
    {
      text: '[[scenario:tool cmd="ls -a; echo x" say=y]]',
      marker: { scenario: 'tool', params: { cmd: 'ls -a; echo x', say: 'y' } },
    },
    { text: '"[[scenario:tool cmd=\\"ls -a\\"]]"', marker: { scenario: 'tool', params: { cmd: 'ls -a' } } },
    { text: '[[scenario:Text]]', marker: null },
    { text: '[[scenario:]]', marker: null },
    { text: 'nothing', marker: null },
  ];
  test.each(cases)('of $text', ({ text, marker }) => expect(markerOf(text)).toEqual(marker));
});

describe('where a conversation stands', () => {
  test('without a marker, the fallback answers what is new', () => {
    expect(at(user('a'), assistant('x'), user('b'), user('c'))).toMatchObject({
      scenario: 'echo',
      news: ['b', 'c'],
      told: ['a', 'b', 'c'],
      results: [],
    });
  });

  test('a marker that was answered no longer counts', () => {
    expect(at(user('[[scenario:tool]]'), assistant('done'), user('b')).scenario).toBe('echo');
  });

  test('a scenario goes on while its calls come back, and when a note is added', () => {
    const point = at(user('[[scenario:multi]]'), assistant('step'), call, result(), user('a note'));
    expect(point).toMatchObject({ scenario: 'multi', news: ['[[scenario:multi]]', 'a note'] });
    expect(point.results).toHaveLength(1);
  });

  test('a newer marker takes over, with a count of its own', () => {
    expect(at(user('[[scenario:multi]]'), call, result(), user('[[scenario:text]]'))).toMatchObject({
      scenario: 'text',
      results: [],
    });
  });

  test('a note between two attempts does not start a new count', () => {
    expect(at(user('[[scenario:ratelimit]]'), user('go on')).key).toBe(at(user('[[scenario:ratelimit]]')).key);
    expect(at(user('[[scenario:text]]'), assistant('x'), user('[[scenario:text]]')).key).not.toBe(
      at(user('[[scenario:text]]')).key,
    );
  });

  test('what a person said to a running turn counts, in the wrapping that claude gives it', () => {
    const wrapped =
      'The user sent a new message while you were working:\nb [[scenario:text]]\nc\n\nIMPORTANT: After completing your current task, do.';
    const point = at(user('a'), call, result(), { role: 'system', text: wrapped });
    expect(point).toMatchObject({ scenario: 'text', told: ['a', 'b [[scenario:text]]\nc'] });
  });

  test('what the client programs put in is not news', () => {
    expect(at(user('a'), { role: 'system', text: 'Available agent types' }).news).toEqual(['a']);
    expect(at(user('<system-reminder>x</system-reminder>'), user('a')).news).toEqual(['a']);
  });
});
