/** `opencode run --format json` (one turn, one process), and the events of `opencode serve`. Decoded only. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { outcomeOf } from '../acp/failure.ts';
import { object, parseObject, string } from '../acp/fields.ts';
import { OneShot } from '../acp/one-shot.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';
import { failureOfNamed, stepUsage, toolPart } from './parts.ts';
import { decodeServed, Served } from './served.ts';

interface Run {
  turn: OneShot;
  sessionId: string | null;
  served: Served;
}

/** null: the line has not the shape of its kind. */
type Handler = (line: JsonObject, run: Run) => DriverEventBody[] | null;

const KINDS: Readonly<Record<string, Handler>> = {
  step_start: (_line, run) => run.turn.start(),
  text,
  reasoning,
  tool_use: (line, run) => {
    const events = toolPart(object(line['part']), run.turn);
    return events === null ? null : [...run.turn.start(), ...events];
  },
  step_finish: stepFinish,
  error,
};

export function streamDecoder(): Decoder {
  const turn = new OneShot();
  const run: Run = { turn, sessionId: null, served: new Served(turn) };
  return {
    get atRest() {
      return turn.atRest && run.sessionId === null && run.served.atRest;
    },
    push: (line) => decode(line, run),
    end: () => turn.flush(),
  };
}

function decode({ dir, text: given }: Line, run: Run): Decoded {
  // The event stream as it comes over HTTP has `data: ` before each event.
  const line = given.startsWith('data: ') ? given.slice('data: '.length) : given;
  if (line.trim() === '') return { events: [], fate: 'empty', kind: 'blank' };
  if (dir !== 'out') return { events: [], fate: 'empty', kind: dir === 'err' ? 'stderr' : 'in' };
  const parsed = parseObject(line);
  const kind = string(parsed?.['type']) ?? 'not JSON';
  if (parsed === null) return raw(given, kind);
  if (parsed['properties'] !== undefined)
    return decodeServed(kind, object(parsed['properties']), run.served) ?? raw(given, kind);
  const handler = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  const events = handler?.(parsed, run) ?? null;
  if (events === null) return raw(given, kind);
  return { events: [...session(parsed, run), ...events], fate: 'decoded', kind };
}

const raw = (line: string, kind: string): Decoded => ({ events: [{ type: 'raw', line }], fate: 'raw', kind });

/** Every line carries the session; the first one tells it. */
function session(line: JsonObject, run: Run): DriverEventBody[] {
  const conversationId = string(line['sessionID']);
  if (conversationId === null || conversationId === run.sessionId) return [];
  run.sessionId = conversationId;
  return [
    {
      type: 'session',
      conversationId,
      model: null,
      cliVersion: null,
      permissionMode: null,
      tools: null,
      resumed: null,
    },
  ];
}

function text(line: JsonObject, { turn }: Run): DriverEventBody[] | null {
  const part = object(line['part']);
  const content = string(part['text']);
  if (content === null) return null;
  // OpenCode's own words to the model after it compacted the conversation.
  if (part['synthetic'] === true) return [{ type: 'activity', kind: 'compacting', phase: 'end', detail: content }];
  return [...turn.start(), ...turn.hold(content, false)];
}

function reasoning(line: JsonObject, { turn }: Run): DriverEventBody[] | null {
  const content = string(object(line['part'])['text']);
  if (content === null) return null;
  return [...turn.start(), ...turn.flush(), { type: 'thinking', content, tokens: null }];
}

const BAD_FINISH: Readonly<Record<string, string>> = {
  length: 'The answer was cut at the largest number of tokens',
  error: 'The request failed',
};

/** One request is over; with another reason than tool calls the turn is, as far as can be told before the exit. */
function stepFinish(line: JsonObject, { turn }: Run): DriverEventBody[] | null {
  const part = object(line['part']);
  const reason = string(part['reason']);
  if (reason === null) return null;
  const usage = stepUsage(part);
  if (reason === 'tool-calls') return [...turn.start(), usage];
  if (turn.compacting && reason === 'stop') {
    turn.compacting = false;
    return [...turn.flush(), usage];
  }
  const bad = BAD_FINISH[reason];
  const before: DriverEventBody[] = [usage];
  if (bad !== undefined) before.push({ type: 'error', code: 'model', message: bad, retryable: false });
  // `content-filter` is followed by an error line of its own.
  return turn.end(reason === 'stop' ? 'ok' : 'error', null, before);
}

/** Ends the turn, except after a context overflow, when OpenCode compacts and goes on. */
function error(line: JsonObject, { turn }: Run): DriverEventBody[] {
  const named = object(line['error']);
  const failure = failureOfNamed(named);
  const event: DriverEventBody = { type: 'error', ...failure };
  if (!turn.open && turn.ended) return [event];
  const started = turn.start();
  if (named['name'] === 'ContextOverflowError') {
    turn.compacting = true;
    return [...started, event];
  }
  return [...started, ...turn.end(outcomeOf(failure.code), null, [event])];
}
