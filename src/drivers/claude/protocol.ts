/** The host's side of `claude -p --input-format stream-json`: requests on its stdin, lines from its stdout. */
import type { Json, JsonObject } from '../../core/event.ts';
import type { Action, Decoded, LaunchSpec, Line, OutgoingMessage, Protocol, Verdict } from '../driver.ts';
import { ownCommand, request } from './answers.ts';
import { decoder } from './decoder.ts';
import { Delivery } from './delivery.ts';
import { object, parseObject, text } from './fields.ts';
import { HostTools } from './host-tools.ts';
import { isKind, KINDS } from './kinds.ts';
import { isLimitRetry } from './lifecycle.ts';
import { Questions, unknownRequest } from './questions.ts';

/** A hook that nobody answered is refused by claude after this long; without it claude waits for ever. Seconds. */
export const HOOK_TIMEOUT_S = 5;
const GATE = 'pre';
const PROMPT = 'prompt';
const INITIALIZE = 'tutti-initialize';

export function protocol(spec: LaunchSpec): Protocol {
  return new ClaudeProtocol(spec);
}

class ClaudeProtocol implements Protocol {
  readonly #spec: LaunchSpec;
  readonly #decoder = decoder();
  readonly #delivery = new Delivery();
  readonly #questions = new Questions();
  readonly #tools = new HostTools();
  #turn = false;
  /** Its turn was ended for a limit's sake. */
  #cut = false;
  #interrupts = 0;

  constructor(spec: LaunchSpec) {
    this.#spec = spec;
  }

  get turn(): boolean {
    return this.#turn;
  }

  begin(): Action[] {
    const hook = (id: string): Json => [{ matcher: null, hookCallbackIds: [id], timeout: HOOK_TIMEOUT_S }];
    const body: JsonObject = {
      subtype: 'initialize',
      hooks: { PreToolUse: hook(GATE), UserPromptSubmit: hook(PROMPT) },
      ...(this.#spec.systemPrompt === null ? {} : { appendSystemPrompt: this.#spec.systemPrompt }),
    };
    return [write(request(INITIALIZE, body))];
  }

  line(line: Line): { actions: Action[]; decoded: Decoded; journal: boolean } {
    const decoded = this.#decoder.push(line);
    const kind = isKind(decoded.kind) ? KINDS[decoded.kind] : null;
    const journal = kind === null || !('delta' in kind);
    const parsed = line.dir === 'out' && decoded.fate !== 'raw' ? parseObject(line.text) : null;
    return { actions: parsed === null ? [] : this.#act(decoded.kind, parsed), decoded, journal };
  }

  #act(kind: string, line: JsonObject): Action[] {
    if (kind === 'stream_event/content_block_delta') return delta(line);
    if (kind.startsWith('control_')) return this.#control(kind, line);
    if (kind === 'system/init') return this.#turnStarted();
    if (kind === 'system/api_retry') return this.#limited(line);
    if (kind === 'user/replay') return this.#delivery.echo(line);
    if (kind.startsWith('result/')) return this.#turnEnded(line);
    if (line.parent_tool_use_id === null && (kind.startsWith('assistant/') || kind === 'user/tool_result'))
      this.#delivery.worked();
    return [];
  }

  #turnStarted(): Action[] {
    if (!this.#delivery.turnStarted() || this.#turn) return [];
    this.#turn = true;
    this.#cut = false;
    return [{ do: 'turn', phase: 'start' }];
  }

  #turnEnded(line: JsonObject): Action[] {
    const ended: Action[] = this.#turn ? [{ do: 'turn', phase: 'end' }] : [];
    this.#turn = false;
    const delivered = this.#delivery.result(line);
    // What the turn took in is confirmed before it ends; what is written next comes after its end.
    return [
      ...delivered.filter((action) => action.do !== 'write'),
      ...ended,
      ...delivered.filter((action) => action.do === 'write'),
    ];
  }

  /** When to ask again is not for each CLI to say: its turn ends, and goes on when the account is free. */
  #limited(line: JsonObject): Action[] {
    if (!isLimitRetry(line) || !this.#turn || this.#cut) return [];
    this.#cut = true;
    return this.interrupt();
  }

  #control(kind: string, line: JsonObject): Action[] {
    if (kind.startsWith('control_response/')) return this.#response(object(line.response) ?? {});
    const id = text(line.request_id);
    // Nothing can be answered without an id; claude takes the silence as a refusal.
    if (id === null) return [];
    if (kind === 'control_cancel_request') {
      this.#tools.withdrawn(id);
      return this.#questions.withdrawn(id);
    }
    return this.#asked(kind, id, object(line.request) ?? {});
  }

  #asked(kind: string, id: string, asked: JsonObject): Action[] {
    const callback = text(asked.callback_id);
    if (kind === 'control_request/can_use_tool') return this.#questions.canUseTool(id, asked);
    if (kind === 'control_request/mcp_message') return this.#tools.message(id, asked);
    if (callback === GATE) return this.#questions.gate(id, asked);
    if (callback === PROMPT) return this.#delivery.prompt(id, object(asked.input) ?? {});
    return [unknownRequest(id, asked)];
  }

  #response(response: JsonObject): Action[] {
    if (text(response.request_id) !== INITIALIZE) return [];
    if (text(response.subtype) !== 'success') {
      return [{ do: 'broken', why: `claude refused to initialize: ${text(response.error) ?? 'no reason given'}` }];
    }
    return [{ do: 'ready', conversationId: this.#spec.conversationId, resumed: this.#spec.resume }];
  }

  message(message: OutgoingMessage): Action[] {
    return this.#delivery.send(message, false);
  }

  confirm(message: OutgoingMessage): Action[] {
    return this.#delivery.send(message, true);
  }

  file(key: string, lines: Iterable<string> | null): Action[] {
    return this.#delivery.transcript(key, lines);
  }

  interrupt(): Action[] {
    this.#interrupts += 1;
    return [write(request(`tutti-interrupt-${this.#interrupts}`, { subtype: 'interrupt' }))];
  }

  /** A command of claude's own; it has no id, for it is no message of anybody's. */
  compact(): Action[] {
    return [write(ownCommand('/compact'))];
  }

  answer(key: string, verdict: Verdict): Action[] {
    return this.#questions.answer(key, verdict);
  }

  toolResult(key: string, result: { ok: boolean; value: Json }): Action[] {
    return this.#tools.result(key, result);
  }

  close(): Action[] {
    return [];
  }
}

const write = (line: string): Action => ({ do: 'write', line });

/** The agent's own words as they come; a sub-agent's are not shown. */
function delta(line: JsonObject): Action[] {
  const piece = object(object(line.event)?.delta);
  const words = text(piece?.text) ?? text(piece?.thinking);
  return words === null || text(line.parent_tool_use_id) !== null ? [] : [{ do: 'delta', text: words }];
}
