/** Climbs the ladder of the watchdog's first layer: puts the finding on record with what is done about it, and does it. */
import { runnerOf } from '../agent.ts';
import { freeRunner } from '../accounts/fallback.ts';
import type { EventBody } from '../event.ts';
import { EXTENSIONS_LIMIT, LATE_LIMIT_MS, RECOVERED_RESULTS } from '../limits.ts';
import { ladderMessageId } from '../reduce/ladder.ts';
import type { AgentState } from '../state.ts';
import type { Input } from '../step.ts';
import { ms } from '../time.ts';
import { describe } from '../watchdog/describe.ts';
import { allowed, nextRung, POLICIES } from '../watchdog/ladder.ts';
import { nudgeText, redirectText } from '../watchdog/messages.ts';
import { triedSoFar } from '../watchdog/tell.ts';
import { type Due, progressDue } from '../watchdog/due.ts';
import { adviceLeft } from '../watchdog/advice.ts';
import type { Advice, Finding, Rung } from '../watchdog/types.ts';
import { asksForChange } from '../watchdog/words.ts';
import { interruptTurn } from './interrupt.ts';
import { judge, serviceUntil } from './restart.ts';
import { passVerdict } from './status.ts';
import { orderSwitch } from './switch.ts';
import type { Work } from './work.ts';

/** Once per look: what has lapsed is taken back, what got on is said, what is due is done. */
export function tendLadder(w: Work, agent: AgentState): void {
  lapse(w, agent);
  if (agent.ladder.rung !== null && agent.ladder.fresh >= RECOVERED_RESULTS)
    reset(w, agent, `${agent.ladder.fresh} calls with new results since then`);
}

/** What is found, when its time has come. */
export function onProgressDue(w: Work, agent: AgentState): void {
  const due = progressDue(agent, w.settingsOf(agent));
  if (due === null || due.at > w.now || streamed(w, agent, due) || late(w, agent, due)) return;
  const finding = describe(agent, due.kind, w.now, w.settingsOf(agent));
  if (asksAdvice(w, agent, due)) {
    say(w, agent, finding, 'ask_advice', { ambiguous: true });
    return;
  }
  const rung = nextRung(agent, due.kind, w.settingsOf(agent));
  if (rung !== null) take(w, agent, finding, rung, null);
}

/** A long answer comes in as deltas, which are no events: the hosts' beats have told. */
function streamed(w: Work, agent: AgentState, due: Due): boolean {
  if (due.kind !== 'stalled' && due.kind !== 'mute') return false;
  const heardAt = w.heard.get(agent.id);
  const { watch, ladder } = agent;
  const known = [watch.heardAt, watch.countFrom, ladder.at].map((at) => (at === null ? 0 : ms(at)));
  if (heardAt === undefined || ms(heardAt) <= Math.max(...known) || ms(heardAt) > w.now) return false;
  emit(w, agent, {
    observation: 'text is still streaming in',
    verdict: 'streaming',
    action: 'wait',
    evidence: `last byte at ${heardAt}`,
    heardAt,
  });
  return true;
}

/** Time that nobody counted (the machine slept, the supervisor was away) proves nothing: it is counted anew, once. */
function late(w: Work, agent: AgentState, due: Due): boolean {
  if (w.now - due.at < LATE_LIMIT_MS || !CLOCKED.has(due.kind)) return false;
  emit(w, agent, {
    observation: `nobody looked for ${Math.round((w.now - due.at) / 1_000)} s after its time was up`,
    verdict: 'late',
    action: 'wait',
    evidence: `due at ${new Date(due.at).toISOString()}`,
  });
  return true;
}

const CLOCKED: ReadonlySet<Due['kind']> = new Set(['stalled', 'tool_limit', 'mute']);

function asksAdvice(w: Work, agent: AgentState, { kind }: Due): boolean {
  const { asked } = agent.ladder;
  if (!POLICIES[kind].ambiguous || !adviceLeft(w.state, w.settings, w.now)) return false;
  return asked?.finding !== kind || (!asked.open && agent.ladder.extended < EXTENSIONS_LIMIT);
}

function take(w: Work, agent: AgentState, finding: Finding, rung: Rung, advice: Advice | null): void {
  RUNG_ACTS[rung](w, agent, finding, advice);
}

const tried = (agent: AgentState): string => triedSoFar(agent.ladder) ?? 'only watched';

type Act = (w: Work, agent: AgentState, finding: Finding, advice: Advice | null) => void;

const RUNG_ACTS = {
  note: record('note'),
  nudge: (w, agent, finding, advice) => {
    record('nudge')(w, agent, finding, advice);
    tell(w, agent, nudgeText(finding, advice?.text ?? null), agent.cli.turn);
  },
  redirect: (w, agent, finding, advice) => {
    const inHand = nudgeInHand(agent);
    record('redirect')(w, agent, finding, advice);
    interruptTurn(w, agent);
    if (finding.kind === 'retrying') holdForService(w, agent, finding);
    // A nudge that the host still holds, for a CLI that cannot be steered, goes in at the end of the turn.
    else if (!inHand) tell(w, agent, redirectText(finding, agent), false);
  },
  restart: restart('restart'),
  fresh: restart('fresh'),
  hand_over: (w, agent, finding, advice) => {
    // The fallbacks that are left may be limited at the moment: then there is nobody to hand over to.
    if (freeRunner(w.state, agent, agent.runner.n, w.now) === null) return RUNG_ACTS.ask(w, agent, finding, advice);
    record('hand_over')(w, agent, finding, advice);
    orderSwitch(w, agent, { to: 'next', when: 'now', why: finding.observation });
  },
  ask: (w, agent, finding, advice) => {
    const reason = `${finding.observation}; what was tried did not help`;
    const hint = `\`tutti logs ${agent.name}\` shows it; \`tutti resume ${agent.name}\` goes on, \`tutti restart --fresh ${agent.name}\` begins anew`;
    // The verdict first: where the log breaks off between the two, it is heard of all the same.
    passVerdict(w, agent, { gate: 'failed', reason, hint, resumeAt: null });
    record('ask')(w, agent, finding, advice);
    emit(w, agent, {
      observation: finding.observation,
      verdict: finding.kind,
      action: 'alert',
      evidence: `it was ${tried(agent)}; ${finding.evidence}`,
    });
  },
} satisfies Record<Rung, Act>;

function record(action: Rung): Act {
  return (w, agent, finding, advice) => {
    if (advice === null) say(w, agent, finding, action);
    else sayAdvised(w, agent, finding, action, advice);
  };
}

function restart(rung: 'restart' | 'fresh'): Act {
  return (w, agent, finding, advice) => {
    record(rung)(w, agent, finding, advice);
    w.slotFreed = true;
    const reason = `${runnerOf(agent).cli}: ${finding.observation}`;
    passVerdict(w, agent, judge(w, agent, runnerOf(agent).cli, agent.tally.cli, agent.tally.attempt, reason, null));
  };
}

/** The supervisor decides when to try the service again, not the CLI. */
function holdForService(w: Work, agent: AgentState, finding: Finding): void {
  const reason = `the service does not answer: ${agent.cli.lastError?.message ?? finding.observation}`;
  passVerdict(w, agent, { gate: 'limited', reason, hint: null, resumeAt: serviceUntil(w, agent) });
}

const nudgeInHand = ({ ladder, queue }: AgentState): boolean =>
  queue.some((m) => m.messageId === ladder.message?.id && m.state === 'sent' && !m.unsure);

function tell(w: Work, agent: AgentState, text: string, now: boolean): void {
  const messageId = agent.ladder.message?.id ?? ladderMessageId(agent, w.state.seq);
  const body = {
    type: 'delivery',
    messageId,
    state: 'queued',
    content: text,
    from: 'supervisor',
    now,
    front: true,
  } as const;
  w.emit(agent.id, body, { durable: true, by: 'supervisor' });
}

/** What was said about a turn, or to a process, that is over: nobody has to hear it any more. */
function lapse(w: Work, agent: AgentState): void {
  const { message } = agent.ladder;
  if (message === null) return;
  const queued = agent.queue.find((m) => m.messageId === message.id);
  if (!queued || (queued.state === 'sent' && !queued.unsure)) return;
  const sameTurn = message.turn === null || (agent.cli.turn && agent.turns === message.turn);
  if (message.incarnation === agent.cli.incarnation && sameTurn && !queued.unsure) return;
  w.emit(
    agent.id,
    { type: 'delivery', messageId: message.id, state: 'refused', why: 'what it was about is over' },
    { durable: true, by: 'supervisor' },
  );
}

interface Said {
  observation: string;
  verdict: string;
  action: string;
  evidence: string;
  ambiguous?: boolean;
  heardAt?: string;
}

function emit(w: Work, agent: AgentState, said: Said): void {
  w.emit(agent.id, { type: 'watchdog', layer: 1, ...said }, { by: 'supervisor', durable: true });
  const asks = said.ambiguous === true && adviceLeft(w.state, w.settings, w.now);
  if (asks) w.effect({ do: 'triage', agentId: agent.id, seq: w.state.seq });
}

function say(w: Work, agent: AgentState, finding: Finding, action: string, more: { ambiguous?: boolean } = {}): void {
  const { kind: verdict, observation, evidence } = finding;
  emit(w, agent, { observation, verdict, action, evidence, ...more });
}

function reset(w: Work, agent: AgentState, evidence: string): void {
  emit(w, agent, {
    observation: 'it gets on again',
    verdict: 'recovered',
    action: 'reset',
    evidence: `${evidence}; it had been ${tried(agent)}`,
  });
}

// --- the end of a turn -----------------------------------------------------------------------------------------------

/** A turn that ended `ok` is looked at twice: success is what the CLI says, not what it is. */
export function judgeTurn(w: Work, agent: AgentState): void {
  const { watch, ladder } = agent;
  const kind = closing(agent);
  const stuck = kind === 'surrender' || kind === 'question';
  if (ladder.rung !== null && !stuck && (watch.fresh > 0 || watch.steps === 0))
    reset(w, agent, `turn ${agent.turns} ended ok`);
  if (kind === null) return;
  const finding = describe(agent, kind, w.now, w.settingsOf(agent));
  const rung =
    kind === 'surrender' && agent.spec.task !== null && agent.queue.length === 0 ? surrenderRung(w, agent) : 'note';
  if (rung === 'nudge') take(w, agent, finding, 'nudge', null);
  else say(w, agent, finding, 'note', POLICIES[kind].ambiguous ? { ambiguous: true } : {});
}

/** Layer 2 reads the words first where there is one; it may nudge. */
function surrenderRung(w: Work, agent: AgentState): 'note' | 'nudge' {
  if (adviceLeft(w.state, w.settings, w.now)) return 'note';
  return (agent.ladder.taken.nudge ?? 0) < w.settingsOf(agent).ladder.nudges ? 'nudge' : 'note';
}

function closing({ watch, lastExchange }: AgentState): 'surrender' | 'question' | 'denied' | 'no_change' | null {
  if (watch.ending === 'surrender' || watch.ending === 'question') return watch.ending;
  if (watch.denied > 0) return 'denied';
  return !watch.changed && asksForChange(lastExchange.user ?? '') ? 'no_change' : null;
}

// --- layer 2 ---------------------------------------------------------------------------------------------------------

/** Advice is put on record as it is; what comes of it is what the ladder allows at this moment. */
export function onAdvice(w: Work, { agentId, advice }: Extract<Input, { type: 'advice' }>): void {
  const agent = w.touch(agentId);
  const asked = agent?.ladder.asked;
  if (!agent) {
    if (advice.spent) w.emit(null, adviceBody(advice, 'none', 'the agent is gone'), { by: 'supervisor' });
    return;
  }
  if (!asked?.open || asked.seq !== advice.seq) {
    adviceEvent(w, agent, advice, 'none', 'it was about something that is over');
    return;
  }
  const { finding: kind } = asked;
  const finding = describe(agent, kind, w.now, w.settingsOf(agent));
  const rung = allowed(agent, advice, kind, w.settingsOf(agent));
  const spoken = kind === 'question' || kind === 'surrender';
  const holds = spoken ? !agent.cli.turn : progressDue(agent, w.settingsOf(agent))?.kind === kind;
  let rest = advice;
  if (advice.action === 'ask') {
    adviceEvent(w, agent, advice, 'alert', finding.observation);
    // What asking has cost is counted once.
    const { spent: _counted, ...without } = advice;
    rest = without;
  }
  if (!holds || rung === null)
    adviceEvent(w, agent, rest, 'none', 'what it was about is over, or nothing more is allowed');
  else if (rung === 'extend') adviceEvent(w, agent, rest, spoken ? 'none' : 'extend', finding.observation);
  else take(w, agent, finding, rung, rest);
}

function adviceEvent(w: Work, agent: AgentState, advice: Advice, action: string, observation: string): void {
  w.emit(agent.id, adviceBody(advice, action, observation), { by: 'supervisor', durable: true });
}

/** Whether or not it is said to the agent, what it would say is on record. */
function adviceBody({ action: verdict, text, why, spent }: Advice, action: string, observation: string): WatchdogBody {
  const evidence = text === null ? why : `${why}; in its words: ${text}`;
  return { type: 'watchdog', layer: 2, observation, verdict, action, evidence, ...(spent ? { spent } : {}) };
}

type WatchdogBody = Extract<EventBody, { type: 'watchdog' }>;

function sayAdvised(w: Work, agent: AgentState, finding: Finding, action: Rung, advice: Advice): void {
  adviceEvent(w, agent, advice, action, finding.observation);
}
