/**
 * Every answer to a question of claude's is built here, in exactly its legal forms. A malformed answer OPENS claude's gate
 * (checked with 2.1.197: an unknown decision, a wrong event name, an error reply each let the command run), so what cannot be
 * said in a legal form is said as a refusal.
 */
import type { Json, JsonObject } from '../../core/event.ts';
import { object, text } from './fields.ts';

export type GateDecision = 'allow' | 'deny' | 'ask';

const NO_REASON = 'Refused by tutti.';

/** Reply to a PreToolUse hook. Anything but allow and ask is a refusal. `updatedInput` counts with allow alone. */
export function gateReply(
  requestId: string,
  decision: GateDecision,
  reason: string,
  updatedInput?: JsonObject,
): string {
  const legal: GateDecision = decision === 'allow' || decision === 'ask' ? decision : 'deny';
  return success(requestId, {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: legal,
      permissionDecisionReason: reason.trim() === '' ? NO_REASON : reason,
      ...(legal === 'allow' && updatedInput !== undefined ? { updatedInput } : {}),
    },
  });
}

/** Reply to can_use_tool that lets the call run with this input (the original one where nothing changed). */
export const allowReply = (requestId: string, updatedInput: JsonObject): string =>
  success(requestId, { behavior: 'allow', updatedInput });

/** Reply to can_use_tool that refuses; the model reads the reason and the turn goes on. */
export const denyReply = (requestId: string, reason: string): string =>
  success(requestId, { behavior: 'deny', message: reason.trim() === '' ? NO_REASON : reason, interrupt: false });

/** Reply to a UserPromptSubmit hook: let it in. */
export const acceptPromptReply = (requestId: string): string => success(requestId, {});

/** Reply to a UserPromptSubmit hook: the conversation has this message; it is not added, and no turn comes of it. */
export const refusePromptReply = (requestId: string): string =>
  success(requestId, { decision: 'block', reason: 'The conversation has this message already.' });

/** True for a line that {@link refusePromptReply} made. */
export function refusesPrompt(line: JsonObject): boolean {
  return text(line.type) === 'control_response' && text(object(object(line.response)?.response)?.decision) === 'block';
}

export const mcpReply = (requestId: string, response: JsonObject): string =>
  success(requestId, { mcp_response: response });

/** Only for requests that are no gate. */
export const errorReply = (requestId: string, error: string): string =>
  line({ type: 'control_response', response: { subtype: 'error', request_id: requestId, error } });

export const request = (requestId: string, body: JsonObject): string =>
  line({ type: 'control_request', request_id: requestId, request: body });

export const userMessage = (uuid: string, content: string): string =>
  line({ type: 'user', message: { role: 'user', content }, uuid });

/** One of claude's slash commands. */
export const ownCommand = (command: string): string =>
  line({ type: 'user', message: { role: 'user', content: command } });

const success = (requestId: string, response: JsonObject): string =>
  line({ type: 'control_response', response: { subtype: 'success', request_id: requestId, response } });

/** One line: JSON escapes newlines, and U+2028/9 are no line ends to claude. */
const line = (value: Json): string => JSON.stringify(value);
