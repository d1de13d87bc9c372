/** The Gemini API (generateContent, streamGenerateContent), spoken by the scripted model, for gemini. */
import type {
  AnswerParts,
  ContentStep,
  Dialect,
  HttpAnswer,
  StopReason,
  StreamWriter,
  Usage,
} from '../../../src/agents/scripted-model/dialect.ts';
import { listOf, objectOf, textOf } from '../../../src/agents/scripted-model/fields.ts';
import type { Failure, FailureKind, Item } from '../../../src/agents/scripted-model/script.ts';
import { nativeCall } from '../../../src/agents/scripted-model/tools.ts';
import type { Json, JsonObject } from '../../../src/core/event.ts';

const PATH = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/;

function itemsOf(content: JsonObject): Item[] {
  const role = content['role'] === 'model' ? 'assistant' : 'user';
  return listOf(content['parts']).flatMap((each): Item[] => {
    const part = objectOf(each);
    if (part['functionCall'] !== undefined) {
      const call = objectOf(part['functionCall']);
      return [{ role: 'call', id: textOf(call['id']), name: textOf(call['name']), args: objectOf(call['args']) }];
    }
    if (part['functionResponse'] !== undefined) {
      const answer = objectOf(part['functionResponse']);
      const { output, error } = objectOf(answer['response']);
      return [
        {
          role: 'result',
          callId: textOf(answer['id']),
          text: textOf(output) || textOf(error),
          isError: error !== undefined,
        },
      ];
    }
    return part['thought'] === true || typeof part['text'] !== 'string' ? [] : [{ role, text: part['text'] }];
  });
}

const FINISH: Readonly<Record<StopReason, string>> = {
  end: 'STOP',
  tools: 'STOP',
  refusal: 'SAFETY',
  max_tokens: 'MAX_TOKENS',
};

function usageFields(usage: Usage): JsonObject {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite;
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: usage.output,
    totalTokenCount: prompt + usage.output,
    cachedContentTokenCount: usage.cacheRead,
  };
}

function partOf(parts: AnswerParts, step: ContentStep, index: number): JsonObject {
  if (step.do === 'text') return { text: step.text };
  if (step.do === 'thinking') return { text: step.text, thought: true };
  const { name, args } = nativeCall(step, parts.request.tools);
  return { functionCall: { id: `call-${parts.id}-${index}`, name, args } };
}

function envelope(parts: AnswerParts, content: Json[], stop: StopReason | null): JsonObject {
  const finish = stop === null ? {} : { finishReason: FINISH[stop] };
  return {
    candidates: [{ content: { role: 'model', parts: content }, index: 0, ...finish }],
    usageMetadata: usageFields(parts.usage),
    modelVersion: `scripted-${parts.request.model}`,
    responseId: `scripted-${parts.id}`,
  };
}

function writer(parts: AnswerParts): StreamWriter {
  const chunk = (content: Json[], stop: StopReason | null = null): string =>
    `data: ${JSON.stringify(envelope(parts, content, stop))}\n\n`;
  let index = 0;
  return {
    // The API opens with its first words; headers are on their way all the same.
    open: () => '',
    textStart: () => '',
    textDelta: (text) => chunk([{ text }]),
    textEnd: () => '',
    thinking: (text) => chunk([{ text, thought: true }]),
    call: (step) => chunk([partOf(parts, step, index++)]),
    close: (stop) => chunk([{ text: '' }], stop),
  };
}

const ERROR: Readonly<Record<FailureKind, { status: number; name: string }>> = {
  rate_limit: { status: 429, name: 'RESOURCE_EXHAUSTED' },
  usage_limit: { status: 429, name: 'RESOURCE_EXHAUSTED' },
  overloaded: { status: 503, name: 'UNAVAILABLE' },
  server_error: { status: 500, name: 'INTERNAL' },
  auth: { status: 400, name: 'INVALID_ARGUMENT' },
  quota: { status: 429, name: 'RESOURCE_EXHAUSTED' },
  too_long: { status: 400, name: 'INVALID_ARGUMENT' },
  invalid: { status: 400, name: 'INVALID_ARGUMENT' },
};

/** A daily quota is told by its violation, a short limit by the pause that it asks for. */
function details(failure: Failure): Json[] {
  if (failure.kind === 'usage_limit') {
    const violations = [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel' }];
    return [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations }];
  }
  if (failure.kind !== 'rate_limit' || failure.retryAfterS === null) return [];
  return [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${failure.retryAfterS}s` }];
}

function failureAnswer(failure: Failure): HttpAnswer {
  const { status, name } = ERROR[failure.kind];
  const message = failure.kind === 'auth' ? 'API key not valid. Please pass a valid API key.' : failure.message;
  return { status, headers: {}, body: { error: { code: status, message, status: name, details: details(failure) } } };
}

export const gemini: Dialect = {
  name: 'gemini',
  isModel: (path) => PATH.test(path) && !path.endsWith(':countTokens'),
  request(path, _query, body) {
    if (!Array.isArray(body['contents'])) throw new TypeError('contents are missing');
    const [, model = '', verb] = PATH.exec(path) ?? [];
    const declared = listOf(body['tools']).flatMap((tool) => listOf(objectOf(tool)['functionDeclarations']));
    return {
      model,
      items: body['contents'].flatMap((content) => itemsOf(objectOf(content))),
      tools: declared.map((tool) => textOf(objectOf(tool)['name'])),
      stream: verb === 'streamGenerateContent',
    };
  },
  writer,
  whole: (parts, content, stop) =>
    envelope(
      parts,
      content.map((step, index) => partOf(parts, step, index)),
      stop,
    ),
  failure: failureAnswer,
  headers: () => ({}),
  other: (_method, path) =>
    path.endsWith(':countTokens') ? { status: 200, headers: {}, body: { totalTokens: 100 } } : null,
};
