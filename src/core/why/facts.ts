/** What holds at this moment and bears on an agent's state, in sentences. */
import { limitsOn, probeOf } from '../accounts/hold.ts';
import { keysOf, turnOf } from '../accounts/keys.ts';
import { runnerOf } from '../agent.ts';
import { answerHint, askedText } from '../asked.ts';
import { capsOf, capText, isUsedUp, usedText } from '../budget/caps.ts';
import { dateOf } from '../budget/day.ts';
import { startWait } from '../fleet/fleet.ts';
import { scheduleDue } from '../schedule/schedule.ts';
import type { AgentState } from '../state.ts';
import { iso, ms } from '../time.ts';
import { triedSoFar } from '../watchdog/tell.ts';
import type { Around } from './index.ts';

type Facts = (agent: AgentState, around: Around) => string[];

/** A cap is worth a word from this share on. */
const NEAR = 0.8;

function standing(a: AgentState): string[] {
  const said = [`it is ${a.state} since ${a.since}${a.reason ? `: ${a.reason}` : ''}`];
  if (a.wanted !== 'up') said.push(`it is wanted ${a.wanted}`);
  if (a.resumeAt !== null) said.push(`it goes on at ${a.resumeAt}`);
  if (a.gate === 'failed') said.push('nothing is done for it before a person says so: `tutti resume` or a message');
  if (a.runner.n > 0) {
    const { cli, model } = runnerOf(a);
    said.push(
      `it goes on with ${cli}${model ? ` ${model}` : ''} for the time being${a.runner.why ? `: ${a.runner.why}` : ''}`,
    );
  }
  return said;
}

/** Which account, until when, how that is known, and who tries. */
function limits(a: AgentState, { state }: Around): string[] {
  const held = limitsOn(state, a).map(({ key, account }) => {
    const scope = account.scope === null ? '' : ` (${account.scope})`;
    const until = account.until === null ? '' : `; nobody of it begins a turn before ${account.until}`;
    const told =
      account.resetsAt === null
        ? `; nobody told when it ends, so the waits grow (this is number ${account.attempt})`
        : `, for it resets at ${account.resetsAt}`;
    const probe = probeOf(state, account);
    const tries = probe === null ? '' : `; ${probe.id === a.id ? 'this agent' : probe.name} tries first`;
    return `account ${key} is at a limit${scope} since ${account.since}${until}${told}${tries}`;
  });
  const turns = keysOf(a).flatMap((key) => {
    const turn = turnOf(state, key, a.id);
    return turn === null
      ? []
      : [`the limit of account ${key} is over; its agents go on one after another, this one at ${turn}`];
  });
  return [...held, ...turns];
}

function fleet(a: AgentState, { state, settings }: Around): string[] {
  const { hold } = state.fleet;
  if (hold !== null) {
    const until = hold.probe === null ? `until ${hold.until}` : 'until the one that tries is well';
    return [`the whole fleet is held ${until}: ${hold.died} agents ended together, which is one cause`];
  }
  const wait = startWait(state, a, settings);
  return wait === null ? [] : [wait.reason];
}

function budgets(a: AgentState, { state, settings, now }: Around): string[] {
  const today = dateOf(now, settings.budgets.timezone);
  return capsOf(state, settings.budgets, a, today)
    .filter((cap) => cap.used >= cap.cap * NEAR)
    .map((cap) => {
      const left = isUsedUp(cap) ? (cap.daily ? 'used up for today' : 'used up') : 'nearly used up';
      return `${capText(cap)} is ${left}: ${usedText(cap)} so far`;
    });
}

const requests: Facts = (a) =>
  Object.values(a.requests).map(
    (r) => `${r.what} ${r.requestId} waits for a person since ${r.at}: ${askedText(r)}; ${answerHint(a.name, r)}`,
  );

function work(a: AgentState): string[] {
  const said: string[] = [];
  if (a.host.phase === 'up' && !a.host.linked && a.wanted !== 'down') {
    said.push('its pane host has not answered since the supervisor started; nothing is started for it meanwhile');
  }
  const [first] = a.queue;
  if (first) said.push(`${a.queue.length} message(s) wait, the oldest since ${first.at} (${first.state})`);
  if (a.cli.turn && a.cli.turnStartedAt !== null) said.push(`a turn runs since ${a.cli.turnStartedAt}`);
  const calls = Object.values(a.openCalls).toSorted((x, y) => ms(x.at) - ms(y.at));
  if (calls[0]) said.push(`tool ${calls[0].tool} runs since ${calls[0].at}`);
  return said;
}

function ladder(a: AgentState): string[] {
  const said: string[] = [];
  const tried = triedSoFar(a.ladder);
  const saw = a.ladder.observation ?? 'it does not get on';
  if (tried !== null) said.push(`the watchdog saw that ${saw}; since it last got on it was ${tried}`);
  if (a.ladder.asked?.open) said.push(`a model is asked for advice on it since ${a.ladder.asked.at}`);
  return said;
}

const deaths: Facts = ({ tally }) =>
  tally.attempt > 0
    ? [`${tally.attempt} unexpected end(s) in a row; the first restart is at once, each further one waits longer`]
    : [];

const checkIns: Facts = (a, { state }) =>
  Object.values(state.schedules)
    .filter(({ agent, project }) => agent === a.name && project === a.project)
    .map((schedule) => {
      const due = scheduleDue(schedule);
      const when = due !== null ? `at ${iso(due)}` : schedule.when.kind === 'cron' ? `by ${schedule.when.cron}` : '';
      return `check-in ${schedule.name} wakes it ${when}`;
    });

/** In the order in which a person would ask. */
const FACTS: readonly Facts[] = [standing, limits, fleet, budgets, requests, work, ladder, deaths, checkIns];

export const factsOf: Facts = (agent, around) => FACTS.flatMap((facts) => facts(agent, around));
