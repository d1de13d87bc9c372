import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { claude } from '../../../../src/drivers/claude/index.ts';
import { STREAMS } from './streams.ts';

const exit = (change: object) =>
  claude.classifyExit({ code: null, signal: null, asked: false, stderr: '', silent: false, ...change });

describe('an exit', () => {
  test.each([
    ['bad-flag', { cause: 'bad_flag', retryable: false }],
    ['no-verbose', { cause: 'bad_flag', retryable: false }],
    ['no-prompt', { cause: 'protocol', retryable: true }],
    ['resume-unknown', { cause: 'no_conversation', retryable: true, conversationLost: true }],
    ['session-id-in-use', { cause: 'session_in_use', retryable: true, conversationLost: false }],
    ['stdin-bad-json', { cause: 'protocol', retryable: true }],
    ['tool-skip-root', { cause: 'root', retryable: false }],
    ['sleep-sigterm', { cause: 'signal', retryable: true }],
    ['sleep-sigkill', { cause: 'signal', retryable: true }],
    ['text', { cause: 'clean', retryable: true }],
    ['quota', { cause: 'crash', retryable: true }],
  ])('of the recording %s is understood', (name, verdict) => {
    const meta = JSON.parse(readFileSync(`${STREAMS}claude/${name}.meta.json`, 'utf8'));
    expect(exit({ code: meta.exit_code, signal: meta.exit_signal ?? null, stderr: meta.stderr })).toMatchObject(
      verdict,
    );
  });

  test.each([
    [
      'that was asked for is no failure, whatever it says',
      { asked: true, code: 143, stderr: 'Not logged in' },
      { cause: 'asked', code: null },
    ],
    [
      'by a signal is not blamed on an old word on stderr',
      { signal: 'SIGKILL', stderr: 'Not logged in' },
      { cause: 'signal', code: 'crash' },
    ],
    [
      'without a login is not tried again',
      { code: 1, stderr: 'Not logged in · Please run /login' },
      { cause: 'auth', code: 'auth', retryable: false },
    ],
    [
      'without credit is not tried again',
      { code: 1, stderr: 'Credit balance is too low' },
      { cause: 'billing', retryable: false },
    ],
    [
      'of a program that is not there is not tried again',
      { code: 127, silent: true, stderr: 'env: claude: No such file or directory' },
      { cause: 'missing', retryable: false },
    ],
    ['with 127 and no word at all means the same', { code: 127, silent: true }, { cause: 'missing', retryable: false }],
    [
      'with 1 is a crash that says its last words',
      { code: 1, stderr: 'first\nlast words\n' },
      { cause: 'crash', message: 'Claude ended with exit code 1: last words.' },
    ],
    ['by HUP has the code 129', { code: 129 }, { cause: 'signal', message: 'Claude was ended by SIGHUP.' }],
  ])('%s', (_what, change, verdict) => {
    expect(exit(change)).toMatchObject(verdict);
  });
});
