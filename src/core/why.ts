/** `tutti why`: the chain of causes behind an agent's present state, from what is on record; newest first. */
import type { EventType, TuttiEvent } from './event.ts';
import { ms } from './time.ts';
import { tellWatchdog, triedSoFar } from './watchdog/tell.ts';
import type { AgentState } from './state.ts';

export interface WhyLink {
  at: string | null;
  seq: number | null;
  text: string;
}

export interface WhyChain {
  agent: string;
  state: string;
  reason: string | null;
  hint: string | null;
  chain: WhyLink[];
}

/** Longest chain. */
const CHAIN_LIMIT = 20;
const TEXT_LIMIT = 300;

type EventOf<T extends EventType> = Extract<TuttiEvent, { type: T }>;
type Teller<T extends EventType> = (event: EventOf<T>) => string | null;

const silent = (): null => null;

/** What each kind of event says as a cause; null where it is none. */
const TELL: { [T in EventType]: Teller<T> } = {
  agent_spawned: (e) => `it was declared by ${e.cause?.by ?? 'someone'}`,
  agent_killed: () => 'it was removed',
  agent_status: (e) =>
    `it became ${e.state}${e.reason ? `: ${e.reason}` : ''}${e.resumeAt ? ` (until ${e.resumeAt})` : ''}`,
  turn: (e) => (e.phase === 'end' ? `turn ${e.number ?? '?'} ended: ${e.outcome}` : `turn ${e.number ?? '?'} began`),
  thinking: silent,
  message: silent,
  tool_call: silent,
  tool_result: silent,
  usage: silent,
  rate_limit: (e) =>
    e.limit === 'rejected' ? `a limit refused it${e.resetsAt ? `; it resets at ${e.resetsAt}` : ''}` : null,
  retry: (e) => `the CLI tries again by itself: ${e.error}`,
  permission: (e) => `${e.kind} ${e.requestId} for ${e.tool}: ${e.decision}${e.by ? ` by ${e.by}` : ''}`,
  guard: (e) => (e.verdict === 'allow' ? null : `rule ${e.rule} said ${e.verdict}: ${e.why}`),
  watchdog: tellWatchdog,
  exit: (e) => `the CLI ended (${e.cause}; ${e.signal ? `signal ${e.signal}` : `code ${e.code ?? 'unknown'}`})`,
  error: (e) => `error ${e.code}: ${e.message}`,
  session: (e) => (e.resumed === false && e.conversationId === null ? 'its conversation could not be resumed' : null),
  activity: silent,
  compaction: silent,
  delivery: (e) => `message ${e.messageId.slice(0, 8)} ${e.state}${e.why ? `: ${e.why}` : ''}`,
  host: (e) => `its pane host (epoch ${e.epoch}) is ${e.phase}${e.why ? `: ${e.why}` : ''}`,
  command: (e) => tellCommand(e),
  account: tellAccount,
  config: (e) => `${e.by} applied the configuration of ${e.project}`,
  raw: silent,
};

function tellAccount(e: EventOf<'account'>): string | null {
  const name = `account ${e.account}`;
  const until = e.until === undefined ? '' : `; nobody begins a turn before ${e.until}`;
  switch (e.phase) {
    case 'held':
    case 'refused':
      return `${name} met a limit${e.scope ? ` (${e.scope})` : ''}${until}`;
    case 'probe':
      return e.probe ? `it was chosen to try whether the limit of ${name} is over: ${e.why ?? ''}` : null;
    case 'open':
      return `the limit of ${name} is over: ${e.why ?? ''}`;
    case 'turn':
      return `its turn came after the limit of ${name}`;
    case 'clock':
      return `${name}: ${e.why ?? 'the clock changed'}${until}`;
    default:
      return e.limit === 'warning' ? `${name} is near its limit` : null;
  }
}

function tellCommand(event: EventOf<'command'>): string | null {
  if (event.verb === 'host.configure' || event.verb === 'host.ready') return null;
  if (event.verb === 'alert')
    return event.phase === 'done' ? `it was worth an alert: ${String(event.args?.text)}` : null;
  if (event.verb === 'fleet' || event.verb === 'patrol' || event.verb === 'digest') return null;
  if (event.verb === 'notify') return null;
  if (event.verb === 'slot') return `a check-in was due: ${String(event.args?.outcome)}`;
  if (!event.verb.startsWith('host.')) return `${event.by} asked for ${event.verb}`;
  const what = event.verb.slice('host.'.length);
  return event.phase === 'accepted' ? null : `${what} ${event.phase}`;
}

const tell = (event: TuttiEvent): string | null => (TELL[event.type] as Teller<EventType> | undefined)?.(event) ?? null;

/**
 * @param events recent events of this agent, oldest first
 * The chain begins with the state and its facts, then goes back from the last change of state to the last time it was well.
 */
export function why(agent: AgentState, events: TuttiEvent[]): WhyChain {
  const chain: WhyLink[] = facts(agent).map((text) => ({ at: null, seq: null, text }));
  let turns = 0;
  for (const event of events.toReversed()) {
    if (chain.length >= CHAIN_LIMIT) break;
    const text = tell(event);
    if (text === null) continue;
    chain.push({
      at: event.at,
      seq: event.seq,
      text: text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text,
    });
    // Two turns back nothing is a cause of the present any more.
    if (event.type === 'turn' && event.phase === 'start') turns += 1;
    if (turns > 1) break;
  }
  const { name, state, reason, hint } = agent;
  return { agent: name, state, reason, hint, chain };
}

/** What holds at this moment, in sentences. */
function facts(a: AgentState): string[] {
  const said = [`it is ${a.state} since ${a.since}${a.reason ? `: ${a.reason}` : ''}`];
  if (a.wanted !== 'up') said.push(`it is wanted ${a.wanted}`);
  if (a.resumeAt !== null) said.push(`it goes on at ${a.resumeAt}`);
  for (const r of Object.values(a.requests))
    said.push(`${r.what} ${r.requestId} waits for an answer: ${r.text || r.tool}`);
  if (a.host.phase === 'up' && !a.host.linked && a.wanted !== 'down') {
    said.push('its pane host has not answered since the supervisor started; nothing is started for it meanwhile');
  }
  const [first] = a.queue;
  if (first) said.push(`${a.queue.length} message(s) wait, the oldest since ${first.at} (${first.state})`);
  if (a.cli.turn && a.cli.turnStartedAt !== null) said.push(`a turn runs since ${a.cli.turnStartedAt}`);
  const calls = Object.values(a.openCalls).toSorted((x, y) => ms(x.at) - ms(y.at));
  if (calls[0]) said.push(`tool ${calls[0].tool} runs since ${calls[0].at}`);
  const tried = triedSoFar(a.ladder);
  if (tried !== null)
    said.push(
      `the watchdog saw that ${a.ladder.observation ?? 'it does not get on'}; since it last got on it was ${tried}`,
    );
  if (a.tally.attempt > 0) said.push(`${a.tally.attempt} unexpected end(s) in a row`);
  return said;
}
