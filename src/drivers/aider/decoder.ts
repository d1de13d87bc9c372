/**
 * The aider decoder. Its text has parts: start lines, then rounds of an answer (free text up to the token line) and what was done with
 * it (edits, commits, the output of tests). The end of the process ends the turn: aider says nothing itself, and exits with 0 always.
 */
import type { DriverEventBody, TurnOutcome } from '../../core/event.ts';
import type { Decoded, Decoder, Line } from '../driver.ts';
import * as grammar from './grammar.ts';

type ErrorEvent = Extract<DriverEventBody, { type: 'error' }>;
type Usage = Extract<DriverEventBody, { type: 'usage' }>;
/** `reason`: why an answer was sent back; `output`: what tests printed. Both are free text. */
type Part = 'start' | 'answer' | 'done' | 'reason' | 'output';
type Understood = { kind: string; events: DriverEventBody[] };

export function decoder(): Decoder {
  return new AiderDecoder();
}

class AiderDecoder implements Decoder {
  #part: Part = 'start';
  #version: string | null = null;
  #model: string | null = null;
  #text: string[] = [];
  /** The last whole answer: a message if the turn ends with it. */
  #answer: string | null = null;
  /** An exception that may still turn out to be retried. */
  #failure: ErrorEvent | null = null;
  #gaveUp: ErrorEvent | null = null;
  #retries = 0;
  #edits = 0;
  #begun = false;

  get atRest(): boolean {
    return !this.#begun;
  }

  push(line: Line): Decoded {
    if (line.dir !== 'out') return { events: [], fate: 'empty', kind: line.dir === 'err' ? 'stderr' : 'stdin' };
    const text = line.text.trimEnd();
    const understood = this.#begun ? this.#any(text) : this.#first(text);
    if (understood === null)
      return { events: [{ type: 'raw', line: line.text }], fate: 'raw', kind: 'outside the grammar' };
    return { events: understood.events, fate: 'decoded', kind: understood.kind };
  }

  end(): DriverEventBody[] {
    if (!this.#begun) return [];
    const events = [...this.#settleFailure(), ...this.#flushText()];
    const finished = this.#gaveUp !== null || this.#part === 'done' || this.#part === 'output';
    if (this.#answer !== null) events.push(finished ? said(this.#answer) : thought(this.#answer));
    this.#answer = null;
    if (finished) events.push({ type: 'turn', number: null, phase: 'end', outcome: this.#outcome(), durationMs: null });
    this.#begun = false;
    return events;
  }

  #outcome(): TurnOutcome {
    if (this.#gaveUp === null) return 'ok';
    return this.#gaveUp.code === 'rate_limit' || this.#gaveUp.code === 'usage_limit' ? 'limit' : 'error';
  }

  #first(text: string): Understood | null {
    const version = grammar.VERSION.exec(text)?.[1];
    if (version === undefined) return null;
    this.#begun = true;
    this.#version = version;
    return {
      kind: 'version',
      events: [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }],
    };
  }

  #any(text: string): Understood | null {
    const handlers = {
      start: this.#start,
      answer: this.#inAnswer,
      done: this.#done,
      reason: this.#reason,
      output: this.#output,
    };
    return handlers[this.#part].call(this, text);
  }

  #start(text: string): Understood | null {
    if (text === '') {
      this.#part = 'answer';
      return { kind: 'blank', events: [this.#session()] };
    }
    if (!grammar.START.some((pattern) => pattern.test(text))) return null;
    this.#model = grammar.MODEL.exec(text)?.[1] ?? this.#model;
    return { kind: 'start', events: [] };
  }

  #session(): DriverEventBody {
    const unknown = { conversationId: null, permissionMode: null, tools: null, resumed: null };
    return { type: 'session', ...unknown, model: this.#model, cliVersion: this.#version };
  }

  #inAnswer(text: string): Understood | null {
    const tokens = grammar.TOKENS.exec(text);
    if (tokens !== null) return this.#answered(tokens);
    if (this.#text.every((line) => line === '')) {
      const failed = this.#failed(text);
      if (failed !== null) return failed;
    }
    this.#text.push(text);
    return { kind: 'answer', events: [] };
  }

  #answered(tokens: RegExpExecArray): Understood {
    const events = this.#answer === null ? [] : [thought(this.#answer)];
    const answer = this.#text.join('\n').trim();
    this.#answer = answer === '' ? null : answer;
    this.#text = [];
    this.#part = 'done';
    const [, input, cacheWrite, cacheRead, output, cost] = tokens;
    const count = (printed: string | undefined): number => grammar.tokenCount(printed) ?? 0;
    const usage = this.#usage(
      { input: count(input), output: count(output), cacheRead: count(cacheRead), cacheWrite: count(cacheWrite) },
      cost,
    );
    return { kind: 'tokens', events: [...events, usage] };
  }

  #usage(tokens: Pick<Usage, 'input' | 'output' | 'cacheRead' | 'cacheWrite'>, cost: string | undefined): Usage {
    return {
      type: 'usage',
      ...tokens,
      costUsd: grammar.dollars(cost),
      contextUsed: null,
      contextLimit: null,
      model: this.#model,
      estimated: false,
    };
  }

  /** Exceptions come in the place of an answer. */
  #failed(text: string): Understood | null {
    const retry = grammar.RETRYING.exec(text);
    if (retry !== null && this.#failure !== null) {
      const error = this.#failure.message;
      this.#failure = null;
      this.#retries += 1;
      const delayMs = Math.round(Number(retry[1]) * 1000);
      return {
        kind: 'retrying',
        events: [{ type: 'retry', attempt: this.#retries, max: grammar.MAX_RETRIES, delayMs, error }],
      };
    }
    if (this.#failure !== null && grammar.EXPLANATIONS.some((pattern) => pattern.test(text)))
      return { kind: 'explanation', events: [] };
    const name = grammar.FAILURE.exec(text)?.[1];
    if (name !== undefined) {
      const known = Object.hasOwn(grammar.FAILURES, name) ? grammar.FAILURES[name] : undefined;
      const events = this.#settleFailure();
      this.#failure = { type: 'error', code: 'unknown', retryable: true, ...known, message: text };
      return { kind: 'exception', events };
    }
    const stopper = grammar.STOPPERS.find(([pattern]) => pattern.test(text));
    return stopper === undefined
      ? null
      : { kind: 'stopped', events: this.#giveUp({ type: 'error', code: stopper[1], retryable: false, message: text }) };
  }

  /** No retry followed: it was the end. */
  #settleFailure(): DriverEventBody[] {
    const failure = this.#failure;
    this.#failure = null;
    return failure === null ? [] : this.#giveUp(failure);
  }

  #giveUp(error: ErrorEvent): DriverEventBody[] {
    this.#gaveUp = error;
    return [error];
  }

  #done(text: string): Understood | null {
    if (text === '') {
      this.#part = 'answer';
      return { kind: 'blank', events: [] };
    }
    const cost = grammar.COST.exec(text);
    if (cost !== null)
      return { kind: 'cost', events: [this.#usage({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, cost[1])] };
    if (grammar.REFLECTED.test(text)) {
      this.#part = 'reason';
      return { kind: 'reflected', events: [notice('reflection', text)] };
    }
    return this.#work(text);
  }

  /** Edits and commits; after them free text is the output of lint or tests. */
  #work(text: string): Understood | null {
    const edited = grammar.EDITED.exec(text)?.[1];
    if (edited !== undefined) {
      this.#part = 'output';
      return { kind: 'edited', events: this.#edit(edited, text, false) };
    }
    const skipped = grammar.NOT_EDITED.exec(text);
    if (skipped !== null) return { kind: 'not edited', events: this.#edit(skipped[1] ?? skipped[2] ?? '', text, true) };
    if (grammar.COMMIT.test(text)) {
      this.#part = 'output';
      return { kind: 'commit', events: [notice('commit', text)] };
    }
    if (grammar.GAVE_UP.test(text))
      return {
        kind: 'gave up',
        events: this.#giveUp({ type: 'error', code: 'model', retryable: false, message: text }),
      };
    return grammar.NOTES.some((pattern) => pattern.test(text)) ? { kind: 'note', events: [notice(null, text)] } : null;
  }

  /** Aider has no tool calls; an edit that it reports is one, called and answered at once. */
  #edit(path: string, result: string, isError: boolean): DriverEventBody[] {
    this.#edits += 1;
    const callId = `edit-${this.#edits}`;
    return [
      { type: 'tool_call', callId, tool: 'edit', args: { path }, nativeTool: 'edit' },
      { type: 'tool_result', callId, tool: 'edit', result, isError, tokens: null, durationMs: null },
    ];
  }

  #output(text: string): Understood | null {
    if (grammar.OUTPUT_ADDED.test(text)) {
      const events = [...this.#flushText(), notice('reflection', text)];
      this.#part = 'answer';
      return { kind: 'output added', events };
    }
    const work = this.#work(text);
    // Still in the output part: what an edit or a commit follows was output.
    if (work !== null) return { kind: work.kind, events: [...this.#flushText(), ...work.events] };
    this.#text.push(text);
    return { kind: 'output', events: [] };
  }

  /** Two blank lines end the reason; the next answer follows. */
  #reason(text: string): Understood | null {
    if (grammar.GAVE_UP.test(text)) {
      const events = this.#flushText();
      return {
        kind: 'gave up',
        events: [...events, ...this.#giveUp({ type: 'error', code: 'model', retryable: false, message: text })],
      };
    }
    const ended = text === '' && this.#text.at(-1) === '';
    if (ended) {
      const events = this.#flushText();
      this.#part = 'answer';
      return { kind: 'reason', events };
    }
    this.#text.push(text);
    return { kind: 'reason', events: [] };
  }

  #flushText(): DriverEventBody[] {
    const text = this.#text.join('\n').trim();
    this.#text = [];
    if (text === '') return [];
    if (this.#part === 'answer') return [thought(text)];
    return [notice(this.#part === 'output' ? 'output' : 'reason', text)];
  }
}

const thought = (content: string): DriverEventBody => ({ type: 'thinking', content, tokens: null });
const said = (content: string): DriverEventBody => ({
  type: 'message',
  role: 'assistant',
  content,
  from: null,
  messageId: null,
});
const notice = (phase: string | null, detail: string): DriverEventBody => ({
  type: 'activity',
  kind: 'notice',
  phase,
  detail,
});
