/** The event stream of `opencode serve` (`GET /event`), kind by kind. A kind that gives no event is named in `EMPTY` with the reason. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { outcomeOf } from '../acp/failure.ts';
import { number, object, string } from '../acp/fields.ts';
import type { OneShot } from '../acp/one-shot.ts';
import type { Decoded } from '../driver.ts';
import { failureOfNamed, stepUsage, toolPart } from './parts.ts';

/** What is kept between events beside the turn. */
export class Served {
  readonly turn: OneShot;
  /** Messages of the user: their text parts are not the assistant's. */
  readonly users = new Set<string>();
  /** Parts that were told in full: they are updated again without news. */
  readonly told = new Set<string>();

  constructor(turn: OneShot) {
    this.turn = turn;
  }

  get atRest(): boolean {
    return this.users.size === 0 && this.told.size === 0;
  }
}

/** null: the event has not the shape of its kind. */
type Handler = (properties: JsonObject, served: Served) => DriverEventBody[] | null;

const HANDLERS: Readonly<Record<string, Handler>> = {
  'session.created': sessionCreated,
  'session.status': sessionStatus,
  'session.idle': sessionIdle,
  'session.error': sessionError,
  'session.compacted': () => [{ type: 'compaction', trigger: null, before: null, after: null }],
  'message.updated': messageUpdated,
  'message.part.updated': partUpdated,
};

const SERVER = 'about the server, not about a conversation';
const VIEW = 'what the interface shows beside the conversation';
const AGAIN = 'a parts event says the same';

const EMPTY: Readonly<Record<string, string>> = {
  'server.connected': SERVER,
  'server.heartbeat': SERVER,
  'server.instance.disposed': SERVER,
  'plugin.added': SERVER,
  'catalog.updated': SERVER,
  'reference.updated': SERVER,
  'integration.updated': SERVER,
  'installation.updated': SERVER,
  'installation.update-available': SERVER,
  'lsp.updated': SERVER,
  'lsp.client.diagnostics': SERVER,
  'mcp.tools.changed': SERVER,
  'vcs.branch.updated': VIEW,
  'session.updated': VIEW,
  'session.deleted': VIEW,
  'session.diff': VIEW,
  'file.edited': AGAIN,
  'file.watcher.updated': AGAIN,
  'todo.updated': AGAIN,
  'command.executed': AGAIN,
  'message.removed': VIEW,
  'message.part.removed': VIEW,
  'message.part.delta': 'a piece of a text whose whole comes with message.part.updated',
};

export function decodeServed(kind: string, properties: JsonObject, served: Served): Decoded | null {
  if (Object.hasOwn(EMPTY, kind)) return { events: [], fate: 'empty', kind };
  const handler = Object.hasOwn(HANDLERS, kind) ? HANDLERS[kind] : undefined;
  const events = handler?.(properties, served) ?? null;
  if (events === null) return null;
  const part = kind === 'message.part.updated' ? `:${string(object(properties['part'])['type']) ?? ''}` : '';
  return { events, fate: events.length > 0 || STATEFUL.has(kind + part) ? 'decoded' : 'empty', kind: kind + part };
}

/** These only move the state at times (a user's message is named, a text is held). */
const STATEFUL = new Set(['message.updated', 'message.part.updated:text', 'message.part.updated:tool']);

function sessionCreated(properties: JsonObject): DriverEventBody[] | null {
  const info = object(properties['info']);
  const conversationId = string(info['id']);
  if (conversationId === null) return null;
  const cliVersion = string(info['version']);
  return [
    { type: 'session', conversationId, model: null, cliVersion, permissionMode: null, tools: null, resumed: false },
  ];
}

function sessionStatus(properties: JsonObject): DriverEventBody[] | null {
  const status = object(properties['status']);
  switch (status['type']) {
    case 'retry': {
      const error = string(status['message']) ?? 'unknown';
      return [{ type: 'retry', attempt: number(status['attempt']), max: null, delayMs: null, error }];
    }
    case 'busy':
    case 'idle':
      // session.idle ends the turn; the parts begin it.
      return [];
    default:
      return null;
  }
}

function sessionIdle(_properties: JsonObject, { turn }: Served): DriverEventBody[] {
  return turn.open ? turn.end(turn.outcome, null) : [];
}

function sessionError(properties: JsonObject, { turn }: Served): DriverEventBody[] {
  const error = object(properties['error']);
  if (error['name'] === 'MessageAbortedError') {
    turn.outcome = 'interrupted';
    return [];
  }
  const failure = failureOfNamed(error);
  turn.outcome = outcomeOf(failure.code);
  return [{ type: 'error', ...failure }];
}

function messageUpdated(properties: JsonObject, served: Served): DriverEventBody[] | null {
  const info = object(properties['info']);
  const id = string(info['id']);
  if (id === null) return null;
  if (info['role'] === 'user') served.users.add(id);
  return [];
}

function partUpdated(properties: JsonObject, served: Served): DriverEventBody[] | null {
  const part = object(properties['part']);
  switch (part['type']) {
    case 'text':
      return textPart(part, served);
    case 'reasoning':
      return reasoningPart(part, served);
    case 'tool': {
      // An aborted command is updated again after its end.
      const callId = string(part['callID']) ?? '';
      if (served.told.has(callId)) return [];
      const late = served.turn.calls.has(callId);
      const events = toolPart(part, served.turn);
      if (events?.some((event) => event.type === 'tool_result')) served.told.add(callId);
      return events === null ? null : [...(late ? [] : served.turn.start()), ...events];
    }
    case 'step-start':
      return served.turn.start();
    case 'step-finish':
      return [...served.turn.start(), stepUsage(part)];
    case 'compaction':
      return [{ type: 'activity', kind: 'compacting', phase: 'start', detail: null }];
    case 'retry':
      return [
        {
          type: 'retry',
          attempt: number(part['attempt']),
          max: null,
          delayMs: null,
          error: failureOfNamed(object(part['error'])).message,
        },
      ];
    // Marks for its undo, and what was attached to a message.
    case 'patch':
    case 'snapshot':
    case 'file':
    case 'agent':
    case 'subtask':
      return [];
    default:
      return null;
  }
}

function textPart(part: JsonObject, served: Served): DriverEventBody[] | null {
  const content = string(part['text']);
  const id = string(part['id']);
  if (content === null || id === null) return null;
  const user = served.users.has(string(part['messageID']) ?? '');
  if (served.told.has(id) || (!user && number(object(part['time'])['end']) === null)) return [];
  served.told.add(id);
  if (!user) return [...served.turn.start(), ...served.turn.hold(content, false)];
  if (part['synthetic'] === true) return [{ type: 'activity', kind: 'notice', phase: null, detail: content }];
  return [...served.turn.start(), { type: 'message', role: 'user', content, from: null, messageId: null }];
}

function reasoningPart(part: JsonObject, served: Served): DriverEventBody[] | null {
  const content = string(part['text']);
  const id = string(part['id']);
  if (content === null || id === null) return null;
  if (served.told.has(id) || number(object(part['time'])['end']) === null) return [];
  served.told.add(id);
  return [...served.turn.start(), ...served.turn.flush(), { type: 'thinking', content, tokens: null }];
}
