/** Events as causes, in plain words. */
import type { EventType, JsonObject, TuttiEvent } from '../event.ts';
import { tellWatchdog } from '../watchdog/tell.ts';

type EventOf<T extends EventType> = Extract<TuttiEvent, { type: T }>;
/** `own`: it happened to the agent that is asked about. */
type Teller<T extends EventType> = (event: EventOf<T>, own: boolean) => string | null;

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
  watchdog: (e) => tellWatchdog(e),
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

/** An account's limit is learned by one agent and holds all: the chain says by whom. */
function tellAccount(e: EventOf<'account'>, own: boolean): string | null {
  const name = `account ${e.account}`;
  const who = own ? 'it' : (e.agent ?? 'another agent');
  const until = e.until === undefined ? '' : `: nobody of it begins a turn before ${e.until}`;
  switch (e.phase) {
    case 'held':
    case 'refused':
      return `${who} learned that ${name} is at a limit${e.scope ? ` (${e.scope})` : ''}${resetText(e.resetsAt)}${until}`;
    case 'probe':
      return e.probe ? `${who} was chosen to try whether the limit of ${name} is over${because(e.why)}` : null;
    case 'open':
      return `the limit of ${name} is over${because(e.why)}`;
    case 'turn':
      return `its turn came after the limit of ${name}`;
    case 'clock':
      return `${name}: ${e.why ?? 'the clock changed'}${until}`;
    default:
      return e.limit === 'warning' ? `${name} is near its limit` : null;
  }
}

const resetText = (resetsAt: string | null): string => (resetsAt === null ? '' : `, which resets at ${resetsAt}`);
const because = (why: string | undefined): string => (why ? `: ${why}` : '');

function tellCommand(event: EventOf<'command'>): string | null {
  if (event.verb === 'host.configure' || event.verb === 'host.ready') return null;
  if (event.verb === 'alert')
    return event.phase === 'done' ? `it was worth an alert: ${String(event.args?.text)}` : null;
  if (event.verb === 'fleet') return event.args?.hold === undefined ? null : tellFleet(event.args);
  if (event.verb === 'patrol' || event.verb === 'digest') return null;
  if (event.verb === 'notify') return null;
  if (event.verb === 'slot') return `a check-in was due: ${String(event.args?.outcome)}`;
  if (!event.verb.startsWith('host.')) return `${event.by} asked for ${event.verb}`;
  const what = event.verb.slice('host.'.length);
  return event.phase === 'accepted' ? null : `${what} ${event.phase}`;
}

/** `args.hold`: as it is from then on; null = over. */
function tellFleet({ hold }: JsonObject): string | null {
  if (hold === null) return 'the fleet is no longer held';
  if (typeof hold !== 'object' || Array.isArray(hold)) return null;
  const { died, until, probe } = hold as JsonObject;
  const next = probe === null ? `; nothing is started before ${String(until)}` : '; one agent tries first';
  return `the fleet is held: ${String(died)} agents ended together${next}`;
}

/** What an event is as a cause, for the agent of this id; null where it is none. */
export const tell = (event: TuttiEvent, agentId: string): string | null =>
  (TELL[event.type] as Teller<EventType> | undefined)?.(event, event.agentId === agentId) ?? null;
