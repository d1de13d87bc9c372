/**
 * The host's side of an ACP conversation: initialize → (authenticate) → session/new or session/load → prompts.
 *
 * A message is confirmed by the first sign of work on it, or by the response to its prompt. After a kill the replay of
 * `session/load` tells whether a message got in.
 */
import type { JsonObject } from '../../core/event.ts';
import type { Action, Decoded, LaunchSpec, Line, OutgoingMessage, Protocol, Verdict } from '../driver.ts';
import { failureOf } from './failure.ts';
import { acpDecoder } from './decoder.ts';
import { at, list, object, string } from './fields.ts';
import { Permissions } from './permissions.ts';
import { Replay } from './replay.ts';
import { protectedText } from './responses.ts';
import {
  AUTH_REQUIRED,
  FENCE,
  METHOD_NOT_FOUND,
  messageIdOf,
  parseRpc,
  promptId,
  type RpcError,
  type RpcId,
  type RpcMessage,
  rpcError,
  rpcNotification,
  rpcRequest,
} from './wire.ts';

/** What differs from agent to agent. */
export interface AcpFlavour {
  /** A second prompt in mid-turn is taken into the running turn. */
  steer: boolean;
  /** The model is chosen with session/set_model (others take it as an argument). */
  setModel: boolean;
}

const PROTOCOL_VERSION = 1;
/** Gemini's word for a limit per minute as well as per day. */
const QUOTA = /quota/i;
const saysLimit = (error: string): boolean =>
  QUOTA.test(error) || ['rate_limit', 'usage_limit'].includes(failureOf(error).code);
const INVALID_REQUESTS = [-32700, -32600, METHOD_NOT_FOUND, -32602, AUTH_REQUIRED];
/** Updates that show that the agent works on the prompt it was given. */
const SIGNS_OF_WORK = new Set(['agent_message_chunk', 'agent_thought_chunk', 'tool_call', 'tool_call_update', 'plan']);

export function acpProtocol(spec: LaunchSpec, flavour: AcpFlavour): Protocol {
  return new AcpProtocol(spec, flavour);
}

class AcpProtocol implements Protocol {
  readonly #spec: LaunchSpec;
  readonly #flavour: AcpFlavour;
  readonly #decoder = acpDecoder();
  readonly #permissions = new Permissions();
  readonly #replay = new Replay();
  /** Messages whose prompt has no response yet, in order. */
  readonly #prompts = new Map<string, { text: string; confirmed: boolean }>();
  #sessionId: string | null = null;
  #phase: 'starting' | 'loading' | 'ready' | 'broken' = 'starting';
  #authMethod: string | null = null;
  /** The turn was ended for a limit's sake. */
  #cut = false;
  /** Fences sent, and the pieces of history that had come before the last one. */
  #fences = 0;
  #piecesBefore = 0;

  constructor(spec: LaunchSpec, flavour: AcpFlavour) {
    this.#spec = spec;
    this.#flavour = flavour;
  }

  get turn(): boolean {
    return this.#prompts.size > 0;
  }

  begin(): Action[] {
    const none = { readTextFile: false, writeTextFile: false };
    return this.#request('initialize', 'initialize', {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: { fs: none, terminal: false },
      clientInfo: { name: 'tutti', title: 'tutti', version: '1' },
    });
  }

  line(line: Line): { actions: Action[]; decoded: Decoded; journal: boolean } {
    const decoded = this.#decoder.push(line);
    const message = line.dir === 'out' ? parseRpc(line.text) : null;
    const actions = message === null ? this.#limited(decoded) : this.#act(message);
    return { actions, decoded, journal: true };
  }

  /** When to ask again after a limit is not for each CLI to say: its turn ends, and goes on when the account is free. */
  #limited({ kind, events }: Decoded): Action[] {
    if (kind !== 'stderr:retry' || this.#cut) return [];
    const limited = events.some((event) => event.type === 'retry' && saysLimit(event.error));
    if (!limited || !this.turn) return [];
    this.#cut = true;
    return this.interrupt();
  }

  message(message: OutgoingMessage): Action[] {
    const { messageId } = message;
    if (this.#phase !== 'ready' || this.#sessionId === null)
      return [refused(messageId, 'the session is not open', true)];
    if (this.turn && !(message.now && this.#flavour.steer)) {
      return [refused(messageId, 'a turn is running, and this CLI takes a message only between turns', true)];
    }
    const first = !this.turn;
    if (first) this.#cut = false;
    this.#prompts.set(messageId, { text: message.text, confirmed: false });
    const prompt = [{ type: 'text', text: protectedText(message.text) }];
    const write = this.#request(promptId(messageId), 'session/prompt', { sessionId: this.#sessionId, prompt });
    return first ? [...write, { do: 'turn', phase: 'start' }] : write;
  }

  confirm(message: OutgoingMessage): Action[] {
    if (this.#prompts.has(message.messageId)) return [];
    if (this.#phase === 'ready' && this.#replay.has(message)) {
      return [{ do: 'confirmed', messageId: message.messageId, turnFollows: false }];
    }
    return this.message(message);
  }

  interrupt(): Action[] {
    if (!this.turn || this.#sessionId === null) return [];
    const cancel = rpcNotification('session/cancel', { sessionId: this.#sessionId });
    return [{ do: 'write', line: cancel }, ...this.#permissions.cancelAll()];
  }

  answer(key: string, verdict: Verdict): Action[] {
    return this.#permissions.answer(key, verdict);
  }

  /** No host tools are offered, so none is ever called. */
  toolResult(): Action[] {
    return [];
  }

  /** The end of its stdin is all that it needs. */
  close(): Action[] {
    return [];
  }

  #request(id: RpcId, method: string, params: JsonObject): Action[] {
    return [{ do: 'write', line: rpcRequest(id, method, params) }];
  }

  #act(message: RpcMessage): Action[] {
    if (this.#phase === 'broken') return [];
    if (this.#phase === 'loading') this.#replay.take(message);
    switch (message.kind) {
      case 'result':
        return this.#result(message.id, object(message.result));
      case 'error':
        return this.#error(message.id, message.error);
      case 'request':
        return this.#asked(message.id, message.method, message.params);
      case 'notification':
        return this.#told(message.method, message.params);
    }
  }

  #result(id: RpcId, result: JsonObject): Action[] {
    if (id === 'initialize') return this.#initialized(result);
    if (id === 'authenticate') return this.#openSession();
    if (id === 'session') return this.#opened(result);
    if (id === 'model') return this.#ready();
    if (isFence(id)) return this.#fenced();
    const messageId = messageIdOf(id);
    return messageId === null ? [] : this.#promptOver(messageId, this.#confirmed(messageId));
  }

  #initialized(result: JsonObject): Action[] {
    const version = result['protocolVersion'];
    if (version !== PROTOCOL_VERSION)
      return this.#broken(`it speaks version ${JSON.stringify(version)} of the protocol, not 1`);
    if (this.#spec.resume && at(result, 'agentCapabilities', 'loadSession') !== true) {
      return this.#broken('this CLI cannot load a session again');
    }
    const methods = list(result['authMethods']).map((method) => string(object(method)['id']));
    this.#authMethod = methods.find((id) => id?.includes('api-key')) ?? null;
    return this.#openSession();
  }

  #openSession(): Action[] {
    const { cwd, conversationId, resume } = this.#spec;
    if (!resume || conversationId === null) return this.#request('session', 'session/new', { cwd, mcpServers: [] });
    this.#phase = 'loading';
    this.#sessionId = conversationId;
    return this.#request('session', 'session/load', { sessionId: conversationId, cwd, mcpServers: [] });
  }

  #opened(result: JsonObject): Action[] {
    if (this.#phase !== 'loading') this.#sessionId = string(result['sessionId']);
    if (this.#sessionId === null) return this.#broken('it opened a session without an id');
    return this.#phase === 'loading' ? this.#fence() : this.#chooseModel();
  }

  /** Until one comes back without any history before it. */
  #fence(): Action[] {
    this.#fences += 1;
    this.#piecesBefore = this.#replay.pieces;
    return this.#request(`fence:${this.#fences}`, FENCE, {});
  }

  #fenced(): Action[] {
    return this.#replay.pieces > this.#piecesBefore ? this.#fence() : this.#chooseModel();
  }

  #chooseModel(): Action[] {
    const { model } = this.#spec;
    if (model === null || !this.#flavour.setModel) return this.#ready();
    return this.#request('model', 'session/set_model', { sessionId: this.#sessionId ?? '', modelId: model });
  }

  #ready(): Action[] {
    this.#phase = 'ready';
    return [
      {
        do: 'ready',
        conversationId: this.#sessionId,
        resumed: this.#spec.resume && this.#spec.conversationId !== null,
      },
    ];
  }

  #error(id: RpcId, error: RpcError): Action[] {
    if (isFence(id)) return this.#fenced();
    const messageId = messageIdOf(id);
    if (messageId !== null) {
      // Errors of the model come after the message went in; those of the protocol before.
      const outside = error.code !== null && INVALID_REQUESTS.includes(error.code);
      const known = this.#prompts.get(messageId)?.confirmed === true;
      return this.#promptOver(
        messageId,
        outside && !known ? [refused(messageId, error.message, true)] : this.#confirmed(messageId),
      );
    }
    if (id === 'session' && error.code === AUTH_REQUIRED && this.#authMethod !== null) {
      const methodId = this.#authMethod;
      this.#authMethod = null;
      return this.#request('authenticate', 'authenticate', { methodId });
    }
    const details = string(object(error.data)['details']);
    return this.#broken(`${String(id)} failed: ${error.message}${details === null ? '' : ` (${details})`}`);
  }

  #promptOver(messageId: string, actions: Action[]): Action[] {
    if (!this.#prompts.delete(messageId) || this.turn) return actions;
    return [...actions, ...this.#permissions.cancelAll(), { do: 'turn', phase: 'end' }];
  }

  /** Says so once. */
  #confirmed(messageId: string): Action[] {
    const prompt = this.#prompts.get(messageId);
    if (prompt === undefined || prompt.confirmed) return [];
    prompt.confirmed = true;
    this.#replay.add(prompt.text);
    return [{ do: 'confirmed', messageId, turnFollows: true }];
  }

  #asked(id: RpcId, method: string, params: JsonObject): Action[] {
    if (method === 'session/request_permission') return [...this.#working(), ...this.#permissions.ask(id, params)];
    return [{ do: 'write', line: rpcError(id, METHOD_NOT_FOUND, `${method} is not supported`) }];
  }

  #told(method: string, params: JsonObject): Action[] {
    const cancelled = params['requestId'];
    if (method === '$/cancel_request' && (typeof cancelled === 'string' || typeof cancelled === 'number')) {
      return this.#permissions.withdraw(cancelled);
    }
    if (method !== 'session/update' || this.#phase !== 'ready') return [];
    const update = object(params['update']);
    const kind = string(update['sessionUpdate']) ?? '';
    if (kind.startsWith('tool_call')) this.#permissions.seen(update);
    const text = kind === 'agent_message_chunk' ? string(object(update['content'])['text']) : null;
    const delta: Action[] = text === null ? [] : [{ do: 'delta', text }];
    return [...(SIGNS_OF_WORK.has(kind) ? this.#working() : []), ...delta];
  }

  /** Work shows that the turn's first message is in; a steered one is known to be in only by its response. */
  #working(): Action[] {
    const [first] = this.#prompts;
    return first === undefined ? [] : this.#confirmed(first[0]);
  }

  #broken(why: string): Action[] {
    this.#phase = 'broken';
    return [{ do: 'broken', why }];
  }
}

const isFence = (id: RpcId): boolean => typeof id === 'string' && id.startsWith('fence:');
const refused = (messageId: string, why: string, retryable: boolean): Action => ({
  do: 'refused',
  messageId,
  why,
  retryable,
});
