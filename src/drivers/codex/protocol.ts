/**
 * The host's side of `codex app-server`: hello, conversation, messages, interrupts, approvals.
 *
 * Ids of our requests say what they are for (`turn:<messageId>#<tokens>`, `steer:<messageId>` …), so that an answer explains itself.
 *
 * A message is confirmed by `item/completed` of its userMessage item: only then is it on disk (the answer to turn/start and even
 * `item/started` come before that, and a kill in between loses it). What codex accepted for a turn that then ended without taking it in
 * (an interrupt drops what was steered) is looked up in the conversation and delivered anew.
 */
import type { Json, JsonObject } from '../../core/event.ts';
import type { Action, Decoded, LaunchSpec, Line, OutgoingMessage, Protocol, Verdict } from '../driver.ts';
import { CodexDecoder, type Message, messageOf, notificationOf, TOTAL_MARK, totalTold } from './decoder.ts';
import { conversationIsLost, errorEvent } from './errors.ts';
import { APPROVAL_POLICY, SANDBOX } from './launch.ts';
import { Lookup } from './lookup.ts';
import { type Answer, REQUESTS } from './requests.ts';
import { onlyModelSees } from './rollout.ts';
import { isObject, listOf, objectOf, parseObject, textOf } from './values.ts';
import { deltaOf, keyOf, purposeOf, refused, refuseUnknown, request, respond } from './wire.ts';

/** Sent by codex after every edit (the whole diff of the turn) or for front ends only: better not sent at all. */
const OPT_OUT = [
  'turn/diff/updated',
  'thread/readState/changed',
  'remoteControl/status/changed',
  'thread/goal/cleared',
];

interface Pending {
  message: OutgoingMessage;
  /** The turn that codex accepted it for; null until it answers. */
  turnId: string | null;
}

export class CodexProtocol implements Protocol {
  readonly #spec: LaunchSpec;
  readonly #decoder = new CodexDecoder();
  #threadId = '';
  /** The file that codex keeps of the conversation; '' where it does not say. */
  #rollout = '';
  /** The running turn's id; `null` = none, '' = begun, its id not yet told. */
  #turnId: string | null = null;
  #total: number | null = null;
  /** Delivered, not yet seen in the conversation, in order. */
  readonly #pending = new Map<string, Pending>();
  readonly #lookups = new Map<string, Lookup>();
  /** Waiting for a turn to be cut off. */
  readonly #reverting = new Map<string, OutgoingMessage>();
  readonly #requests = new Map<string, { id: string | number; answer: Answer; threadId: string }>();
  readonly #toolCalls = new Map<string, string | number>();
  /** Commands and file changes that have not ended: an approval tells its files only here. By item id. */
  readonly #items = new Map<string, { item: JsonObject; turnId: string }>();
  /** Ctrl-C came before the turn had an id. */
  #interruptWanted = false;
  /** The turn that was ended for a limit's sake. */
  #limitedTurn: string | null = null;
  /** The turn that ended last: what is accepted for it afterwards was dropped with it. */
  #ended = '';

  constructor(spec: LaunchSpec) {
    this.#spec = spec;
  }

  get turn(): boolean {
    return this.#turnId !== null;
  }

  begin(): Action[] {
    return [
      request('initialize', 'initialize', {
        clientInfo: { name: 'tutti', title: 'tutti', version: '1' },
        capabilities: { experimentalApi: true, optOutNotificationMethods: OPT_OUT },
      }),
    ];
  }

  line(line: Line): { actions: Action[]; decoded: Decoded; journal: boolean } {
    const json = line.dir === 'err' ? null : parseObject(line.text);
    const decoded = this.#decoder.take(line, json);
    const message = json === null || line.dir !== 'out' ? null : messageOf(json);
    if (message === null) return { actions: [], decoded, journal: true };
    const entry = message.is === 'notification' ? notificationOf(message.method) : null;
    if (message.is === 'notification' && entry !== null && 'delta' in entry) {
      return { actions: deltaOf(message.params, entry.field), decoded, journal: false };
    }
    return { actions: this.#act(message), decoded, journal: true };
  }

  message(message: OutgoingMessage): Action[] {
    if (this.#turnId === null) return this.#start(message);
    // turn/start would be taken into the running turn as well; the queue wants it after that turn.
    if (!message.now) return [refused(message.messageId, 'a turn is running', true)];
    return this.#steer(message);
  }

  confirm(message: OutgoingMessage): Action[] {
    const lookup = new Lookup(this.#threadId, message);
    this.#lookups.set(message.messageId, lookup);
    return lookup.begin();
  }

  interrupt(): Action[] {
    if (this.#turnId === null) return [];
    this.#interruptWanted = this.#turnId === '';
    if (this.#turnId === '') return [];
    return [request(`interrupt:${this.#turnId}`, 'turn/interrupt', { threadId: this.#threadId, turnId: this.#turnId })];
  }

  compact(): Action[] {
    return this.#turnId === null ? [request('compact', 'thread/compact/start', { threadId: this.#threadId })] : [];
  }

  answer(key: string, verdict: Verdict): Action[] {
    const open = this.#requests.get(key);
    if (open === undefined) return [];
    this.#requests.delete(key);
    return [respond(open.id, open.answer(verdict))];
  }

  toolResult(key: string, result: { ok: boolean; value: Json }): Action[] {
    const id = this.#toolCalls.get(key);
    if (id === undefined) return [];
    this.#toolCalls.delete(key);
    const text = typeof result.value === 'string' ? result.value : JSON.stringify(result.value);
    return [respond(id, { contentItems: [{ type: 'inputText', text }], success: result.ok })];
  }

  close(): Action[] {
    return this.interrupt();
  }

  #act(message: Message): Action[] {
    const told = totalTold(message);
    if (told !== null && told.threadId === this.#threadId) this.#total = told.total;
    if (message.is === 'response') return this.#response(message);
    if (message.is === 'request') return this.#asked(message);
    return this.#notification(message.method, message.params);
  }

  // --- Answers to our requests -----------------------------------------------------------------------------------

  #response(message: Message & { is: 'response' }): Action[] {
    if (typeof message.id !== 'string') return [];
    const error = message.error === null ? null : textOf(message.error.message) || 'refused without a reason';
    const result = message.result ?? {};
    if (message.id === 'initialize') return this.#greeted(error);
    if (message.id === 'thread/start' || message.id === 'thread/resume') return this.#opened(message.id, result, error);
    const [purpose, messageId] = purposeOf(message.id);
    if (purpose === 'turn') return this.#started(messageId, textOf(objectOf(result.turn).id), error);
    if (purpose === 'steer') return this.#steered(messageId, textOf(result.turnId), error);
    if (purpose === 'revert') return this.#cut(messageId);
    if (purpose === 'look') return this.#looked(messageId, result, error);
    return message.id.startsWith('end:list:') ? this.#endCommands(message.id.slice('end:list:'.length), result) : [];
  }

  #greeted(error: string | null): Action[] {
    if (error !== null) return [{ do: 'broken', why: `codex refused the greeting: ${error}` }];
    const initialized: Action = { do: 'write', line: JSON.stringify({ method: 'initialized' }) };
    const resume = this.#spec.resume && this.#spec.conversationId !== null;
    return [initialized, resume ? this.#resumeThread() : this.#startThread()];
  }

  #startThread(): Action {
    return request('thread/start', 'thread/start', this.#threadParams());
  }

  #resumeThread(): Action {
    // Without its turns: the history of a long conversation would be one line of any size.
    const params = { threadId: this.#spec.conversationId, excludeTurns: true, ...this.#threadParams() };
    return request('thread/resume', 'thread/resume', params);
  }

  #threadParams(): JsonObject {
    const { cwd, model, permissions, systemPrompt } = this.#spec;
    return {
      cwd,
      approvalPolicy: APPROVAL_POLICY,
      approvalsReviewer: 'user',
      sandbox: SANDBOX[permissions],
      ...(model === null ? {} : { model }),
      ...(systemPrompt === null ? {} : { developerInstructions: systemPrompt }),
    };
  }

  #opened(id: string, result: JsonObject, error: string | null): Action[] {
    if (error !== null) {
      if (id === 'thread/resume' && conversationIsLost(error)) return [this.#startThread()];
      return [{ do: 'broken', why: `${id}: ${error}` }];
    }
    this.#threadId = textOf(objectOf(result.thread).id);
    this.#rollout = textOf(objectOf(result.thread).path);
    if (this.#threadId === '') return [{ do: 'broken', why: `${id}: the answer names no conversation` }];
    return [{ do: 'ready', conversationId: this.#threadId, resumed: id === 'thread/resume' }];
  }

  #started(messageId: string, turnId: string, error: string | null): Action[] {
    const pending = this.#pending.get(messageId);
    if (error !== null) {
      if (this.#turnId === '') this.#turnId = null;
      if (!this.#pending.delete(messageId)) return [];
      return [refused(messageId, error, true)];
    }
    return pending === undefined ? [] : this.#accepted(pending, turnId);
  }

  /** codex answers that a message is for this turn: the turn takes it in, unless it is over already. */
  #accepted(pending: Pending, turnId: string): Action[] {
    pending.turnId = turnId;
    return turnId === this.#ended ? this.confirm(pending.message) : [];
  }

  #steered(messageId: string, turnId: string, error: string | null): Action[] {
    const pending = this.#pending.get(messageId);
    if (pending === undefined) return [];
    if (error === null) return this.#accepted(pending, turnId);
    // Refused means not taken: the turn is over, or cannot be steered (review, compaction). It goes in when that turn has ended.
    if (this.#turnId === null) return this.#start(pending.message);
    pending.turnId = this.#turnId;
    return [];
  }

  // --- Delivery --------------------------------------------------------------------------------------------------

  #start(message: OutgoingMessage): Action[] {
    this.#turnId = '';
    this.#pending.set(message.messageId, { message, turnId: null });
    const mark = this.#total === null ? '' : `${TOTAL_MARK}${this.#total}`;
    return [request(`turn:${message.messageId}${mark}`, 'turn/start', this.#input(message))];
  }

  #steer(message: OutgoingMessage): Action[] {
    this.#pending.set(message.messageId, { message, turnId: null });
    // The turn has begun and its id is not told yet: sent with turn/started.
    if (this.#turnId === '' || this.#turnId === null) return [];
    const params = { ...this.#input(message), expectedTurnId: this.#turnId };
    return [request(`steer:${message.messageId}`, 'turn/steer', params)];
  }

  #input(message: OutgoingMessage): JsonObject {
    return {
      threadId: this.#threadId,
      clientUserMessageId: message.messageId,
      input: [{ type: 'text', text: message.text }],
    };
  }

  #looked(messageId: string, result: JsonObject, error: string | null): Action[] {
    const lookup = this.#lookups.get(messageId);
    if (lookup === undefined) return [];
    const found = lookup.page(result, error);
    if (found.next !== null) return found.next;
    if (!found.there && found.failed === null && found.emptyTurn === null && this.#rollout !== '') {
      return [{ do: 'read-file', path: this.#rollout, key: messageId }];
    }
    this.#lookups.delete(messageId);
    if (found.failed !== null) return [refused(messageId, `the conversation could not be read: ${found.failed}`, true)];
    if (found.there) return this.#wasThere(messageId);
    if (found.emptyTurn !== null && this.#turnId === null) return this.#cutOff(lookup.message, found.emptyTurn);
    return this.#deliver(lookup.message);
  }

  /** The file that codex keeps, for a message that no list of items has. One that is not there yet has no message in it. */
  file(key: string, lines: Iterable<string> | null): Action[] {
    const lookup = this.#lookups.get(key);
    if (lookup === undefined) return [];
    this.#lookups.delete(key);
    const { message } = lookup;
    return lines !== null && onlyModelSees(lines, message.text) ? this.#wasThere(key) : this.#deliver(message);
  }

  #wasThere(messageId: string): Action[] {
    this.#pending.delete(messageId);
    return [{ do: 'confirmed', messageId, turnFollows: false }];
  }

  /** The message may stand in that turn where only the model sees it: away with the turn, then the message goes in once. */
  #cutOff(message: OutgoingMessage, turnId: string): Action[] {
    this.#reverting.set(message.messageId, message);
    const params = { threadId: this.#threadId, beforeTurnId: turnId };
    return [request(`revert:${message.messageId}`, 'thread/revert', params)];
  }

  /** Also where codex refuses to cut it off: a message twice is better than none. */
  #cut(messageId: string): Action[] {
    const message = this.#reverting.get(messageId);
    this.#reverting.delete(messageId);
    return message === undefined ? [] : this.#deliver(message);
  }

  #deliver(message: OutgoingMessage): Action[] {
    return this.#turnId === null ? this.#start(message) : this.#steer(message);
  }

  // --- Notifications ---------------------------------------------------------------------------------------------

  #notification(method: string, params: JsonObject): Action[] {
    if (method === 'serverRequest/resolved') return this.#resolved(params);
    if (method === 'item/started' || method === 'item/completed') return this.#item(method, params);
    if (textOf(params.threadId) !== this.#threadId) return [];
    if (method === 'turn/started') return this.#turnStarted(textOf(objectOf(params.turn).id));
    if (method === 'error') return this.#limited(params);
    return method === 'turn/completed' ? this.#turnCompleted(objectOf(params.turn)) : [];
  }

  /** When to ask again is not for each CLI to say: its turn ends, and goes on when the account is free. */
  #limited(params: JsonObject): Action[] {
    if (params.willRetry !== true || !isObject(params.error) || this.#limitedTurn === this.#turnId) return [];
    const { code } = errorEvent(params.error);
    if (code !== 'rate_limit' && code !== 'usage_limit') return [];
    this.#limitedTurn = this.#turnId;
    return this.interrupt();
  }

  #item(method: string, params: JsonObject): Action[] {
    if (!isObject(params.item)) return [];
    const { item } = params;
    const id = textOf(item.id);
    if (item.type !== 'userMessage') {
      if (method === 'item/completed') this.#items.delete(id);
      else if (item.type === 'commandExecution' || item.type === 'fileChange') {
        this.#items.set(id, { item, turnId: textOf(params.turnId) });
      }
      return [];
    }
    const messageId = textOf(item.clientId);
    if (method !== 'item/completed' || !this.#pending.delete(messageId)) return [];
    return [{ do: 'confirmed', messageId, turnFollows: true }];
  }

  #turnStarted(turnId: string): Action[] {
    const early = this.#turnId === '';
    const [first] = this.#pending.keys();
    this.#turnId = turnId;
    const actions: Action[] = [{ do: 'turn', phase: 'start' }];
    if (early) {
      // Messages that came before the turn had an id; the one that began it is the first.
      for (const { message, turnId: accepted } of [...this.#pending.values()]) {
        if (accepted === null && message.messageId !== first) actions.push(...this.#steer(message));
      }
    }
    if (this.#interruptWanted) actions.push(...this.interrupt());
    return actions;
  }

  #turnCompleted(turn: JsonObject): Action[] {
    const turnId = textOf(turn.id);
    this.#turnId = null;
    this.#ended = turnId;
    this.#interruptWanted = false;
    const dropped = [...this.#pending.values()].filter((pending) => pending.turnId === turnId);
    const open = [...this.#requests].filter(([, { threadId }]) => threadId === this.#threadId);
    for (const [key] of open) this.#requests.delete(key);
    return [
      ...open.map(([key]): Action => ({ do: 'withdrawn', key })),
      { do: 'turn', phase: 'end' },
      ...(turn.status === 'interrupted' ? this.#listCommands(turnId) : []),
      ...dropped.flatMap(({ message }) => this.confirm(message)),
    ];
  }

  /** codex ends an interrupted turn and leaves its command running: ask which, and end those. */
  #listCommands(turnId: string): Action[] {
    const left = [...this.#items.values()].some(
      (open) => open.turnId === turnId && open.item.type === 'commandExecution',
    );
    if (!left) return [];
    return [request(`end:list:${turnId}`, 'thread/backgroundTerminals/list', { threadId: this.#threadId })];
  }

  #endCommands(turnId: string, result: JsonObject): Action[] {
    return listOf(result.data)
      .filter(isObject)
      .filter((terminal) => this.#items.get(textOf(terminal.itemId))?.turnId === turnId)
      .map(({ processId }) =>
        request(`end:${textOf(processId)}`, 'thread/backgroundTerminals/terminate', {
          threadId: this.#threadId,
          processId: processId ?? null,
        }),
      );
  }

  // --- Requests of the CLI ---------------------------------------------------------------------------------------

  #asked(message: Message & { is: 'request' }): Action[] {
    const { method, id, params } = message;
    const key = keyOf(id);
    if (method === 'item/tool/call') {
      this.#toolCalls.set(key, id);
      return [{ do: 'tool', key, name: textOf(params.tool), args: objectOf(params.arguments) }];
    }
    const known = Object.hasOwn(REQUESTS, method) ? REQUESTS[method] : undefined;
    if (known === undefined) return [refuseUnknown(method, id)];
    const asked = known(params, this.#items.get(textOf(params.itemId))?.item ?? null);
    this.#requests.set(key, { id, answer: asked.answer, threadId: textOf(params.threadId) });
    return [{ do: 'judge', key, ...asked.judge }];
  }

  #resolved(params: JsonObject): Action[] {
    const { requestId } = params;
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return [];
    const key = keyOf(requestId);
    this.#toolCalls.delete(key);
    return this.#requests.delete(key) ? [{ do: 'withdrawn', key }] : [];
  }
}
