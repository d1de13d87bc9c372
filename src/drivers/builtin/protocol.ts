/** The host's side of a built-in agent: messages by id, a gate before every call. */
import type { JsonObject } from '../../core/event.ts';
import type { Action, Decoded, Line, OutgoingMessage, Protocol, Verdict } from '../driver.ts';
import { decoder } from './decoder.ts';
import { flag, object, parseObject, text, toolOf } from './fields.ts';
import type { AgentInput } from './wire.ts';

export function protocol(): Protocol {
  return new BuiltinProtocol();
}

class BuiltinProtocol implements Protocol {
  readonly #decoder = decoder();
  #turn = false;

  get turn(): boolean {
    return this.#turn;
  }

  /** It says by itself when it is ready. */
  begin(): Action[] {
    return [];
  }

  line(line: Line): { actions: Action[]; decoded: Decoded; journal: boolean } {
    const decoded = this.#decoder.push(line);
    const parsed = line.dir === 'out' && decoded.fate !== 'raw' ? parseObject(line.text) : null;
    const actions = parsed === null ? [] : this.#act(decoded.kind, parsed);
    return { actions, decoded, journal: decoded.kind !== 'delta' };
  }

  #act(kind: string, line: JsonObject): Action[] {
    switch (kind) {
      case 'ready':
        return [{ do: 'ready', conversationId: text(line.conversationId), resumed: flag(line.resumed) }];
      case 'turn/start':
        return this.#turnIs(true);
      case 'turn/end':
        return this.#turnIs(false);
      case 'accepted':
        return withId(line, (messageId) => ({ do: 'confirmed', messageId, turnFollows: !flag(line.repeat) }));
      case 'refused':
        return withId(line, (messageId) => {
          const why = text(line.why) ?? 'the agent gave no reason';
          return { do: 'refused', messageId, why, retryable: flag(line.retryable) };
        });
      case 'ask':
        return ask(line);
      case 'withdrawn':
        return [{ do: 'withdrawn', key: text(line.key) ?? '' }];
      case 'delta':
        return [{ do: 'delta', text: text(line.text) ?? '' }];
      default:
        return [];
    }
  }

  #turnIs(running: boolean): Action[] {
    if (this.#turn === running) return [];
    this.#turn = running;
    return [{ do: 'turn', phase: running ? 'start' : 'end' }];
  }

  message({ messageId, text: words }: OutgoingMessage): Action[] {
    return [write({ type: 'user', id: messageId, text: words })];
  }

  /** The record holds each id once: saying it again asks and delivers in one. */
  confirm(message: OutgoingMessage): Action[] {
    return this.message(message);
  }

  interrupt(): Action[] {
    return this.#turn ? [write({ type: 'interrupt' })] : [];
  }

  answer(key: string, verdict: Verdict): Action[] {
    if (verdict.decision === 'allow') {
      const args = verdict.args === undefined ? {} : { args: verdict.args };
      return [write({ type: 'verdict', key, decision: 'allow', ...args })];
    }
    const reason = verdict.decision === 'deny' ? verdict.reason : 'refused: a built-in agent cannot ask by itself';
    return [write({ type: 'verdict', key, decision: 'deny', reason })];
  }

  /** It has no host tools. */
  toolResult(): Action[] {
    return [];
  }

  close(): Action[] {
    return [];
  }
}

const write = (line: AgentInput): Action => ({ do: 'write', line: JSON.stringify(line) });

function withId(line: JsonObject, action: (id: string) => Action): Action[] {
  const id = text(line.id);
  return id === null ? [] : [action(id)];
}

function ask(line: JsonObject): Action[] {
  const key = text(line.key);
  const nativeTool = text(line.tool);
  const args = object(line.args);
  // Nothing can be answered without a key; the agent takes the silence as a refusal when its stdin ends.
  if (key === null) return [];
  if (nativeTool === null || args === null)
    return [write({ type: 'verdict', key, decision: 'deny', reason: 'tutti did not understand this tool call.' })];
  const about = { tool: toolOf(nativeTool), nativeTool, args, callId: text(line.callId), text: '' };
  return [{ do: 'judge', key, what: 'permission', gate: true, canAsk: false, ...about }];
}
