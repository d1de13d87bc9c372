/** Events and records → the rows of the transcript: time, actor, object, result, duration. Pure but for what it remembers. */
import type { DriverEventBody } from '../event.ts';
import type { RecordBody } from '../host-wire.ts';
import { actorOf, bodyOf, type Call, objectOf, resultOf } from './call-text.ts';
import { cut, harmless, oneLine, pad, wrap } from './cells.ts';
import { type Block, type Row, type Style, span, spread } from './style.ts';
import { durationText, timeOfDay } from './time.ts';

/** Where the object begins: behind the time and the actor. */
const TIME_CELLS = 9;
const ACTOR_CELLS = 10;
const INDENT = TIME_CELLS + ACTOR_CELLS;
/** Rows of one message or thought; the journal has all of it. */
const MESSAGE_ROWS = 200;
const THINKING_ROWS = 1;
/** Open calls remembered. */
const CALLS_LIMIT = 500;
/** Authors remembered by message. */
const AUTHORS_LIMIT = 200;

interface OpenCall extends Call {
  at: number;
}

export interface Facts {
  /** The agent's name. */
  name: string;
  cwd: string | null;
  /** What `tutti logs` is to be asked for all of a long result; left out: the agent's name. */
  whole?: string;
}

export class Transcript {
  facts: Facts;
  readonly #calls = new Map<string, OpenCall>();
  readonly #authors = new Map<string, string>();

  constructor(facts: Facts) {
    this.facts = facts;
  }

  /** The call that began last and is not done. */
  get running(): Call | null {
    return [...this.#calls.values()].at(-1) ?? null;
  }

  /** What an event adds; null = nothing to show. */
  event(event: DriverEventBody, at: number): Block | null {
    switch (event.type) {
      case 'message':
        return this.#message(event, at);
      case 'thinking':
        return thinking(event.content, at);
      case 'tool_call':
        remember(this.#calls, event.callId, { ...event, at }, CALLS_LIMIT);
        return null;
      case 'tool_result':
        return this.#result(event, at);
      case 'turn':
        return this.#turn(event, at);
      case 'error':
        return said(at, 'error', `${event.code}: ${event.message}`, 'boldRed');
      case 'retry': {
        const count = event.attempt === null ? '' : ` ${event.attempt}${event.max === null ? '' : ` of ${event.max}`}`;
        const wait = event.delayMs === null ? '' : `, in ${durationText(event.delayMs)}`;
        return said(at, 'tutti', `retry${count}: ${event.error}${wait}`, 'yellow');
      }
      case 'rate_limit':
        return event.limit === 'allowed' ? null : limitRow(event, at);
      case 'compaction':
        return said(at, 'tutti', `context compacted: ${event.before ?? '?'} → ${event.after ?? '?'} tokens`, 'dim');
      case 'activity':
        return activity(event, at);
      case 'raw':
        return said(at, 'raw', event.line.slice(0, 500), 'dim');
      case 'permission':
      case 'usage':
      case 'session':
        return null;
    }
  }

  /** What a record adds. Lines of the CLI come as events, not here. */
  record(record: RecordBody, at: number): Block | null {
    switch (record.kind) {
      case 'intent':
        this.#author(record.args['messageId'], record.args['from']);
        return null;
      case 'typed':
        return record.verb === 'interrupt' ? said(at, 'you', 'Ctrl-C: interrupt this turn') : null;
      case 'spawn':
        return said(at, 'tutti', startText(record), 'dim');
      case 'exit':
        this.#calls.clear();
        return exited(record, at);
      case 'request':
        return this.#request(record, at);
      case 'answered':
        return said(at, 'tutti', answerText(record));
      case 'verdict':
        return record.verdict === 'deny' ? this.#denied(record, at) : null;
      case 'note':
        return said(at, 'tutti', record.text, record.level === 'info' ? 'dim' : 'boldYellow');
      case 'budget':
        return said(at, 'tutti', `this turn ends: ${record.why}`, 'boldYellow');
      case 'done':
        return failed(record, at);
      case 'open':
      case 'out':
      case 'err':
      case 'in':
      case 'piece':
      case 'ready':
      case 'tree':
        return null;
    }
  }

  #author(messageId: unknown, from: unknown): void {
    if (typeof messageId === 'string' && typeof from === 'string')
      remember(this.#authors, messageId, from, AUTHORS_LIMIT);
  }

  #message(event: Extract<DriverEventBody, { type: 'message' }>, at: number): Block {
    if (event.role === 'assistant') return words(at, this.facts.name, event.content, 'boldCyan', MESSAGE_ROWS);
    const from = event.from ?? this.#authors.get(event.messageId ?? '') ?? 'user';
    const actor = from === 'user' ? 'you' : from === 'supervisor' ? 'tutti' : from;
    return words(at, actor, event.content, 'bold', MESSAGE_ROWS);
  }

  #result(event: Extract<DriverEventBody, { type: 'tool_result' }>, at: number): Block {
    const call = this.#calls.get(event.callId) ?? { tool: event.tool, nativeTool: event.tool, args: {}, at };
    this.#calls.delete(event.callId);
    const took = event.durationMs ?? (call.at === at && Object.keys(call.args).length === 0 ? null : at - call.at);
    const right: Row = [...resultOf(call, event)];
    if (took !== null) right.push(span(`${right.length > 0 ? '  ' : ''}${durationText(took)}`, 'dim'));
    const { rows, more } = bodyOf(call, event);
    const object = objectOf(call, this.facts.cwd);
    const nested = event.parentCallId === undefined ? '' : '  ';
    const whole = this.facts.whole ?? this.facts.name;
    return (width) => [
      line(call.at, actorOf(call), [span(nested + object)], right, width, 'bold'),
      ...rows.map((row) => bodyRow(row, width)),
      ...(more > 0 ? [bodyRow([span(`… ${more} more lines: tutti logs ${whole}`, 'dim')], width)] : []),
    ];
  }

  #turn(event: Extract<DriverEventBody, { type: 'turn' }>, at: number): Block | null {
    if (event.phase === 'start') return null;
    const unfinished = [...this.#calls.values()];
    this.#calls.clear();
    const rest: Block = (width) =>
      unfinished.map((call) =>
        line(
          call.at,
          actorOf(call),
          [span(objectOf(call, this.facts.cwd))],
          [span('no result', 'yellow')],
          width,
          'bold',
        ),
      );
    if (event.outcome === 'ok') return unfinished.length > 0 ? rest : null;
    const how = said(at, 'tutti', `turn over: ${event.outcome}`, 'yellow');
    return (width) => [...rest(width), ...how(width)];
  }

  #request(record: Extract<RecordBody, { kind: 'request' }>, at: number): Block {
    const call: Call = { tool: record.tool, nativeTool: record.tool, args: record.args };
    const asked =
      record.what === 'permission' ? `Run ${actorOf(call)}: ${objectOf(call, this.facts.cwd)} ?` : oneLine(record.text);
    const keys = record.what === 'permission' ? 'y once  n deny' : 'type the answer';
    return (width) => [
      line(at, '▲ ASKS', [span(asked, 'bold')], [], width, 'boldYellow'),
      [span(`${' '.repeat(INDENT)}${keys}  (${record.requestId})`, 'yellow')],
    ];
  }

  #denied(record: Extract<RecordBody, { kind: 'verdict' }>, at: number): Block {
    const call: Call = { tool: record.tool, nativeTool: record.tool, args: record.args };
    const what = `${actorOf(call)}: ${objectOf(call, this.facts.cwd)}`;
    return (width) => [
      line(at, '✗ DENIED', [span(what)], [], width, 'boldRed'),
      bodyRow([span(oneLine(record.why), 'red')], width),
    ];
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
}

/** Time, actor, object, and the result at the right edge. */
function line(at: number, actor: string, object: Row, right: Row, width: number, style?: Style): Row {
  const head: Row = [
    span(pad(timeOfDay(at), TIME_CELLS), 'dim'),
    span(pad(cut(oneLine(actor), ACTOR_CELLS - 1), ACTOR_CELLS), style),
  ];
  return spread([...head, ...object], right, width);
}

function bodyRow(row: Row, width: number): Row {
  return spread([span(`${' '.repeat(INDENT - 2)}│ `, 'dim'), ...row], [], width);
}

/** A text below its first line, wrapped and indented. */
function words(at: number, actor: string, text: string, style: Style, limit: number): Block {
  return (width) => {
    const room = Math.max(10, width - INDENT);
    const rows = wrap(harmless(text).trim(), room);
    const shown = rows.slice(0, limit);
    const out = shown.map(
      (row, i): Row =>
        i === 0 ? line(at, actor, [span(row)], [], width, style) : [span(' '.repeat(INDENT)), span(row)],
    );
    if (rows.length > limit) out.push([span(`${' '.repeat(INDENT)}… ${rows.length - limit} more lines`, 'dim')]);
    return out;
  };
}

/** One line of ours. */
function said(at: number, actor: string, text: string, style?: Style): Block {
  return (width) => [line(at, actor, [span(oneLine(text), style)], [], width)];
}

function thinking(content: string, at: number): Block | null {
  const text = harmless(content).trim();
  if (text === '') return null;
  const count = text.split('\n').length;
  const more = count > THINKING_ROWS ? `  (${count} lines)` : '';
  return (width) => [
    line(
      at,
      'thinking',
      [span(oneLine(text.split('\n')[0] ?? ''), 'dim')],
      more ? [span(more.trim(), 'dim')] : [],
      width,
      'dim',
    ),
  ];
}

function limitRow(event: Extract<DriverEventBody, { type: 'rate_limit' }>, at: number): Block {
  const scope = event.scope ?? 'rate limit';
  const until = event.resetsAt === null ? '' : `, resets ${timeOfDay(Date.parse(event.resetsAt))}`;
  const wait = event.retryAfterMs === null ? '' : `, again in ${durationText(event.retryAfterMs)}`;
  const word = event.limit === 'rejected' ? '‖ LIMITED' : 'limit';
  return said(at, word, `${scope}${until}${wait}`, 'magenta');
}

function activity(event: Extract<DriverEventBody, { type: 'activity' }>, at: number): Block | null {
  if (event.kind === 'requesting' || event.kind === 'hook' || event.kind === 'mcp') return null;
  if (event.detail === null && event.kind === 'notice') return null;
  const phase = event.phase === null ? '' : ` ${event.phase}`;
  return said(at, 'tutti', `${event.kind}${phase}${event.detail === null ? '' : `: ${event.detail}`}`, 'dim');
}

function startText({ cli, pid, resumed, conversationId }: Extract<RecordBody, { kind: 'spawn' }>): string {
  const conversation = conversationId === null ? '' : `, conversation ${conversationId.slice(0, 8)}`;
  return `${cli} ${resumed ? 'resumed' : 'started'} (pid ${pid}${conversation})`;
}

function exited(record: Extract<RecordBody, { kind: 'exit' }>, at: number): Block {
  const how = record.signal === null ? `exited ${record.code ?? 'without a code'}` : `was ended by ${record.signal}`;
  if (record.asked) return said(at, 'tutti', `the CLI ${how}, as asked`, 'dim');
  const last = oneLine(record.stderr.trim().split('\n').at(-1) ?? '');
  return said(at, 'tutti', `the CLI ${how}${last === '' ? '' : `: ${last}`}`, 'boldRed');
}

function answerText({ decision, by, text }: Extract<RecordBody, { kind: 'answered' }>): string {
  if (decision === 'expired') return 'the request lapsed';
  return `${decision} by ${by}${text ? `: ${text}` : ''}`;
}

function failed(record: Extract<RecordBody, { kind: 'done' }>, at: number): Block | null {
  const { ok, result } = record;
  if (ok || typeof result !== 'object' || result === null || Array.isArray(result)) return null;
  const { code, message, hint } = result;
  if (code === 'lapsed' || code === 'not_open' || typeof message !== 'string') return null;
  return said(at, 'tutti', `${message}${typeof hint === 'string' ? ` (${hint})` : ''}`, 'boldYellow');
}
