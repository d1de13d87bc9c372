/** What layer 2 is shown of an agent: the finding, and its latest events in few words. Bounded; secrets replaced. Pure. */
import type { EventType, TuttiEvent } from '../core/event.ts';
import type { AgentState } from '../core/state.ts';
import type { TriageQuestion } from './triage-port.ts';

/** Events shown, the newest; one of them, and all of them together, in characters. */
const EVENTS_SHOWN = 40;
const LINE_CHARS = 300;
const EVENTS_CHARS = 10_000;
const TASK_CHARS = 1_000;
const FACT_CHARS = 1_000;

type EventOf<T extends EventType> = Extract<TuttiEvent, { type: T }>;
type Teller<T extends EventType> = (event: EventOf<T>) => string | null;

const silent = (): null => null;
const json = (value: unknown): string => JSON.stringify(value);

/** What each kind of event tells of an agent's progress; null where it tells nothing. */
const TELL: { [T in EventType]: Teller<T> } = {
  agent_spawned: silent,
  agent_killed: silent,
  agent_status: (e) => `state ${e.state}${e.reason ? `: ${e.reason}` : ''}`,
  turn: (e) => (e.phase === 'end' ? `turn ${e.number} ended: ${e.outcome}` : `turn ${e.number} began`),
  thinking: (e) => `agent thinks: ${e.content}`,
  message: (e) => `${e.role === 'assistant' ? 'agent says' : `message from ${e.from ?? 'a person'}`}: ${e.content}`,
  tool_call: (e) => `call ${e.tool} ${json(e.args)}`,
  tool_result: (e) => `result of ${e.tool}${e.isError ? ' (failed)' : ''}: ${e.result}`,
  usage: silent,
  rate_limit: (e) => (e.limit === 'allowed' ? null : `limit ${e.limit}`),
  retry: (e) => `the CLI tries again: ${e.error}`,
  permission: (e) => `${e.kind} for ${e.tool}: ${e.decision}`,
  guard: (e) => (e.verdict === 'allow' ? null : `rule ${e.rule}: ${e.verdict} ${e.tool}`),
  watchdog: (e) => `watchdog: ${e.observation}; ${e.action}`,
  exit: (e) => `the CLI ended: ${e.cause}`,
  error: (e) => `error ${e.code}: ${e.message}`,
  session: silent,
  activity: silent,
  compaction: () => 'the conversation was compacted',
  delivery: silent,
  host: silent,
  command: silent,
  account: silent,
  config: silent,
  raw: silent,
};

const cut = (text: string, chars: number): string => (text.length > chars ? `${text.slice(0, chars)}…` : text);

/**
 * @param seq of the finding that it is about
 * @param events of this agent, oldest first
 * @param redact replaces secrets; before anything is cut, so that no half of one is left
 * @returns null when the finding is not among the events (any more)
 */
export function questionOf(
  agent: AgentState,
  seq: number,
  events: TuttiEvent[],
  redact: (text: string) => string,
): TriageQuestion | null {
  const finding = events.findLast((event) => event.seq === seq);
  if (finding?.type !== 'watchdog') return null;
  const safe = (text: string, chars: number): string => cut(redact(text), chars);
  return {
    cli: agent.spec.cli,
    state: agent.state,
    task: agent.spec.task === null ? null : safe(agent.spec.task, TASK_CHARS),
    finding: finding.verdict,
    observation: safe(finding.observation, FACT_CHARS),
    evidence: safe(finding.evidence, FACT_CHARS),
    events: lines(events, safe),
  };
}

/** The newest that fit, oldest first. */
function lines(events: TuttiEvent[], safe: (text: string, chars: number) => string): string[] {
  const shown: string[] = [];
  let chars = 0;
  for (const event of events.toReversed()) {
    const told = (TELL[event.type] as Teller<EventType>)(event);
    if (told === null) continue;
    const line = `${event.at.slice(11, 19)} ${safe(told, LINE_CHARS)}`;
    chars += line.length;
    if (chars > EVENTS_CHARS || shown.length >= EVENTS_SHOWN) break;
    shown.unshift(line);
  }
  return shown;
}
