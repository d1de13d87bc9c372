/** A turn that ends as a success is not always one. */
import { expect, it } from 'vitest';
import { asksForChange, endingOf } from '../../../../src/core/watchdog/words.ts';
import { type Desk, ended } from '../desk.ts';
import { bash, edit, judged, says, working } from './stage.ts';

const user = (content: string): Parameters<Desk['said']>[0] => ({
  type: 'message',
  role: 'user',
  content,
  from: 'user',
  messageId: 'm-1',
});

it.each<[string, string[], (desk: Desk) => void]>([
  ['a question to the user', ['question:note'], (d) => d.said(says('Shall I delete the old files?'))],
  ['a surrender', ['surrender:note'], (d) => d.said(says('I have tried everything. I give up.'))],
  [
    'refused permissions',
    ['denied:note'],
    (d) => {
      d.record({
        kind: 'verdict',
        callId: 'c',
        requestId: null,
        tool: 'bash',
        args: {},
        verdict: 'deny',
        by: 'policy',
        why: 'no',
      });
      d.said(says('All done.'));
    },
  ],
  [
    'a call that a rule denied',
    ['denied:note'],
    (d) => {
      d.record({
        kind: 'verdict',
        callId: 'c',
        requestId: null,
        tool: 'bash',
        args: {},
        verdict: 'deny',
        by: 'rule:x',
        why: 'no',
      });
      d.said(says('All done.'));
    },
  ],
  [
    'no change where one was asked for',
    ['no_change:note'],
    (d) => d.said(user('Please fix the parser in src/parse.ts.'), says('I have fixed it.')),
  ],
  [
    'a change that was asked for and made',
    [],
    (d) => {
      d.said(user('Please fix the parser in src/parse.ts.'));
      edit(d, 'a', 'b');
      d.said(says('I have fixed it.'));
    },
  ],
  [
    'a change made by a command',
    [],
    (d) => {
      d.said(user('Fix the formatting.'));
      bash(d, 'npm run format', 'ok');
      d.said(says('Formatted.'));
    },
  ],
  ['a question that was only asked', [], (d) => d.said(user('What does the parser do?'), says('It parses.'))],
  ['plain success', [], (d) => d.said(says('It works now.'))],
])('%s: %j', (_what, verdicts, act) => {
  const desk = working();
  act(desk);
  desk.said(ended('ok'));
  expect(judged(desk)).toEqual(verdicts);
});

it('nudges an agent with a task that gives up, once', () => {
  const desk = working({ task: 'mend the build' });
  desk.said(says('I am unable to continue.'), ended('ok'));
  expect(judged(desk)).toEqual(['surrender:nudge']);
  expect(desk.agent().queue.at(-1)?.text).toContain('Try another way');
});

it.each<[string, ReturnType<typeof endingOf>]>([
  ['Which of the two do you want?', 'question'],
  ['**Should I go on?**', 'question'],
  ['Is it right? I think so, and have done it.', null],
  ["I'm stuck and need help.", 'surrender'],
  ['I was not able to complete this task: the tests still fail. Stopping here.', 'surrender'],
  ['I cannot complete this task without access.', 'surrender'],
  ['The parser cannot fix this input, which is intended.', null],
  ['It is done.', null],
  ['', null],
  ['='.repeat(2_000), null],
  ['| a | b |\n'.repeat(200), null],
  ['the same words again and '.repeat(100), 'repetition'],
])('%j ends in %j', (text, ending) => {
  expect(endingOf(text, true)).toBe(ending);
});

it('does not take a question in the middle of a turn for its end', () => {
  expect(endingOf('What does this do?', false)).toBeNull();
});

it.each<[string, boolean]>([
  ['Fix the tests', true],
  ['please add a test for it', true],
  ['Look at main.ts and rename the function', true],
  ['- update README.md', true],
  ['What would it take to fix the tests?', false],
  ['Explain how to add a test', false],
  ['Review the last commit', false],
  ['Did you create the file?', false],
])('%j asks for a change: %s', (text, expected) => {
  expect(asksForChange(text)).toBe(expected);
});
