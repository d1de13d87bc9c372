/** The small parts of the driver: launch, exits, error codes, wrapped commands, the file of a conversation. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../../src/core/event.ts';
import { errorEvent, retryEvent } from '../../../../src/drivers/codex/errors.ts';
import { codex } from '../../../../src/drivers/codex/index.ts';
import { onlyModelSees } from '../../../../src/drivers/codex/rollout.ts';
import { scriptOf } from '../../../../src/drivers/codex/shell-word.ts';
import { isoFromSeconds } from '../../../../src/drivers/codex/values.ts';
import { SPEC } from './talk.ts';

describe('the launch', () => {
  test('is the app-server with our settings, then the arguments of the configuration', () => {
    const spec = { ...SPEC, command: ['node', 'codex.js'], model: 'gpt-5.5', args: ['-c', 'x=1'] };
    expect(codex.launch(spec, null)).toEqual({
      argv: [
        ...['node', 'codex.js', 'app-server'],
        ...['-c', 'model="gpt-5.5"'],
        ...['-c', 'analytics.enabled=false'],
        ...['-c', 'check_for_update_on_startup=false'],
        ...['-c', 'shell_environment_policy.set.TUTTI_AGENT="aaaaaaaa/a1/1"'],
        ...['-c', 'x=1'],
      ],
      env: {},
    });
  });

  test('keeps its own retries short where its provider is named, and lets the arguments of the configuration win', () => {
    const { argv } = codex.launch({ ...SPEC, settings: { provider: 'azure' }, args: ['-c', 'x=1'] }, null);
    expect(argv.slice(-8)).toEqual([
      ...['-c', 'model_providers.azure.request_max_retries=1'],
      ...['-c', 'model_providers.azure.stream_max_retries=1'],
      ...['-c', 'model_providers.azure.stream_idle_timeout_ms=240000'],
      ...['-c', 'x=1'],
    ]);
  });

  test.each([['a b'], ['x.y="z'], [7]])('takes no provider that is no name: %j', (provider) => {
    const { argv } = codex.launch({ ...SPEC, settings: { provider } }, null);
    expect(argv.join(' ')).not.toContain('model_providers');
  });

  test('names no model where none is wanted, and finds codex by itself', () => {
    const { argv } = codex.launch({ ...SPEC, command: [] }, null);
    expect(argv.slice(0, 3)).toEqual(['codex', 'app-server', '-c']);
    expect(argv.join(' ')).not.toContain('model');
  });

  test('hands the conversation to a person with approvals on', () => {
    const { argv } = codex.takeOver({ ...SPEC, conversationId: 'thread-1', permissions: 'bypass' });
    expect(argv.slice(0, 3)).toEqual(['codex', 'resume', 'thread-1']);
    expect(argv).toContain('approval_policy="untrusted"');
    expect(argv).toContain('sandbox_mode="danger-full-access"');
    expect(argv.slice(-2)).toEqual(['-C', '/workspace']);
  });
});

describe('an exit', () => {
  const exit = { code: 1, signal: null, asked: false, stderr: '', silent: true };
  test.each([
    ['that was asked for', { ...exit, code: 0, asked: true }, 'asked', true],
    ['by a signal', { ...exit, code: null, signal: 'SIGKILL' }, 'signal', true],
    ['by itself', { ...exit, code: 0 }, 'clean', true],
    [
      'with an unknown flag',
      { ...exit, code: 2, stderr: "error: unexpected argument '--x' found\n\nUsage: codex" },
      'bad_flag',
      false,
    ],
    [
      'with a bad setting',
      { ...exit, stderr: 'WARNING: x\nError: unknown variant `nope`, expected one of `read-only`\nin `sandbox_mode`' },
      'bad_config',
      false,
    ],
    [
      'with a bad value',
      { ...exit, stderr: 'Error: invalid type: integer `5`, expected a string\nin `model`' },
      'bad_config',
      false,
    ],
    [
      'without its home',
      { ...exit, stderr: 'Error: CODEX_HOME points to "/x", but that path does not exist' },
      'bad_config',
      false,
    ],
    [
      'without its program',
      { ...exit, stderr: 'Error: Missing optional dependency @openai/codex-linux-x64. Reinstall Codex' },
      'missing',
      false,
    ],
    ['of a shell that found nothing', { ...exit, code: 127 }, 'missing', false],
    ['without a login', { ...exit, stderr: '\u001b[31mERROR\u001b[0m Not logged in. Run codex login' }, 'auth', false],
    ['of another kind', { ...exit, code: 101, stderr: "thread 'main' panicked" }, 'crash', true],
  ])('%s is told apart', (_name, given, cause, retryable) => {
    expect(codex.classifyExit(given)).toMatchObject({ cause, retryable, conversationLost: false });
  });

  test('quotes what codex said, and what to do', () => {
    const stderr = "error: unexpected argument '--x' found";
    const { message, hint } = codex.classifyExit({ ...exit, code: 2, stderr });
    expect(message).toContain("unexpected argument '--x' found");
    expect(hint).toContain('clis.codex.args');
  });

  test.each(['bad-flag', 'sleep-sigint'])('of the recording %s is understood', (name) => {
    const path = fileURLToPath(new URL(`../../../streams/codex/${name}.meta.json`, import.meta.url));
    const { exit_code: code, exit_signal: signal, stderr } = JSON.parse(readFileSync(path, 'utf8'));
    const { cause } = codex.classifyExit({ code, signal, stderr, asked: false, silent: false });
    expect(cause).toBe(name === 'bad-flag' ? 'bad_flag' : 'crash');
  });
});

describe('an error', () => {
  const { errors } = JSON.parse(
    readFileSync(fileURLToPath(new URL('../../../fixtures/codex/methods.json', import.meta.url)), 'utf8'),
  ) as { errors: string[] };
  const BY_TEXT = ['badRequest', 'other'];

  test.each(errors)('with the info %s has a code of its own, or the one of its text', (info) => {
    const { code } = errorEvent({ message: 'at capacity', codexErrorInfo: info });
    if (BY_TEXT.includes(info)) expect(code).toBe('overloaded');
    expect(code).toBeDefined();
  });

  test.each<[JsonObject, string, boolean]>([
    [{ message: 'x', codexErrorInfo: 'usageLimitExceeded' }, 'usage_limit', true],
    [{ message: 'x', codexErrorInfo: 'contextWindowExceeded' }, 'context_overflow', false],
    [{ message: 'x', codexErrorInfo: 'unauthorized' }, 'auth', false],
    [{ message: 'x', codexErrorInfo: { httpConnectionFailed: { httpStatusCode: 401 } } }, 'auth', false],
    [{ message: 'x', codexErrorInfo: { responseTooManyFailedAttempts: { httpStatusCode: 429 } } }, 'rate_limit', true],
    [{ message: 'x', codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: 503 } } }, 'overloaded', true],
    [{ message: 'x', codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: null } } }, 'network', true],
    [{ message: 'Missing environment variable: `KEY`.', codexErrorInfo: 'other' }, 'auth', false],
    [{ message: 'Quota exceeded. Check your plan and billing details.', codexErrorInfo: 'other' }, 'billing', false],
    [{ message: 'Incomplete response returned, reason: max_output_tokens' }, 'model', false],
    [{ message: 'nobody knows', codexErrorInfo: 'newThing' }, 'unknown', false],
    [{}, 'unknown', false],
  ])('%o is %s', (error, code, retryable) => expect(errorEvent(error)).toMatchObject({ code, retryable }));

  test.each([
    ['Reconnecting... 2/5 (cut)', { attempt: 2, max: 5, error: 'cut' }],
    ['Reconnecting... waiting for network (dns)', { attempt: null, max: null, error: 'waiting for network (dns)' }],
    ['Quota exceeded.', null],
  ])('%s is a retry or not', (text, retry) => {
    if (retry === null) expect(retryEvent(text, null)).toBeNull();
    else expect(retryEvent(text, null)).toMatchObject(retry);
  });
});

describe('a wrapped command', () => {
  test.each([
    ['/bin/bash -lc ls', 'ls'],
    ["/bin/bash -lc 'echo hi > a'", 'echo hi > a'],
    [`/bin/bash -lc "echo 'it'\\"'\\"'s' \\""'$HOME" '"\\\\"'$x \`date\`'`, "echo 'it'\"'\"'s' \"$HOME\" \\$x `date`"],
    ["zsh -c 'a\nb'", 'a\nb'],
    ["/bin/bash -lc 'ls'; rm -rf /", "/bin/bash -lc 'ls'; rm -rf /"],
    ["/bin/bash -lc 'ls' extra", "/bin/bash -lc 'ls' extra"],
    ['/bin/bash -lc "$(rm -rf /)"', '/bin/bash -lc "$(rm -rf /)"'],
    ['/bin/bash -lc ls>x', '/bin/bash -lc ls>x'],
    ["/bin/bash -lc 'open", "/bin/bash -lc 'open"],
    ['python -c "x"', 'python -c "x"'],
  ])('%s is read as %s', (command, script) => expect(scriptOf(command)).toBe(script));
});

describe('the file of a conversation', () => {
  const line = (type: string, payload: object): string => JSON.stringify({ timestamp: 't', ordinal: 1, type, payload });
  const begun = line('event_msg', { type: 'task_started' });
  const seen = (text: string) => line('response_item', { role: 'user', content: [{ type: 'input_text', text }] });
  const listed = (text: string) =>
    line('event_msg', { type: 'item_completed', item: { type: 'UserMessage', content: [{ type: 'text', text }] } });

  test.each([
    ['a message that only the model sees', [begun, seen('go on')], true],
    ['a message that is listed too', [begun, seen('go on'), listed('go on')], false],
    ['another message', [begun, seen('stop')], false],
    ['one of an earlier turn', [begun, seen('go on'), begun], false],
    ['a second one of the same text', [begun, seen('go on'), listed('go on'), seen('go on')], true],
    ['broken lines', ['{"role":"user"', '"UserMessage"', ''], false],
  ])('%s', (_name, lines, orphan) => expect(onlyModelSees(lines, 'go on')).toBe(orphan));
});

test('seconds become ISO times, and nonsense null', () => {
  expect(isoFromSeconds(0)).toBe('1970-01-01T00:00:00.000Z');
  for (const value of [null, undefined, '1', 1e20]) expect(isoFromSeconds(value)).toBeNull();
});
