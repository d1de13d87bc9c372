/** One line of each kind that no recording holds; field names as in claude 2.1.197's own code or as tried with it. */
import type { DriverEventBody } from '../../../../src/core/event.ts';
import type { Fate, Line } from '../../../../src/drivers/driver.ts';

export interface Specimen {
  kind: string;
  line: object | string;
  dir?: Line['dir'];
  fate: Fate;
  events: Partial<DriverEventBody>[];
}

const notice = (phase: string, detail: string | null): Partial<DriverEventBody> => ({
  type: 'activity',
  kind: 'notice',
  phase,
  detail,
});
const system = (subtype: string, fields: object = {}): object => ({ type: 'system', subtype, ...fields });
const note = (subtype: string): Specimen => ({
  kind: `system/${subtype}`,
  line: system(subtype, { content: 'words' }),
  fate: 'decoded',
  events: [notice(subtype, 'words')],
});
const empty = (kind: string, line: object | string, dir?: Line['dir']): Specimen => ({
  kind,
  line,
  fate: 'empty',
  events: [],
  ...(dir === undefined ? {} : { dir }),
});

export const SPECIMENS: Specimen[] = [
  ...[
    'informational',
    'permission_denied',
    'model_fallback',
    'model_refusal_fallback',
    'model_consent_fallback',
    'local_command',
    'local_command_output',
    'mirror_error',
    'api_error',
    'post_turn_summary',
    'task_summary',
    'memory_saved',
    'memory_recall',
    'scheduled_task_fire',
    'elicitation_complete',
    'plugin_install',
  ].map(note),
  {
    kind: 'system/notification',
    line: system('notification', { key: 'k', text: 'heed this' }),
    fate: 'decoded',
    events: [notice('notification', 'heed this')],
  },
  empty('system/hook_progress', system('hook_progress')),
  empty('system/commands_changed', system('commands_changed')),
  {
    kind: 'assistant/redacted_thinking',
    line: {
      type: 'assistant',
      message: { id: 'm', content: [{ type: 'redacted_thinking', data: 'x' }] },
      parent_tool_use_id: null,
    },
    fate: 'decoded',
    events: [{ type: 'thinking', content: '' }],
  },
  {
    kind: 'assistant/other',
    line: {
      type: 'assistant',
      message: { id: 'm', content: [{ type: 'web_search_tool_result' }] },
      parent_tool_use_id: null,
    },
    fate: 'decoded',
    events: [{ type: 'activity', kind: 'notice', detail: 'content block web_search_tool_result' }],
  },
  {
    kind: 'result/error_max_structured_output_retries',
    line: {
      type: 'result',
      subtype: 'error_max_structured_output_retries',
      is_error: true,
      num_turns: 1,
      errors: ['no valid output'],
    },
    fate: 'decoded',
    events: [
      { type: 'turn', phase: 'start' },
      { type: 'error', message: 'no valid output' },
      { type: 'turn', phase: 'end', outcome: 'error' },
    ],
  },
  {
    kind: 'tool_use_summary',
    line: { type: 'tool_use_summary', summary: 'read two files' },
    fate: 'decoded',
    events: [notice('tool_use_summary', 'read two files')],
  },
  {
    kind: 'auth_status',
    line: { type: 'auth_status', isAuthenticating: true, output: [] },
    fate: 'decoded',
    events: [notice('auth_status', null)],
  },
  empty('tool_progress', { type: 'tool_progress', tool_use_id: 't', elapsed_time_seconds: 30 }),
  empty('keep_alive', { type: 'keep_alive' }),
  empty('stream_event/ping', { type: 'stream_event', event: { type: 'ping' } }),
  empty('control_request/mcp_message', {
    type: 'control_request',
    request_id: 'r',
    request: { subtype: 'mcp_message', message: {} },
  }),
  empty('control_cancel_request', { type: 'control_cancel_request', request_id: 'r' }),
  empty('in/user', { type: 'user', message: { role: 'user', content: 'hi' }, uuid: 'u' }, 'in'),
  empty('in/control_request', { type: 'control_request', request_id: 'r', request: { subtype: 'interrupt' } }, 'in'),
  empty(
    'in/control_response',
    { type: 'control_response', response: { subtype: 'success', request_id: 'r', response: {} } },
    'in',
  ),
  empty('blank', '  '),
  empty('stderr', 'Warning: something', 'err'),
];
