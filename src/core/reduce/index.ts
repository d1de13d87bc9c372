/**
 * `reduce`: what each event does to the state, one file per family, one table over all types.
 *
 * It changes the state that it is given and returns it: the loop owns its state and pays no copy per event. Within an agent,
 * lists and maps are replaced and never changed in place, so that `decide` can try out events on a cheap copy (`copyAgent`).
 * No clock, no settings: the same events give the same state, always.
 */
import type { EventType, TuttiEvent } from '../event.ts';
import type { AgentState, State } from '../state.ts';
import type { Reduce } from '../step.ts';
import { rememberDenied, rememberHeard } from '../watchdog/remember.ts';
import { onAccount } from './account.ts';
import { onCommand } from './command.ts';
import { onDelivery } from './delivery.ts';
import { onExit, onHost } from './host.ts';
import { onAgentKilled, onAgentSpawned, onAgentStatus, onConfig } from './registry.ts';
import { onPermission, rememberAsk } from './requests.ts';
import { onError, onMessage, onRetry, onSession, onThinking, onTurn } from './turn.ts';
import { onCompaction, onRateLimit, onToolCall, onToolResult, onUsage } from './usage.ts';
import { onWatchdog } from './watchdog.ts';

export type EventOf<T extends EventType> = Extract<TuttiEvent, { type: T }>;
export type Reducer<T extends EventType> = (state: State, event: EventOf<T>, agent: AgentState | null) => void;

const nothing = (): void => undefined;

const TABLE: { [T in EventType]: Reducer<T> } = {
  agent_spawned: onAgentSpawned,
  agent_killed: onAgentKilled,
  agent_status: onAgentStatus,
  turn: onTurn,
  thinking: onThinking,
  message: onMessage,
  tool_call: onToolCall,
  tool_result: onToolResult,
  usage: onUsage,
  rate_limit: onRateLimit,
  retry: onRetry,
  permission: onPermission,
  guard: (_state, event, agent) => {
    if (agent && event.verdict === 'deny') rememberDenied(agent);
    if (agent) rememberAsk(agent, event);
  },
  watchdog: onWatchdog,
  exit: onExit,
  error: onError,
  session: onSession,
  activity: nothing,
  compaction: onCompaction,
  delivery: onDelivery,
  host: onHost,
  command: onCommand,
  account: onAccount,
  config: onConfig,
  raw: (state) => {
    state.totals.raw += 1;
  },
};

/** Takes one event into the state (which it changes and returns). An event of an unknown type of a newer build only counts. */
export const reduce: Reduce = (state, event) => {
  const agent = event.agentId === null ? null : (state.agents[event.agentId] ?? null);
  state.seq = event.seq;
  state.totals.events += 1;
  (TABLE[event.type] as Reducer<EventType> | undefined)?.(state, event, agent);
  if (agent) {
    agent.lastEventAt = event.at;
    rememberHeard(agent, event);
    const end = event.src?.end;
    if (event.src && end) agent.cursor = { epoch: event.src.epoch, n: event.src.n, ...end };
  }
  return state;
};
