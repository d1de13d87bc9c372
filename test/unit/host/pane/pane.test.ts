/** The pure parts of the pane: cells, styles, keys, editor, transcript, footer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { cells, cut, harmless, oneLine, tail, wrap } from '../../../../src/core/transcript/cells.ts';
import { Editor } from '../../../../src/host/pane/editor.ts';
import { footerOf } from '../../../../src/host/pane/footer.ts';
import { createKeyReader, type Key } from '../../../../src/host/pane/keys.ts';
import { clip, filled, rowCells, span, spread, toAnsi } from '../../../../src/core/transcript/style.ts';
import { durationText, timeOfDay } from '../../../../src/core/transcript/time.ts';
import { Transcript } from '../../../../src/core/transcript/transcript.ts';

describe('text for a terminal', () => {
  it.each([
    ['colours', '\x1b[31mred\x1b[0m', 'red'],
    ['a title', 'a\x1b]0;owned\x07b', 'ab'],
    ['a title ended by ST', 'a\x1b]0;owned\x1b\\b', 'ab'],
    ['a cut sequence', 'a\x1b[3', 'a'],
    ['the 8-bit form', 'a\x9b31mb', 'ab'],
    ['bells and backspaces', 'a\x07\x08b', 'ab'],
    ['a direction override', 'a\u202eb', 'ab'],
    ['carriage returns', 'a\r\nb\rc', 'a\nb\nc'],
    ['tabs', 'a\tb', 'a    b'],
  ])('loses %s', (_what, text, clean) => {
    expect(harmless(text)).toBe(clean);
  });

  it('has no control character left, whatever came in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => !/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(harmless(text))),
    );
  });

  it.each([
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['✓', 1],
    ['✅', 2],
    ['', 0],
  ])('%s takes %i cells', (text, count) => {
    expect(cells(text)).toBe(count);
  });

  it('is never wider than asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 2, max: 30 }), (raw, width) => {
        const text = harmless(raw);
        for (const row of wrap(text, width)) expect(cells(row)).toBeLessThanOrEqual(width);
        expect(cells(cut(oneLine(text), width))).toBeLessThanOrEqual(width);
        expect(cells(tail(text.replaceAll('\n', ''), width))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('loses no word when it is wrapped', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
    expect(wrap('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrap('a\n\nb', 4)).toEqual(['a', '', 'b']);
  });
});

describe('rows', () => {
  it('have colour only where it is wanted', () => {
    const row = [span('✗ exit 3', 'boldRed'), span(' plain')];
    expect(toAnsi(row, true)).toBe('\x1b[1;31m✗ exit 3\x1b[0m plain');
    expect(toAnsi(row, false)).toBe('✗ exit 3 plain');
  });

  it('keep the right edge, and the left gives way', () => {
    const text = toAnsi(spread([span('a long object that gives way')], [span('3 lines')], 20), false);
    expect(text).toBe('a long obj…  3 lines');
    expect(rowCells(filled([span('x')], 10))).toBe(10);
    expect(rowCells(clip([span('漢字漢字')], 5))).toBeLessThanOrEqual(5);
  });
});

describe('keys', () => {
  const read = (...chunks: (string | Buffer)[]): Key[] => {
    const keys = createKeyReader();
    return chunks.flatMap((chunk) => keys(Buffer.from(chunk)));
  };
  const joined = (keys: Key[]): Key[] => {
    const out: Key[] = [];
    for (const key of keys) {
      const last = out.at(-1);
      if (key.kind === 'text' && last?.kind === 'text') last.text += key.text;
      else out.push({ ...key });
    }
    return out;
  };

  it('are the same however the bytes are split', () => {
    const bytes = Buffer.from('aä\r\x1b[A\x1b\r\x1b[200~two\r\nlines\x1b[A\x1b[201~z\x03\x1b[1;5Cé');
    const whole = joined(read(bytes));
    expect(whole).toEqual([
      { kind: 'text', text: 'aä' },
      { kind: 'key', name: 'enter' },
      { kind: 'key', name: 'up' },
      { kind: 'key', name: 'newline' },
      { kind: 'paste', text: 'two\nlines\x1b[A' },
      { kind: 'text', text: 'z' },
      { kind: 'key', name: 'interrupt' },
      { kind: 'key', name: 'word-right' },
      { kind: 'text', text: 'é' },
    ]);
    for (let at = 0; at <= bytes.length; at++) {
      expect(joined(read(bytes.subarray(0, at), bytes.subarray(at)))).toEqual(whole);
    }
  });

  it('survive sequences that mean nothing', () => {
    expect(joined(read('\x1b[99;99Zok\x1b[?1;2cgo'))).toEqual([{ kind: 'text', text: 'okgo' }]);
  });
});

describe('the input line', () => {
  const type = (editor: Editor, ...keys: (string | { name: string })[]): (string | null)[] =>
    keys.map((key) =>
      editor.take(typeof key === 'string' ? { kind: 'text', text: key } : ({ kind: 'key', name: key.name } as Key)),
    );

  it('sends what was typed, and brings it back with up', () => {
    const editor = new Editor();
    expect(type(editor, 'hello', { name: 'enter' })).toEqual([null, 'hello']);
    expect(editor.empty).toBe(true);
    type(editor, 'draft', { name: 'up' });
    expect(editor.text).toBe('hello');
    type(editor, { name: 'down' });
    expect(editor.text).toBe('draft');
  });

  it('edits by character, word and line, and does not send nothing', () => {
    const editor = new Editor();
    type(
      editor,
      'one two',
      { name: 'kill-word' },
      'three',
      { name: 'home' },
      { name: 'delete' },
      'O',
      { name: 'end' },
      { name: 'backspace' },
    );
    expect(editor.text).toBe('One thre');
    type(editor, { name: 'kill-line' });
    expect(type(editor, '  ', { name: 'enter' })).toEqual([null, null]);
  });

  it('shows the part around the cursor in one row', () => {
    const editor = new Editor();
    editor.take({ kind: 'paste', text: `${'x'.repeat(50)}\nend` });
    expect(editor.view(10)).toEqual({ text: 'xxxxx⏎end', cursor: 9 });
    type(editor, { name: 'home' });
    expect(editor.view(10)).toEqual({ text: 'x'.repeat(10), cursor: 0 });
  });
});

describe('the transcript', () => {
  const at = new Date(2026, 0, 1, 11, 58, 9).getTime();
  const rows = (
    event: DriverEventBody,
    transcript = new Transcript({ name: 'api-2', cwd: '/w' }),
    width = 72,
    later = at,
  ): string[] => (transcript.event(event, later)?.(width) ?? []).map((row) => toAnsi(row, false).trimEnd());
  const done = (
    call: Partial<Extract<DriverEventBody, { type: 'tool_call' }>>,
    result: Partial<Extract<DriverEventBody, { type: 'tool_result' }>>,
    took = 100,
  ): string[] => {
    const transcript = new Transcript({ name: 'api-2', cwd: '/w' });
    const tool = call.tool ?? 'bash';
    expect(rows({ type: 'tool_call', callId: 'c', tool, nativeTool: tool, args: {}, ...call }, transcript)).toEqual([]);
    return rows(
      { type: 'tool_result', callId: 'c', tool, result: '', isError: false, tokens: null, durationMs: null, ...result },
      transcript,
      72,
      at + took,
    );
  };

  it('has one line per call: time, actor, object, result, duration', () => {
    expect(done({ tool: 'read', args: { path: '/w/src/a.ts' } }, { result: 'a\nb\nc\n' })).toEqual([
      `11:58:09 Read      src/a.ts${' '.repeat(32)}3 lines  0.1s`,
    ]);
    const failed = done(
      { args: { command: 'npm test' } },
      { result: `Exit code 1\n${'l\n'.repeat(58)}`, isError: true },
      8_200,
    );
    expect(failed[0]).toBe(`11:58:09 Bash      npm test${' '.repeat(31)}✗ exit 1  8.2s`);
    expect(failed).toHaveLength(22);
    expect(failed.at(-1)).toBe('                 │ … 38 more lines: tutti logs api-2');
  });

  it('shows a change with signs, capped, without what did not change', () => {
    const change = done({ tool: 'edit', args: { path: 'a.ts', old_string: 'x\nold\ny', new_string: 'x\nnew\ny' } }, {});
    expect(change[0]).toMatch(/\+1 -1 {2}0\.1s$/);
    expect(change.slice(1)).toEqual(['                 │ - old', '                 │ + new']);
  });

  it('puts no JSON and no escape into a row', () => {
    const tricky = done({ args: { command: 'echo \x1b[31m"x"\ny' } }, { result: '\x1b[2Jboo\x07', isError: true });
    expect(tricky.join('\n')).not.toMatch(/[\x00-\x09\x0b-\x1f]|\{"/);
    expect(tricky[1]).toBe('                 │ boo');
  });

  it('keeps every row within the width, at any width', () => {
    const transcript = new Transcript({ name: 'a', cwd: null });
    for (const width of [10, 19, 20, 33, 80, 200]) {
      const message: DriverEventBody = {
        type: 'message',
        role: 'assistant',
        content: `${'漢字 word '.repeat(30)}\n\nend`,
        from: null,
        messageId: null,
      };
      for (const row of transcript.event(message, at)?.(width) ?? [])
        expect(rowCells(row)).toBeLessThanOrEqual(Math.max(width, 29));
    }
  });

  it('says who wrote a message', () => {
    const transcript = new Transcript({ name: 'a', cwd: null });
    transcript.record({ kind: 'intent', id: 'm', verb: 'message', args: { messageId: 'm', from: 'lead' } }, at);
    const said = (messageId: string): string | undefined =>
      rows({ type: 'message', role: 'user', content: 'hi', from: null, messageId }, transcript)[0];
    expect(said('m')).toBe('11:58:09 lead      hi');
    expect(said('x')).toBe('11:58:09 you       hi');
  });

  it('tells an exit with its last words, and a call that got no result', () => {
    const transcript = new Transcript({ name: 'a', cwd: null });
    transcript.event(
      { type: 'tool_call', callId: 'c', tool: 'bash', nativeTool: 'Bash', args: { command: 'sleep' } },
      at,
    );
    expect(
      rows({ type: 'turn', number: null, phase: 'end', outcome: 'interrupted', durationMs: null }, transcript).map(
        (row) => row.slice(9),
      ),
    ).toEqual([expect.stringMatching(/^Bash {6}sleep +no result$/), 'tutti     turn over: interrupted']);
    const exit = transcript.record(
      { kind: 'exit', incarnation: 1, code: 3, signal: null, asked: false, stderr: 'a\nboom\n' },
      at,
    );
    expect(toAnsi(exit?.(72)[0] ?? [], false)).toContain('the CLI exited 3: boom');
  });
});

describe('the footer', () => {
  const facts = {
    status: {
      state: 'working' as const,
      since: 0,
      queued: 2,
      budget: null as number | null,
      alarm: null as string | null,
    },
    meter: { contextUsed: 84_000, contextLimit: 200_000, costUsd: 1.24 },
    limit: null,
    running: null,
    streaming: '',
    unicode: true,
    cwd: null,
  };
  const status = (change = {}, width = 100): string =>
    toAnsi(footerOf({ ...facts, ...change }, new Editor(), width).status, false);

  it('says state, context, cost, queue and the way out, in words', () => {
    expect(status()).toMatch(
      /^● working since \d\d:\d\d:\d\d {2}ctx 42% \[████······\] {2}\$1\.24 {2}2 queued +Ctrl-b d detach$/,
    );
    expect(status({ status: { ...facts.status, state: 'waiting' } })).toMatch(/^▲ WAITING/);
    expect(status({ unicode: false })).toMatch(/^\* working .*\[####\.\.\.\.\.\.\]/);
  });

  it('says what limit an idle agent waits for, and until when', () => {
    const limit = { scope: 'five_hour', resetsAt: 0 };
    const idle = { ...facts.status, state: 'idle' as const };
    expect(status({ status: idle, limit })).toMatch(/^‖ LIMITED five_hour, resumes \d\d:\d\d:\d\d {2}2 queued/);
    expect(status({ status: facts.status, limit })).toMatch(/^● working/);
  });

  it('puts an alarm before everything', () => {
    expect(status({ status: { ...facts.status, alarm: 'nothing can be recorded' } })).toMatch(
      /^! nothing can be recorded/,
    );
  });
});

describe('times', () => {
  it.each([
    [100, '0.1s'],
    [8_200, '8.2s'],
    [41_000, '41s'],
    [192_000, '3m12s'],
    [7_500_000, '2h05m'],
    [-5, '0.0s'],
  ])('%i ms is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
  it('are dashes where there is none', () => {
    expect(timeOfDay(Number.NaN)).toBe('--:--:--');
  });
});
