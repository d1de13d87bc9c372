/** What claude waits for an answer to: gate calls (hook_callback), permissions and questions (can_use_tool). */
import type { Json, JsonObject } from '../../core/event.ts';
import type { Action, Verdict } from '../driver.ts';
import { allowReply, denyReply, errorReply, gateReply } from './answers.ts';
import { list, object, text } from './fields.ts';
import { commonArgs, nativeArgs, toolOf } from './tools.ts';

interface Open {
  what: 'gate' | 'permission' | 'question';
  nativeTool: string;
  input: JsonObject;
}

export class Questions {
  /** By request id, which is also the key that the host knows. */
  readonly #open = new Map<string, Open>();

  /** PreToolUse. What is not understood is refused at once. */
  gate(requestId: string, hook: JsonObject): Action[] {
    const input = object(hook.input) ?? {};
    const nativeTool = text(input.tool_name);
    const args = object(input.tool_input);
    if (nativeTool === null || args === null)
      return [write(gateReply(requestId, 'deny', 'tutti did not understand this tool call.'))];
    const callId = text(input.tool_use_id) ?? text(hook.tool_use_id);
    this.#open.set(requestId, { what: 'gate', nativeTool, input: args });
    return [judge(requestId, 'permission', true, nativeTool, args, callId, '')];
  }

  canUseTool(requestId: string, asked: JsonObject): Action[] {
    const nativeTool = text(asked.tool_name);
    const input = object(asked.input);
    if (nativeTool === null || input === null)
      return [write(denyReply(requestId, 'tutti did not understand this request.'))];
    const what = nativeTool === 'AskUserQuestion' ? 'question' : 'permission';
    const words =
      what === 'question'
        ? questionsOf(input).join('\n')
        : (text(asked.decision_reason) ?? text(asked.description) ?? '');
    this.#open.set(requestId, { what, nativeTool, input });
    return [judge(requestId, what, false, nativeTool, input, text(asked.tool_use_id), words)];
  }

  /** Claude stopped waiting. */
  withdrawn(requestId: string): Action[] {
    return this.#open.delete(requestId) ? [{ do: 'withdrawn', key: requestId }] : [];
  }

  /** An answer to what was withdrawn, or answered before, goes nowhere. */
  answer(requestId: string, verdict: Verdict): Action[] {
    const open = this.#open.get(requestId);
    if (open === undefined) return [];
    this.#open.delete(requestId);
    return [write(replyTo(requestId, open, verdict))];
  }
}

const write = (line: string): Action => ({ do: 'write', line });

function judge(
  key: string,
  what: 'permission' | 'question',
  gate: boolean,
  nativeTool: string,
  input: JsonObject,
  callId: string | null,
  words: string,
): Action {
  return {
    do: 'judge',
    key,
    what,
    gate,
    tool: toolOf(nativeTool),
    nativeTool,
    args: commonArgs(nativeTool, input),
    callId,
    text: words,
  };
}

function replyTo(requestId: string, open: Open, verdict: Verdict): string {
  const changed =
    verdict.decision === 'allow' && verdict.args !== undefined ? nativeArgs(open.nativeTool, verdict.args) : undefined;
  if (open.what === 'gate') {
    if (verdict.decision === 'allow') return gateReply(requestId, 'allow', 'Allowed by tutti.', changed);
    if (verdict.decision === 'ask') return gateReply(requestId, 'ask', 'tutti wants this asked.');
    return gateReply(requestId, 'deny', reasonOf(verdict));
  }
  if (open.what === 'question' && verdict.decision === 'answer')
    return allowReply(requestId, answered(open.input, verdict.text));
  if (open.what === 'permission' && verdict.decision === 'allow') return allowReply(requestId, changed ?? open.input);
  return denyReply(requestId, reasonOf(verdict));
}

/** Why not, in words for the model. A verdict that does not fit its question is a refusal too. */
function reasonOf(verdict: Verdict): string {
  if (verdict.decision === 'deny') return verdict.reason;
  if (verdict.decision === 'answer') return verdict.text;
  return 'No answer was given.';
}

const questionsOf = (input: JsonObject): string[] =>
  (list(input.questions) ?? []).map((entry) => text(object(entry)?.question)).filter((question) => question !== null);

/** One line an answer where there are as many lines as questions, else the whole text for each. */
function answered(input: JsonObject, words: string): JsonObject {
  const questions = questionsOf(input);
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  const each = questions.length > 1 && lines.length === questions.length;
  const answers: Record<string, Json> = {};
  for (const [at, question] of questions.entries()) answers[question] = each ? (lines[at] ?? words) : words;
  return { ...input, answers };
}

/** A request that no one here can answer; hooks that gate something are refused, since an error would open them. */
export function unknownRequest(requestId: string, asked: JsonObject): Action {
  const hook = text(object(asked.input)?.hook_event_name);
  const reply =
    hook === 'PreToolUse'
      ? gateReply(requestId, 'deny', 'tutti has no such hook.')
      : errorReply(requestId, 'tutti does not answer this request.');
  return write(reply);
}
