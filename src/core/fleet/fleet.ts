/**
 * The fleet as a whole: many deaths at once have one cause, so the fleet is held and one agent tries first; and how many agents may run.
 * Pure questions to the state; `decide/fleet.ts` acts on them.
 */
import { agentsOf, cliAlive } from '../agent.ts';
import type { IsoTime } from '../event.ts';
import { FLEET_PROBE_LIMIT_MS, FLEET_PROBE_OK_MS } from '../limits.ts';
import type { AgentState, State } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';

export interface FleetState {
  /** Deaths before this were found by a supervisor that had just started: a reboot, and no cause that lasts. */
  countFrom: IsoTime | null;
  hold: FleetHold | null;
}

export interface FleetHold {
  since: IsoTime;
  /** Nothing is started before; then one agent tries. */
  until: IsoTime;
  /** How often trying has failed. */
  attempt: number;
  probe: { agentId: string; at: IsoTime } | null;
  /** Who tried last: the next time it is another's turn. */
  triedLast: string | null;
  /** Agents that ended together. */
  died: number;
}

export const calmFleet = (): FleetState => ({ countFrom: null, hold: null });

/** The latest end of its CLI or host that nobody asked for. Milliseconds since the epoch; 0 = none. */
export const lastDeath = ({ tally }: AgentState): number =>
  Math.max(ms(tally.cli.at(-1) ?? ''), ms(tally.host.at(-1) ?? ''));

/** Agents that ended within the window, where they are so many that one cause is likely; null where they are not. */
export function massDeath(
  state: State,
  settings: Settings['massDeath'],
  now: number,
): { died: AgentState[]; of: number } | null {
  const from = Math.max(now - settings.withinMs, state.fleet.countFrom === null ? 0 : ms(state.fleet.countFrom));
  const died: AgentState[] = [];
  let others = 0;
  for (const agent of agentsOf(state)) {
    if (agent.wanted === 'down') continue;
    if (lastDeath(agent) > from) died.push(agent);
    else if (cliAlive(agent)) others += 1;
  }
  const of = died.length + others;
  if (died.length < settings.agents || died.length * 2 < of) return null;
  return { died: died.toSorted((x, y) => lastDeath(x) - lastDeath(y) || (x.id < y.id ? -1 : 1)), of };
}

/** It is wanted up, nothing holds it but the fleet, and no process of it is there. */
export const waitsForFleet = (a: AgentState): boolean =>
  a.wanted === 'up' &&
  a.gate === null &&
  !a.removing &&
  a.holdUntil === null &&
  (a.cli.phase === 'none' || a.cli.phase === 'exited') &&
  !(a.host.phase === 'up' && !a.host.linked);

/** Who tries next: the first in line behind the one who tried last. */
export function nextProbe(state: State, hold: FleetHold): AgentState | null {
  const line = agentsOf(state)
    .filter(waitsForFleet)
    .toSorted((x, y) => (x.id < y.id ? -1 : 1));
  return line.find(({ id }) => hold.triedLast === null || id > hold.triedLast) ?? line[0] ?? null;
}

export type ProbeVerdict = 'well' | 'failed' | 'gone' | 'trying';

/** How the one who tries gets on. */
export function probeVerdict(state: State, hold: FleetHold, now: number): ProbeVerdict {
  const { probe } = hold;
  const agent = probe === null ? undefined : state.agents[probe.agentId];
  if (probe === null || agent?.wanted !== 'up' || agent.removing || agent.gate === 'done') return 'gone';
  if (lastDeath(agent) > ms(probe.at) || agent.gate === 'failed' || agent.gate === 'backoff') return 'failed';
  if (now < probeDue(agent, probe.at)) return 'trying';
  return agent.cli.phase === 'ready' ? 'well' : 'failed';
}

const probeDue = ({ cli, tally }: AgentState, at: IsoTime): number =>
  cli.phase === 'ready'
    ? Math.max(ms(tally.healthySince ?? at), ms(at)) + FLEET_PROBE_OK_MS
    : ms(at) + FLEET_PROBE_LIMIT_MS;

/** When the fleet has to be looked at; null = not by time alone. Milliseconds since the epoch. */
export function fleetDue({ fleet, agents }: State): number | null {
  if (fleet.hold === null) return null;
  const { probe, until } = fleet.hold;
  if (probe === null) return ms(until);
  const agent = agents[probe.agentId];
  return agent ? probeDue(agent, probe.at) : ms(probe.at);
}

/** Agents with a process, or a host on its way to one. */
export function running(state: State): number {
  let count = 0;
  for (const agent of agentsOf(state)) if (cliAlive(agent) || agent.host.phase === 'starting') count += 1;
  return count;
}

/** May this agent be started, as far as the fleet goes? */
export function mayStart(state: State, agent: AgentState, settings: Settings): boolean {
  const { hold } = state.fleet;
  if (hold !== null && hold.probe?.agentId !== agent.id) return false;
  return cliAlive(agent) || agent.host.phase === 'starting' || running(state) < settings.maxAgents;
}

const HELD = 'held with the fleet';
const PLACE = 'waits for a place';

/** Why it is not started, in words for a person; null when nothing of the fleet keeps it. */
export function startWait(
  state: State,
  agent: AgentState,
  settings: Settings,
): { state: 'backoff' | 'starting'; reason: string; resumeAt: IsoTime | null } | null {
  if (!waitsForFleet(agent)) return null;
  const { hold } = state.fleet;
  if (hold !== null && hold.probe?.agentId !== agent.id) {
    const name = hold.probe === null ? null : (state.agents[hold.probe.agentId]?.name ?? null);
    const next = name === null ? 'one agent tries first' : `${name} tries first`;
    const reason = `${HELD}: ${hold.died} agents ended together; ${next}`;
    return { state: 'backoff', reason, resumeAt: hold.probe === null ? hold.until : null };
  }
  if (hold !== null || mayStart(state, agent, settings)) return null;
  return { state: 'starting', reason: `${PLACE}: ${settings.maxAgents} agents run (limits.agents)`, resumeAt: null };
}

/** A reason that was only true while it waited. */
export const isWaitReason = (reason: string | null): boolean =>
  reason !== null && (reason.startsWith(HELD) || reason.startsWith(PLACE));

/** Levels below a top agent at which a child of this one would be. */
export function depthBelow(state: State, parentId: string | null): number {
  const seen = new Set<string>();
  let depth = 0;
  for (let at = parentId; at !== null && !seen.has(at); at = state.agents[at]?.spec.parentId ?? null) {
    seen.add(at);
    depth += 1;
  }
  return depth;
}
