/**
 * Asks layer 2, within limits: one question at a time for an agent, few at a time in all, each with a time limit. Whatever goes wrong,
 * the answer is `extend`: the ladder has limits of its own for that. What may be spent in a day is the core's business.
 */
import type { TuttiEvent } from '../core/event.ts';
import { TRIAGE_AT_ONCE, TRIAGE_LIMIT_MS } from '../core/limits.ts';
import type { AgentState } from '../core/state.ts';
import type { Input } from '../core/step.ts';
import type { Advice, Spent } from '../core/watchdog/types.ts';
import type { Clock } from './ports.ts';
import { TriageFailure, type TriagePort } from './triage-port.ts';
import { questionOf } from './triage-question.ts';

export interface TriageOptions {
  /** null = there is nobody to ask. */
  port: TriagePort | null;
  clock: Clock;
  agent(agentId: string): AgentState | null;
  /** Latest events of an agent, oldest first, those of the finding among them. */
  events(agentId: string): Promise<TuttiEvent[]>;
  redact(text: string): string;
  submit(input: Input): Promise<unknown>;
  failed(error: unknown): void;
}

export interface Triage {
  /** Returns at once; the answer comes as an `advice` input. */
  ask(agentId: string, seq: number): void;
  /** Ends what is open, without an answer, and resolves when nothing runs. */
  close(): Promise<void>;
}

export function createTriage(options: TriageOptions): Triage {
  const { clock } = options;
  const open = new Map<string, { abort: AbortController; done: Promise<void> }>();
  let closed = false;

  const answer = async (agentId: string, advice: Advice): Promise<void> => {
    if (!closed) await options.submit({ type: 'advice', agentId, advice });
  };
  const refuse = (agentId: string, seq: number, why: string): void => {
    answer(agentId, extend(seq, why)).catch(options.failed);
  };

  const run = async (port: TriagePort, agentId: string, seq: number, abort: AbortController): Promise<void> => {
    const timer = clock.setTimeout(() => abort.abort(), TRIAGE_LIMIT_MS);
    try {
      await answer(agentId, await ask(port, agentId, seq, abort.signal));
    } catch (error) {
      options.failed(error);
    } finally {
      timer.cancel();
      open.delete(agentId);
    }
  };

  const ask = async (port: TriagePort, agentId: string, seq: number, signal: AbortSignal): Promise<Advice> => {
    const agent = options.agent(agentId);
    const question = agent && questionOf(agent, seq, await options.events(agentId), options.redact);
    if (!question) return extend(seq, 'nothing is left of what it was about');
    try {
      // Some transports do not hear an abort: the limit holds all the same.
      const { action, text, why, spent } = await Promise.race([port.ask(question, signal), aborted(signal)]);
      return { seq, action, text: text === null ? null : options.redact(text), why: options.redact(why), spent };
    } catch (error) {
      const why = signal.aborted ? `no answer within ${TRIAGE_LIMIT_MS / 1_000} s` : (error as Error).message;
      const spent = error instanceof TriageFailure ? error.spent : NOT_KNOWN;
      return { ...extend(seq, `no advice: ${options.redact(why)}`), spent };
    }
  };

  return {
    ask(agentId, seq) {
      const { port } = options;
      if (closed) return;
      if (port === null) return refuse(agentId, seq, 'there is nobody to ask');
      if (open.has(agentId)) return refuse(agentId, seq, 'another question about it is open');
      if (open.size >= TRIAGE_AT_ONCE) return refuse(agentId, seq, `${TRIAGE_AT_ONCE} questions are open already`);
      const abort = new AbortController();
      open.set(agentId, { abort, done: run(port, agentId, seq, abort) });
    },
    async close() {
      closed = true;
      const all = [...open.values()];
      for (const { abort } of all) abort.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}

/** A request was sent, and nobody told what it has cost. */
const NOT_KNOWN: Spent = { model: null, input: 0, output: 0 };

const extend = (seq: number, why: string): Advice => ({ seq, action: 'extend', text: null, why });

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new Error('aborted'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
