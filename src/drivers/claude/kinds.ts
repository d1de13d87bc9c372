/**
 * The table of claude's lines: every kind has a handler, or a reason why it gives no event. A kind that is not here is `raw`.
 * Kinds marked `delta` are streamed: the host neither journals them nor makes events of them, so their handlers may keep nothing.
 */
import type { JsonObject } from '../../core/event.ts';
import {
  assistant,
  type Handler,
  messageDelta,
  messageStart,
  replay,
  spokenByClient,
  toolResults,
} from './conversation.ts';
import { list, object, text } from './fields.ts';
import * as life from './lifecycle.ts';

export interface Empty {
  empty: string;
  delta?: true;
}

const QUESTION = { empty: "the host's own records (verdict, request, answered) tell it with our ids" } as const;
const DELTA = { empty: 'streamed piece of a message that comes whole', delta: true } as const;
const OURS = { empty: 'what we wrote; claude replays what became of it' } as const;

export const KINDS = {
  'system/init': life.init,
  'system/status': life.status,
  'system/api_retry': life.apiRetry,
  'system/compact_boundary': life.compaction,
  'system/session_state_changed': {
    empty: 'init and result tell the turn; requires_action is the question that follows',
  },
  'system/thinking_tokens': { empty: 'running estimate of a thinking block that comes whole', delta: true },
  'system/task_started': life.taskStarted,
  'system/task_progress': life.taskProgress,
  'system/task_updated': life.taskUpdated,
  'system/task_notification': life.taskNotification,
  'system/hook_started': life.hookStarted,
  'system/hook_response': life.hookResponse,
  'system/hook_progress': { empty: 'between the start and the end of a hook' },
  'system/informational': life.informational,
  'system/notification': life.note,
  'system/permission_denied': life.note,
  'system/model_fallback': life.note,
  'system/model_refusal_fallback': life.note,
  'system/model_refusal_no_fallback': life.note,
  'system/model_consent_fallback': life.note,
  'system/local_command': life.note,
  'system/local_command_output': life.note,
  'system/mirror_error': life.note,
  'system/api_error': life.note,
  'system/post_turn_summary': life.note,
  'system/task_summary': life.note,
  'system/memory_saved': life.note,
  'system/memory_recall': life.note,
  'system/scheduled_task_fire': life.note,
  'system/elicitation_complete': life.note,
  'system/plugin_install': life.note,
  'system/commands_changed': { empty: 'list of slash commands for a completion menu' },
  'assistant/text': assistant,
  'assistant/thinking': assistant,
  'assistant/redacted_thinking': assistant,
  'assistant/tool_use': assistant,
  'assistant/other': assistant,
  'assistant/error': assistant,
  'user/tool_result': toolResults,
  'user/replay': replay,
  'user/synthetic': spokenByClient,
  'user/text': spokenByClient,
  'result/success': life.result,
  'result/error_during_execution': life.result,
  'result/error_max_turns': life.result,
  'result/error_max_budget_usd': life.result,
  'result/error_max_structured_output_retries': life.result,
  rate_limit_event: life.rateLimit,
  tool_progress: { empty: 'a sign of life of a running tool, no more' },
  tool_use_summary: life.note,
  auth_status: life.note,
  keep_alive: { empty: 'keeps the pipe busy' },
  'stream_event/message_start': messageStart,
  'stream_event/message_delta': messageDelta,
  'stream_event/message_stop': DELTA,
  'stream_event/content_block_start': DELTA,
  'stream_event/content_block_delta': DELTA,
  'stream_event/content_block_stop': DELTA,
  'stream_event/ping': DELTA,
  'control_request/can_use_tool': QUESTION,
  'control_request/hook_callback': QUESTION,
  'control_request/mcp_message': { empty: 'plumbing of our own tools; a call of one comes as a tool_use block too' },
  control_cancel_request: QUESTION,
  'control_response/success': { empty: 'answer to a request of ours, or the echo of an answer of ours' },
  'control_response/error': { empty: 'answer to a request of ours; the protocol acts on it' },
  'in/user': OURS,
  'in/control_request': OURS,
  'in/control_response': OURS,
  blank: { empty: 'an empty line' },
  stderr: { empty: 'kept in the journal, and read when the exit is classified' },
} as const satisfies Record<string, Handler | Empty>;

export type Kind = keyof typeof KINDS;
export const isKind = (kind: string): kind is Kind => Object.hasOwn(KINDS, kind);

/** Kind of a line that claude wrote, by its own words. */
export function kindOf(line: JsonObject): string {
  const type = text(line.type) ?? 'no type';
  if (type === 'assistant') return assistantKind(line);
  if (type === 'user') return userKind(line);
  const inner: Readonly<Record<string, string | null | undefined>> = {
    system: text(line.subtype),
    result: text(line.subtype),
    stream_event: text(object(line.event)?.type),
    control_request: text(object(line.request)?.subtype),
    control_response: text(object(line.response)?.subtype),
  };
  return Object.hasOwn(inner, type) ? `${type}/${inner[type] ?? 'no subtype'}` : type;
}

const BLOCKS = new Set(['text', 'thinking', 'redacted_thinking', 'tool_use']);

function assistantKind(line: JsonObject): string {
  if (text(line.error) !== null) return 'assistant/error';
  const block = text(object(list(object(line.message)?.content)?.[0])?.type) ?? '';
  return BLOCKS.has(block) ? `assistant/${block}` : 'assistant/other';
}

function userKind(line: JsonObject): string {
  if (line.isReplay === true) return 'user/replay';
  if (line.isSynthetic === true) return 'user/synthetic';
  const blocks = list(object(line.message)?.content) ?? [];
  return blocks.some((block) => text(object(block)?.type) === 'tool_result') ? 'user/tool_result' : 'user/text';
}
