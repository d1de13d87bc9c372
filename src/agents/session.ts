/**
 * The core loop: call the model, run its tools, append the results, until it stops asking for tools.
 * The conversation is the record alone, so a message that comes in mid-turn is simply in the next request, behind the results.
 */
import Anthropic from '@anthropic-ai/sdk';
import type { JsonObject, TurnOutcome } from '../core/event.ts';
import type { AgentOutput } from '../drivers/builtin/wire.ts';
import { isoTime } from '../system/clock.ts';
import { errorCode } from '../system/disk.ts';
import { type Entry, messagesOf, unanswered } from './conversation.ts';
import type { Gate } from './gate.ts';
import { type LimitFacts, type Model, type ModelAnswer, ModelFailure } from './model/index.ts';
import type { ConversationRecord } from './record.ts';
import type { Tool, ToolOutput } from './tools/index.ts';

export interface SessionOptions {
  record: ConversationRecord;
  model: Model;
  tools: readonly Tool[];
  gate: Gate;
  system: string;
  cwd: string;
  bashLimitMs: number;
  maxRounds: number;
  emit(line: AgentOutput): void;
}

export class Session {
  readonly #options: SessionOptions;
  #turns = 0;
  #running: { stop: AbortController; over: Promise<TurnOutcome> } | null = null;
  #lastLimit: LimitFacts['limit'] | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#turns = turnsSoFar(options.record.entries);
  }

  /** The running turn's end; null when none runs. */
  get turn(): Promise<TurnOutcome> | null {
    return this.#running?.over ?? null;
  }

  /** Takes a message: into the running turn, or a new turn begins with it. A known id changes nothing. */
  message(id: string, text: string): void {
    const { record, emit } = this.#options;
    if (record.has(id)) {
      emit({ type: 'accepted', id, repeat: true });
      return;
    }
    try {
      record.user(id, text);
    } catch (error) {
      emit({ type: 'refused', id, why: diskProblem(error), retryable: true });
      return;
    }
    emit({ type: 'message', role: 'user', content: text, id });
    emit({ type: 'accepted', id, repeat: false });
    if (this.#running === null) this.#start();
  }

  /** Ends the running turn; resolves when it is over. */
  async interrupt(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.over;
  }

  #start(): void {
    const stop = new AbortController();
    this.#turns += 1;
    const number = this.#turns;
    const started = performance.now();
    this.#options.emit({ type: 'turn', number });
    const over = this.#rounds(stop.signal).then((rounds) => {
      const outcome = this.#closeTurn(rounds);
      const durationMs = Math.round(performance.now() - started);
      this.#running = null;
      this.#options.emit({ type: 'turn', number, phase: 'end', outcome, durationMs });
      return outcome;
    });
    this.#running = { stop, over };
  }

  /** Leaves no call without a result, and writes down how the turn ended. */
  #closeTurn(outcome: TurnOutcome): TurnOutcome {
    try {
      this.#options.record.closeCalls();
      this.#options.record.end(outcome);
      return outcome;
    } catch (error) {
      this.#options.emit({ type: 'error', code: 'unknown', message: diskProblem(error), retryable: true });
      return 'error';
    }
  }

  async #rounds(signal: AbortSignal): Promise<TurnOutcome> {
    const { record, maxRounds } = this.#options;
    try {
      for (let round = 0; round < maxRounds; round += 1) {
        const answer = await this.#ask(signal);
        const calls = this.#take(answer);
        if (calls === null) return 'error';
        for (const call of calls) {
          if (signal.aborted) return 'interrupted';
          await this.#run(call, signal);
        }
        if (signal.aborted) return 'interrupted';
        if (!unanswered(record.entries)) return 'ok';
      }
      return 'max_turns';
    } catch (error) {
      if (error instanceof Anthropic.APIUserAbortError) return 'interrupted';
      if (error instanceof ModelFailure) return this.#failed(error);
      this.#options.emit({ type: 'error', code: 'unknown', message: diskProblem(error), retryable: true });
      return 'error';
    }
  }

  async #ask(signal: AbortSignal): Promise<ModelAnswer> {
    const { record, model, tools, system, emit } = this.#options;
    const request = {
      system,
      messages: messagesOf(record.entries),
      tools: tools.map(({ name, description, schema }) => ({ name, description, input_schema: schema })),
    };
    const answer = await model.ask(
      request,
      { delta: (text) => emit({ type: 'delta', text }), retry: (retry) => emit({ type: 'retry', ...retry }) },
      signal,
    );
    emit({ type: 'usage', ...answer.usage, model: answer.model });
    if (answer.limit !== null && answer.limit.limit !== this.#lastLimit) this.#limit(answer.limit);
    return answer;
  }

  /** Writes the answer down and says what it is. Returns the calls to run; null when the answer is no use. */
  #take(answer: ModelAnswer): Anthropic.ToolUseBlock[] | null {
    const { record, emit } = this.#options;
    // A call that was cut off by the length limit has half its arguments: none of them is run.
    const whole = answer.stop !== 'max_tokens' && answer.stop !== 'refusal';
    const content = whole ? answer.content : answer.content.filter((block) => block.type === 'text');
    const calls = content.filter((block) => block.type === 'tool_use');
    record.assistant(content as Anthropic.ContentBlockParam[]);
    for (const block of content) {
      if (block.type === 'thinking') emit({ type: 'thinking', content: block.thinking });
      if (block.type !== 'text' || block.text === '') continue;
      if (calls.length > 0) emit({ type: 'thinking', content: block.text });
      else emit({ type: 'message', role: 'assistant', content: block.text });
    }
    if (whole) return calls;
    const message =
      answer.stop === 'refusal'
        ? 'the model refused to answer'
        : 'the answer was longer than the limit and was cut off';
    emit({ type: 'error', code: 'model', message, retryable: false });
    return null;
  }

  async #run(call: Anthropic.ToolUseBlock, signal: AbortSignal): Promise<void> {
    const { tools, gate, record, emit } = this.#options;
    const tool = tools.find(({ name }) => name === call.name);
    const args = isObject(call.input) ? call.input : {};
    const name = tool?.name ?? 'other';
    emit({ type: 'tool_call', tool: name, args, id: call.id });
    const verdict = await gate.judge({ callId: call.id, tool: name, args }, signal);
    const started = performance.now();
    const output = verdict.allow
      ? await this.#output(tool, call.name, verdict.args, signal)
      : { text: `Refused: ${verdict.reason}`, isError: true };
    const durationMs = Math.round(performance.now() - started);
    record.result({ callId: call.id, tool: name, ...output });
    emit({ type: 'tool_result', tool: name, id: call.id, result: output.text, isError: output.isError, durationMs });
  }

  async #output(tool: Tool | undefined, name: string, args: JsonObject, signal: AbortSignal): Promise<ToolOutput> {
    if (tool === undefined) return { text: `There is no tool ${name}.`, isError: true };
    if (signal.aborted) return { text: 'Interrupted before it began.', isError: true };
    const { cwd, bashLimitMs } = this.#options;
    return tool.run(args, { cwd, signal, bashLimitMs });
  }

  #failed(failure: ModelFailure): TurnOutcome {
    const { code, message, retryable } = failure;
    if (failure.limit !== null) this.#limit(failure.limit);
    this.#options.emit({ type: 'error', code, message, retryable });
    return failure.limit === null ? 'error' : 'limit';
  }

  #limit({ limit, scope, resetsAtMs, retryAfterMs, utilization }: LimitFacts): void {
    this.#lastLimit = limit;
    const resetsAt = resetsAtMs === null ? null : isoTime(resetsAtMs);
    this.#options.emit({ type: 'rate_limit', limit, scope, resetsAt, retryAfterMs, utilization });
  }
}

/** Turns that ended, and the one that a kill left without an end. */
function turnsSoFar(entries: readonly Entry[]): number {
  const lastEnd = entries.findLastIndex((entry) => entry.type === 'end');
  const open = entries.slice(lastEnd + 1).some((entry) => entry.type === 'user');
  return entries.filter((entry) => entry.type === 'end').length + (open ? 1 : 0);
}

/** What is wrong with the disk that the record is on. Any other error is a bug and is thrown on. */
function diskProblem(error: unknown): string {
  if (errorCode(error) === null || !(error instanceof Error)) throw error;
  return `the record cannot be written: ${error.message}`;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
