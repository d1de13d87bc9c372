/** A scripted conversation with the claude protocol: lines of claude's go in, actions come out. */
import { protocol } from '../../../../src/drivers/claude/protocol.ts';
import type { Action, LaunchSpec, OutgoingMessage } from '../../../../src/drivers/driver.ts';

export const SPEC: LaunchSpec = {
  command: ['claude'],
  args: [],
  cwd: '/workspace',
  model: null,
  permissions: 'auto',
  conversationId: '11111111-1111-4111-8111-111111111111',
  resume: false,
  incarnation: 1,
  marker: 'aaaaaaaa/a1/1',
  dir: '/agent',
  systemPrompt: null,
  settings: {},
};

export const message = (messageId: string, text: string, now = false): OutgoingMessage => ({
  messageId,
  text,
  now,
  ordinal: 0,
});

export class Talk {
  readonly protocol;

  constructor(spec: Partial<LaunchSpec> = {}) {
    this.protocol = protocol({ ...SPEC, ...spec });
  }

  /** One line of claude's; returns the actions. */
  hears(line: object | string): Action[] {
    return this.protocol.line({ dir: 'out', text: typeof line === 'string' ? line : JSON.stringify(line) }).actions;
  }

  ready(): this {
    this.protocol.begin();
    this.hears({
      type: 'control_response',
      response: { subtype: 'success', request_id: 'tutti-initialize', response: {} },
    });
    return this;
  }

  init = (): Action[] => this.hears({ type: 'system', subtype: 'init', session_id: 's', tools: [] });
  echo = (uuid: string): Action[] =>
    this.hears({
      type: 'user',
      isReplay: true,
      uuid,
      timestamp: '2026-01-01T00:00:00.000Z',
      parent_tool_use_id: null,
      message: { role: 'user', content: 'x' },
    });
  repeatedEcho = (uuid: string): Action[] =>
    this.hears({
      type: 'user',
      isReplay: true,
      uuid,
      parent_tool_use_id: null,
      message: { role: 'user', content: 'x' },
    });
  works = (): Action[] =>
    this.hears({
      type: 'assistant',
      parent_tool_use_id: null,
      message: { id: 'm', content: [{ type: 'tool_use', id: 'c', name: 'Bash', input: { command: 'ls' } }] },
    });
  result = (fields: object = {}): Action[] =>
    this.hears({ type: 'result', subtype: 'success', is_error: false, num_turns: 1, ...fields });
  asksPrompt = (id: string, prompt: string): Action[] =>
    this.hears({
      type: 'control_request',
      request_id: id,
      request: {
        subtype: 'hook_callback',
        callback_id: 'prompt',
        input: { hook_event_name: 'UserPromptSubmit', transcript_path: '/t.jsonl', prompt },
      },
    });
  asksGate = (id: string, tool: string, input: unknown): Action[] =>
    this.hears({
      type: 'control_request',
      request_id: id,
      request: {
        subtype: 'hook_callback',
        callback_id: 'pre',
        tool_use_id: 'c1',
        input: { hook_event_name: 'PreToolUse', tool_name: tool, tool_input: input, tool_use_id: 'c1' },
      },
    });
  asksTool = (id: string, tool: string, input: unknown): Action[] =>
    this.hears({
      type: 'control_request',
      request_id: id,
      request: { subtype: 'can_use_tool', tool_name: tool, input, tool_use_id: 'c1', description: 'why' },
    });
}

/** The JSON of what an action list writes. */
export const written = (actions: Action[]): unknown[] =>
  actions.flatMap((action) => (action.do === 'write' ? [JSON.parse(action.line)] : []));
export const others = (actions: Action[]): Action[] => actions.filter((action) => action.do !== 'write');
