/** The Anthropic Messages API, spoken by the scripted model. */
import type { Dialect } from '../dialect.ts';
import { countTokens } from '../tokens.ts';
import { failureAnswer, streamWriter, unifiedHeaders, wholeMessage } from './answer.ts';
import { messagesRequest } from './request.ts';

const MODEL = 'scripted-model';

export const anthropic: Dialect = {
  name: 'anthropic',
  isModel: (path) => path === '/v1/messages',
  request: (_path, _query, body) => messagesRequest(body),
  writer: streamWriter,
  whole: wholeMessage,
  failure: failureAnswer,
  headers: (unified, nowMs) => (unified === undefined ? {} : unifiedHeaders(unified, nowMs)),
  other(method, path, body) {
    if (path === '/v1/messages/count_tokens')
      return { status: 200, headers: {}, body: { input_tokens: countTokens(messagesRequest(body)) } };
    if (method === 'GET' && path === '/v1/models')
      return {
        status: 200,
        headers: {},
        body: { data: [{ type: 'model', id: MODEL, display_name: 'Scripted model' }], has_more: false },
      };
    return null;
  },
};
