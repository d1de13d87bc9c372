/** One line of each kind that no recording holds, by the schemas of codex 0.169 (`codex app-server generate-json-schema --experimental`). */
import type { DriverEventBody, JsonObject } from '../../../../src/core/event.ts';

/** params without `threadId` → events that the line gives (an empty list = named empty). `before`: lines that it needs. */
export interface Specimen {
  method: string;
  params: JsonObject;
  events: Partial<DriverEventBody>[];
  before?: { method: string; params: JsonObject }[];
}

const notice = (detail: string, phase: string | null = null): Partial<DriverEventBody>[] => [
  { type: 'activity', kind: 'notice', phase, detail },
];
const activity = (
  kind: 'hook' | 'mcp' | 'subagent' | 'background' | 'compacting',
  phase: string,
  detail: string | null,
): Partial<DriverEventBody> => ({ type: 'activity', kind, phase, detail });
const begun = { method: 'turn/started', params: { turn: { id: 't1' } } };

export const NOTIFICATIONS: Specimen[] = [
  {
    method: 'error',
    params: { error: { message: 'Reconnecting... 2/5', additionalDetails: 'cut' }, willRetry: true },
    events: [{ type: 'retry', attempt: 2, max: 5, delayMs: null, error: 'cut' }],
  },
  {
    method: 'error',
    params: { error: { message: 'no', codexErrorInfo: 'serverOverloaded' }, willRetry: false },
    events: [{ type: 'error', code: 'overloaded', message: 'no', retryable: true }],
  },
  { method: 'turn/started', params: { turn: { id: 't1' } }, events: [{ type: 'turn', phase: 'start' }] },
  { method: 'turn/started', params: { turn: { id: 't2' } }, events: [], before: [begun] },
  {
    method: 'turn/completed',
    params: { turn: { id: 't1', status: 'interrupted', durationMs: 7 } },
    events: [{ type: 'turn', phase: 'end', outcome: 'interrupted', durationMs: 7 }],
    before: [begun],
  },
  {
    method: 'turn/completed',
    params: {
      turn: { id: 't1', status: 'failed', error: { message: 'spent', codexErrorInfo: 'sessionBudgetExceeded' } },
    },
    events: [
      { type: 'error', code: 'billing' },
      { type: 'turn', phase: 'end', outcome: 'budget', durationMs: null },
    ],
    before: [begun],
  },
  {
    method: 'turn/plan/updated',
    params: { turnId: 't1', explanation: 'so', plan: [{ step: 'one', status: 'inProgress' }] },
    events: [
      {
        type: 'tool_call',
        tool: 'todo',
        callId: 'plan:t1:0',
        args: { todos: [{ content: 'one', status: 'inProgress' }], explanation: 'so' },
      },
      { type: 'tool_result', tool: 'todo', callId: 'plan:t1:0' },
    ],
  },
  { method: 'turn/diff/updated', params: { diff: 'd' }, events: [] },
  { method: 'turn/moderationMetadata', params: { metadata: {} }, events: [] },
  { method: 'item/agentMessage/delta', params: { delta: 'x' }, events: [] },
  { method: 'item/plan/delta', params: { delta: 'x' }, events: [] },
  { method: 'item/reasoning/textDelta', params: { delta: 'x' }, events: [] },
  { method: 'item/reasoning/summaryTextDelta', params: { delta: 'x' }, events: [] },
  { method: 'item/reasoning/summaryPartAdded', params: {}, events: [] },
  { method: 'item/commandExecution/outputDelta', params: { delta: 'x' }, events: [] },
  { method: 'item/fileChange/outputDelta', params: { delta: 'x' }, events: [] },
  { method: 'item/fileChange/patchUpdated', params: { changes: [] }, events: [] },
  {
    method: 'item/commandExecution/terminalInteraction',
    params: { itemId: 'c1', stdin: 'y\n' },
    events: [{ ...activity('background', 'input', 'y\n'), parentCallId: 'c1' } as Partial<DriverEventBody>],
  },
  {
    method: 'item/mcpToolCall/progress',
    params: { itemId: 'c1', message: 'half' },
    events: [{ ...activity('mcp', 'progress', 'half'), parentCallId: 'c1' } as Partial<DriverEventBody>],
  },
  {
    method: 'item/autoApprovalReview/started',
    params: { review: { status: 'inProgress' } },
    events: notice('automatic review: inProgress', 'start'),
  },
  {
    method: 'item/autoApprovalReview/completed',
    params: { review: { status: 'denied', rationale: 'risky' } },
    events: notice('automatic review: denied risky', 'end'),
  },
  {
    method: 'autoApprovalReview/strictReviewRequired',
    params: {},
    events: notice('strict review of approvals required'),
  },
  { method: 'thread/started', params: { thread: { id: 'x', parentThreadId: null } }, events: [] },
  {
    method: 'thread/started',
    params: { thread: { id: 'sub', parentThreadId: 'thread-1', agentNickname: 'Ada' } },
    events: [activity('subagent', 'start', 'Ada')],
  },
  { method: 'thread/status/changed', params: { status: { type: 'idle' } }, events: [] },
  {
    method: 'thread/status/changed',
    params: { status: { type: 'systemError' } },
    events: notice('thread: system error'),
  },
  { method: 'thread/closed', params: {}, events: notice('thread closed') },
  {
    method: 'thread/tokenUsage/updated',
    params: {
      tokenUsage: {
        total: { totalTokens: 105 },
        last: { inputTokens: 100, cachedInputTokens: 30, cacheWriteInputTokens: 20, outputTokens: 5, totalTokens: 105 },
        modelContextWindow: 1000,
      },
    },
    events: [
      {
        type: 'usage',
        input: 50,
        cacheRead: 30,
        cacheWrite: 20,
        output: 5,
        costUsd: null,
        contextUsed: 105,
        contextLimit: 1000,
        estimated: false,
      },
    ],
    before: [begun],
  },
  { method: 'thread/tokenUsage/updated', params: { tokenUsage: { total: { totalTokens: 9 }, last: {} } }, events: [] },
  { method: 'thread/compacted', params: {}, events: [] },
  { method: 'thread/archived', params: {}, events: notice('conversation archived') },
  { method: 'thread/unarchived', params: {}, events: notice('conversation unarchived') },
  { method: 'thread/deleted', params: {}, events: notice('conversation deleted') },
  { method: 'thread/reverted', params: {}, events: notice('conversation reverted to an earlier turn') },
  { method: 'thread/goal/updated', params: { goal: { objective: 'win' } }, events: notice('goal: win') },
  { method: 'thread/environment/connected', params: {}, events: notice('environment connected') },
  { method: 'thread/environment/disconnected', params: {}, events: notice('environment disconnected') },
  { method: 'serverRequest/resolved', params: { requestId: 1 }, events: [] },
  {
    method: 'hook/started',
    params: { run: { eventName: 'stop', status: 'running' } },
    events: [activity('hook', 'start', 'stop · running')],
  },
  {
    method: 'hook/completed',
    params: { run: { eventName: 'stop', status: 'blocked', statusMessage: 'tests' } },
    events: [activity('hook', 'end', 'stop · blocked · tests')],
  },
  { method: 'mcpServer/startupStatus/updated', params: { name: 's', status: 'ready' }, events: [] },
  {
    method: 'mcpServer/startupStatus/updated',
    params: { name: 's', status: 'failed', error: 'gone' },
    events: [activity('mcp', 'failed', 'MCP server s failed to start: gone')],
  },
  {
    method: 'mcpServer/oauthLogin/completed',
    params: { name: 's', success: false, error: 'no' },
    events: notice('MCP server s failed: no'),
  },
  {
    method: 'account/rateLimits/updated',
    params: {
      rateLimits: {
        primary: { usedPercent: 94, windowDurationMins: 300, resetsAt: 1_795_231_523 },
        secondary: { usedPercent: 40, windowDurationMins: 10_080, resetsAt: null },
      },
    },
    events: [
      {
        type: 'rate_limit',
        limit: 'warning',
        scope: 'five_hour',
        resetsAt: '2026-11-21T03:25:23.000Z',
        retryAfterMs: null,
        utilization: 0.94,
      },
      { type: 'rate_limit', limit: 'allowed', scope: 'seven_day', resetsAt: null, utilization: 0.4 },
    ],
  },
  { method: 'account/rateLimits/updated', params: { rateLimits: { primary: null, secondary: null } }, events: [] },
  { method: 'account/updated', params: { authMode: null }, events: notice('account: no login') },
  { method: 'account/login/completed', params: { success: true }, events: notice('login: done') },
  { method: 'account/gatewayOAuth/changed', params: { status: 'pending' }, events: notice('gateway login: pending') },
  {
    method: 'model/rerouted',
    params: { fromModel: 'a', toModel: 'b', reason: 'load' },
    events: notice('model a replaced by b: "load"'),
  },
  { method: 'model/verification', params: { verifications: [] }, events: notice('model verification: []') },
  { method: 'modelProvider/authRecoveryStarted', params: { message: 'wait' }, events: notice('wait', 'start') },
  { method: 'modelProvider/authRecoveryCompleted', params: { message: 'fine' }, events: notice('fine', 'end') },
  { method: 'warning', params: { message: 'w' }, events: notice('w') },
  { method: 'guardianWarning', params: { message: 'w' }, events: notice('w') },
  { method: 'deprecationNotice', params: { summary: 'old' }, events: notice('old') },
  { method: 'configWarning', params: { summary: 'odd' }, events: notice('odd') },
  { method: 'windows/worldWritableWarning', params: {}, events: notice('folders that everybody may write to') },
  { method: 'windowsSandbox/setupCompleted', params: { success: true }, events: notice('sandbox set up: true') },
];

/** Methods that only a front end or a client of another kind needs: every one is named empty. */
export const FOR_OTHERS: string[] = [
  'thread/goal/cleared',
  'thread/readState/changed',
  'thread/name/updated',
  'thread/section/changed',
  'thread/attachment/updated',
  'thread/prediction/updated',
  'thread/queue/changed',
  'thread/project/updated',
  'thread/settings/updated',
  'project/changed',
  'skills/changed',
  'app/list/updated',
  'remoteControl/status/changed',
  'mcpServer/event/stream/notification',
  'model/safetyBuffering/updated',
  'command/exec/outputDelta',
  'process/outputDelta',
  'process/exited',
  'externalAgentConfig/import/progress',
  'externalAgentConfig/import/completed',
  'fs/changed',
  'fuzzyFileSearch/sessionUpdated',
  'fuzzyFileSearch/sessionCompleted',
  'thread/realtime/started',
  'thread/realtime/itemAdded',
  'thread/realtime/item/started',
  'thread/realtime/item/transcript/delta',
  'thread/realtime/item/completed',
  'thread/realtime/transcript/delta',
  'thread/realtime/transcript/done',
  'thread/realtime/outputAudio/delta',
  'thread/realtime/sdp',
  'thread/realtime/error',
  'thread/realtime/closed',
];

/** Item type → its fields, what `item/started` gives and what `item/completed` gives. */
export const ITEMS: Record<
  string,
  { item: JsonObject; started: Partial<DriverEventBody>[]; completed: Partial<DriverEventBody>[] }
> = {
  userMessage: {
    item: {
      clientId: 'm1',
      content: [
        { type: 'text', text: 'hi' },
        { type: 'localImage', path: '/a.png' },
      ],
    },
    started: [],
    completed: [{ type: 'message', role: 'user', content: 'hi\n[localImage]', from: null, messageId: 'm1' }],
  },
  hookPrompt: {
    item: { fragments: [{ text: 'run the tests' }] },
    started: [],
    completed: [activity('hook', 'prompt', 'run the tests')],
  },
  agentMessage: { item: { text: 'done', phase: null }, started: [], completed: [] },
  plan: { item: { text: 'first this' }, started: [], completed: [] },
  reasoning: {
    item: { summary: ['let me', 'think'], content: [] },
    started: [],
    completed: [{ type: 'thinking', content: 'let me\n\nthink' }],
  },
  commandExecution: {
    item: {
      command: "/bin/bash -lc 'npm test'",
      cwd: '/workspace',
      status: 'failed',
      exitCode: 3,
      aggregatedOutput: '1 failed\n',
      durationMs: 12,
    },
    started: [
      {
        type: 'tool_call',
        tool: 'bash',
        nativeTool: 'commandExecution',
        args: { command: 'npm test', cwd: '/workspace' },
      },
    ],
    completed: [
      { type: 'tool_result', tool: 'bash', result: 'Exit code 3\n1 failed\n', isError: true, durationMs: 12 },
    ],
  },
  fileChange: {
    item: { changes: [{ path: '/workspace/a', kind: { type: 'add' }, diff: 'x\n' }], status: 'declined' },
    started: [{ type: 'tool_call', tool: 'write', args: { path: '/workspace/a', diff: 'x\n' } }],
    completed: [{ type: 'tool_result', tool: 'write', result: 'declined\nadd /workspace/a', isError: true }],
  },
  mcpToolCall: {
    item: {
      server: 's',
      tool: 't',
      arguments: { q: 1 },
      status: 'completed',
      result: { content: [{ type: 'text', text: 'ok' }, { type: 'image' }] },
      error: null,
    },
    started: [{ type: 'tool_call', tool: 'mcp', nativeTool: 's.t', args: { q: 1 } }],
    completed: [{ type: 'tool_result', tool: 'mcp', result: 'ok\n[image]', isError: false }],
  },
  dynamicToolCall: {
    item: {
      tool: 'tutti_ps',
      arguments: {},
      status: 'completed',
      success: false,
      contentItems: [{ type: 'inputText', text: 'no' }],
    },
    started: [{ type: 'tool_call', tool: 'mcp', nativeTool: 'tutti_ps', args: {} }],
    completed: [{ type: 'tool_result', tool: 'mcp', result: 'no', isError: true }],
  },
  collabAgentToolCall: {
    item: {
      tool: 'spawnAgent',
      prompt: 'look',
      receiverThreadIds: ['sub'],
      status: 'completed',
      agentsStates: { sub: { status: 'running' } },
    },
    started: [{ type: 'tool_call', tool: 'task', nativeTool: 'spawnAgent', args: { prompt: 'look', agents: ['sub'] } }],
    completed: [{ type: 'tool_result', tool: 'task', result: '{"sub":{"status":"running"}}', isError: false }],
  },
  subAgentActivity: {
    item: { kind: 'started', agentThreadId: 'sub', agentPath: '/root/ada' },
    started: [],
    completed: [activity('subagent', 'started', '/root/ada')],
  },
  webSearch: {
    item: { query: 'tmux', action: { type: 'search', query: 'tmux' }, results: null },
    started: [{ type: 'tool_call', tool: 'web', args: { query: 'tmux' } }],
    completed: [{ type: 'tool_result', tool: 'web', result: '{"type":"search","query":"tmux"}' }],
  },
  imageView: {
    item: { path: '/workspace/a.png' },
    started: [{ type: 'tool_call', tool: 'read', args: { path: '/workspace/a.png' } }],
    completed: [{ type: 'tool_result', tool: 'read', isError: false }],
  },
  imageGeneration: {
    item: { revisedPrompt: 'a cat', result: 'aGVsbG8=', status: 'completed' },
    started: [{ type: 'tool_call', tool: 'other', nativeTool: 'imageGeneration', args: { prompt: 'a cat' } }],
    completed: [{ type: 'tool_result', tool: 'other', result: '[image]', isError: false }],
  },
  sleep: {
    item: { durationMs: 50 },
    started: [{ type: 'tool_call', tool: 'other', nativeTool: 'sleep', args: { durationMs: 50 } }],
    completed: [{ type: 'tool_result', tool: 'other', durationMs: 50 }],
  },
  functionCallOutput: {
    item: { name: 'f', output: 'given' },
    started: [{ type: 'tool_call', tool: 'other', nativeTool: 'f' }],
    completed: [{ type: 'tool_result', tool: 'other', result: 'given' }],
  },
  enteredReviewMode: { item: { review: 'the diff' }, started: notice('review: the diff', 'start'), completed: [] },
  exitedReviewMode: { item: { review: 'looks good' }, started: [], completed: notice('review: looks good', 'end') },
  contextCompaction: {
    item: {},
    started: [activity('compacting', 'start', null)],
    completed: [{ type: 'compaction', trigger: null, before: null, after: null }],
  },
};
