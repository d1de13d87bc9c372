/** What a survey shows that should not be: each with its evidence, and whether it can be mended without harm. */
import { heldBack } from '../accounts/hold.ts';
import { agentsOf, atBoundary, hostReachable } from '../agent.ts';
import { sessionName } from '../agent-view.ts';
import { startWait, waitsForFleet } from '../fleet/fleet.ts';
import { DISK_FULL_BYTES, LEFTOVER_AGE_MS, ORPHAN_SEEN_MS, STUCK_MS } from '../limits.ts';
import type { AgentState, State } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';
import type { Carrier, Leftover, Survey } from './survey.ts';

export type Verdict =
  | 'orphan_process'
  | 'orphan_session'
  | 'leftover_files'
  | 'no_process'
  | 'queue_stuck'
  | 'disk_full'
  | 'disk_low'
  | 'memory_low';

export interface Finding {
  /** The cause: the same one is told once while it lasts. */
  key: string;
  agentId: string | null;
  verdict: Verdict;
  observation: string;
  evidence: string;
  /** `end`: the processes; `close`: the session; `remove`: the files; `look`: the agent is looked at again; `alert`: a person is told; `note`: it is on record. */
  action: 'end' | 'close' | 'remove' | 'look' | 'alert' | 'note';
  processes?: { agentId: string; incarnation: number; list: { pid: number; start: string }[] };
  paths?: string[];
  session?: string;
}

export function findings(survey: Survey, state: State, settings: Settings, now: number): Finding[] {
  return [
    ...orphans(survey.carriers, state),
    ...sessions(survey.sessions ?? [], state),
    ...leftovers(survey.leftovers, state),
    ...agentsOf(state).flatMap((agent) => stuck(agent, state, settings, now)),
    ...disk(survey.disk, settings),
    ...memory(survey.memory, settings),
  ];
}

/** Ours by its marker, and of nobody who lives. Seen twice, for what is being ended at this moment is nobody's fault. */
function isOrphan({ agentId, incarnation, hosted, seenMs }: Carrier, state: State): boolean {
  if (seenMs < ORPHAN_SEEN_MS) return false;
  const agent = Object.hasOwn(state.agents, agentId) ? state.agents[agentId] : undefined;
  if (!agent) return !hosted && !(agentId in state.removing);
  const { phase } = agent.host;
  if (phase === 'none' || phase === 'down') return !hosted;
  return agent.cli.phase === 'ready' && incarnation < agent.cli.incarnation;
}

function orphans(carriers: Carrier[], state: State): Finding[] {
  const groups = new Map<string, Carrier[]>();
  for (const carrier of carriers) {
    if (!isOrphan(carrier, state)) continue;
    const key = `orphan ${carrier.agentId} ${carrier.incarnation}`;
    groups.set(key, [...(groups.get(key) ?? []), carrier]);
  }
  return [...groups].map(([key, list]) => {
    const { agentId, incarnation } = list[0] as Carrier;
    const agent = Object.hasOwn(state.agents, agentId) ? state.agents[agentId] : undefined;
    const pids = list.map(({ pid }) => pid);
    const whose = agent ? `run ${incarnation} of ${agent.name}, which is over` : `an agent that is gone (${agentId})`;
    return {
      key: `${key} ${pids.join(' ')}`,
      agentId: agent?.id ?? null,
      ...{ verdict: 'orphan_process', action: 'end' },
      observation: `${pids.length === 1 ? 'a process' : `${pids.length} processes`} of ${whose}`,
      evidence: `carries its marker, no host has it: pid ${pids.join(' ')}`,
      processes: { agentId, incarnation, list: list.map(({ pid, start }) => ({ pid, start })) },
    };
  });
}

/** Sessions that we made, for agents that are gone. One whose pane still runs may hold work: it is named, and left to a person. */
function sessions(list: NonNullable<Survey['sessions']>, state: State): Finding[] {
  const names = new Set(agentsOf(state).map(({ name }) => sessionName(name)));
  for (const { name } of Object.values(state.removing)) names.add(sessionName(name));
  return list
    .filter(({ session }) => !names.has(session))
    .map(({ session, pid, dead }) => ({
      ...{ key: `session ${session} ${dead}`, agentId: null, verdict: 'orphan_session', session },
      action: dead ? 'close' : 'note',
      observation: `the tmux session ${session} was made for an agent that is gone`,
      evidence: dead ? 'its pane is dead' : `its pane runs pid ${pid}`,
    }));
}

/** A launch environment holds secrets, and stands for a moment before its agent does. */
function leftovers(list: Leftover[], state: State): Finding[] {
  const old = list.filter(
    ({ agentId, ageMs }) =>
      !Object.hasOwn(state.agents, agentId) && !(agentId in state.removing) && ageMs >= LEFTOVER_AGE_MS,
  );
  if (old.length === 0) return [];
  const kinds = [...new Set(old.map(({ what }) => what))].join(' and ');
  const ids = [...new Set(old.map(({ agentId }) => agentId))].toSorted();
  return [
    {
      ...{ key: `leftovers ${ids.join(' ')}`, agentId: null, verdict: 'leftover_files', action: 'remove' },
      observation: `${old.length} files (${kinds}) of agents that are gone`,
      evidence: ids.join(' '),
      paths: old.map(({ path }) => path),
    },
  ];
}

function stuck(agent: AgentState, state: State, settings: Settings, now: number): Finding[] {
  const of = { agentId: agent.id, action: 'look' } as const;
  const since = Math.max(ms(agent.since), ms(agent.host.at), ms(agent.cli.at ?? ''));
  if (waitsForFleet(agent) && startWait(state, agent, settings) === null && now - since >= STUCK_MS) {
    const observation = `${agent.name} is wanted up and has no process`;
    const evidence = `host ${agent.host.phase}, CLI ${agent.cli.phase}, since ${agent.since}`;
    return [{ ...of, key: `no_process ${agent.id} ${agent.host.epoch}`, verdict: 'no_process', observation, evidence }];
  }
  const [first] = agent.queue;
  const waits = first !== undefined && first.state === 'queued' && now - Math.max(ms(first.at), since) >= STUCK_MS;
  if (!waits || !couldDeliver(agent) || heldBack(state, agent) !== null) return [];
  const observation = `a message for ${agent.name} waits though nothing holds it`;
  const evidence = `queued at ${first.at}, ${agent.queue.length} in the queue`;
  return [{ ...of, key: `queue ${agent.id} ${first.messageId}`, verdict: 'queue_stuck', observation, evidence }];
}

const couldDeliver = (a: AgentState): boolean =>
  a.wanted === 'up' &&
  a.gate === null &&
  a.holdUntil === null &&
  a.restartWanted === null &&
  hostReachable(a) &&
  atBoundary(a) &&
  Object.keys(a.requests).length === 0 &&
  !Object.values(a.pending).some(({ verb }) => verb !== 'configure');

const size = (bytes: number): string =>
  bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;

function disk(found: Survey['disk'], { patrol }: Settings): Finding[] {
  if (!found || found.free >= patrol.diskFree) return [];
  const full = found.free < Math.min(DISK_FULL_BYTES, patrol.diskFree);
  const verdict = full ? 'disk_full' : 'disk_low';
  const observation = full
    ? 'the disk of the home is full: nothing can be recorded soon, and then agents stand still'
    : 'the disk of the home is nearly full';
  const evidence = `${size(found.free)} of ${size(found.total)} are free`;
  return [{ key: verdict, agentId: null, verdict, observation, evidence, action: 'alert' }];
}

function memory(found: Survey['memory'], { patrol }: Settings): Finding[] {
  if (!found || found.available >= found.total * patrol.memoryFree) return [];
  return [
    {
      ...{ key: 'memory_low', agentId: null, verdict: 'memory_low', action: 'alert' },
      observation: 'the machine is short of memory: the system may end agents',
      evidence: `${size(found.available)} of ${size(found.total)} are available`,
    },
  ];
}
