/** Scenes for the watchdog's tests: an agent in a turn, calls with results, and time that passes as the supervisor's timer lets it. */
import { nextDue } from '../../../../src/core/due.ts';
import { emptyState } from '../../../../src/core/empty-state.ts';
import type { DriverEventBody, JsonObject, ToolName, TuttiEvent } from '../../../../src/core/event.ts';
import { reduce } from '../../../../src/core/reduce/index.ts';
import type { AgentSpec } from '../../../../src/core/state.ts';
import { Desk, ID, TURN } from '../desk.ts';

export const MINUTE = 60_000;

let calls = 0;

/** A call and its result, `ms` later. */
export function call(desk: Desk, args: JsonObject, result: string, more: Call = {}): void {
  const { tool = 'bash', isError = false, ms = 1_000 } = more;
  const callId = `call-${++calls}`;
  desk.now += 2_000;
  desk.said({ type: 'tool_call', callId, tool, args, nativeTool: tool });
  desk.now += ms;
  desk.said({ type: 'tool_result', callId, tool, result, isError, tokens: null, durationMs: null });
}

interface Call {
  tool?: ToolName;
  isError?: boolean;
  ms?: number;
}

export const bash = (desk: Desk, command: string, result: string, more: Call = {}): void =>
  call(desk, { command }, result, more);

export const edit = (desk: Desk, before: string, after: string, path = 'a.ts'): void =>
  call(desk, { path, old_string: before, new_string: after }, 'ok', { tool: 'edit' });

/** A call that is left open. */
export function open(desk: Desk, command: string): void {
  desk.said({ type: 'tool_call', callId: `open-${++calls}`, tool: 'bash', args: { command }, nativeTool: 'Bash' });
}

export const says = (content: string): DriverEventBody => ({
  type: 'message',
  role: 'assistant',
  content,
  from: null,
  messageId: null,
});

export const thinks = (content: string): DriverEventBody => ({ type: 'thinking', content, tokens: null });

/** An agent with a turn under way. */
export function working(spec: Partial<AgentSpec> = {}): Desk {
  const desk = new Desk().up(spec);
  if (!spec.task) desk.send('m-1');
  desk.confirm(spec.task ? `task-of-${ID}` : 'm-1');
  desk.said(TURN);
  desk.done();
  return desk;
}

/** Time passes; the supervisor's timer fires at each deadline on the way. */
export function pass(desk: Desk, ms: number): void {
  const until = desk.now + ms;
  for (let ticks = 0; ; ticks++) {
    const due = nextDue(desk.state, desk.settings);
    if (due === null || due > until) break;
    if (ticks > 200) throw new Error(`a deadline is due for ever: ${new Date(due).toISOString()}`);
    desk.now = Math.max(desk.now, due);
    const step = desk.input({ type: 'tick' });
    if (step.events.length === 0) throw new Error('a deadline passed and nothing came of it');
  }
  desk.now = until;
}

/** `verdict:action` of each judgement of this layer. */
export const judged = (desk: Desk, layer = 1): string[] =>
  desk
    .events('watchdog')
    .filter((event) => event.layer === layer)
    .map(({ verdict, action }) => `${verdict}:${action}`);

/** The state that the log alone gives. */
export function replayed(desk: Desk): object {
  const state = emptyState('log-1234');
  for (const event of desk.log) reduce(state, JSON.parse(JSON.stringify(event)) as TuttiEvent);
  return JSON.parse(JSON.stringify(state)) as object;
}

/** The running CLI is stopped as ordered, and started again. */
export function comesBack(desk: Desk): void {
  desk.exit({}, true);
  if (Object.values(desk.agent().pending).some(({ verb }) => verb === 'stop')) desk.orderDone('stop', { left: 0 });
  const due = nextDue(desk.state, desk.settings);
  if (desk.agent().gate === 'backoff' && due !== null) pass(desk, due - desk.now);
  desk.orderDone('start', { pid: 61 });
  desk.ready();
}

/** Whatever waits first in the queue is delivered, and a turn comes of it. */
export function nextTurn(desk: Desk): string {
  const message = desk.agent().queue.find((m) => m.state === 'sent');
  if (!message) throw new Error('no message is on its way');
  desk.confirm(message.messageId);
  desk.said(TURN);
  return message.text;
}
