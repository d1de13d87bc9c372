import { describe, expect, test } from 'vitest';
import { failureOf, failureOfRpc } from '../../../../src/drivers/acp/failure.ts';
import { gemini } from '../../../../src/drivers/gemini/index.ts';
import { opencode } from '../../../../src/drivers/opencode/index.ts';

describe('words of an error', () => {
  test.each([
    ['You have exhausted your daily quota on this model.', null, 'usage_limit', true],
    ['Your credit balance is too low', 400, 'billing', false],
    ['The input token count exceeds the maximum number of tokens allowed', 400, 'context_overflow', false],
    ['Too Many Requests', null, 'rate_limit', true],
    ['anything', 429, 'rate_limit', true],
    ['The model is overloaded. Please try again later.', 503, 'overloaded', true],
    ['API key not valid. Please pass a valid API key.', 400, 'auth', false],
    ['nothing special', 403, 'auth', false],
    ['[API Error: terminated]', null, 'network', true],
    ['Loop detected, stopping execution', null, 'model', false],
    ['anything', 500, 'overloaded', true],
    ['anything', null, 'unknown', false],
    ['anything', 400, 'unknown', false],
  ] as const)('%s (%s) is %s', (message, status, code, retryable) => {
    expect(failureOf(message, status)).toEqual({ code, message, retryable });
  });
});

describe('an error response', () => {
  test('of Gemini has the status as its code and the body as its message', () => {
    const message = JSON.stringify({
      error: { code: 429, message: 'Resource exhausted', status: 'RESOURCE_EXHAUSTED' },
    });
    expect(failureOfRpc({ code: 429, message, data: null })).toEqual({
      code: 'rate_limit',
      message: 'Resource exhausted',
      retryable: true,
    });
  });
  test('of OpenCode has a name in its data', () => {
    const error = { code: -32603, message: 'Internal error: slow down: rate limit', data: { errorName: 'APIError' } };
    expect(failureOfRpc(error)).toEqual({
      code: 'rate_limit',
      message: 'Internal error: slow down: rate limit (APIError)',
      retryable: true,
    });
    expect(failureOfRpc({ ...error, data: { errorName: 'ProviderAuthError' } }).code).toBe('auth');
  });
  test('that only says internal error is unknown', () => {
    expect(failureOfRpc({ code: -32603, message: 'Internal error', data: null }).code).toBe('unknown');
  });
  test('that asks for a login says so', () => {
    expect(failureOfRpc({ code: -32000, message: '', data: null })).toEqual({
      code: 'auth',
      message: 'Authentication required',
      retryable: false,
    });
  });
});

describe('the end of the process', () => {
  const exit = { code: 1, signal: null, asked: false, stderr: '', silent: true };
  test.each([
    {
      id: 'a signal',
      driver: gemini,
      given: { code: null, signal: 'SIGKILL' },
      expected: { cause: 'signal', code: 'crash', retryable: true },
    },
    { id: 'a wanted end', driver: gemini, given: { code: 0, asked: true }, expected: { cause: 'asked', code: null } },
    { id: 'an end by itself', driver: opencode, given: { code: 0 }, expected: { cause: 'clean', retryable: true } },
    { id: 'no program', driver: opencode, given: { code: 127 }, expected: { cause: 'missing', retryable: false } },
    {
      id: 'no login',
      driver: gemini,
      given: { code: 41 },
      expected: { cause: 'auth', code: 'auth', retryable: false },
    },
    {
      id: 'an untrusted folder',
      driver: gemini,
      given: { code: 55 },
      expected: { cause: 'untrusted', retryable: false },
    },
    {
      id: 'a key that is asked for',
      driver: opencode,
      given: { stderr: 'No API key' },
      expected: { cause: 'auth', retryable: false },
    },
    {
      id: 'a wrong option',
      driver: gemini,
      given: { stderr: 'Unknown argument: no-such-flag' },
      expected: { cause: 'bad_flag', retryable: false },
    },
    {
      id: 'a wrong configuration',
      driver: opencode,
      given: { stderr: '\nError: Configuration is invalid at x' },
      expected: { cause: 'bad_config', retryable: false, hint: 'Error: Configuration is invalid at x' },
    },
    {
      id: 'a crash',
      driver: opencode,
      given: { code: 7, silent: false },
      expected: { cause: 'crash', code: 'crash', retryable: true },
    },
    {
      id: 'a crash with words',
      driver: opencode,
      given: { stderr: 'ECONNREFUSED', silent: false },
      expected: { cause: 'crash', code: 'network' },
    },
    {
      id: 'a conversation that cannot be loaded',
      driver: gemini,
      given: { code: 0, asked: true, stderr: "  method: 'session/load',\n" },
      expected: { cause: 'no_conversation', conversationLost: true, retryable: true },
    },
  ])('is told: $id', ({ driver, given, expected }) => {
    expect(driver.classifyExit({ ...exit, ...given })).toMatchObject({ conversationLost: false, ...expected });
  });
});
