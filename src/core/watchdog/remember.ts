/** What `reduce` keeps of an agent's progress. Each event costs the same, however long the agent has worked: no list is searched beyond its bound. */
import type { TuttiEvent } from '../event.ts';
import {
  CALL_WORDS_CHARS,
  EDITS_WATCHED,
  FAILURES_KEPT,
  FAILURE_CHARS,
  RESULTS_WATCHED,
  WAIT_LEAST_MS,
} from '../limits.ts';
import type { AgentState, OpenCall } from '../state.ts';
import { ms } from '../time.ts';
import { freshWatch, type WatchState } from './types.ts';

type EventOf<T extends TuttiEvent['type']> = Extract<TuttiEvent, { type: T }>;

/** Decoded events that are a sign of life; a message to the CLI that it repeats is none. */
export function rememberHeard(agent: AgentState, event: TuttiEvent): void {
  if (!event.src || event.cause?.by === 'host' || event.cause?.by === 'supervisor') return;
  if (event.type === 'message' && event.role === 'user') return;
  agent.watch.heardAt = event.at;
  agent.watch.heardFrom = agent.cli.incarnation;
}

/** What held it up is over: its clocks begin anew. */
export function countAnew(agent: AgentState, at: string): void {
  agent.watch.countFrom = at;
}

export function rememberTurn(agent: AgentState): void {
  const { heardAt, heardFrom, countFrom, failures } = agent.watch;
  agent.watch = { ...freshWatch(), heardAt, heardFrom, countFrom, failures };
}

const OBJECTS = ['command', 'path', 'url', 'query'] as const;

/** `bash: npm test`, cut. */
function callWords({ tool, args, nativeTool }: EventOf<'tool_call'>): string {
  const object = OBJECTS.map((key) => args[key]).find((value) => typeof value === 'string' && value !== '');
  if (typeof object !== 'string') return nativeTool.slice(0, CALL_WORDS_CHARS);
  const line = object
    .slice(0, CALL_WORDS_CHARS * 2)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return `${tool}: ${line.length > CALL_WORDS_CHARS ? `${line.slice(0, CALL_WORDS_CHARS)}…` : line}`;
}

export function openCall(agent: AgentState, event: EventOf<'tool_call'>): OpenCall {
  const { tool, at, mark, parentCallId } = event;
  if (parentCallId === undefined) agent.watch.steps += 1;
  const open: OpenCall = { tool, at, what: callWords(event) };
  return { ...open, ...(mark ? { mark } : {}), ...(parentCallId === undefined ? {} : { sub: true }) };
}

/** A call has its result: is it one more of the same? */
export function rememberResult(agent: AgentState, call: OpenCall, event: EventOf<'tool_result'>): void {
  const { watch } = agent;
  if (!event.isError && (call.tool === 'write' || call.tool === 'edit' || call.tool === 'bash')) watch.changed = true;
  if (call.sub || call.tool === 'todo' || call.mark === undefined || event.mark === undefined) return;
  const what = call.what ?? call.tool;
  if (event.isError) rememberFailure(watch, what, event.result);
  else watch.failedRun = 0;
  const mark = `${call.mark.call}.${event.mark}`;
  const known = watch.calls.some((other) => other.mark === mark);
  // What a host that was stopped reads late is written down at one time; the CLI's own word counts too.
  const took = Math.max(ms(event.at) - ms(call.at), event.durationMs ?? 0);
  countRuns(watch, mark, call.mark.waits === true && took >= WAIT_LEAST_MS);
  watch.calls = [...watch.calls.slice(-(RESULTS_WATCHED - 1)), { mark, what }];
  if (!event.isError && call.mark.from !== undefined && call.mark.to !== undefined) {
    rememberEdit(watch, { from: call.mark.from, to: call.mark.to });
  }
  if (known) return;
  watch.compactions = 0;
  watch.text = null;
  watch.textRun = 0;
  // To fail in a new way is something new, but it is not getting on.
  if (event.isError) return;
  watch.fresh += 1;
  agent.ladder = { ...agent.ladder, fresh: agent.ladder.fresh + 1 };
}

/** How many calls in a row equal the one 1, 2, 3 or 4 before. A call that waited is no turn of a circle, but of a clock. */
function countRuns(watch: WatchState, mark: string, waited: boolean): void {
  const { calls, runs, counted } = watch;
  const run = (period: 1 | 2 | 3 | 4): number =>
    !waited && period <= counted && calls.at(-period)?.mark === mark ? runs[(period - 1) as 0 | 1 | 2 | 3] + 1 : 0;
  watch.runs = [run(1), run(2), run(3), run(4)];
  watch.counted = Math.min(counted + 1, RESULTS_WATCHED);
}

function rememberFailure(watch: WatchState, what: string, result: string): void {
  watch.failedRun += 1;
  const said = result.slice(0, FAILURE_CHARS).replaceAll(/\s+/g, ' ').trim();
  watch.failures = [...watch.failures.slice(-(FAILURES_KEPT - 1)), `${what} → ${said}`];
}

function rememberEdit(watch: WatchState, edit: { from: string; to: string }): void {
  const undoes = watch.edits.some(({ from, to }) => from === edit.to && to === edit.from);
  watch.undone = undoes ? watch.undone + 1 : 0;
  watch.edits = [...watch.edits.slice(-(EDITS_WATCHED - 1)), edit];
}

export function rememberText(agent: AgentState, event: EventOf<'thinking'> | EventOf<'message'>): void {
  if (event.parentCallId !== undefined) return;
  const { watch } = agent;
  const { mark, ending } = event;
  if (event.type === 'message' || ending !== undefined) watch.ending = ending ?? null;
  if (mark === undefined) return;
  watch.textRun = watch.text === mark ? watch.textRun + 1 : 1;
  watch.text = mark;
}

export function rememberDenied(agent: AgentState): void {
  agent.watch.denied += 1;
}
