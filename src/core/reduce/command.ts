/**
 * Commands. A user's change what is wanted. The supervisor's own orders to a host have the verb `host.<verb>`, go
 * accepted → done or failed, and are in `pending` in between.
 */
import { spentUsd } from '../budget/purse.ts';
import { COMMANDS_KEPT } from '../limits.ts';
import type { JsonObject } from '../event.ts';
import type { HostVerb } from '../host-wire.ts';
import type { AgentSpec, AgentState, State } from '../state.ts';
import { forgetCauses, onAlert, onNotify } from './alerts.ts';
import { countAnew } from '../watchdog/remember.ts';
import { freshLadder } from '../watchdog/types.ts';
import { onFleet, releaseFleet } from './fleet.ts';
import { countCrash } from './host.ts';
import type { EventOf, Reducer } from './index.ts';
import { policyAnswered } from './requests.ts';
import { onSchedule, onSlotServed, onUnschedule } from './schedules.ts';
import { completeSpec, runnerOf } from '../agent.ts';
import { forgetFallbacks, onSwitch } from './switch.ts';
import { dropPending, forgetExchanges, leaveConversation } from './turn.ts';

type CommandEvent = EventOf<'command'>;

export const onCommand: Reducer<'command'> = (state, event, agent) => {
  const own = Object.hasOwn(OWN, event.verb) ? OWN[event.verb] : undefined;
  if (own) own(state, event);
  else if (event.verb.startsWith('host.')) {
    if (agent) onHostOrder(agent, event);
  } else if (event.phase === 'accepted') {
    remember(state, event);
    HOME[event.verb]?.(state, event);
    if (agent && event.verb in NEWS_AGAIN) forgetCauses(state, agent.id);
    if (event.verb === 'resume' || event.verb === 'restart') releaseFleet(state);
    if (agent) USER[event.verb]?.(agent, event.args ?? {}, event);
  }
};

/** What the supervisor writes of its own, about no order to a host. */
const OWN: Record<string, (state: State, event: CommandEvent) => void> = {
  boot: onBoot,
  forget: (state, event) => {
    if (event.phase === 'done' && event.agentId !== null) delete state.removing[event.agentId];
  },
  switch: (state, event) => {
    const agent = event.agentId === null ? undefined : state.agents[event.agentId];
    if (agent) onSwitch(agent, event);
  },
  alert: onAlert,
  notify: onNotify,
  slot: onSlotServed,
  fleet: onFleet,
  digest: onDigest,
  patrol: (state, event) => {
    state.patrol = { found: (event.args?.found ?? {}) as Record<string, string> };
  },
};

function onDigest(state: State, { phase, args = {} }: CommandEvent): void {
  const { since, until, from } = args;
  if (phase !== 'accepted') state.digest = { from: typeof from === 'string' ? from : null, pending: null };
  else if (typeof since === 'string' && typeof until === 'string')
    state.digest = { ...state.digest, pending: { since, until } };
}

/** Accepted commands that are about the home, and no agent of it. */
const HOME: Record<string, (state: State, event: CommandEvent) => void> = {
  schedule: onSchedule,
  unschedule: onUnschedule,
};

/** After these a person is told again of what was told before. */
const NEWS_AGAIN = { resume: true, restart: true, stop: true, declare: true } as const;

/** A supervisor has started: it knows no host until that has greeted. */
function onBoot(state: State, event: CommandEvent): void {
  for (const [id, agent] of Object.entries(state.agents)) {
    if (agent.host.phase !== 'up' && agent.host.phase !== 'starting') continue;
    // Replaced, for this is the one event that changes agents which it does not name.
    state.agents[id] = { ...agent, host: { ...agent.host, linked: false, at: event.at } };
  }
}

/** How many commands are remembered, so that not every one of them has to count all. Follows from the state alone. */
const remembered = new WeakMap<State['commands'], number>();

function remember({ commands }: State, event: CommandEvent): void {
  const known = remembered.get(commands) ?? Object.keys(commands).length;
  const count = Object.hasOwn(commands, event.id) ? known : known + 1;
  commands[event.id] = { seq: event.seq, ok: true };
  // Dropped in tens, for the same reason.
  const over = count >= COMMANDS_KEPT + 10 ? count - COMMANDS_KEPT : 0;
  if (over > 0) for (const id of Object.keys(commands).slice(0, over)) delete commands[id];
  remembered.set(commands, count - over);
}

/** A person looks at it anew: what the watchdog has tried does not count any more. */
function wantUp(agent: AgentState, at: string): void {
  agent.wanted = 'up';
  agent.gate = null;
  agent.overBudget = false;
  agent.holdUntil = null;
  agent.tally = { ...agent.tally, cli: [], host: [], attempt: 0 };
  agent.ladder = freshLadder();
  countAnew(agent, at);
  agent.queue = agent.queue.map((m) => (m.attempts > 0 ? { ...m, attempts: 0 } : m));
}

function wantDown(agent: AgentState): void {
  agent.wanted = 'down';
  agent.gate = null;
  agent.overBudget = false;
  agent.restartWanted = null;
}

/** What a user's accepted command changes at once. Verbs that are not here change nothing by themselves. */
const USER: Record<string, (agent: AgentState, args: JsonObject, event: CommandEvent) => void> = {
  stop: wantDown,
  rm: (agent) => {
    wantDown(agent);
    agent.removing = true;
  },
  pause: (agent) => {
    agent.wanted = 'paused';
  },
  /** Who ends a turn does not want it taken up again. */
  interrupt: (agent) => {
    agent.limit = { ...agent.limit, cutTurn: null, metTurn: null };
  },
  resume: (agent, _args, { at }) => wantUp(agent, at),
  restart: (agent, args, { at }) => {
    wantUp(agent, at);
    agent.restartWanted = args.fresh === true ? 'fresh' : 'now';
  },
  /** From `apply`: a changed declaration, and what is wanted of it. */
  declare: (agent, args, { at }) => {
    agent.declared = true;
    if (args.spec !== undefined) {
      const before = agent.spec.fallback;
      agent.spec = completeSpec(args.spec as unknown as AgentSpec);
      if (agent.spec.model !== null && agent.runner.n === 0) agent.model = agent.spec.model;
      if (JSON.stringify(before) !== JSON.stringify(agent.spec.fallback)) forgetFallbacks(agent);
    }
    if (args.restart === 'idle' || args.restart === 'fresh') agent.restartWanted = args.restart;
    if (args.wanted === 'up') wantUp(agent, at);
    else if (args.wanted === 'down') wantDown(agent);
    else if (args.wanted === 'paused') agent.wanted = 'paused';
  },
};

function onHostOrder(agent: AgentState, event: CommandEvent): void {
  const verb = event.verb.slice('host.'.length);
  const args = event.args ?? {};
  if (event.phase === 'accepted') {
    agent.pending = {
      ...agent.pending,
      [event.id]: { verb: verb as HostVerb, epoch: agent.host.epoch, at: event.at, args },
    };
    ACCEPTED[verb]?.(agent, args, event);
    return;
  }
  ENDED[verb]?.(agent, args, event);
  // A host that has quit is on its way out until its end is seen.
  if (verb === 'quit' && event.phase === 'done') return;
  if (event.id in agent.pending) dropPending(agent, event.id);
}

const ACCEPTED: Record<string, (agent: AgentState, args: JsonObject, event: CommandEvent) => void> = {
  start: (agent, args, event) => {
    if (args.resume !== true) {
      if (agent.restartWanted === 'fresh') {
        agent.owes = null;
        forgetExchanges(agent);
      } else if (agent.restartWanted === 'handoff' && agent.conversationUsed) agent.owes = 'handoff';
      leaveConversation(agent);
    }
    agent.restartWanted = null;
    if (agent.cli.crashed) agent.restarts += 1;
    agent.cli = {
      ...agent.cli,
      crashed: false,
      incarnation: Number(args.incarnation),
      phase: 'starting',
      pid: null,
      turn: false,
      turnStartedAt: null,
      turnExpectedAt: null,
      condemned: false,
      outcome: null,
      lastError: null,
      budgetStopAt: null,
      stopsAtUsd: ownCap(agent, args),
      at: event.at,
    };
  },
  interrupt: (agent, args) => {
    if (args.why === 'limit') agent.limit = { ...agent.limit, cutTurn: Number(args.turn) };
  },
  answer: (agent, args) => {
    if (args.by === 'policy' && typeof args.requestId === 'string') policyAnswered(agent, args.requestId);
  },
  stop: (agent, _args, event) => stopping(agent, event.at),
  quit: (agent, _args, event) => stopping(agent, event.at),
  configure: (agent, args) => {
    agent.configured = typeof args.digest === 'string' ? args.digest : null;
  },
};

/** Where a CLI that takes a cap of its own stops by itself: in USD of all that the agent has spent. */
function ownCap(agent: AgentState, { settings }: JsonObject): number | null {
  const most = (settings as JsonObject | undefined)?.maxBudgetUsd;
  return runnerOf(agent).cli === 'claude' && typeof most === 'number' ? spentUsd(agent.purse) + most : null;
}

function stopping(agent: AgentState, at: string): void {
  if (agent.cli.phase !== 'starting' && agent.cli.phase !== 'ready') return;
  agent.cli.phase = 'stopping';
  agent.cli.at = at;
}

/** Done or failed orders, and two reports of the host that are no orders: `ready` and `adopted`. */
const ENDED: Record<string, (agent: AgentState, args: JsonObject, event: CommandEvent) => void> = {
  start: (agent, args, event) => {
    if (Number(args.incarnation) !== agent.cli.incarnation) return;
    const { pid } = (event.result ?? {}) as JsonObject;
    if (event.phase === 'done') {
      if (agent.cli.phase !== 'exited' && typeof pid === 'number') agent.cli.pid = pid;
      return;
    }
    agent.cli.phase = 'exited';
    agent.cli.at = event.at;
    countCrash(agent, event.at);
  },
  ready: (agent, args, event) => {
    if (agent.cli.phase !== 'starting' || Number(args.incarnation) !== agent.cli.incarnation) return;
    agent.cli.phase = 'ready';
    agent.cli.at = event.at;
    agent.tally.healthySince = event.at;
  },
  adopted: (agent, args, event) => {
    agent.cli = {
      ...agent.cli,
      incarnation: Number(args.incarnation),
      pid: typeof args.pid === 'number' ? args.pid : null,
      phase: args.ready === true ? 'ready' : 'starting',
      turn: args.turn === true,
      at: event.at,
    };
  },
  /** It cannot: the next look finds another way. */
  compact: (agent, _args, event) => {
    if (event.phase === 'failed') agent.care = { ...agent.care, step: null, compacted: agent.turns };
  },
  configure: (agent, _args, event) => {
    if (event.phase === 'failed') agent.configured = null;
  },
  retry: (agent) => {
    agent.holdUntil = null;
  },
  hold: (agent, args) => {
    const until = typeof args.until === 'string' ? args.until : null;
    if (args.what === 'clear') agent.host.clearAt = until;
    else agent.holdUntil = until;
  },
};
