/** The OpenAI chat completions API, spoken by the scripted model, for opencode. */
import type {
  AnswerParts,
  ContentStep,
  Dialect,
  StopReason,
  StreamWriter,
  Usage,
} from '../../../src/agents/scripted-model/dialect.ts';
import { listOf, objectOf, parsedObject, textOf } from '../../../src/agents/scripted-model/fields.ts';
import type { Item } from '../../../src/agents/scripted-model/script.ts';
import { nativeCall } from '../../../src/agents/scripted-model/tools.ts';
import type { Json, JsonObject } from '../../../src/core/event.ts';
import { openaiFailure } from './openai-failure.ts';

const textsOf = (content: Json | undefined): string[] =>
  typeof content === 'string' ? [content] : listOf(content).map((part) => textOf(objectOf(part)['text']));

function itemsOf(message: JsonObject): Item[] {
  const { role, content } = message;
  if (role === 'user') return textsOf(content).map((text) => ({ role, text }));
  if (role === 'tool')
    return [
      { role: 'result', callId: textOf(message['tool_call_id']), text: textsOf(content).join('\n'), isError: false },
    ];
  if (role !== 'assistant') return [];
  const words: Item[] = textsOf(content)
    .filter((text) => text !== '')
    .map((text) => ({ role, text }));
  const calls = listOf(message['tool_calls']).map((each): Item => {
    const call = objectOf(each);
    const { name, arguments: args } = objectOf(call['function']);
    return { role: 'call', id: textOf(call['id']), name: textOf(name), args: parsedObject(textOf(args)) };
  });
  return [...words, ...calls];
}

const FINISH: Readonly<Record<StopReason, string>> = {
  end: 'stop',
  tools: 'tool_calls',
  refusal: 'content_filter',
  max_tokens: 'length',
};

function usageFields(usage: Usage): JsonObject {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite;
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead },
  };
}

function toolCall(parts: AnswerParts, step: Extract<ContentStep, { args: JsonObject }>, index: number): JsonObject {
  const { name, args } = nativeCall(step, parts.request.tools);
  return {
    index,
    id: `call_${parts.id}_${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  };
}

function writer(parts: AnswerParts): StreamWriter {
  const chunk = (choices: Json[], more: JsonObject = {}): string =>
    `data: ${JSON.stringify({
      id: `chatcmpl-scripted-${parts.id}`,
      object: 'chat.completion.chunk',
      created: 0,
      model: parts.request.model,
      choices,
      ...more,
    })}\n\n`;
  const delta = (words: JsonObject): string => chunk([{ index: 0, delta: words, finish_reason: null }]);
  let calls = 0;
  return {
    open: () => delta({ role: 'assistant', content: '' }),
    textStart: () => '',
    textDelta: (content) => delta({ content }),
    textEnd: () => '',
    thinking: (reasoning_content) => delta({ reasoning_content }),
    call: (step) => delta({ tool_calls: [toolCall(parts, step, calls++)] }),
    close: (stop) =>
      chunk([{ index: 0, delta: {}, finish_reason: FINISH[stop] }]) +
      chunk([], { usage: usageFields(parts.usage) }) +
      'data: [DONE]\n\n',
  };
}

function whole(parts: AnswerParts, content: ContentStep[], stop: StopReason): JsonObject {
  const words = content.flatMap((step) => (step.do === 'text' ? [step.text] : [])).join('');
  const calls = content.flatMap((step, index) =>
    step.do === 'text' || step.do === 'thinking' ? [] : [toolCall(parts, step, index)],
  );
  const message: JsonObject = { role: 'assistant', content: words, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
  return {
    id: `chatcmpl-scripted-${parts.id}`,
    object: 'chat.completion',
    created: 0,
    model: parts.request.model,
    choices: [{ index: 0, message, finish_reason: FINISH[stop] }],
    usage: usageFields(parts.usage),
  };
}

export const chat: Dialect = {
  name: 'chat',
  isModel: (path) => path === '/v1/chat/completions',
  request(_path, _query, body) {
    if (!Array.isArray(body['messages'])) throw new TypeError('messages are missing');
    return {
      model: textOf(body['model']),
      items: body['messages'].flatMap((message) => itemsOf(objectOf(message))),
      tools: listOf(body['tools']).map((tool) => textOf(objectOf(objectOf(tool)['function'])['name'])),
      stream: body['stream'] === true,
    };
  },
  writer,
  whole,
  failure: (failure, _id, nowMs) => openaiFailure(failure, nowMs),
  headers: () => ({}),
  other: () => null,
};
