/** Who is held back by a limit of its account, until when, and who may try whether it is over. Pure questions to the state. */
import { agentsOf, atBoundary, hostReachable, inFlight, needsMove, pendingOf } from '../agent.ts';
import type { IsoTime } from '../event.ts';
import { PROBE_LIMIT_MS } from '../limits.ts';
import type { AccountState, AgentState, State } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';
import { accountOf, keysOf, turnOf } from './keys.ts';

export interface Held {
  key: string;
  account: AccountState;
}

function anyHeld({ accounts }: State): boolean {
  for (const key in accounts) if (accounts[key]?.limit === 'rejected') return true;
  return false;
}

/** Limits that this agent is under, whoever may try. */
export function limitsOn(state: State, agent: AgentState): Held[] {
  // Asked of every agent at every look, and mostly there is no limit at all.
  if (!anyHeld(state)) return [];
  return keysOf(agent).flatMap((key) => {
    const account = accountOf(state, key);
    return account?.limit === 'rejected' ? [{ key, account }] : [];
  });
}

/** Something waits for a turn of this agent: a message, or interrupted work. */
export const wantsTurn = (a: AgentState): boolean =>
  a.owes !== null || a.cli.turnCutShort || a.queue.some((m) => m.state === 'queued' || m.unsure);

/** A turn runs, or one is on its way. */
export const underWay = (a: AgentState): boolean => a.cli.turn || a.cli.turnExpectedAt !== null || inFlight(a) !== null;

/** Nothing but a limit may keep it from a turn. */
const ready = (a: AgentState): boolean =>
  a.wanted === 'up' &&
  a.gate === null &&
  !a.removing &&
  a.holdUntil === null &&
  !(a.host.phase === 'up' && !a.host.linked) &&
  Object.keys(a.requests).length === 0;

/** It wants a turn and could begin one now or soon. */
export const canTry = (a: AgentState): boolean => wantsTurn(a) && !underWay(a) && ready(a);

/** Who tries at present; null when nobody does, or the one who should cannot. */
export function probeOf(state: State, account: AccountState): AgentState | null {
  const agent = account.probe === null ? undefined : state.agents[account.probe.agentId];
  if (agent?.wanted !== 'up' || agent.removing || agent.gate !== null) return null;
  return underWay(agent) || canTry(agent) ? agent : null;
}

const isProbe = (account: AccountState, agent: AgentState): boolean => account.probe?.agentId === agent.id;

/** May it begin a turn, as far as limits are concerned? */
export function mayBegin(state: State, agent: AgentState): boolean {
  const free = limitsOn(state, agent).every(({ account }) => isProbe(account, agent));
  return free && keysOf(agent).every((key) => turnOf(state, key, agent.id) === null);
}

/** When its present work began to wait. Milliseconds since the epoch. */
function waitsSince(agent: AgentState): number {
  const times = [agent.limit.metAt, agent.queue[0]?.at ?? null].filter((time) => time !== null).map(ms);
  return Math.min(ms(agent.since), ...times);
}

/** Agents of this key that want a turn: those who could begin at once first, then by the age of their work. */
export function waitingOn(state: State, key: string): AgentState[] {
  const atOnce = (a: AgentState): number =>
    hostReachable(a) && atBoundary(a) && !needsMove(a) && a.restartWanted === null ? 0 : 1;
  return agentsOf(state)
    .filter((agent) => canTry(agent) && keysOf(agent).includes(key))
    .toSorted((x, y) => atOnce(x) - atOnce(y) || waitsSince(x) - waitsSince(y) || (x.id < y.id ? -1 : 1));
}

/** What a person is told of an agent that waits for its account; null when it does not. */
export function heldBack(
  state: State,
  agent: AgentState,
): { key: string; reason: string; resumeAt: IsoTime | null } | null {
  if (agent.wanted !== 'up' || !wantsTurn(agent) || agent.cli.phase !== 'ready' || underWay(agent)) return null;
  const held = limitsOn(state, agent).find(({ account }) => !isProbe(account, agent));
  if (held) {
    const { key, account } = held;
    const what = `limit reached${account.scope === null ? '' : `: ${account.scope}`}`;
    const probe = probeOf(state, account);
    if (probe)
      return { key, reason: `${what} (account ${key}); ${probe.name} tries whether it is over`, resumeAt: null };
    return { key, reason: `${what} (account ${key})`, resumeAt: account.until };
  }
  const key = keysOf(agent).find((each) => turnOf(state, each, agent.id) !== null);
  if (key === undefined) return null;
  return {
    key,
    reason: `the limit of account ${key} is over; its agents go on one after another`,
    resumeAt: turnOf(state, key, agent.id),
  };
}

/** When the turn that runs has to end for its account's sake; null when it need not. Milliseconds since the epoch. */
export function cutDue(state: State, agent: AgentState, settings: Settings): number | null {
  if (!agent.cli.turn || agent.limit.cutTurn === agent.turns || !hostReachable(agent)) return null;
  // It is being ended as it is.
  if (pendingOf(agent, 'interrupt') !== null || pendingOf(agent, 'stop') !== null || pendingOf(agent, 'quit') !== null)
    return null;
  // Who waits for a person asks the model nothing.
  if (Object.keys(agent.requests).length > 0) return null;
  const since = limitsOn(state, agent)
    .filter(({ account }) => !isProbe(account, agent))
    .map(({ account }) => ms(account.since));
  return since.length === 0 ? null : Math.min(...since) + settings.limit.graceMs;
}

/** When this agent has to be looked at for a limit's sake; null = not by time alone. Milliseconds since the epoch. */
export function limitDue(state: State, agent: AgentState, settings: Settings): number | null {
  const dues = [cutDue(state, agent, settings)];
  const waits = canTry(agent);
  for (const { account } of limitsOn(state, agent)) {
    if (isProbe(account, agent)) dues.push(ms(account.probe?.at ?? account.since) + PROBE_LIMIT_MS);
    else if (waits && probeOf(state, account) === null) dues.push(ms(account.until ?? account.since));
  }
  if (waits) {
    for (const key of keysOf(agent)) {
      const turn = turnOf(state, key, agent.id);
      if (turn !== null) dues.push(ms(turn));
    }
  }
  const times = dues.filter((due) => due !== null);
  return times.length === 0 ? null : Math.min(...times);
}
