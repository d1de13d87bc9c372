/** A finding in words: what was seen, and the facts that say so. For the log, for `why`, and for the agent itself. */
import { formatDuration } from '../config/duration.ts';
import type { AgentState } from '../state.ts';
import type { Settings } from '../step.ts';
import { ms } from '../time.ts';
import type { Finding, FindingKind } from './types.ts';

/** Words quoted from an agent's text. Characters. */
const QUOTE_CHARS = 160;

type Teller = (a: AgentState, now: number, s: Settings) => Omit<Finding, 'kind'>;

const since = (at: string | null, now: number): string => (at === null ? 'ever' : formatDuration(now - ms(at)));
const lastCall = (a: AgentState): string => a.watch.calls.at(-1)?.what ?? 'a call';

/** The end of a text; of one that was kept only in part, its end is not known. */
const lastWords = (text: string | null): string =>
  text?.endsWith('…') ? 'its last words are in `tutti logs`' : `its last words: ${quote(text)}`;

const quote = (text: string | null): string => {
  const line = (text ?? '').replaceAll(/\s+/g, ' ').trim();
  return line.length > QUOTE_CHARS ? `"…${line.slice(-QUOTE_CHARS)}"` : `"${line}"`;
};

/** The shortest period that repeats, as calls in words. */
function cycle(a: AgentState, s: Settings): string[] {
  const period = a.watch.runs.findIndex((run, i) => run >= (i + 1) * (s.loop.repeats - 1)) + 1;
  return a.watch.calls.slice(-Math.max(period, 1)).map(({ what }) => what);
}

const TELLERS = {
  stalled: (a, now) => ({
    observation: `nothing was heard of the running turn for ${since(a.watch.heardAt ?? a.cli.turnStartedAt, now)}, and no tool runs`,
    evidence: `last sign of life ${a.watch.heardAt ?? 'none'}, turn ${a.turns} since ${a.cli.turnStartedAt ?? '?'}`,
  }),
  tool_limit: (a, now) => {
    const [call] = Object.values(a.openCalls).toSorted((x, y) => ms(x.at) - ms(y.at));
    return {
      observation: `one tool call runs for ${since(call?.at ?? null, now)}: ${call?.what ?? call?.tool ?? 'unknown'}`,
      evidence: `called at ${call?.at ?? '?'}, no result; last sign of life ${a.watch.heardAt ?? 'none'}`,
    };
  },
  mute: (a, now) => ({
    observation: `it was given a message and has not said anything since it was started ${since(a.cli.at, now)} ago`,
    evidence: `incarnation ${a.cli.incarnation} is ready since ${a.cli.at ?? '?'}`,
  }),
  unanswered: (a) => ({
    observation: `${a.watch.noTurns} messages in a row are in its conversation and no turn came of them`,
    evidence: `incarnation ${a.cli.incarnation}, last turn ${a.turns}`,
  }),
  compacting: (a) => ({
    observation: `it compacted its conversation ${a.watch.compactions} times in one turn with nothing new in between`,
    evidence: `context ${a.context.used ?? '?'} of ${a.context.limit ?? '?'} tokens`,
  }),
  retrying: (a) => ({
    observation: `the CLI tried the service ${a.watch.retries} times in a row without an answer`,
    evidence: `last error: ${a.cli.lastError?.message ?? 'none reported'}`,
  }),
  call_loop: (a) => ({
    observation: `it made the same call with the same result ${a.watch.runs[0] + 1} times in a row: ${lastCall(a)}`,
    evidence: `tool, arguments and result are equal; ${a.watch.steps} calls in this turn`,
  }),
  call_cycle: (a, _now, s) => {
    const calls = cycle(a, s);
    return {
      observation: `it goes round in a circle of ${calls.length} calls with the same results: ${calls.join(' · ')}`,
      evidence: `${a.watch.runs[(calls.length - 1) as 0 | 1 | 2 | 3] + calls.length} calls in a row repeat it; ${a.watch.steps} calls in this turn`,
    };
  },
  undo_loop: (a) => ({
    observation: `its last ${a.watch.undone + 1} edits undo each other`,
    evidence: `each put back what an earlier one had changed; the last call: ${lastCall(a)}`,
  }),
  text_loop: (a) => ({
    observation:
      a.watch.ending === 'repetition'
        ? 'what it says repeats itself word for word'
        : `it said the same ${a.watch.textRun} times in a row`,
    evidence: `no new result in between; ${a.watch.steps} calls in this turn`,
  }),
  errors: (a) => ({
    observation: `${a.watch.failedRun} calls in a row failed`,
    evidence: a.watch.failures.slice(-3).join('; '),
  }),
  max_steps: (a, _now, s) => ({
    observation: `this turn has ${a.watch.steps} calls, and ${s.maxSteps ?? 0} are allowed`,
    evidence: `watchdog.maxSteps is ${s.maxSteps ?? 0}`,
  }),
  no_change: (a) => ({
    observation: 'a change was asked for and the turn ended without one',
    evidence: `${a.watch.steps} calls, none of which wrote, edited or ran anything; asked: ${quote(a.lastExchange.user?.slice(0, QUOTE_CHARS) ?? null)}`,
  }),
  denied: (a) => ({
    observation: `the turn ended as a success though ${a.watch.denied} of its requests were refused`,
    evidence: `turn ${a.turns}, ${a.watch.steps} calls`,
  }),
  question: (a) => ({
    observation: 'the turn ended with a question',
    evidence: lastWords(a.lastExchange.assistant),
  }),
  surrender: (a) => ({
    observation: 'the turn ended with the agent giving up',
    evidence: lastWords(a.lastExchange.assistant),
  }),
} satisfies Record<FindingKind, Teller>;

export const describe = (a: AgentState, kind: FindingKind, now: number, s: Settings): Finding => ({
  kind,
  ...(TELLERS[kind] as Teller)(a, now, s),
});
