/**
 * Every notification of the app-server (0.169, the experimental ones too): what it gives, or why nothing.
 * A method that is not in this table is not understood: its line becomes `raw`.
 */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import type { EmptyKind } from './empty.ts';
import { errorEvent, failedOutcome, retryEvent } from './errors.ts';
import { completedItem, startedItem } from './item-events.ts';
import { rateLimitEvents, refusedEvent, usageEvent } from './limits.ts';
import type { Memory } from './memory.ts';
import { durationOf, isObject, known, listOf, numberOrNull, objectOf, textOf, textOrNull } from './values.ts';

/** Events, or the name of the reason why there are none; null = not understood after all. */
export type Reading = DriverEventBody[] | EmptyKind | null;

export type Notification =
  | { read: (memory: Memory, params: JsonObject, line: JsonObject) => Reading }
  /** Gives no event, for this reason. */
  | { empty: string }
  /** Streamed progress: not journaled, no event; its text is in this field. */
  | { delta: string; field: string };

const notice = (detail: string, phase: string | null = null): DriverEventBody[] => [
  { type: 'activity', kind: 'notice', phase, detail },
];

const NOT_OURS = { empty: 'answers a subscription or process that we never start' };
const REALTIME = { empty: 'voice conversations, which we never start' };
const FRONT_END = { empty: 'for the lists and settings of a front end' };

export const NOTIFICATIONS: Record<string, Notification> = {
  error: { read: readError },
  'turn/started': { read: turnStarted },
  'turn/completed': { read: turnCompleted },
  'turn/plan/updated': { read: planUpdated },
  'turn/diff/updated': {
    empty: 'the whole diff of the turn again after each edit; the fileChange items have the edits',
  },
  'turn/moderationMetadata': { empty: 'labels for a front end' },
  'item/started': { read: startedItem },
  'item/completed': { read: completedItem },
  'item/agentMessage/delta': { delta: 'item/completed has the text whole', field: 'delta' },
  'item/plan/delta': { delta: 'item/completed has the text whole', field: 'delta' },
  'item/reasoning/textDelta': { delta: 'item/completed has the text whole', field: 'delta' },
  'item/reasoning/summaryTextDelta': { delta: 'item/completed has the text whole', field: 'delta' },
  'item/reasoning/summaryPartAdded': { delta: 'item/completed has the text whole', field: '' },
  'item/commandExecution/outputDelta': { delta: 'item/completed has the output whole', field: 'delta' },
  'item/fileChange/outputDelta': { delta: 'item/completed has the output whole', field: 'delta' },
  'item/fileChange/patchUpdated': { delta: 'item/completed has the patch whole', field: '' },
  'item/commandExecution/terminalInteraction': {
    read: (_memory, params) => [
      { type: 'activity', kind: 'background', phase: 'input', detail: textOf(params.stdin), ...callOf(params) },
    ],
  },
  'item/mcpToolCall/progress': {
    read: (_memory, params) => [
      { type: 'activity', kind: 'mcp', phase: 'progress', detail: textOf(params.message), ...callOf(params) },
    ],
  },
  'item/autoApprovalReview/started': { read: (_memory, params) => notice(reviewText(params), 'start') },
  'item/autoApprovalReview/completed': { read: (_memory, params) => notice(reviewText(params), 'end') },
  'autoApprovalReview/strictReviewRequired': { read: () => notice('strict review of approvals required') },

  'thread/started': { read: threadStarted },
  'thread/status/changed': {
    read: (_memory, params) =>
      objectOf(params.status).type === 'systemError' ? notice('thread: system error') : 'thread/status/changed:known',
  },
  'thread/closed': {
    read: (memory, params) => {
      memory.forgetSubAgent(textOf(params.threadId));
      return notice('thread closed');
    },
  },
  'thread/tokenUsage/updated': { read: tokenUsage },
  'thread/compacted': { empty: 'the contextCompaction item tells the same' },
  'thread/archived': { read: () => notice('conversation archived') },
  'thread/unarchived': { read: () => notice('conversation unarchived') },
  'thread/deleted': { read: () => notice('conversation deleted') },
  'thread/reverted': { read: () => notice('conversation reverted to an earlier turn') },
  'thread/goal/updated': { read: (_memory, params) => notice(`goal: ${textOf(objectOf(params.goal).objective)}`) },
  'thread/goal/cleared': { empty: 'told at each resume; a goal that was set was a notice' },
  'thread/readState/changed': FRONT_END,
  'thread/name/updated': FRONT_END,
  'thread/section/changed': FRONT_END,
  'thread/attachment/updated': FRONT_END,
  'thread/prediction/updated': FRONT_END,
  'thread/queue/changed': { empty: 'we keep the queue; the one of codex is not used' },
  'thread/project/updated': FRONT_END,
  'thread/settings/updated': FRONT_END,
  'thread/environment/connected': { read: () => notice('environment connected') },
  'thread/environment/disconnected': { read: () => notice('environment disconnected') },
  'project/changed': FRONT_END,
  'skills/changed': FRONT_END,
  'app/list/updated': FRONT_END,
  'remoteControl/status/changed': FRONT_END,

  'serverRequest/resolved': { empty: 'a request of the CLI is answered or withdrawn; the host keeps the book' },
  'hook/started': { read: (_memory, params) => hook(params, 'start') },
  'hook/completed': { read: (_memory, params) => hook(params, 'end') },
  'mcpServer/startupStatus/updated': { read: mcpStartup },
  'mcpServer/oauthLogin/completed': {
    read: (_memory, params) => loginEnd(params, `MCP server ${textOf(params.name)}`),
  },
  'mcpServer/event/stream/notification': NOT_OURS,

  'account/rateLimits/updated': { read: rateLimits },
  'account/updated': { read: (_memory, params) => notice(`account: ${textOf(params.authMode) || 'no login'}`) },
  'account/login/completed': { read: (_memory, params) => loginEnd(params, 'login') },
  'account/gatewayOAuth/changed': { read: (_memory, params) => notice(`gateway login: ${textOf(params.status)}`) },
  'model/rerouted': {
    read: (_memory, params) =>
      notice(
        `model ${textOf(params.fromModel)} replaced by ${textOf(params.toModel)}: ${JSON.stringify(params.reason ?? null)}`,
      ),
  },
  'model/verification': {
    read: (_memory, params) => notice(`model verification: ${JSON.stringify(params.verifications ?? null)}`),
  },
  'model/safetyBuffering/updated': { empty: 'how a front end shows a delayed answer' },
  'modelProvider/authRecoveryStarted': { read: (_memory, params) => notice(textOf(params.message), 'start') },
  'modelProvider/authRecoveryCompleted': { read: (_memory, params) => notice(textOf(params.message), 'end') },

  warning: { read: (_memory, params) => notice(textOf(params.message)) },
  guardianWarning: { read: (_memory, params) => notice(textOf(params.message)) },
  deprecationNotice: { read: (_memory, params) => notice(textOf(params.summary)) },
  configWarning: { read: (_memory, params) => notice(textOf(params.summary)) },
  'windows/worldWritableWarning': { read: () => notice('folders that everybody may write to') },
  'windowsSandbox/setupCompleted': { read: (_memory, params) => notice(`sandbox set up: ${params.success === true}`) },

  'command/exec/outputDelta': { delta: 'output of a command that a client runs by hand', field: '' },
  'process/outputDelta': { delta: 'output of a process that a client runs by hand', field: '' },
  'process/exited': NOT_OURS,
  'externalAgentConfig/import/progress': NOT_OURS,
  'externalAgentConfig/import/completed': NOT_OURS,
  'fs/changed': NOT_OURS,
  'fuzzyFileSearch/sessionUpdated': NOT_OURS,
  'fuzzyFileSearch/sessionCompleted': NOT_OURS,
  'thread/realtime/started': REALTIME,
  'thread/realtime/itemAdded': REALTIME,
  'thread/realtime/item/started': REALTIME,
  'thread/realtime/item/transcript/delta': REALTIME,
  'thread/realtime/item/completed': REALTIME,
  'thread/realtime/transcript/delta': REALTIME,
  'thread/realtime/transcript/done': REALTIME,
  'thread/realtime/outputAudio/delta': REALTIME,
  'thread/realtime/sdp': REALTIME,
  'thread/realtime/error': REALTIME,
  'thread/realtime/closed': REALTIME,
};

const callOf = (params: JsonObject): { parentCallId?: string } =>
  typeof params.itemId === 'string' ? { parentCallId: params.itemId } : {};

function readError(memory: Memory, params: JsonObject): Reading {
  if (!isObject(params.error)) return null;
  const { error } = params;
  const details = textOrNull(error.additionalDetails);
  const message = textOf(error.message);
  if (params.willRetry === true) {
    return [
      retryEvent(message, details) ?? {
        type: 'retry',
        attempt: null,
        max: null,
        delayMs: null,
        error: details ?? message,
      },
    ];
  }
  if (memory.parent(textOf(params.threadId)) !== null) return notice(`sub-agent failed: ${message}`);
  memory.errorTold = memory.turnOpen;
  return [...refusal(memory, error), errorEvent(error)];
}

/** A refusal by the account's limit is a rate limit as well; the reset time comes from the windows told before it. */
function refusal(memory: Memory, error: JsonObject): DriverEventBody[] {
  if (errorEvent(error).code !== 'usage_limit' || memory.refused) return [];
  memory.refused = memory.turnOpen;
  return refusedEvent(memory.windows);
}

function turnStarted(memory: Memory, params: JsonObject): Reading {
  const parent = memory.parent(textOf(params.threadId));
  if (parent !== null)
    return [{ type: 'activity', kind: 'subagent', phase: 'start', detail: null, parentCallId: parent }];
  if (memory.turnOpen) return 'turn/started:repeated';
  memory.beginTurn();
  return [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }];
}

function turnCompleted(memory: Memory, params: JsonObject): Reading {
  if (!isObject(params.turn)) return null;
  const { turn } = params;
  const threadId = textOf(params.threadId);
  const parent = memory.parent(threadId);
  if (parent !== null) {
    return [{ type: 'activity', kind: 'subagent', phase: 'end', detail: textOf(turn.status), parentCallId: parent }];
  }
  const error = isObject(turn.error) ? turn.error : null;
  const untold = error !== null && !memory.errorTold ? [...refusal(memory, error), errorEvent(error)] : [];
  const answer = memory.endTurn(threadId);
  return [
    ...answer,
    ...untold,
    {
      type: 'turn',
      number: null,
      phase: 'end',
      outcome: outcomeOf(turn, error),
      durationMs: durationOf(turn.durationMs),
    },
  ];
}

function outcomeOf(turn: JsonObject, error: JsonObject | null) {
  if (turn.status === 'completed') return 'ok';
  if (turn.status === 'interrupted') return 'interrupted';
  return error === null ? 'error' : failedOutcome(errorEvent(error).code, error);
}

/** The to-do list has no item of its own: one call with the whole list each time, told apart by when it was sent. */
function planUpdated(memory: Memory, params: JsonObject, line: JsonObject): Reading {
  const callId = `plan:${textOf(params.turnId)}:${numberOrNull(line.emittedAtMs) ?? 0}`;
  const todos = listOf(params.plan)
    .filter(isObject)
    .map((step) => ({ content: textOf(step.step), status: textOf(step.status) }));
  const args = known({ todos, explanation: textOrNull(params.explanation) });
  return [
    ...memory.moreWork(),
    { type: 'tool_call', callId, tool: 'todo', args, nativeTool: 'update_plan' },
    { type: 'tool_result', callId, tool: 'todo', result: '', isError: false, tokens: null, durationMs: null },
  ];
}

function threadStarted(memory: Memory, params: JsonObject): Reading {
  const thread = objectOf(params.thread);
  if (textOrNull(thread.parentThreadId) === null) return 'thread/started:own';
  memory.knowSubAgent(textOf(thread.id), null);
  return [
    {
      type: 'activity',
      kind: 'subagent',
      phase: 'start',
      detail: textOrNull(thread.agentNickname) ?? textOrNull(thread.agentRole),
      parentCallId: memory.parent(textOf(thread.id)) ?? textOf(thread.id),
    },
  ];
}

function tokenUsage(memory: Memory, params: JsonObject): Reading {
  if (!isObject(params.tokenUsage)) return null;
  const threadId = textOf(params.threadId);
  const own = memory.parent(threadId) === null;
  const total = numberOrNull(objectOf(params.tokenUsage.total).totalTokens);
  const before = memory.totals.get(threadId);
  if (total !== null) memory.totals.set(threadId, total);
  if (own && !memory.turnOpen) return 'thread/tokenUsage/updated:restated';
  return total !== null && total === before
    ? 'thread/tokenUsage/updated:repeated'
    : [usageEvent(params.tokenUsage, own)];
}

function rateLimits(memory: Memory, params: JsonObject): Reading {
  const snapshot = objectOf(params.rateLimits);
  const events = rateLimitEvents(snapshot, memory.refused);
  if (events.length === 0) return 'account/rateLimits/updated:unknown';
  if (memory.turnOpen) memory.windows = snapshot;
  return events;
}

function mcpStartup(_memory: Memory, params: JsonObject): Reading {
  if (params.status !== 'failed') return 'mcpServer/startupStatus/updated:fine';
  const detail = `MCP server ${textOf(params.name)} failed to start: ${textOf(params.error)}`;
  return [{ type: 'activity', kind: 'mcp', phase: 'failed', detail }];
}

function loginEnd(params: JsonObject, what: string): DriverEventBody[] {
  return notice(params.success === true ? `${what}: done` : `${what} failed: ${textOf(params.error)}`);
}

function hook(params: JsonObject, phase: string): DriverEventBody[] {
  const run = objectOf(params.run);
  const detail = [textOf(run.eventName), textOf(run.status), textOf(run.statusMessage)].filter(Boolean).join(' · ');
  return [{ type: 'activity', kind: 'hook', phase, detail }];
}

function reviewText(params: JsonObject): string {
  const review = objectOf(params.review);
  return `automatic review: ${textOf(review.status)} ${textOf(review.rationale)}`.trim();
}
