/** Lives and deaths: the pane host, and the exit of the CLI. */
import { cliAlive } from '../agent.ts';
import { settlePurse } from '../budget/purse.ts';
import { TALLY_KEPT } from '../limits.ts';
import type { AgentState, QueuedMessage } from '../state.ts';
import type { EventOf, Reducer } from './index.ts';

type HostEvent = EventOf<'host'>;

export const tallied = (times: string[], at: string): string[] => [...times.slice(-(TALLY_KEPT - 1)), at];

export const onHost: Reducer<'host'> = (_state, event, agent) => {
  if (agent) PHASES[event.phase](agent, event);
};

const PHASES = {
  starting(agent, event) {
    agent.host = {
      epoch: event.epoch,
      phase: 'starting',
      pid: null,
      protocol: null,
      blind: false,
      linked: false,
      clearAt: null,
      at: event.at,
    };
    agent.configured = null;
  },
  up(agent, event) {
    const blind = event.blind ?? agent.host.blind;
    if (blind && !agent.host.blind) agent.tally.tmux = tallied(agent.tally.tmux, event.at);
    agent.host = {
      epoch: event.epoch,
      phase: 'up',
      pid: event.pid,
      protocol: event.protocol,
      blind,
      linked: true,
      clearAt: null,
      at: event.at,
    };
  },
  clearing(agent, event) {
    agent.host.phase = 'clearing';
    agent.host.clearAt = null;
    agent.host.linked = false;
    agent.host.at = event.at;
  },
  lost(agent, event) {
    agent.tally.host = tallied(agent.tally.host, event.at);
    gone(agent, event);
  },
  down: gone,
} satisfies Record<HostEvent['phase'], (agent: AgentState, event: HostEvent) => void>;

function gone(agent: AgentState, event: HostEvent): void {
  agent.host.epoch = event.epoch;
  agent.host.phase = event.phase === 'lost' ? 'lost' : 'down';
  agent.host.pid = null;
  agent.host.linked = false;
  agent.host.blind = false;
  agent.host.at = event.at;
  if (cliAlive(agent)) cliGone(agent, event.at);
  else agent.queue = agent.queue.map(doubted);
  agent.pending = {};
}

/** What was given to a process that is gone: only the conversation knows whether it got in. */
const doubted = (m: QueuedMessage): QueuedMessage => (m.state === 'sent' ? { ...m, unsure: true } : m);

/** The process is over: its turn was cut short, and what was on its way to it is unsure. */
export function cliGone(agent: AgentState, at: string): void {
  const { cli } = agent;
  if (cli.turn || cli.turnExpectedAt !== null) cli.turnCutShort = true;
  cli.phase = 'exited';
  cli.pid = null;
  cli.turn = false;
  cli.turnStartedAt = null;
  cli.turnExpectedAt = null;
  cli.condemned = false;
  cli.budgetStopAt = null;
  cli.stopsAtUsd = null;
  cli.at = at;
  agent.purse = settlePurse(agent.purse);
  // Whether it has compacted, the next look will see.
  if (agent.care.step === 'compact') agent.care = { ...agent.care, step: null };
  agent.openCalls = {};
  agent.requests = {};
  agent.limit.active = false;
  agent.tally.healthySince = null;
  agent.queue = agent.queue.map(doubted);
  // A stop may still be at its hunt; everything else was for the process.
  agent.pending = Object.fromEntries(
    Object.entries(agent.pending).filter(([, { verb }]) => verb === 'stop' || verb === 'quit' || verb === 'configure'),
  );
}

/** `asked` and `limit` are no restarts of the kind that is counted. */
const UNCOUNTED = new Set(['asked', 'limit']);

export const onExit: Reducer<'exit'> = (_state, event, agent) => {
  if (!agent) return;
  if (event.cause === 'by_design') {
    agent.cli.pid = null;
    return;
  }
  cliGone(agent, event.at);
  if (!UNCOUNTED.has(event.cause)) countCrash(agent, event.at);
};

export function countCrash(agent: AgentState, at: string): void {
  agent.tally.cli = tallied(agent.tally.cli, at);
  agent.tally.attempt += 1;
  agent.cli.crashed = true;
}
