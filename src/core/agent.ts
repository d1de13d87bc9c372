/** A fresh agent, and the questions about an agent that several policies ask. */
import { emptyPurse } from './budget/purse.ts';
import type { IsoTime } from './event.ts';
import { HOST_PROTOCOL } from './host-wire.ts';
import { freshLadder, freshWatch } from './watchdog/types.ts';
import type { AgentSpec, AgentState, QueuedMessage, Runner, State } from './state.ts';

export interface Birth {
  id: string;
  name: string;
  project: string;
  spec: AgentSpec;
  declared: boolean;
  at: IsoTime;
}

/** Of a declaration that an older build took: the fields that came since. */
const OLDER_SPEC = { fallback: [], fallbackReturn: false };

/** A declaration with all its fields, whichever build took it. */
export const completeSpec = (spec: AgentSpec): AgentSpec => ({ ...OLDER_SPEC, ...spec });

/** What an agent can run on: as declared first, then its fallbacks. */
export const runnersOf = ({ spec }: Pick<AgentState, 'spec'>): Runner[] => [spec, ...spec.fallback];

/** What it runs on. */
export const runnerOf = (agent: Pick<AgentState, 'spec' | 'runner'>): Runner =>
  agent.runner.n === 0 ? agent.spec : (agent.spec.fallback[agent.runner.n - 1] ?? agent.spec);

/** An agent that was just declared: wanted up, nothing observed. */
export function newAgent({ id, name, project, spec, declared, at }: Birth): AgentState {
  return {
    id,
    name,
    project,
    spec: completeSpec(spec),
    declared,
    createdAt: at,
    wanted: 'up',
    state: 'starting',
    reason: null,
    hint: null,
    resumeAt: null,
    gate: null,
    holdUntil: null,
    since: at,
    host: { epoch: 0, phase: 'none', pid: null, protocol: null, blind: false, linked: false, clearAt: null, at },
    cursor: null,
    cli: {
      incarnation: 0,
      pid: null,
      phase: 'none',
      turn: false,
      turnStartedAt: null,
      at: null,
      turnExpectedAt: null,
      condemned: false,
      crashed: false,
      turnCutShort: false,
      outcome: null,
      lastError: null,
      budgetStopAt: null,
      stopsAtUsd: null,
    },
    runner: { n: 0, wanted: null, left: {}, unfit: [], why: null },
    conversationId: null,
    conversationUsed: false,
    confirmed: 0,
    queue: [],
    pending: {},
    requests: {},
    askedByRule: null,
    owes: null,
    restartWanted: null,
    removing: false,
    limit: { active: false, resetsAt: null, scope: null, attempt: 0, cutTurn: null, metTurn: null, metAt: null },
    seen: [],
    lastExchange: { user: null, assistant: null },
    earlierExchanges: [],
    lastOutcome: null,
    configured: null,
    tally: { cli: [], host: [], tmux: [], attempt: 0, healthySince: null },
    restarts: 0,
    taskOpen: spec.task !== null,
    tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, estimated: false },
    costUsd: null,
    purse: emptyPurse(),
    overBudget: false,
    care: { step: null, turns: 0, at: null, summary: null, compacted: null, handedOff: null },
    context: { used: null, limit: null },
    model: spec.model,
    turns: 0,
    toolCalls: 0,
    openCalls: {},
    filesConsumed: [],
    filesProduced: [],
    lastEventAt: null,
    lastProgressAt: null,
    watch: freshWatch(),
    ladder: freshLadder(),
  };
}

/**
 * A copy that `reduce` may change without the original seeing it: the agent and its small records are new,
 * lists and maps are shared, for `reduce` replaces them and never changes them in place.
 */
export function copyAgent(agent: AgentState): AgentState {
  return {
    ...agent,
    host: { ...agent.host },
    cli: { ...agent.cli },
    limit: { ...agent.limit },
    runner: { ...agent.runner },
    lastExchange: { ...agent.lastExchange },
    tally: { ...agent.tally },
    tokens: { ...agent.tokens },
    context: { ...agent.context },
    watch: { ...agent.watch },
    ladder: { ...agent.ladder },
  };
}

/** All agents, also of a draft that lies over another state (its own keys alone would not be all). */
export function agentsOf(state: State): AgentState[] {
  const agents: AgentState[] = [];
  for (const id in state.agents) agents.push(state.agents[id] as AgentState);
  return agents;
}

/** A CLI process may be alive. */
export const cliAlive = (a: AgentState): boolean =>
  a.cli.phase === 'starting' || a.cli.phase === 'ready' || a.cli.phase === 'stopping';

/** No host process is there (its tree may be: only `none` and `down` say that nothing is). */
export const hostGone = (a: AgentState): boolean =>
  a.host.phase === 'none' || a.host.phase === 'down' || a.host.phase === 'lost';

/** Orders can be given. */
export const hostReachable = (a: AgentState): boolean => a.host.phase === 'up' && a.host.linked;

/** It is to be stopped at once, to be started anew. */
export const restartsNow = ({ restartWanted }: AgentState): boolean =>
  restartWanted !== null && restartWanted !== 'idle';

/** A message on its way that the running CLI has not confirmed. */
export const inFlight = (a: AgentState): QueuedMessage | null =>
  cliAlive(a) ? (a.queue.find((m) => m.state === 'sent' && !m.unsure) ?? null) : null;

/** Nothing runs, nothing is on its way, nothing is expected: the place for the next message, or for moving the agent. */
export const atBoundary = (a: AgentState): boolean =>
  a.cli.phase === 'ready' && !a.cli.turn && a.cli.turnExpectedAt === null && inFlight(a) === null;

/** Its pane is gone, or its host is of an older build line: to be moved to a new host at the next boundary. */
export const needsMove = (a: AgentState): boolean =>
  a.host.phase === 'up' && (a.host.blind || (a.host.protocol !== null && a.host.protocol < HOST_PROTOCOL));

/** An order of this verb is with the host. */
export const pendingOf = (a: AgentState, verb: string): string | null =>
  Object.keys(a.pending).find((id) => a.pending[id]?.verb === verb) ?? null;

/** Holds one of the places of `maxStarts`. */
export const isStarting = (a: AgentState): boolean =>
  a.wanted !== 'down' && (a.host.phase === 'starting' || (cliAlive(a) && a.cli.phase === 'starting'));
