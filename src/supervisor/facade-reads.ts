/** The facade's reads: from the state, the log and the host journals; nothing here changes anything. */
import type { DriverEventBody, TuttiEvent } from '../core/event.ts';
import type { AgentState, State } from '../core/state.ts';
import { beginDigest, type Digest } from '../core/digest/digest.ts';
import { type AgentObject, core } from './core.ts';
import { createRecordDecoder } from './decode.ts';
import { type EventFilter, type Facade, type FleetFacts, type HealthFacts, type RawLine, Refusal } from './facade.ts';
import type { Hub } from './hub.ts';
import { matches } from './hub.ts';
import type { Hosts } from './hosts.ts';
import type { Loop } from './loop.ts';
import type { SupervisorOptions } from './options.ts';
import type { EventLog } from './ports.ts';
import type { Problems } from './problems.ts';

export interface Running {
  supervisor: SupervisorOptions;
  loop: Loop;
  hub: Hub;
  log: EventLog;
  hosts: Hosts;
  problems: Problems;
  startedAt: string;
  /** Time of the last streamed byte by agent: newer than any event while a long answer comes in. */
  progress: Map<string, string>;
}

type Reads = Pick<
  Facade,
  | 'health'
  | 'list'
  | 'get'
  | 'requests'
  | 'why'
  | 'digest'
  | 'resolve'
  | 'events'
  | 'subscribe'
  | 'rawLog'
  | 'fullEvent'
  | 'fleet'
>;

/** Events looked at in one read of the log. */
const PAGE = 5_000;
/** Read of a host journal for `rawLog` and `fullEvent`. Bytes. */
const JOURNAL_PAGE = 1024 * 1024;
/** Without a place to begin, raw lines come from this much of the journal's end. Bytes. */
const RAW_TAIL = 256 * 1024;
/** Events kept for `why`. */
const WHY_EVENTS = 2_000;

export function findAgent(state: State, ref: string): AgentState {
  // `constructor` and the like are legal names: only the table's own keys are ids.
  const byId = Object.hasOwn(state.agents, ref) ? state.agents[ref] : undefined;
  const agent = byId ?? Object.values(state.agents).find((candidate) => candidate.name === ref);
  if (agent) return agent;
  throw new Refusal({ code: 'NOT_FOUND', message: `no agent ${ref}`, hint: 'tutti ps lists them' });
}

export function viewOf(running: Running, agent: AgentState): AgentObject {
  const { ports } = running.supervisor;
  const { budgets } = running.loop.settings;
  const today = core.dateOf(ports.clock.now(), budgets.timezone);
  const nearest = core.nearest(core.capsOf(running.loop.state, budgets, agent, today));
  const view = core.agentView(agent, { tmuxSocket: ports.tmux.socket, nearest });
  const streamed = running.progress.get(agent.id);
  if (streamed && streamed > (view.lastProgressAt ?? '')) view.lastProgressAt = streamed;
  return view;
}

export function createReads(running: Running): Reads {
  const { loop, hub, log } = running;
  const find = (ref: string): AgentState => findAgent(loop.state, ref);
  return {
    health: () => healthOf(running),
    list: () => Object.values(loop.state.agents).map((agent) => viewOf(running, agent)),
    get: (ref) => viewOf(running, find(ref)),
    requests: () =>
      Object.values(loop.state.agents)
        .flatMap((agent) =>
          Object.values(agent.requests).map((request) => ({ ...request, agentId: agent.id, agent: agent.name })),
        )
        .sort((a, b) => a.at.localeCompare(b.at)),
    async why(ref) {
      const agent = find(ref);
      const since = Math.max(0, loop.state.seq - WHY_EVENTS * 10);
      // Of others too: an account's limit is learned by one agent and holds all.
      const all = await log.read(since, { limit: WHY_EVENTS * 10 });
      const events = all.filter((event) => core.concerns(agent, event)).slice(-WHY_EVENTS);
      const { state, settings } = loop;
      return core.why(agent, events, { state, settings, now: running.supervisor.ports.clock.now() });
    },
    digest: (since) => digestOf(running, since, null),
    resolve: (refs) => refs.map((ref) => find(ref).id),
    events: (since, filter, limit) => pageOf(running, since, filter, limit),
    subscribe: (since, filter) => hub.subscribe(since ?? loop.state.seq, filter),
    rawLog: (ref, from, limit) => rawLines(running, find(ref), from, limit),
    fullEvent: (ref, seq) => fullEvent(running, find(ref), seq),
    fleet: () => fleetOf(loop.state),
  };
}

function healthOf({ supervisor, loop, hosts, problems, startedAt }: Running): HealthFacts {
  const { state } = loop;
  return {
    version: supervisor.version,
    build: supervisor.build,
    protocol: supervisor.protocol,
    pid: supervisor.pid,
    startedAt,
    home: supervisor.home,
    log: state.logId,
    seq: state.seq,
    recovering: loop.recovering,
    stalledMs: loop.stalledMs,
    unknown: hosts.unknown().map((id) => state.agents[id]?.name ?? id),
    problems: [
      ...problems.list(),
      ...hosts.refusals().map(({ agentId, why }) => `${state.agents[agentId]?.name ?? agentId}: ${why}`),
    ],
    agents: countStates(state),
    tmux: supervisor.ports.tmux.socket,
  };
}

function countStates(state: State): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const agent of Object.values(state.agents)) counts[agent.state] = (counts[agent.state] ?? 0) + 1;
  return counts;
}

function fleetOf(state: State): FleetFacts {
  const agents = Object.values(state.agents);
  const sum = (get: (agent: AgentState) => number): number => agents.reduce((total, agent) => total + get(agent), 0);
  const tokens = {
    input: sum((agent) => agent.tokens.input),
    output: sum((agent) => agent.tokens.output),
    cacheRead: sum((agent) => agent.tokens.cacheRead),
    cacheWrite: sum((agent) => agent.tokens.cacheWrite),
  };
  const reported = agents.filter((agent) => agent.costUsd !== null);
  return {
    agents: agents.length,
    states: countStates(state),
    queued: sum((agent) => agent.queue.length),
    requests: sum((agent) => Object.keys(agent.requests).length),
    tokens: { ...tokens, total: tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite },
    // Nobody reported a cost: unknown is not zero.
    costUsd: reported.length === 0 ? null : reported.reduce((total, agent) => total + (agent.costUsd ?? 0), 0),
    seq: state.seq,
    log: state.logId,
  };
}

async function pageOf(
  running: Running,
  since: number | string,
  filter: EventFilter,
  limit: number,
): ReturnType<Facade['events']> {
  const { log, loop } = running;
  let next = typeof since === 'number' ? since : await seqBefore(running, since);
  const events: TuttiEvent[] = [];
  const only = filter.agents?.length === 1 ? filter.agents[0] : undefined;
  for (;;) {
    const page = await log.read(next, { limit: PAGE, ...(only === undefined ? {} : { agentId: only }) });
    for (const event of page) {
      if (events.length >= limit) return { events, next, more: true, log: loop.state.logId };
      next = event.seq;
      if (matches(event, filter)) events.push(event);
    }
    if (page.length < PAGE) return { events, next: Math.max(next, 0), more: false, log: loop.state.logId };
  }
}

/** @param until null = now; nothing later counts */
export async function digestOf(
  running: Pick<Running, 'log' | 'loop' | 'supervisor'>,
  since: string,
  until: string | null,
): Promise<Digest> {
  const { log, loop, supervisor } = running;
  const from = new Date(since).toISOString();
  const end = until ?? new Date(supervisor.ports.clock.now()).toISOString();
  const work = beginDigest(from);
  let next = await seqBefore(running, from);
  for (;;) {
    const page = await log.read(next, { limit: PAGE });
    for (const event of page) {
      next = event.seq;
      if (event.at >= from && event.at <= end) work.take(event);
    }
    if (page.length < PAGE) return work.done(loop.state, end);
  }
}

/** seq of the last event before a time, by bisection. Times rise with seq but for journals read late: near enough. */
async function seqBefore({ log, loop }: Pick<Running, 'log' | 'loop'>, time: string): Promise<number> {
  const wanted = new Date(time).toISOString();
  let low = 0;
  let high = loop.state.seq;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [event] = await log.read(middle, { limit: 1 });
    if (!event || event.at >= wanted) high = middle;
    else low = Math.max(middle + 1, event.seq);
  }
  return low;
}

async function rawLines(
  running: Running,
  agent: AgentState,
  from: { epoch: number; offset: number } | null,
  limit: number,
): ReturnType<Facade['rawLog']> {
  const { journals } = running.supervisor.ports;
  const epochs = (await journals.epochs(agent.id)).sort((a, b) => a - b);
  const newest = epochs.at(-1);
  if (newest === undefined) return { lines: [], next: null };
  let place = from;
  if (!place) {
    const { size } = await journals.read(agent.id, newest, 0, 1);
    place = { epoch: newest, offset: Math.max(0, size - RAW_TAIL) };
  }
  const lines: RawLine[] = [];
  while (lines.length < limit) {
    const read = await journals.read(agent.id, place.epoch, place.offset, JOURNAL_PAGE);
    for (const { record, end } of read.records) {
      place = { epoch: place.epoch, offset: end };
      if (record.kind !== 'out' && record.kind !== 'in' && record.kind !== 'err') continue;
      lines.push({
        epoch: place.epoch,
        n: record.n,
        at: record.at,
        incarnation: record.incarnation,
        dir: record.kind,
        line: record.line,
      });
      if (from && lines.length >= limit) break;
    }
    if (read.records.length > 0) continue;
    const later = epochs.find((epoch) => epoch > (place as { epoch: number }).epoch);
    if (later === undefined) break;
    place = { epoch: later, offset: 0 };
  }
  return { lines: from ? lines : lines.slice(-limit), next: `${place.epoch}:${place.offset}` };
}

async function fullEvent(running: Running, agent: AgentState, seq: number): ReturnType<Facade['fullEvent']> {
  // The siblings of the same record stand right before it.
  const before = await running.log.read(Math.max(0, seq - 256), { limit: 256 });
  const event = before.find((candidate) => candidate.seq === seq);
  if (!event || event.agentId !== agent.id) {
    throw new Refusal({
      code: 'NOT_FOUND',
      message: `no event ${seq} of ${agent.name}`,
      hint: 'tutti events lists them',
    });
  }
  if (event.ref === undefined) return { event, complete: true };
  if (event.ref === null) return { event, complete: false };
  const { epoch, n } = event.ref;
  const place = before.filter(
    (other) => other.seq < seq && other.type === event.type && other.src?.epoch === epoch && other.src.n === n,
  ).length;
  const whole = (await eventsOfRecord(running, agent, epoch, n)).filter((body) => body.type === event.type)[place];
  if (!whole) return { event, complete: false };
  const { bytes, ref, ...rest } = event;
  return { event: { ...rest, ...whole } as TuttiEvent, complete: true };
}

/** What the driver makes of one record: the journal is decoded again from its start to there. */
async function eventsOfRecord(
  running: Running,
  agent: AgentState,
  epoch: number,
  n: number,
): Promise<DriverEventBody[]> {
  const { journals, driver } = running.supervisor.ports;
  const rest = { epoch, n: 0, offset: 0 };
  const decoder = createRecordDecoder({ lookup: driver, cli: core.runnerOf(agent).cli, heard: false, rest });
  let offset = 0;
  for (;;) {
    const { records } = await journals.read(agent.id, epoch, offset, JOURNAL_PAGE);
    if (records.length === 0) return [];
    for (const { record, end } of records) {
      const { events } = decoder.push(record, epoch, end);
      if (record.n === n) return events;
      offset = end;
    }
  }
}
