/**
 * Budgets: warned at 80 %, stopped at 100 %. The host ends a running turn between two model calls (it has the caps from `configure`);
 * here it is decided what follows: nothing more is started for the agent until a cap is raised, or the day is over.
 */
import { agentsOf, atBoundary, runnerOf } from '../agent.ts';
import { type Cap, capsOf, capText, isUsedUp, pursesOf, usedText, usedUp, usedUpText } from '../budget/caps.ts';
import { dateOf, nextDay } from '../budget/day.ts';
import { ownRest, restUsd } from '../budget/order.ts';
import type { DriverEventBody } from '../event.ts';
import { estimateUsd, priceOf, reportsCost } from '../prices.ts';
import type { AgentState } from '../state.ts';
import { iso } from '../time.ts';
import { configure } from './configure.ts';
import { passVerdict, lift } from './status.ts';
import type { Work } from './work.ts';

/** A person is warned at this part of a cap. */
const WARN_AT = 0.8;
/** A CLI whose own cap leaves it less than this part of what is really left is started anew, with what is left. */
const RENEW_BELOW = 0.5;

type Usage = Extract<DriverEventBody, { type: 'usage' }>;

export const today = (w: Work): string => dateOf(w.now, w.settings.budgets.timezone);

export const capsNow = (w: Work, agent: AgentState): Cap[] => capsOf(w.state, w.settings.budgets, agent, today(w));

/** Usage as it is recorded: with its local date, and with what it costs where the CLI does not say. @param at when it was said, in milliseconds since the epoch */
export function priced(w: Work, agent: AgentState, usage: Usage, at: number): Usage {
  const { prices, timezone } = w.settings.budgets;
  const day = dateOf(at, timezone);
  if (usage.costUsd !== null) return { ...usage, day };
  const price = priceOf(usage.model ?? agent.model, prices);
  return { ...usage, day, estimatedUsd: estimateUsd(runnerOf(agent).cli, agent.purse.reported, usage, price) };
}

/** After usage was recorded: warnings that are due, and those who share a cap are looked at when it is reached. */
export function onUsage(w: Work, agent: AgentState): void {
  const caps = capsNow(w, agent);
  for (const cap of caps) {
    if (cap.used < cap.cap * WARN_AT) continue;
    if (isUsedUp(cap)) tell(w, agent, cap, 100);
    else tell(w, agent, cap, 80);
  }
  if (!reportsCost(runnerOf(agent).cli) && agent.purse.unpriced > 0) tellUnpriced(w, agent, caps);
  if (caps.some((cap) => cap.purse !== null)) touchSharers(w, agent);
}

/** A cap in USD that cannot be kept is said once: silence would promise it. */
function tellUnpriced(w: Work, agent: AgentState, caps: Cap[]): void {
  const cap = caps.find(({ unit }) => unit === 'usd');
  const model = agent.model ?? 'its model';
  const mark = `no price ${model}`;
  if (!cap || agent.purse.told.includes(mark)) return;
  w.emit(
    agent.id,
    {
      type: 'watchdog',
      layer: 1,
      observation: `no price is known for ${model}: the ${capText(cap)} cannot be kept`,
      verdict: 'price_unknown',
      action: 'alert',
      evidence: `${agent.purse.unpriced} tokens without a price`,
      purse: null,
      cap: mark,
    },
    { by: 'supervisor', durable: true },
  );
}

/** Their part of what is left may have changed, or nothing may be left. */
function touchSharers(w: Work, agent: AgentState): void {
  const purses = new Set(pursesOf(agent));
  for (const other of agentsOf(w.state)) {
    if (other.id === agent.id || other.wanted === 'down' || other.host.phase !== 'up') continue;
    if (pursesOf(other).some((purse) => purses.has(purse))) w.touched.add(other.id);
  }
}

/** Once for each cap and crossing: the mark has the cap's figure, so that a raised cap is warned of anew. */
function tell(w: Work, agent: AgentState, cap: Cap, percent: 80 | 100): void {
  const mark = markOf(w, cap, percent);
  const purse = cap.purse === null ? agent.purse : w.state.purses[cap.purse];
  if (purse?.told.includes(mark)) return;
  const share = Math.floor((cap.used / cap.cap) * 100);
  w.emit(
    agent.id,
    {
      type: 'watchdog',
      layer: 1,
      observation: percent === 100 ? usedUpText(cap) : `${share} % of the ${capText(cap)} is used`,
      verdict: percent === 100 ? 'budget_used_up' : 'budget_low',
      action: 'alert',
      evidence: `${usedText(cap)} of ${cap.cap} ${cap.unit === 'usd' ? 'USD' : 'tokens'}${cap.daily ? ` on ${today(w)}` : ''}`,
      purse: cap.purse,
      cap: mark,
    },
    { by: 'supervisor', durable: true },
  );
}

const markOf = (w: Work, { daily, unit, cap, name }: Cap, percent: number): string =>
  `${name} ${unit} ${cap} ${daily ? `${today(w)} ` : ''}${percent}`;

/** Something waits to be done: without it, an agent over its budget is only idle. */
const hasWork = (agent: AgentState): boolean =>
  agent.queue.length > 0 || agent.owes !== null || agent.cli.turnCutShort || agent.turns === 0;

/** For one agent: what holds of its budget at this moment. */
export function keepBudget(w: Work, agent: AgentState): void {
  const caps = capsNow(w, agent);
  if (caps.length === 0) {
    if (agent.overBudget) lift(w, agent);
    return;
  }
  const reached = usedUp(caps);
  if (reached === null) {
    if (agent.overBudget) lift(w, agent);
    renew(w, agent, caps);
  } else if (!agent.cli.turn && hasWork(agent) && (agent.gate === null || agent.overBudget)) stop(w, agent, reached);
  configure(w, agent);
}

function stop(w: Work, agent: AgentState, cap: Cap): void {
  const verdict = verdictOf(w, agent, cap);
  if (agent.overBudget && agent.gate === verdict.gate && agent.reason === verdict.reason) return;
  passVerdict(w, agent, verdict);
}

function verdictOf(w: Work, agent: AgentState, cap: Cap) {
  const reason = usedUpText(cap);
  const mark = markOf(w, cap, 100);
  if (cap.daily) {
    const resumeAt = iso(nextDay(w.now, w.settings.budgets.timezone));
    return { gate: 'limited', reason, hint: hintFor(agent, cap), resumeAt, cap: mark } as const;
  }
  return { gate: 'failed', reason, hint: hintFor(agent, cap), resumeAt: null, cap: mark } as const;
}

/** How a reached cap is raised. */
export function hintFor(agent: AgentState, cap: Cap): string {
  const [kind = '', name = ''] = (cap.purse ?? '').split(/:(?:.*\/)?/);
  const key = cap.daily ? `budget.perDay.${cap.unit}` : `budget.${cap.unit}`;
  const over = cap.daily ? 'it goes on tomorrow, or ' : '';
  if (kind === 'all') return `${over}raise limits.day.${cap.unit} in config.yaml, then \`tutti supervisor restart\``;
  if (kind === 'account') return `${over}raise accounts.${name}.${key} in tutti.yaml, then \`tutti up\``;
  if (kind === 'zone') return `${over}raise zones.${name}.${key} in tutti.yaml, then \`tutti up\``;
  const declared = agent.declared ? 'raise' : 'declare the agent in tutti.yaml with a higher';
  return `${over}${declared} agents.${agent.name}.${key}, then \`tutti up\``;
}

/** Between turns: a CLI that would stop by itself long before the caps is started anew with what is left now. */
function renew(w: Work, agent: AgentState, caps: Cap[]): void {
  const own = ownRest(agent);
  const rest = restUsd(caps);
  if (own === null || rest === null || agent.restartWanted !== null || agent.gate !== null) return;
  if (!atBoundary(agent) || !hasWork(agent) || own >= rest * RENEW_BELOW) return;
  w.emit(
    agent.id,
    {
      type: 'watchdog',
      layer: 1,
      observation: `the CLI would stop by itself after ${Math.max(0, own).toFixed(4)} USD, and ${rest.toFixed(4)} USD are left`,
      verdict: 'budget_raised',
      action: 'renew',
      evidence: `told at the start of incarnation ${agent.cli.incarnation}`,
    },
    { by: 'supervisor', durable: true },
  );
}

/** The CLI ended its turn for a budget that is not one of ours (a setting of its own): a person has to look at it. */
export function onOwnBudget(w: Work, agent: AgentState, stoppedByUs: boolean): void {
  const caps = capsNow(w, agent);
  const own = ownRest(agent);
  const rest = restUsd(caps);
  const stale =
    own !== null && rest !== null && own < rest * RENEW_BELOW && runnerOf(agent).settings.maxBudgetUsd === undefined;
  if (stoppedByUs || stale || usedUp(caps) !== null) return;
  passVerdict(w, agent, {
    gate: 'failed',
    reason: agent.cli.lastError?.message ?? 'the CLI says that its budget is used up',
    hint: 'give it a larger budget (it is a setting of the CLI itself, no cap of tutti), then `tutti resume`',
    resumeAt: null,
  });
}

/** Why a resumed agent would stop again at once; null = it may go on. */
export function refusal(w: Work, agent: AgentState): { message: string; hint: string } | null {
  const reached = usedUp(capsNow(w, agent));
  return reached && { message: `${agent.name}: ${usedUpText(reached)}`, hint: hintFor(agent, reached) };
}
