/** The decoder of `codex exec --json` (decode only: we drive codex through the app-server). */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';
import { CallBook } from './call-book.ts';
import { type EmptyKind, isEmptyKind } from './empty.ts';
import { errorEvent, failedOutcome, retryEvent } from './errors.ts';
import { EXEC_TOOL_ITEMS } from './items.ts';
import { counts } from './limits.ts';
import { countOf, isObject, listOf, objectOf, parseObject, textOf, textOrNull } from './values.ts';

/** Fields of `usage`, cumulative over the thread. */
const USAGE = ['input_tokens', 'cached_input_tokens', 'cache_write_input_tokens', 'output_tokens'] as const;
type Used = Record<(typeof USAGE)[number], number>;

type Reading = DriverEventBody[] | EmptyKind | null;

export class ExecDecoder implements Decoder {
  readonly #calls = new CallBook();
  #held: string | null = null;
  #started = false;
  #errorTold: string | null = null;
  #used: Used = { input_tokens: 0, cached_input_tokens: 0, cache_write_input_tokens: 0, output_tokens: 0 };

  /** Tokens are told as a sum from the beginning: after the first line there is no second place to begin at. */
  get atRest(): boolean {
    return !this.#started;
  }

  push(line: Line): Decoded {
    if (line.dir === 'err') return { events: [], fate: 'empty', kind: 'stderr' };
    const json = parseObject(line.text);
    const type = json === null ? '' : textOf(json.type);
    const read = Object.hasOwn(this.#readers, type) ? this.#readers[type] : undefined;
    if (json === null || read === undefined) return raw(line.text, type || 'not JSON');
    this.#started = true;
    const kind = isObject(json.item) ? `${type}:${textOf(json.item.type)}` : type;
    const reading = read(json);
    if (reading === null) return raw(line.text, kind);
    if (typeof reading === 'string') return { events: [], fate: 'empty', kind: reading };
    return { events: reading, fate: 'decoded', kind };
  }

  end(): DriverEventBody[] {
    return this.#moreWork();
  }

  readonly #readers: Record<string, (line: JsonObject) => Reading> = {
    'thread.started': (line) => [
      {
        type: 'session',
        conversationId: textOrNull(line.thread_id),
        model: null,
        cliVersion: null,
        permissionMode: null,
        tools: null,
        resumed: null,
      },
    ],
    'turn.started': () => {
      this.#errorTold = null;
      return [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }];
    },
    'turn.completed': (line) => [...this.#answer(), ...this.#usage(objectOf(line.usage)), this.#turnEnd('ok')],
    'turn.failed': (line) => this.#failed(line),
    error: (line) => this.#error(line),
    'item.started': (line) => this.#itemStarted(line),
    'item.updated': (line) => (isObject(line.item) && this.#isList(line.item) ? this.#todo(line.item) : updated(line)),
    'item.completed': (line) => this.#itemCompleted(line),
  };

  #turnEnd(outcome: 'ok' | 'error' | 'limit' | 'budget' | 'interrupted' | 'max_turns'): DriverEventBody {
    return { type: 'turn', number: null, phase: 'end', outcome, durationMs: null };
  }

  /** What the last turn added to the sum. */
  #usage(usage: JsonObject): DriverEventBody[] {
    const now = Object.fromEntries(USAGE.map((key) => [key, countOf(usage[key])])) as Used;
    const added = Object.fromEntries(USAGE.map((key) => [key, Math.max(0, now[key] - this.#used[key])])) as Used;
    this.#used = now;
    return [
      {
        type: 'usage',
        ...counts(added.input_tokens, added.cached_input_tokens, added.cache_write_input_tokens, added.output_tokens),
        costUsd: null,
        contextUsed: null,
        contextLimit: null,
        model: null,
        estimated: false,
      },
    ];
  }

  #failed(line: JsonObject): Reading {
    if (!isObject(line.error)) return null;
    const error = errorEvent(line.error);
    const told = this.#errorTold === error.message;
    return [...this.#answer(), ...(told ? [] : [error]), this.#turnEnd(failedOutcome(error.code, line.error))];
  }

  /** "Reconnecting..." is a retry; the last one before turn.failed is the error that turn.failed repeats. */
  #error(line: JsonObject): Reading {
    const message = textOf(line.message);
    if (message === '') return null;
    const retry = retryEvent(message, null);
    if (retry !== null) return [retry];
    if (this.#errorTold === message) return 'error:repeated';
    this.#errorTold = message;
    return [errorEvent({ message })];
  }

  #itemStarted(line: JsonObject): Reading {
    const item = itemOf(line);
    if (item === null) return null;
    const type = textOf(item.type);
    const tool = Object.hasOwn(EXEC_TOOL_ITEMS, type) ? EXEC_TOOL_ITEMS[type] : undefined;
    if (tool !== undefined) return [...this.#moreWork(), ...this.#calls.started(tool, item, null)];
    if (this.#isList(item)) return this.#todo(item);
    const kind = `item.started:${type}`;
    return isEmptyKind(kind) ? kind : null;
  }

  #itemCompleted(line: JsonObject): Reading {
    const item = itemOf(line);
    if (item === null) return null;
    const type = textOf(item.type);
    const tool = Object.hasOwn(EXEC_TOOL_ITEMS, type) ? EXEC_TOOL_ITEMS[type] : undefined;
    if (tool !== undefined) {
      return [...(this.#calls.isOpen(item) ? [] : this.#moreWork()), ...this.#calls.completed(tool, item, null)];
    }
    if (type === 'agent_message') {
      const before = this.#moreWork();
      this.#held = textOf(item.text);
      return before;
    }
    if (type === 'reasoning')
      return [...this.#moreWork(), { type: 'thinking', content: textOf(item.text), tokens: null }];
    // An error item is a warning: the turn goes on.
    if (type === 'error') return [{ type: 'activity', kind: 'notice', phase: null, detail: textOf(item.message) }];
    return this.#isList(item) ? this.#todo(item) : null;
  }

  readonly #isList = (item: JsonObject): boolean => item.type === 'todo_list';
  #lists = 0;

  #todo(item: JsonObject): DriverEventBody[] {
    this.#lists += 1;
    const callId = `${textOf(item.id)}:${this.#lists}`;
    const todos = listOf(item.items)
      .filter(isObject)
      .map((entry) => ({ content: textOf(entry.text), status: entry.completed === true ? 'completed' : 'pending' }));
    return [
      ...this.#moreWork(),
      { type: 'tool_call', callId, tool: 'todo', args: { todos }, nativeTool: 'todo_list' },
      { type: 'tool_result', callId, tool: 'todo', result: '', isError: false, tokens: null, durationMs: null },
    ];
  }

  #moreWork(): DriverEventBody[] {
    const content = this.#held;
    this.#held = null;
    return content === null || content === '' ? [] : [{ type: 'thinking', content, tokens: null }];
  }

  #answer(): DriverEventBody[] {
    const content = this.#held;
    this.#held = null;
    if (content === null || content === '') return [];
    return [{ type: 'message', role: 'assistant', content, from: null, messageId: null }];
  }
}

const itemOf = (line: JsonObject): JsonObject | null =>
  isObject(line.item) && typeof line.item.id === 'string' ? line.item : null;

const updated = (line: JsonObject): Reading =>
  isObject(line.item) && Object.hasOwn(EXEC_TOOL_ITEMS, textOf(line.item.type)) ? 'item.updated' : null;

const raw = (line: string, kind: string): Decoded => ({ events: [{ type: 'raw', line }], fate: 'raw', kind });
