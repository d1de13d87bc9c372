import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, test } from 'vitest';
import { failureOf, unifiedLimit } from '../../../src/agents/model/failure.ts';

const NOW = Date.parse('2026-01-01T00:00:00.000Z');
/** As the SDK throws it when the stream itself brings an error. */
const inStream = (type: 'overloaded_error' | 'rate_limit_error') =>
  new Anthropic.APIError(undefined, { error: { type, message: 'x' } }, 'x', new Headers(), type);
const api = (status: number, type: string, message: string, headers: Record<string, string> = {}) =>
  Anthropic.APIError.generate(status, { type: 'error', error: { type, message } }, undefined, new Headers(headers));

describe('an error of the SDK', () => {
  const cases = [
    { id: '401', error: api(401, 'authentication_error', 'invalid x-api-key'), code: 'auth', retryable: false },
    { id: '403', error: api(403, 'permission_error', 'no'), code: 'auth', retryable: false },
    { id: '404', error: api(404, 'not_found_error', 'model: x'), code: 'model', retryable: false },
    {
      id: '400 without credit',
      error: api(400, 'invalid_request_error', 'Your credit balance is too low'),
      code: 'billing',
      retryable: false,
    },
    {
      id: '400 too long',
      error: api(400, 'invalid_request_error', 'prompt is too long: 2 > 1'),
      code: 'context_overflow',
      retryable: false,
    },
    { id: '400 of another kind', error: api(400, 'invalid_request_error', 'odd'), code: 'unknown', retryable: false },
    { id: '413', error: api(413, 'request_too_large', 'big'), code: 'context_overflow', retryable: false },
    { id: '500', error: api(500, 'api_error', 'oh'), code: 'unknown', retryable: true },
    { id: '529', error: api(529, 'overloaded_error', 'Overloaded'), code: 'overloaded', retryable: true },
    {
      id: 'overload inside a stream',
      error: inStream('overloaded_error'),
      code: 'overloaded',
      retryable: true,
    },
    { id: 'a limit inside a stream', error: inStream('rate_limit_error'), code: 'rate_limit', retryable: true },
    {
      id: 'no connection',
      error: new Anthropic.APIConnectionError({ cause: new Error('ECONNREFUSED') }),
      code: 'network',
      retryable: true,
    },
    {
      id: 'no key',
      error: new Anthropic.AnthropicError('Could not resolve authentication method. Expected one of …'),
      code: 'auth',
      retryable: false,
    },
  ];
  test.each(cases)('$id is $code', ({ error, code, retryable }) => {
    expect(failureOf(error, NOW)).toMatchObject({ code, retryable });
  });

  test('no connection says why', () => {
    const failed = Object.assign(new TypeError('fetch failed'), {
      cause: new Error('connect ECONNREFUSED 127.0.0.1:1'),
    });
    expect(failureOf(new Anthropic.APIConnectionError({ cause: failed }), NOW).message).toContain(
      'connect ECONNREFUSED 127.0.0.1:1',
    );
  });

  test('a bug of ours is thrown on', () => {
    expect(() => failureOf(new RangeError('bug'), NOW)).toThrow('bug');
  });
});

describe('limits', () => {
  const cases = [
    { id: 'seconds', headers: { 'retry-after': '8' }, limit: { retryAfterMs: 8000, resetsAtMs: NOW + 8000 } },
    {
      id: 'a date',
      headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' },
      limit: { retryAfterMs: 30_000, resetsAtMs: NOW + 30_000 },
    },
    { id: 'rubbish', headers: { 'retry-after': 'soon' }, limit: { retryAfterMs: null, resetsAtMs: null } },
    { id: 'nothing', headers: {}, limit: { retryAfterMs: null, resetsAtMs: null } },
  ];
  test.each(cases)('retry-after as $id', ({ headers, limit }) => {
    expect(failureOf(api(429, 'rate_limit_error', 'x', headers as Record<string, string>), NOW)).toMatchObject({
      code: 'rate_limit',
      limit: { limit: 'rejected', ...limit },
    });
  });

  test('a rejected subscription limit is a usage limit with its reset', () => {
    const headers = {
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': '1767225660',
      'retry-after': '9',
    };
    expect(failureOf(api(429, 'rate_limit_error', 'x', headers), NOW)).toMatchObject({
      code: 'usage_limit',
      limit: { resetsAtMs: 1_767_225_660_000, retryAfterMs: 9000 },
    });
  });

  test('headers without a subscription tell nothing', () => expect(unifiedLimit(new Headers())).toBeNull());
});
