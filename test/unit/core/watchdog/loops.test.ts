/** Loops are found; honest repetition is not. */
import { describe, expect, it } from 'vitest';
import type { Desk } from '../desk.ts';
import { bash, call, edit, judged, replayed, says, thinks, working } from './stage.ts';

const SENTENCE = 'I will now look at the configuration of the build once more.';
const times = (n: number, run: (i: number) => void): void => {
  for (let i = 0; i < n; i++) run(i);
};

describe('a loop is found', () => {
  it.each<[string, string, (desk: Desk) => void]>([
    ['the same call with the same result', 'call_loop:nudge', (d) => times(4, () => bash(d, 'npm test', '2 failed'))],
    [
      'the same call described otherwise each time',
      'call_loop:nudge',
      (d) => times(4, (i) => call(d, { command: 'npm test', description: `try ${i}` }, '2 failed')),
    ],
    [
      'the same failing edit',
      'call_loop:nudge',
      (d) =>
        times(4, () =>
          call(d, { path: 'a.ts', old_string: 'x', new_string: 'y' }, 'not found', { tool: 'edit', isError: true }),
        ),
    ],
    [
      'a cycle of two calls',
      'call_cycle:nudge',
      (d) =>
        times(4, () => {
          bash(d, 'ls', 'a b');
          bash(d, 'cat a', 'text');
        }),
    ],
    [
      'a cycle of three calls',
      'call_cycle:nudge',
      (d) =>
        times(4, () => {
          for (const command of ['ls', 'cat a', 'npm test']) bash(d, command, `out of ${command}`);
        }),
    ],
    [
      'a cycle of four calls, edits among them',
      'call_cycle:nudge',
      (d) =>
        times(4, () => {
          edit(d, 'one', 'two', 'b.ts');
          bash(d, 'npm test', 'failed one');
          bash(d, 'git checkout b.ts', '');
          bash(d, 'npm test', 'failed two');
        }),
    ],
    [
      'edits that undo each other',
      'undo_loop:nudge',
      (d) =>
        times(2, (i) => {
          edit(d, 'const limit = 1', 'const limit = 2');
          bash(d, 'npm test', `failed in ${2 * i} ms`);
          edit(d, 'const limit = 2', 'const limit = 1');
          bash(d, 'npm test', `failed in ${2 * i + 1} ms`);
        }),
    ],
    ['the same text again', 'text_loop:note', (d) => times(4, () => d.said(thinks(SENTENCE)))],
    ['a text that repeats itself', 'text_loop:note', (d) => d.said(thinks(`Let me see. ${SENTENCE.repeat(12)}`))],
    [
      'call after call that fails',
      'errors:note',
      (d) => times(10, (i) => bash(d, `make ${i}`, `error ${i}`, { isError: true })),
    ],
    [
      'endless compaction',
      'compacting:redirect',
      (d) => times(10, () => d.said({ type: 'compaction', trigger: 'auto', before: 9, after: 8 })),
    ],
  ])('%s', (_what, verdict, act) => {
    const desk = working();
    act(desk);
    expect(judged(desk)).toEqual([verdict]);
    expect(desk.events('watchdog').at(-1)?.evidence).not.toBe('');
    expect(replayed(desk)).toEqual(JSON.parse(JSON.stringify(desk.state)));
  });
});

describe('honest work is not found', () => {
  it.each<[string, (desk: Desk) => void]>([
    ['three equal calls', (d) => times(3, () => bash(d, 'npm test', '2 failed'))],
    ['polling with results that change', (d) => times(40, (i) => bash(d, 'gh run view 7', `step ${i} of 40`))],
    ['polling by sleep', (d) => times(40, () => bash(d, 'sleep 30 && gh run view 7', 'in_progress', { ms: 31_000 }))],
    [
      'polling with the sleep in a call of its own',
      (d) =>
        times(40, () => {
          bash(d, 'sleep 60', '', { ms: 60_000 });
          bash(d, 'gh run view 7', 'in_progress');
        }),
    ],
    ['a watching command', (d) => times(8, () => bash(d, 'gh run watch 7', 'still running', { ms: 120_000 }))],
    [
      'test, fix, test',
      (d) =>
        times(12, (i) => {
          bash(d, 'npm test', '1 failed');
          edit(d, `old ${i}`, `new ${i}`);
        }),
    ],
    [
      'the same file read between edits of it',
      (d) =>
        times(12, (i) => {
          call(d, { path: 'a.ts' }, 'text', { tool: 'read' });
          edit(d, `old ${i}`, `new ${i}`);
          bash(d, 'npm test', '1 failed');
        }),
    ],
    [
      'results that differ only far behind their beginning',
      (d) => times(8, (i) => bash(d, 'npm test', `${'ok '.repeat(40_000)}${i}`)),
    ],
    [
      'files written with contents that differ only in the middle are told apart by their length',
      (d) =>
        times(8, (i) =>
          call(d, { path: 'a', content: `${'x'.repeat(900)}${'y'.repeat(i)}${'z'.repeat(900)}` }, 'ok', {
            tool: 'write',
          }),
        ),
    ],
    ['short fillers', (d) => times(12, () => d.said(thinks('Let me look.')))],
    [
      'the same words before calls that bring something new',
      (d) =>
        times(12, (i) => {
          d.said(thinks(SENTENCE));
          bash(d, `cat file-${i}`, `text ${i}`);
        }),
    ],
    ['a table', (d) => d.said(says(`| name | value |\n${'|------|-------|\n'.repeat(40)}`))],
    ['a list of todos that is written again', (d) => times(8, () => call(d, { todos: ['a'] }, 'ok', { tool: 'todo' }))],
    [
      'nine failures and then something that works',
      (d) => {
        times(9, (i) => bash(d, `make ${i}`, `error ${i}`, { isError: true }));
        bash(d, 'make', 'ok');
        times(9, (i) => bash(d, `make ${i}`, `error ${i}`, { isError: true }));
      },
    ],
    [
      'compactions with work in between',
      (d) =>
        times(30, (i) => {
          d.said({ type: 'compaction', trigger: 'auto', before: 9, after: 8 });
          bash(d, `make ${i}`, `made ${i}`);
        }),
    ],
  ])('%s', (_what, act) => {
    const desk = working();
    act(desk);
    expect(judged(desk)).toEqual([]);
  });

  it('the same command in one turn after another', () => {
    const desk = working();
    times(8, () => {
      bash(desk, 'npm test', 'ok');
      desk.said({ type: 'turn', number: null, phase: 'end', outcome: 'ok', durationMs: null });
      desk.said({ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null });
    });
    expect(judged(desk)).toEqual([]);
  });

  it('calls of sub-agents side by side', () => {
    const desk = working();
    times(8, (i) => {
      const parentCallId = 'task-1';
      const callId = `sub-${i}`;
      desk.said({ type: 'tool_call', callId, tool: 'bash', args: { command: 'ls' }, nativeTool: 'Bash', parentCallId });
      desk.said({
        type: 'tool_result',
        callId,
        tool: 'bash',
        result: 'a',
        isError: false,
        tokens: null,
        durationMs: null,
        parentCallId,
      });
    });
    expect(judged(desk)).toEqual([]);
  });
});

it('counts only what comes after a nudge as the next loop', () => {
  const desk = working();
  times(4, () => bash(desk, 'npm test', '2 failed'));
  desk.confirm(desk.agent().ladder.message?.id ?? '', false);
  times(3, () => bash(desk, 'npm test', '2 failed'));
  expect(judged(desk)).toEqual(['call_loop:nudge']);
  bash(desk, 'npm test', '2 failed');
  expect(judged(desk)).toEqual(['call_loop:nudge', 'call_loop:redirect']);
});

it('goes by the number of repeats that was configured', () => {
  const desk = working();
  desk.settings = { ...desk.settings, loop: { ...desk.settings.loop, repeats: 6 } };
  times(5, () => bash(desk, 'npm test', '2 failed'));
  expect(judged(desk)).toEqual([]);
  bash(desk, 'npm test', '2 failed');
  expect(judged(desk)).toEqual(['call_loop:nudge']);
});
