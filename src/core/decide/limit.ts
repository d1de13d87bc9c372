/**
 * Limits that agents share. One agent learns of a limit: its whole account is held, so that nobody begins a turn before the reset and
 * turns that run are ended after a short grace. Then one agent tries; when it is answered, the others go on one after another,
 * each with the work that was interrupted, in its own conversation.
 */
import { canTry, cutDue, limitsOn, probeOf, underWay, waitingOn, wantsTurn } from '../accounts/hold.ts';
import { accountKey, accountOf, keysOf, turnOf } from '../accounts/keys.ts';
import { toldReset } from '../accounts/told-reset.ts';
import { holdAfter } from '../accounts/until.ts';
import { namesLimit } from '../accounts/words.ts';
import { agentsOf, hostReachable, runnerOf } from '../agent.ts';
import type { DriverEventBody } from '../event.ts';
import { PROBE_LIMIT_MS, STAGGER_MS, STAGGER_SPREAD_MS } from '../limits.ts';
import { windowOf } from '../reduce/account.ts';
import type { AccountState, AgentState } from '../state.ts';
import { iso, ms } from '../time.ts';
import { hasPending } from './queue.ts';
import type { Work } from './work.ts';

/** Events that only an answer of the model can bring. */
const ANSWERS: ReadonlySet<string> = new Set(['usage', 'thinking', 'tool_call', 'message']);

/** What a decoded event tells of the agent's account. */
export function heedLimits(w: Work, agent: AgentState, body: DriverEventBody, at: number): void {
  if (body.type === 'rate_limit') heedWindow(w, agent, body, at);
  else if (body.type === 'retry') {
    if (namesLimit(body.error)) meetLimit(w, agent, 'held', at);
  } else if (body.type === 'turn') {
    if (body.outcome === 'limit') meetLimit(w, agent, 'refused', at);
    if (body.outcome === 'ok') heedAnswer(w, agent, 'its turn ended well');
  } else if (ANSWERS.has(body.type) && !(body.type === 'message' && body.role === 'user')) {
    heedAnswer(w, agent, 'the model answered it');
  }
}

function heedWindow(
  w: Work,
  agent: AgentState,
  body: Extract<DriverEventBody, { type: 'rate_limit' }>,
  at: number,
): void {
  if (body.limit === 'rejected') meetLimit(w, agent, 'held', at);
  else if (body.limit === 'warning') warn(w, agent, body);
}

/** The limit is near: said once for each window. */
function warn(w: Work, agent: AgentState, body: Extract<DriverEventBody, { type: 'rate_limit' }>): void {
  const { scope, resetsAt, utilization } = body;
  const account = accountKey(runnerOf(agent).account, scope);
  const known = accountOf(w.state, account);
  if (known?.limit === 'rejected' || known?.warned === windowOf({ scope, resetsAt })) return;
  const cause = { by: 'account', text: account };
  w.emit(
    agent.id,
    { type: 'account', account, limit: 'warning', resetsAt, phase: 'near', scope, utilization },
    { cause, durable: true },
  );
  const used = utilization === null ? 'most' : `${Math.round(utilization * 100)} %`;
  w.emit(
    agent.id,
    {
      type: 'watchdog',
      layer: 1,
      observation: `account ${account} is near its limit`,
      verdict: 'limit_near',
      action: 'alert',
      evidence: `${used} of ${scope ?? 'its limit'} is used${resetsAt === null ? '' : `; it resets at ${resetsAt}`}`,
    },
    { cause },
  );
}

/** `held`: a limit was told. `refused`: it ended the agent's turn, whose work is owed. */
export function meetLimit(w: Work, agent: AgentState, phase: 'held' | 'refused', at: number): void {
  const { scope } = agent.limit;
  const resetsAt = agent.limit.resetsAt ?? resetInWords(w, agent, at);
  const account = accountKey(runnerOf(agent).account, scope);
  const known = accountOf(w.state, account);
  const cause = { by: 'account', text: account };
  const options = { cause, durable: true };
  if (known && outlived(w, known, at)) {
    // What it told is over; its work is owed all the same.
    const { limit, resetsAt: told } = known;
    if (phase === 'refused') w.emit(agent.id, { type: 'account', account, limit, resetsAt: told, phase }, options);
    return;
  }
  const fromProbe = known?.probe?.agentId === agent.id;
  const hold = holdAfter(known, { at, resetsAt, fromProbe }, w.settingsOf(agent).limit);
  const until = iso(hold.until);
  const changes = known?.limit !== 'rejected' || known.until !== until || known.attempt !== hold.attempt;
  if (!changes && phase === 'held') return;
  w.emit(
    agent.id,
    {
      type: 'account',
      account,
      limit: 'rejected',
      resetsAt: hold.resetsAt,
      phase,
      scope,
      until,
      attempt: hold.attempt,
    },
    options,
  );
  if (changes) touchAll(w, account);
}

/** Where no event has a time, the error may. */
function resetInWords(w: Work, agent: AgentState, at: number): string | null {
  const error = agent.cli.lastError;
  if (error?.code !== 'usage_limit' && error?.code !== 'rate_limit') return null;
  const time = toldReset(error.message, at, w.settings.budgets.timezone);
  return time === null ? null : iso(time);
}

/** It was refused before another agent found the limit to be over (and not only by a clock that was set back since). */
const outlived = (w: Work, { openedAt }: AccountState, at: number): boolean =>
  openedAt !== null && at <= ms(openedAt) && ms(openedAt) <= w.now;

function touchAll(w: Work, account: string): void {
  for (const agent of agentsOf(w.state)) if (keysOf(agent).includes(account)) w.touch(agent.id);
}

/** The agent that tries was answered: the limit is over. */
function heedAnswer(w: Work, agent: AgentState, why: string): void {
  for (const { key, account } of limitsOn(w.state, agent)) {
    if (account.probe?.agentId === agent.id && triedSince(agent, account))
      open(w, key, `${agent.name} tried, and ${why}`, 0);
  }
}

/** Its turn began after it was chosen to try (a turn that has just ended has no beginning any more). */
const triedSince = (agent: AgentState, account: AccountState): boolean =>
  agent.cli.turnStartedAt === null || ms(agent.cli.turnStartedAt) >= ms(account.probe?.at ?? account.since);

/** The limit is over: those who wait go on one after another. @param attempt holds in a row so far, where nobody was answered yet */
function open(w: Work, account: string, why: string, attempt: number): void {
  const probe = accountOf(w.state, account)?.probe?.agentId ?? null;
  const waiting = agentsOf(w.state).filter(
    (agent) => agent.id !== probe && agent.wanted === 'up' && wantsTurn(agent) && keysOf(agent).includes(account),
  );
  const first = waitingOn(w.state, account).map(({ id }) => id);
  const rank = (id: string): number => (first.includes(id) ? first.indexOf(id) : first.length);
  const spacing = Math.min(STAGGER_MS, STAGGER_SPREAD_MS / Math.max(1, waiting.length));
  const turns = Object.fromEntries(
    waiting
      .toSorted((x, y) => rank(x.id) - rank(y.id))
      .map(({ id }, i) => [id, iso(Math.round(w.now + spacing * (i + 1)))]),
  );
  w.emit(
    probe,
    { type: 'account', account, limit: 'allowed', resetsAt: null, phase: 'open', turns, attempt, why },
    { cause: { by: 'account', text: account }, durable: true },
  );
  touchAll(w, account);
}

/** For one agent, at each look: ends a turn that must not go on, finds somebody to try, and lets it go on when its turn has come. */
export function tendLimits(w: Work, agent: AgentState): void {
  cutTurn(w, agent);
  for (const { key, account } of limitsOn(w.state, agent)) {
    if (account.probe?.agentId === agent.id) judgeProbe(w, agent, key, account);
    else if (canTry(agent) && probeOf(w.state, account) === null && ms(account.until ?? account.since) <= w.now) {
      choose(w, key, null);
    }
  }
  if (canTry(agent)) for (const key of keysOf(agent)) takeTurn(w, agent, key);
}

function takeTurn(w: Work, agent: AgentState, account: string): void {
  const turn = turnOf(w.state, account, agent.id);
  if (turn === null || ms(turn) > w.now) return;
  w.emit(
    agent.id,
    { type: 'account', account, limit: 'allowed', resetsAt: null, phase: 'turn' },
    { cause: { by: 'account', text: account } },
  );
}

function cutTurn(w: Work, agent: AgentState): void {
  const due = cutDue(w.state, agent, w.settingsOf(agent));
  if (due === null || due > w.now || hasPending(agent, 'interrupt', 'stop', 'quit')) return;
  const held = limitsOn(w.state, agent)[0];
  w.emit(
    agent.id,
    {
      type: 'watchdog',
      layer: 1,
      observation: `its account ${held?.key ?? runnerOf(agent).account} has met a limit while its turn runs`,
      verdict: 'limited',
      action: 'interrupt',
      evidence: `refused since ${held?.account.since ?? 'now'}; until ${held?.account.until ?? 'it is over'} no request would be answered`,
    },
    { cause: { by: 'account', text: held?.key ?? runnerOf(agent).account } },
  );
  w.order(agent, 'interrupt', { incarnation: agent.cli.incarnation, turn: agent.turns, why: 'limit' });
}

/** It has had its time: not refused by now is success; without a turn, another one tries. */
function judgeProbe(w: Work, agent: AgentState, key: string, account: AccountState): void {
  const { probe } = account;
  if (probe === null || ms(probe.at) + PROBE_LIMIT_MS > w.now) return;
  if (hostReachable(agent) && agent.cli.turn && triedSince(agent, account)) {
    open(w, key, `${agent.name} tried, and was not refused for ${PROBE_LIMIT_MS / 1_000} s`, account.attempt);
  } else choose(w, key, agent);
}

/** One agent tries: the one whose work is oldest among those who can begin at once. `had` had its chance. */
function choose(w: Work, key: string, had: AgentState | null): void {
  // Before the reset only who is told to tries.
  const until = accountOf(w.state, key)?.until ?? null;
  const time = until === null || ms(until) <= w.now;
  const able = time ? waitingOn(w.state, key).filter((agent) => mayTry(w, agent, key)) : [];
  const next = able.find((agent) => agent.id !== had?.id) ?? able[0];
  if (next) nominate(w, next, key, 'supervisor', 'its work has waited longest');
  // Who waits for a person may wait for days, and tries nothing meanwhile.
  else if (had && underWay(had) && hostReachable(had) && Object.keys(had.requests).length === 0)
    nominate(w, had, key, 'account', 'it is still at it');
  else if (had) nominate(w, null, key, 'supervisor', 'nobody can try at present');
}

/** No other limit holds it. */
const mayTry = (w: Work, agent: AgentState, key: string): boolean =>
  limitsOn(w.state, agent).every((held) => held.key === key || ms(held.account.until ?? held.account.since) <= w.now);

function nominate(w: Work, agent: AgentState | null, key: string, by: string, why: string): void {
  const account = accountOf(w.state, key);
  if (!account) return;
  w.emit(
    agent?.id ?? null,
    {
      type: 'account',
      account: key,
      limit: 'rejected',
      resetsAt: account.resetsAt,
      phase: 'probe',
      probe: agent?.id ?? null,
      why,
    },
    { cause: { by, text: key }, durable: true },
  );
  touchAll(w, key);
}

/** A person wants this agent to try now, whatever was told. Returns whether a limit stood in its way. */
export function tryNow(w: Work, agent: AgentState, by: string): boolean {
  const held = limitsOn(w.state, agent);
  for (const { key } of held) nominate(w, agent, key, by, `${by} wants it to try now`);
  return held.length > 0;
}

/** A clock that was set back must not make a hold longer than it was when it began. */
export function mendClock(w: Work): void {
  for (const [account, known] of Object.entries(w.state.accounts)) {
    const cause = { cause: { by: 'account', text: account }, durable: true };
    if (known.limit === 'rejected' && known.until !== null && ms(known.since) > w.now) {
      const told = ms(known.until) - ms(known.since);
      const until = iso(w.now + Math.max(0, told));
      w.emit(
        null,
        {
          type: 'account',
          account,
          limit: 'rejected',
          resetsAt: known.resetsAt,
          phase: 'clock',
          until,
          why: 'the clock was set back',
        },
        cause,
      );
      touchAll(w, account);
    } else if (Object.values(known.turns).some((turn) => ms(turn) > w.now + STAGGER_SPREAD_MS + STAGGER_MS)) {
      w.emit(
        null,
        {
          type: 'account',
          account,
          limit: 'allowed',
          resetsAt: null,
          phase: 'open',
          turns: {},
          why: 'the clock was set back',
        },
        cause,
      );
      touchAll(w, account);
    }
  }
}
