/**
 * "While you were away": what the events of a span of time say about each agent and the home, and how it stands now.
 * Pure: events are fed in page by page, in order.
 */
import { askedText } from '../asked.ts';
import { agentsOf } from '../agent.ts';
import type { AgentStateName, IsoTime, TuttiEvent } from '../event.ts';
import type { AgentState, State } from '../state.ts';

export interface AgentDigest {
  agent: string;
  /** Now; `gone` when it was removed. */
  state: AgentStateName | 'gone';
  reason: string | null;
  /** What it waits for, in one line each. */
  waits: string[];
  turns: { ok: number; failed: number };
  /** Unexpected ends of its CLI. */
  crashes: number;
  /** Why it gave up, each time. */
  failures: string[];
  /** Times that a limit held it. */
  limits: number;
  /** Requests that came, and how many of them are answered. */
  asked: number;
  answered: number;
  /** Messages that were confirmed. */
  messages: number;
  tokens: number;
  /** USD; null where nobody reported any. */
  costUsd: number | null;
  estimated: boolean;
}

export interface Digest {
  since: IsoTime;
  until: IsoTime;
  agents: AgentDigest[];
  /** Starts of the supervisor, and how many of them after an end that nobody asked for. */
  starts: number;
  crashes: number;
  /** What people were told, or would have been. */
  alerts: { at: IsoTime; severity: string; text: string }[];
  /** Alerts beyond those that are listed. */
  moreAlerts: number;
  /** What the patrol found. */
  findings: string[];
}

/** Alerts, findings and reasons that are listed; the rest is counted, or left out. */
const LISTED = 50;

export interface DigestWork {
  take(event: TuttiEvent): void;
  /** @param until now */
  done(state: State, until: IsoTime): Digest;
}

const blank = (agent: string): AgentDigest => ({
  ...{ agent, state: 'gone', reason: null, waits: [], turns: { ok: 0, failed: 0 }, crashes: 0, failures: [] },
  ...{ limits: 0, asked: 0, answered: 0, messages: 0, tokens: 0, costUsd: null, estimated: false },
});

export function beginDigest(since: IsoTime): DigestWork {
  const agents = new Map<string, AgentDigest>();
  const home: Pick<Digest, 'starts' | 'crashes' | 'alerts' | 'moreAlerts' | 'findings'> = {
    ...{ starts: 0, crashes: 0, alerts: [], moreAlerts: 0, findings: [] },
  };
  const of = (id: string, name: string): AgentDigest => {
    const known = agents.get(id) ?? blank(name);
    agents.set(id, known);
    return known;
  };
  return {
    take(event) {
      takeHome(home, event);
      if (event.agentId !== null) takeAgent(of(event.agentId, nameIn(event)), event);
    },
    done(state, until) {
      for (const agent of agentsOf(state)) asItStands(of(agent.id, agent.name), agent);
      const list = [...agents.values()].toSorted((a, b) => needs(b) - needs(a) || a.agent.localeCompare(b.agent));
      return { since, until, agents: list, ...home };
    },
  };
}

/** The event of its birth has the whole agent where others have its name. */
function nameIn(event: TuttiEvent): string {
  const name: unknown = event.type === 'agent_spawned' ? event.agent['name'] : event.agent;
  return typeof name === 'string' ? name : (event.agentId ?? '');
}

/** Those that need a person come first, then those that cost. */
const needs = (a: AgentDigest): number =>
  (a.state === 'waiting' ? 1e9 : 0) + (a.state === 'failed' ? 1e8 : 0) + a.failures.length * 1e4 + (a.costUsd ?? 0);

function asItStands(digest: AgentDigest, agent: AgentState): void {
  digest.agent = agent.name;
  digest.state = agent.state;
  digest.reason = agent.reason;
  digest.waits = Object.values(agent.requests).map((request) => `${request.requestId} ${askedText(request)}`);
}

function takeHome(home: Omit<Digest, 'since' | 'until' | 'agents'>, event: TuttiEvent): void {
  if (event.type === 'watchdog' && event.layer === 3 && event.action !== 'alert' && home.findings.length < LISTED) {
    home.findings.push(event.observation);
  }
  if (event.type !== 'command') return;
  if (event.verb === 'boot') {
    const { crashed } = (event.result ?? {}) as { crashed?: unknown };
    home.starts += 1;
    if (crashed === true) home.crashes += 1;
  }
  if (event.verb !== 'alert' || event.phase !== 'done') return;
  if (home.alerts.length >= LISTED) home.moreAlerts += 1;
  else home.alerts.push({ at: event.at, severity: String(event.args?.severity), text: String(event.args?.text) });
}

function takeAgent(digest: AgentDigest, event: TuttiEvent): void {
  switch (event.type) {
    case 'turn':
      if (event.phase === 'end') digest.turns[event.outcome === 'ok' ? 'ok' : 'failed'] += 1;
      return;
    case 'exit':
      if (!['asked', 'by_design', 'clean', 'limit'].includes(event.cause)) digest.crashes += 1;
      return;
    case 'agent_status':
      if (event.state === 'failed' && event.previous !== 'failed' && digest.failures.length < LISTED)
        digest.failures.push(event.reason ?? 'no reason known');
      if (event.state === 'limited' && event.previous !== 'limited') digest.limits += 1;
      return;
    case 'permission':
      if (event.cause?.by !== 'host') return;
      if (event.decision === 'asked') digest.asked += 1;
      else if (event.decision !== 'expired') digest.answered += 1;
      return;
    case 'delivery':
      if (event.state === 'confirmed') digest.messages += 1;
      return;
    case 'usage':
      digest.tokens += event.input + event.output + event.cacheRead + event.cacheWrite;
      countCost(digest, event.costUsd, event.estimatedUsd ?? null);
      if (event.estimated) digest.estimated = true;
      return;
    default:
  }
}

/** What the CLI reports; else what its tokens cost by the price table. */
function countCost(digest: AgentDigest, reported: number | null, estimate: number | null): void {
  const cost = reported ?? estimate;
  if (cost === null) return;
  digest.costUsd = (digest.costUsd ?? 0) + cost;
  if (reported === null) digest.estimated = true;
}

/** Did anything happen that a person would want to read? */
export const isEmpty = (digest: Digest): boolean =>
  digest.alerts.length === 0 &&
  digest.crashes === 0 &&
  digest.agents.every(
    (a) => a.turns.ok + a.turns.failed + a.crashes + a.failures.length + a.messages === 0 && a.waits.length === 0,
  );
