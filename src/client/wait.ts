/** Waiting without a race: the stream is open before the state is read, so that no change falls in between. */
import type { Agent } from '../api/wire-agent.ts';
import type { AgentStateName, TuttiEvent } from '../core/event.ts';
import { ClientError } from './error.ts';
import type { Client, EventStream, SendResult, WaitOptions, WaitTarget } from './types.ts';

/** States that meet each target. Who waits for idle waits for the work to be over: `done` and `paused` are that too. */
const MEETS = {
  idle: ['idle', 'done', 'paused'],
  done: ['done'],
  stopped: ['stopped', 'done'],
  limited: ['limited'],
  waiting: ['waiting'],
  failed: ['failed'],
} as const satisfies Record<WaitTarget, readonly AgentStateName[]>;

/** From these an agent does not come back by itself. */
const FINAL: readonly AgentStateName[] = ['failed', 'stopped', 'done'];

/** Whether the agent is where one of the targets wants it. Queued work means that idle is only a moment. */
export function isMet(agent: Pick<Agent, 'state' | 'queued'>, targets: WaitTarget[]): boolean {
  return targets.some((target) => {
    if (!(MEETS[target] as readonly AgentStateName[]).includes(agent.state)) return false;
    return target !== 'idle' || agent.state !== 'idle' || agent.queued === 0;
  });
}

function ended(agent: Agent): ClientError {
  const why = agent.reason ? `: ${agent.reason}` : '';
  return new ClientError(
    'RUNTIME_ERROR',
    `${agent.name} is ${agent.state}${why}`,
    agent.hint ?? `tutti why ${agent.name}`,
  );
}

const removed = (ref: string): ClientError => new ClientError('NOT_FOUND', `${ref} was removed`);

/** Runs `body` with a stream that ends at the time limit; then rejects with TIMEOUT. */
async function withStream<T>(
  options: { timeoutMs: number | null; signal?: AbortSignal | undefined; what: string },
  open: (signal: AbortSignal) => EventStream,
  body: (stream: EventStream) => Promise<T | null>,
): Promise<T> {
  const limits = [options.signal, options.timeoutMs === null ? null : AbortSignal.timeout(options.timeoutMs)];
  const signal = AbortSignal.any(limits.filter((limit) => limit !== null && limit !== undefined));
  const stream = open(signal);
  try {
    const result = signal.aborted ? null : await body(stream);
    if (result !== null) return result;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stream.close();
  }
  if (options.signal?.aborted) throw new ClientError('TIMEOUT', `${options.what} was broken off`);
  const seconds = (options.timeoutMs ?? 0) / 1_000;
  throw new ClientError(
    'TIMEOUT',
    `${options.what}: not within ${seconds} s`,
    'tutti ps shows what it does; --timeout waits longer',
  );
}

export function waitFor(client: Client, ref: string, options: WaitOptions): Promise<Agent> {
  const what = `waiting for ${ref} to be ${options.for.join(' or ')}`;
  const types = ['agent_status', 'agent_killed', 'delivery', 'turn'] as const;
  const check = (agent: Agent): Agent | null => {
    if (isMet(agent, options.for)) return agent;
    if (FINAL.includes(agent.state)) throw ended(agent);
    return null;
  };
  return withStream(
    { timeoutMs: options.timeoutMs, signal: options.signal, what },
    (signal) => client.stream({ agents: [ref], types: [...types], signal }),
    async (stream) => {
      await stream.ready;
      const now = check(await client.get(ref));
      if (now) return now;
      for await (const event of stream) {
        if (event.type === 'agent_killed') throw removed(ref);
        // Only what may change the verdict is worth a look; the state is read anew, since the event may be old by now.
        if (event.type !== 'agent_status' && event.type !== 'delivery') continue;
        const agent = await client.get(ref);
        const passing = event.type === 'agent_status' && event.state !== 'idle';
        const seen = passing ? { ...agent, state: event.state, reason: event.reason, hint: event.hint } : agent;
        if (isMet(seen, options.for)) return seen;
        check(agent);
      }
      return null;
    },
  );
}

interface Turn {
  confirmed: boolean;
  sent: boolean;
  open: boolean;
  outcome: SendResult['outcome'] | null;
  text: string[];
}

/**
 * The end of the turn that belongs to a message. Confirmation and the turn's end may come in either order, for some CLIs confirm
 * by their answer; a turn that ended before the message was sent is not its own.
 */
export function followTurn(turn: Turn, event: TuttiEvent, messageId: string): 'over' | 'refused' | null {
  if (event.type === 'delivery' && event.messageId === messageId) {
    if (event.state === 'refused') return 'refused';
    if (event.state === 'sent') turn.sent = true;
    if (event.state === 'confirmed') turn.confirmed = true;
  }
  if (event.type === 'message' && event.role === 'assistant' && turn.sent && !event.parentCallId)
    turn.text.push(event.content);
  if (event.type === 'turn') {
    turn.open = event.phase === 'start';
    if (event.phase === 'start') turn.outcome = null;
    else if (turn.sent || turn.confirmed) turn.outcome = event.outcome;
  }
  return turn.confirmed && turn.outcome !== null && !turn.open ? 'over' : null;
}

export function sendAndWait(
  client: Client,
  ref: string,
  content: string,
  options: {
    now?: boolean;
    timeoutMs: number | null;
    signal?: AbortSignal;
    messageId: string;
    onEvent?: (event: TuttiEvent) => void;
  },
): Promise<SendResult> {
  const { messageId } = options;
  return withStream(
    { timeoutMs: options.timeoutMs, signal: options.signal, what: `waiting for ${ref}'s answer` },
    (signal) => client.stream({ agents: [ref], signal }),
    async (stream) => {
      await stream.ready;
      await client.send(ref, content, { now: options.now ?? false, messageId });
      const turn: Turn = { confirmed: false, sent: false, open: false, outcome: null, text: [] };
      for await (const event of stream) {
        options.onEvent?.(event);
        if (event.type === 'agent_killed') throw removed(ref);
        const state = followTurn(turn, event, messageId);
        if (state === 'refused') {
          const why = event.type === 'delivery' ? event.why : null;
          throw new ClientError('RUNTIME_ERROR', `the message was refused${why ? `: ${why}` : ''}`, `tutti why ${ref}`);
        }
        if (state === 'over') {
          const outcome = turn.outcome ?? 'ok';
          return { messageId, outcome, text: turn.text.join('\n'), agent: await client.get(ref) };
        }
        if (event.type === 'agent_status' && ['failed', 'stopped'].includes(event.state))
          throw ended(await client.get(ref));
      }
      return null;
    },
  );
}
