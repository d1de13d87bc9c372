/** Answers of the Messages API: server-sent events, whole messages, errors, headers. Pure. */
import type { JsonObject } from '../../../core/event.ts';
import type { AnswerParts, ContentStep, HttpAnswer, StopReason, StreamWriter, Usage } from '../dialect.ts';
import type { Failure, FailureKind, UnifiedLimit } from '../script.ts';
import { nativeCall } from '../tools.ts';

const STOP: Readonly<Record<StopReason, string>> = {
  end: 'end_turn',
  tools: 'tool_use',
  refusal: 'refusal',
  max_tokens: 'max_tokens',
};

const ERROR: Readonly<Record<FailureKind, { status: number; type: string }>> = {
  rate_limit: { status: 429, type: 'rate_limit_error' },
  usage_limit: { status: 429, type: 'rate_limit_error' },
  overloaded: { status: 529, type: 'overloaded_error' },
  server_error: { status: 500, type: 'api_error' },
  auth: { status: 401, type: 'authentication_error' },
  quota: { status: 400, type: 'invalid_request_error' },
  too_long: { status: 400, type: 'invalid_request_error' },
  invalid: { status: 400, type: 'invalid_request_error' },
};

const event = (type: string, data: JsonObject): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

function usageFields(usage: Usage, output: number): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite,
    cache_read_input_tokens: usage.cacheRead,
    output_tokens: output,
  };
}

/** The client's own model name with `scripted` in it: no answer may pass for a real model's. */
const modelName = (asked: string): string => (asked.includes('scripted') ? asked : `scripted-${asked || 'model'}`);

function envelope({ request, usage, id }: AnswerParts, output: number): JsonObject {
  return {
    id: `msg_scripted_${id}`,
    type: 'message',
    role: 'assistant',
    model: modelName(request.model),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usageFields(usage, output),
  };
}

export function streamWriter(parts: AnswerParts): StreamWriter {
  let index = 0;
  const block = (start: JsonObject, deltas: JsonObject[]): string => {
    const at = index++;
    return [
      event('content_block_start', { index: at, content_block: start }),
      ...deltas.map((delta) => event('content_block_delta', { index: at, delta })),
      event('content_block_stop', { index: at }),
    ].join('');
  };
  return {
    open: () => event('message_start', { message: envelope(parts, 1) }) + event('ping', {}),
    textStart: () => event('content_block_start', { index, content_block: { type: 'text', text: '' } }),
    textDelta: (text) => event('content_block_delta', { index, delta: { type: 'text_delta', text } }),
    textEnd: () => event('content_block_stop', { index: index++ }),
    thinking: (text) =>
      block({ type: 'thinking', thinking: '', signature: '' }, [
        { type: 'thinking_delta', thinking: text },
        { type: 'signature_delta', signature: 'scripted' },
      ]),
    call: (step) => {
      const { name, args } = nativeCall(step, parts.request.tools);
      const id = `toolu_scripted_${parts.id}_${index}`;
      const json = JSON.stringify(args);
      const half = Math.ceil(json.length / 2);
      return block({ type: 'tool_use', id, name, input: {} }, [
        { type: 'input_json_delta', partial_json: json.slice(0, half) },
        { type: 'input_json_delta', partial_json: json.slice(half) },
      ]);
    },
    close: (stop) =>
      event('message_delta', {
        delta: { stop_reason: STOP[stop], stop_sequence: null },
        usage: usageFields(parts.usage, parts.usage.output),
      }) + event('message_stop', {}),
  };
}

export function wholeMessage(parts: AnswerParts, content: ContentStep[], stop: StopReason): JsonObject {
  const blocks = content.map((step, index): JsonObject => {
    if (step.do === 'text') return { type: 'text', text: step.text };
    if (step.do === 'thinking') return { type: 'thinking', thinking: step.text, signature: 'scripted' };
    const { name, args } = nativeCall(step, parts.request.tools);
    return { type: 'tool_use', id: `toolu_scripted_${parts.id}_${index}`, name, input: args };
  });
  return { ...envelope(parts, parts.usage.output), content: blocks, stop_reason: STOP[stop] };
}

export function failureAnswer(failure: Failure, id: string, nowMs: number): HttpAnswer {
  const { status, type } = ERROR[failure.kind];
  const headers: Record<string, string> = { 'request-id': `req_scripted_${id}` };
  if (failure.retryAfterS !== null) headers['retry-after'] = String(failure.retryAfterS);
  if (failure.kind === 'usage_limit') {
    const limit: UnifiedLimit = { status: 'rejected', utilization: 1, resetS: failure.resetS ?? 0, threshold: null };
    Object.assign(headers, unifiedHeaders(limit, nowMs));
  }
  return { status, headers, body: { type: 'error', error: { type, message: failure.message } } };
}

/** Rounded up; a sum of fractions that is a whole second stays one. */
const wholeSeconds = (seconds: number): number => Math.ceil(seconds - 1e-6);

/** The headers by which a subscription's limits are told. */
export function unifiedHeaders(limit: UnifiedLimit, nowMs: number): Record<string, string> {
  const prefix = 'anthropic-ratelimit-unified';
  const reset = String(wholeSeconds(nowMs / 1000 + limit.resetS));
  const headers: Record<string, string> = {
    [`${prefix}-status`]: limit.status,
    [`${prefix}-reset`]: reset,
    [`${prefix}-representative-claim`]: 'five_hour',
    [`${prefix}-5h-status`]: limit.status,
    [`${prefix}-5h-reset`]: reset,
  };
  if (limit.utilization !== null) headers[`${prefix}-5h-utilization`] = String(limit.utilization);
  if (limit.threshold !== null) headers[`${prefix}-5h-surpassed-threshold`] = String(limit.threshold);
  if (limit.status === 'rejected') {
    headers[`${prefix}-overage-status`] = 'rejected';
    headers[`${prefix}-overage-disabled-reason`] = 'org_level_disabled';
  }
  return headers;
}
