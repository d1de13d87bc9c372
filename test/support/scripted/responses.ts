/** The OpenAI Responses API, spoken by the scripted model, for codex. */
import type {
  AnswerParts,
  ContentStep,
  Dialect,
  StopReason,
  StreamWriter,
  Usage,
} from '../../../src/agents/scripted-model/dialect.ts';
import { listOf, objectOf, parsedObject, textOf } from '../../../src/agents/scripted-model/fields.ts';
import type { Failure, Item } from '../../../src/agents/scripted-model/script.ts';
import { nativeCall } from '../../../src/agents/scripted-model/tools.ts';
import type { Json, JsonObject } from '../../../src/core/event.ts';
import { openaiFailure } from './openai-failure.ts';

function itemsOf(item: JsonObject): Item[] {
  switch (item['type']) {
    case 'function_call':
      return [
        {
          role: 'call',
          id: textOf(item['call_id']),
          name: textOf(item['name']),
          args: parsedObject(textOf(item['arguments'])),
        },
      ];
    case 'custom_tool_call':
      return [
        { role: 'call', id: textOf(item['call_id']), name: textOf(item['name']), args: { input: item['input'] ?? '' } },
      ];
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [{ role: 'result', callId: textOf(item['call_id']), text: outputText(item['output']), isError: false }];
    case 'message':
    case undefined:
      return messageItems(item);
    default:
      return [];
  }
}

function messageItems(item: JsonObject): Item[] {
  const role = item['role'];
  if (role !== 'user' && role !== 'assistant') return [];
  const { content } = item;
  if (typeof content === 'string') return [{ role, text: content }];
  return listOf(content).map((part) => ({ role, text: textOf(objectOf(part)['text']) }));
}

function outputText(output: Json | undefined): string {
  if (typeof output === 'string') return output;
  if (Array.isArray(output)) return output.map((part) => textOf(objectOf(part)['text'])).join('\n');
  return textOf(objectOf(output)['content']);
}

const event = (type: string, data: JsonObject): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

function usageFields(usage: Usage): JsonObject {
  const input = usage.input + usage.cacheRead + usage.cacheWrite;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + usage.output,
  };
}

const messageItem = (id: string, text: string): JsonObject => ({
  type: 'message',
  id,
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

function callItem(id: string, step: Extract<ContentStep, { args: JsonObject }>, offered: string[]): JsonObject {
  const { name, args } = nativeCall(step, offered);
  return {
    type: 'function_call',
    id: `fc_${id}`,
    call_id: `call_${id}`,
    name,
    arguments: JSON.stringify(args),
    status: 'completed',
  };
}

const reasoningItem = (id: string, text: string): JsonObject => ({
  type: 'reasoning',
  id: `rs_${id}`,
  summary: [{ type: 'summary_text', text }],
});

function writer(parts: AnswerParts): StreamWriter {
  const response = (status: string): JsonObject => ({
    id: `resp_scripted_${parts.id}`,
    object: 'response',
    status,
    output: [],
  });
  let index = 0;
  let text = '';
  const whole = (item: JsonObject): string => {
    const at = index++;
    return (
      event('response.output_item.added', { output_index: at, item }) +
      event('response.output_item.done', { output_index: at, item })
    );
  };
  const id = () => `${parts.id}_${index}`;
  return {
    open: () => event('response.created', { response: response('in_progress') }),
    textStart: () => {
      text = '';
      return event('response.output_item.added', {
        output_index: index,
        item: { ...messageItem(`msg_${id()}`, ''), status: 'in_progress', content: [] },
      });
    },
    textDelta: (delta) => {
      text += delta;
      return event('response.output_text.delta', {
        item_id: `msg_${id()}`,
        output_index: index,
        content_index: 0,
        delta,
      });
    },
    textEnd: () => {
      const item = messageItem(`msg_${id()}`, text);
      return event('response.output_item.done', { output_index: index++, item });
    },
    thinking: (words) => whole(reasoningItem(id(), words)),
    call: (step) => whole(callItem(id(), step, parts.request.tools)),
    close: (stop) => {
      if (stop === 'max_tokens' || stop === 'refusal') {
        const reason = stop === 'refusal' ? 'content_filter' : 'max_output_tokens';
        return event('response.incomplete', {
          response: { ...response('incomplete'), incomplete_details: { reason } },
        });
      }
      return event('response.completed', { response: { ...response('completed'), usage: usageFields(parts.usage) } });
    },
  };
}

function whole(parts: AnswerParts, content: ContentStep[], stop: StopReason): JsonObject {
  const output = content.map((step, index) => {
    const id = `${parts.id}_${index}`;
    if (step.do === 'text') return messageItem(`msg_${id}`, step.text);
    return step.do === 'thinking' ? reasoningItem(id, step.text) : callItem(id, step, parts.request.tools);
  });
  const status = stop === 'end' || stop === 'tools' ? 'completed' : 'incomplete';
  return { id: `resp_scripted_${parts.id}`, object: 'response', status, output, usage: usageFields(parts.usage) };
}

export const responses: Dialect = {
  name: 'responses',
  isModel: (path) => path === '/v1/responses',
  request(_path, _query, body) {
    if (!Array.isArray(body['input']) && typeof body['input'] !== 'string') throw new TypeError('input is missing');
    const items: Item[] =
      typeof body['input'] === 'string'
        ? [{ role: 'user', text: body['input'] }]
        : body['input'].flatMap((item) => itemsOf(objectOf(item)));
    return {
      model: textOf(body['model']),
      items,
      tools: listOf(body['tools']).map((tool) => textOf(objectOf(tool)['name']) || textOf(objectOf(tool)['type'])),
      stream: body['stream'] === true,
    };
  },
  writer,
  whole,
  failure: (failure: Failure, _id, nowMs) => openaiFailure(failure, nowMs),
  headers: () => ({}),
  other(method, path) {
    if (method === 'GET' && path === '/v1/models')
      return {
        status: 200,
        headers: {},
        body: { object: 'list', data: [{ id: 'scripted-model', object: 'model' }], models: [] },
      };
    return null;
  },
};
