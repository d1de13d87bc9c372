/** Lines about the session, the turn, limits and work in the background. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { type Handler, whole } from './conversation.ts';
import { resultError, turnOutcome } from './failure.ts';
import { isoFromSeconds, list, number, object, text } from './fields.ts';
import type { Memory, SessionFacts } from './memory.ts';

/** `system/init` opens every turn; the session is told when something in it changed. */
export const init: Handler = (line, memory) => {
  const facts: SessionFacts = {
    conversationId: text(line.session_id),
    model: text(line.model),
    cliVersion: text(line.claude_code_version),
    permissionMode: text(line.permissionMode),
    tools: list(line.tools)?.filter((tool) => typeof tool === 'string') ?? null,
  };
  return [...session(facts, memory), ...turnStart(memory)];
};

function session(facts: SessionFacts, memory: Memory): DriverEventBody[] {
  const known = JSON.stringify(memory.session) === JSON.stringify(facts);
  memory.session = facts;
  return known ? [] : [{ type: 'session', ...facts, resumed: null }];
}

function turnStart(memory: Memory): DriverEventBody[] {
  if (memory.refusedPrompt || memory.turn) return [];
  memory.turn = true;
  memory.error = null;
  return [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }];
}

/** `result` ends the turn; its totals are those of the process. */
export const result: Handler = (line, memory) => {
  const events: DriverEventBody[] = [];
  // `--output-format json` prints a result alone: a whole turn in one line.
  if (!memory.turn && !memory.refusedPrompt && (number(line.num_turns) ?? 0) > 0) events.push(...turnStart(memory));
  const error = memory.error ?? resultError(line);
  if (error !== null && memory.error === null) events.push(error);
  events.push(...memory.flushAsMessage());
  const usage = memory.usage.result(line, memory.session?.model ?? null);
  if (usage !== null) events.push(usage);
  if (memory.turn) {
    events.push({
      type: 'turn',
      number: null,
      phase: 'end',
      outcome: turnOutcome(line, error),
      durationMs: whole(line.duration_ms),
    });
  }
  memory.turn = false;
  memory.error = null;
  memory.refusedPrompt = false;
  return events;
};

/** `system/status`: what it is busy with, the end of a compaction, or a changed permission mode. */
export const status: Handler = (line, memory) => {
  const mode = text(line.permissionMode);
  if (mode !== null && memory.session !== null) return session({ ...memory.session, permissionMode: mode }, memory);
  const compacted = text(line.compact_result);
  if (compacted !== null) return [activity('compacting', 'end', text(line.compact_error) ?? compacted)];
  const busy = text(line.status);
  if (busy === 'requesting') return [activity('requesting', 'start', null)];
  if (busy === 'compacting') return [activity('compacting', 'start', null)];
  return [activity('notice', 'status', busy ?? mode)];
};

const activity = (
  kind: Extract<DriverEventBody, { type: 'activity' }>['kind'],
  phase: string | null,
  detail: string | null,
  callId: string | null = null,
): DriverEventBody => ({ type: 'activity', kind, phase, detail, ...(callId === null ? {} : { parentCallId: callId }) });

export const compaction: Handler = (line, memory) => {
  const meta = object(line.compact_metadata);
  if (meta === null) return null;
  memory.usage.compacted(whole(meta.post_tokens));
  return [
    { type: 'compaction', trigger: text(meta.trigger), before: whole(meta.pre_tokens), after: whole(meta.post_tokens) },
  ];
};

export const apiRetry: Handler = (line) => {
  const code = number(line.error_status);
  const error = [text(line.error) ?? 'unknown', ...(code === null ? [] : [String(code)])].join(' ');
  return [
    ...toldLimit(line),
    {
      type: 'retry',
      attempt: whole(line.attempt),
      max: whole(line.max_retries),
      delayMs: whole(line.retry_delay_ms),
      error,
    },
  ];
};

/** A first pause this long is not claude's own (half a second): the service told it to wait so long. Milliseconds. */
const TOLD_PAUSE_MS = 2_000;

function toldLimit(line: JsonObject): DriverEventBody[] {
  const delayMs = whole(line.retry_delay_ms);
  if (!isLimitRetry(line) || line.attempt !== 1 || delayMs === null || delayMs < TOLD_PAUSE_MS) return [];
  return [
    {
      type: 'rate_limit',
      limit: 'rejected',
      scope: null,
      resetsAt: null,
      retryAfterMs: delayMs,
      utilization: null,
    },
  ];
}

/** claude waits to ask again, since a limit refused it. */
export const isLimitRetry = (line: JsonObject): boolean =>
  text(line.error) === 'rate_limit' || line.error_status === 429;

const LIMITS = { allowed: 'allowed', allowed_warning: 'warning', rejected: 'rejected' } as const;
const isLimit = (status: string): status is keyof typeof LIMITS => Object.hasOwn(LIMITS, status);

export const rateLimit: Handler = (line) => {
  const info = object(line.rate_limit_info);
  const state = text(info?.status);
  if (info === null || state === null || !isLimit(state)) return null;
  return [
    {
      type: 'rate_limit',
      limit: LIMITS[state],
      scope: text(info.rateLimitType),
      resetsAt: isoFromSeconds(number(info.resetsAt)),
      retryAfterMs: null,
      utilization: number(info.utilization),
    },
  ];
};

/** `system/task_*`: sub-agents and commands in the background. Only the start tells which of the two it is. */
export const taskStarted: Handler = (line, memory) => {
  const task = {
    kind: text(line.task_type) === 'local_agent' ? 'subagent' : 'background',
    callId: text(line.tool_use_id),
  } as const;
  memory.tasks.set(text(line.task_id) ?? '', task);
  return [activity(task.kind, 'start', text(line.description), task.callId)];
};

const taskOf = (line: JsonObject, memory: Memory) =>
  memory.tasks.get(text(line.task_id) ?? '') ?? ({ kind: 'background', callId: text(line.tool_use_id) } as const);

export const taskProgress: Handler = (line, memory) => {
  const task = taskOf(line, memory);
  return [activity(task.kind, 'progress', text(line.description), task.callId)];
};

export const taskUpdated: Handler = (line, memory) => {
  const task = taskOf(line, memory);
  return [activity(task.kind, 'update', text(object(line.patch)?.status), task.callId)];
};

export const taskNotification: Handler = (line, memory) => {
  const task = taskOf(line, memory);
  memory.tasks.delete(text(line.task_id) ?? '');
  return [activity(task.kind, text(line.status) ?? 'end', text(line.summary), task.callId)];
};

export const hookStarted: Handler = (line) => [activity('hook', 'start', text(line.hook_name))];
export const hookResponse: Handler = (line) => [activity('hook', 'end', text(line.hook_name))];

/** Words of the client for a person, wherever this kind of line keeps them. */
export const note: Handler = (line) => {
  const words =
    text(line.content) ||
    text(line.text) ||
    text(line.summary) ||
    text(line.message) ||
    text(line.api_refusal_explanation);
  return [activity('notice', text(line.subtype) ?? text(line.type), words || null)];
};

/** `system/informational` is a note; the one that answers our own refusal of a repeated prompt tells nothing new. */
export const informational: Handler = (line, memory) => (memory.refusedPrompt ? [] : note(line, memory));
