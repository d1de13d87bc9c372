/**
 * What is wanted against what is observed, for one agent: the next missing step, if any. Level-triggered: it looks at the
 * whole agent each time, so that an order that was lost is given again at the next look, and one that is under way is not.
 */
import {
  agentsOf,
  atBoundary,
  cliAlive,
  hostGone,
  hostReachable,
  isStarting,
  needsMove,
  restartsNow,
  runnerOf,
} from '../agent.ts';
import { restUsd } from '../budget/order.ts';
import type { JsonObject } from '../event.ts';
import { mayStart } from '../fleet/fleet.ts';
import { uuidFrom } from '../id.ts';
import type { AgentState } from '../state.ts';
import { ms } from '../time.ts';
import { capsNow, keepBudget } from './budget.ts';
import { configure, configureAbove } from './configure.ts';
import { tendContext } from './context.ts';
import { tendLimits } from './limit.ts';
import { deliver, hasPending, held } from './queue.ts';
import { answerByPolicy } from './requests.ts';
import { lift, passVerdict, settleStatus } from './status.ts';
import { makeSwitch, tendRunner } from './switch.ts';
import { watch } from './watch.ts';
import type { Work } from './work.ts';

/** Orders what is missing for this agent, and says how it stands. Not while recovering. */
export function reconcile(w: Work, agent: AgentState): void {
  watch(w, agent);
  if (isDue(w, agent)) lift(w, agent);
  answerByPolicy(w, agent);
  tendLimits(w, agent);
  tendRunner(w, agent);
  if (agent.wanted === 'down') tearDown(w, agent);
  else {
    keepBudget(w, agent);
    tendContext(w, agent);
    finishOnce(w, agent);
    bringUp(w, agent);
    deliver(w, agent);
  }
  if (w.state.agents[agent.id]) settleStatus(w, agent);
}

/** A wait is over; a message is a reason to go on where nothing was left to do. */
function isDue(w: Work, agent: AgentState): boolean {
  const { gate, resumeAt } = agent;
  if (gate === 'backoff' || gate === 'limited') return resumeAt === null || ms(resumeAt) <= w.now;
  return gate === 'done' && agent.queue.length > 0;
}

function tearDown(w: Work, agent: AgentState): void {
  const { phase } = agent.host;
  if (phase === 'up' && agent.host.linked) {
    if (!hasPending(agent, 'quit')) w.order(agent, 'quit', {});
    return;
  }
  if (phase === 'lost') {
    clear(w, agent, 'what it left behind');
    return;
  }
  if (phase !== 'none' && phase !== 'down') return;
  if (agent.removing) forget(w, agent);
  else if (agent.state !== 'stopped') w.effect({ do: 'close_session', agentId: agent.id });
}

/** Ends whatever of the agent may be alive; its end makes the host `down`. */
export function clear(w: Work, agent: AgentState, why: string): void {
  const { epoch, protocol, pid } = agent.host;
  w.emit(agent.id, { type: 'host', phase: 'clearing', epoch, protocol, pid, why }, { by: 'supervisor', durable: true });
  w.effect({ do: 'clear', agentId: agent.id, epoch });
}

function forget(w: Work, agent: AgentState): void {
  w.materialize();
  w.emit(agent.id, { type: 'agent_killed' }, { by: 'supervisor', durable: true });
  w.effect({ do: 'forget', agentId: agent.id });
  configureAbove(w, agent);
}

/** `--once`: when its work is done the process ends, and it is `done`; a turn that failed makes it `failed`. */
function finishOnce(w: Work, agent: AgentState): void {
  if (!agent.spec.once || agent.gate !== null || agent.turns === 0) return;
  if (agent.care.step !== null || agent.restartWanted === 'handoff') return;
  const nothingLeft = agent.queue.length === 0 && agent.owes === null && !agent.cli.turnCutShort;
  if (!nothingLeft || !atBoundary(agent) || agent.lastOutcome === null) return;
  const reason = agent.cli.lastError?.message ?? `the turn ended: ${agent.lastOutcome}`;
  passVerdict(
    w,
    agent,
    agent.lastOutcome === 'ok'
      ? { gate: 'done', reason: null, hint: null, resumeAt: null }
      : {
          gate: 'failed',
          reason,
          hint: '`tutti logs` shows the turn; `tutti send` or `resume` goes on',
          resumeAt: null,
        },
  );
}

function bringUp(w: Work, agent: AgentState): void {
  if (agent.gate === 'done') {
    // Its last screen stays to be read; the session is closed by `stop`.
    if (hostReachable(agent) && !hasPending(agent, 'quit')) w.order(agent, 'quit', {});
    return;
  }
  if (hostReachable(agent) && cliAlive(agent)) {
    tendCli(w, agent);
    return;
  }
  if (agent.gate !== null || agent.wanted === 'paused' || held(w, agent)) return;
  if (hostGone(agent)) startHost(w, agent);
  else if (hostReachable(agent)) startCli(w, agent);
}

/** A running CLI may have to end: it hangs, is to be started anew, or its host has to be left. */
function tendCli(w: Work, agent: AgentState): void {
  if (hasPending(agent, 'stop', 'quit')) return;
  const { condemned } = agent.cli;
  if (condemned || restartsNow(agent) || agent.runner.wanted?.when === 'now') {
    w.order(agent, 'stop', { incarnation: agent.cli.incarnation });
    return;
  }
  if (!atBoundary(agent) || agent.gate !== null) return;
  if (agent.restartWanted === 'idle' || agent.runner.wanted !== null)
    w.order(agent, 'stop', { incarnation: agent.cli.incarnation });
  else if (needsMove(agent) && agent.wanted === 'up') w.order(agent, 'quit', {});
}

/** Is there a place among those who start at the same time? */
function hasSlot(w: Work, agent: AgentState): boolean {
  if (!mayStart(w.state, agent, w.settings)) return false;
  if (isStarting(agent)) return true;
  let busy = 0;
  for (const other of agentsOf(w.state)) if (other.id !== agent.id && isStarting(other)) busy += 1;
  return busy < w.settings.maxStarts;
}

function startHost(w: Work, agent: AgentState): void {
  if (!hasSlot(w, agent)) return;
  const epoch = agent.host.epoch + 1;
  w.emit(
    agent.id,
    { type: 'host', phase: 'starting', epoch, protocol: null, pid: null },
    { by: 'supervisor', durable: true },
  );
  w.effect({ do: 'start_host', agentId: agent.id, epoch });
}

function startCli(w: Work, agent: AgentState): void {
  if (hasPending(agent, 'start', 'stop', 'quit') || !hasSlot(w, agent)) return;
  // A host that is to be left need not start anything.
  if (needsMove(agent)) {
    w.order(agent, 'quit', {});
    return;
  }
  makeSwitch(w, agent);
  configure(w, agent);
  const incarnation = agent.cli.incarnation + 1;
  const holds = agent.conversationUsed || agent.queue.some((m) => m.unsure);
  const anew = agent.restartWanted === 'fresh' || agent.restartWanted === 'handoff';
  const resume = agent.conversationId !== null && holds && !anew;
  const args: JsonObject = {
    incarnation,
    conversationId: resume ? agent.conversationId : uuidFrom(agent.id, 'conversation', incarnation),
    resume,
    settings: withCap(w, agent),
    ...(agent.runner.n === 0 ? {} : { fallback: agent.runner.n }),
  };
  w.order(agent, 'start', args);
}

/** Least that a CLI is told as its own cap: it takes no smaller figure. USD. */
const LEAST_CAP_USD = 0.000_001;

/** A CLI that takes a cap of its own gets what is left of ours, anew at each start. */
function withCap(w: Work, agent: AgentState): JsonObject {
  const { settings } = runnerOf(agent);
  const rest = restUsd(capsNow(w, agent));
  if (rest === null) return settings;
  const own = settings.maxBudgetUsd;
  const least = Math.max(LEAST_CAP_USD, Math.ceil(rest * 1_000_000) / 1_000_000);
  return { ...settings, maxBudgetUsd: typeof own === 'number' ? Math.min(own, least) : least };
}
