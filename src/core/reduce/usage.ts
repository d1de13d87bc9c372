/** Figures: tokens, money, context, limits, tool calls, files. Increments are added up; nothing is estimated here. */
import { addDifference, countUsage, emptyPurse } from '../budget/purse.ts';
import { pursesOf } from '../budget/caps.ts';
import { CALLS_KEPT, FILES_KEPT } from '../limits.ts';
import { iso, ms } from '../time.ts';
import { openCall, rememberResult } from '../watchdog/remember.ts';
import type { Reducer } from './index.ts';
import { progress } from './turn.ts';

export const onUsage: Reducer<'usage'> = (state, event, agent) => {
  if (!agent) return;
  const before = agent.purse;
  const day = event.day ?? null;
  agent.purse = countUsage(before, event, event.estimatedUsd ?? null, day);
  for (const key of pursesOf(agent)) {
    state.purses[key] = addDifference(state.purses[key] ?? emptyPurse(), before, agent.purse, day);
  }
  const { tokens } = agent;
  tokens.input += event.input;
  tokens.output += event.output;
  tokens.cacheRead += event.cacheRead;
  tokens.cacheWrite += event.cacheWrite;
  if (event.estimated) tokens.estimated = true;
  if (event.costUsd !== null) agent.costUsd = (agent.costUsd ?? 0) + event.costUsd;
  if (event.contextUsed !== null) agent.context.used = event.contextUsed;
  if (event.contextLimit !== null) agent.context.limit = event.contextLimit;
  if (event.model !== null) agent.model = event.model;
};

export const onCompaction: Reducer<'compaction'> = (_state, event, agent) => {
  if (!agent) return;
  // Where the CLI does not say, the next request will.
  agent.context.used = event.after;
  agent.watch.compactions += 1;
  progress(agent, event.at);
};

export const onRateLimit: Reducer<'rate_limit'> = (_state, event, agent) => {
  if (!agent) return;
  if (event.limit !== 'rejected') {
    if (event.limit === 'allowed') agent.limit.active = false;
    return;
  }
  const retryAt = event.retryAfterMs === null ? null : iso(ms(event.at) + event.retryAfterMs);
  agent.limit = { ...agent.limit, active: true, resetsAt: event.resetsAt ?? retryAt, scope: event.scope };
};

/** The list with this name at its end, bounded; the same list when the name is in it. */
function withFile(list: string[], name: string): string[] {
  return list.includes(name) ? list : [...list.slice(-(FILES_KEPT - 1)), name];
}

export const onToolCall: Reducer<'tool_call'> = (_state, event, agent) => {
  if (!agent) return;
  agent.toolCalls += 1;
  progress(agent, event.at);
  const open = Object.entries(agent.openCalls);
  // Calls without results: the older half goes, so that not every further one pays for it.
  const kept = open.length < CALLS_KEPT ? agent.openCalls : Object.fromEntries(open.slice(CALLS_KEPT / 2));
  agent.openCalls = { ...kept, [event.callId]: openCall(agent, event) };
  const { path } = event.args;
  if (typeof path !== 'string' || path === '') return;
  if (event.tool === 'read') agent.filesConsumed = withFile(agent.filesConsumed, path);
  if (event.tool === 'write' || event.tool === 'edit') agent.filesProduced = withFile(agent.filesProduced, path);
};

export const onToolResult: Reducer<'tool_result'> = (_state, event, agent) => {
  if (!agent) return;
  progress(agent, event.at);
  if (!(event.callId in agent.openCalls)) return;
  const { [event.callId]: closed, ...rest } = agent.openCalls;
  agent.openCalls = rest;
  if (closed) rememberResult(agent, closed, event);
};
