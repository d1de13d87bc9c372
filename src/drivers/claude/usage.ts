/**
 * Tokens and cost, turned from claude's cumulative totals into increments.
 *
 * `result` has the totals of the process (all models, sub-agents and side requests included). With partial messages each request
 * also tells its own tokens when it ends (`message_delta`): those are passed on at once, and the result brings only what is left.
 * What a turn used that was cut short is estimated from its requests: their input as reported, four characters to an output token.
 */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import { count, number, object, text } from './fields.ts';

export type UsageEvent = Extract<DriverEventBody, { type: 'usage' }>;

interface Tokens {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

const NONE: Tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
const CHARS_PER_TOKEN = 4;

const combine = (a: Tokens, b: Tokens, how: (x: number, y: number) => number): Tokens => ({
  input: how(a.input, b.input),
  output: how(a.output, b.output),
  cacheRead: how(a.cacheRead, b.cacheRead),
  cacheWrite: how(a.cacheWrite, b.cacheWrite),
});
const plus = (a: Tokens, b: Tokens): Tokens => combine(a, b, (x, y) => x + y);
const rest = (a: Tokens, b: Tokens): Tokens => combine(a, b, (x, y) => Math.max(0, x - y));
const isNone = (t: Tokens): boolean => t.input + t.output + t.cacheRead + t.cacheWrite === 0;
const context = (t: Tokens): number => t.input + t.cacheRead + t.cacheWrite + t.output;

const fromApi = (usage: JsonObject): Tokens => ({
  input: count(usage.input_tokens),
  output: count(usage.output_tokens),
  cacheRead: count(usage.cache_read_input_tokens),
  cacheWrite: count(usage.cache_creation_input_tokens),
});

const fromModel = (usage: JsonObject): Tokens => ({
  input: count(usage.inputTokens),
  output: count(usage.outputTokens),
  cacheRead: count(usage.cacheReadInputTokens),
  cacheWrite: count(usage.cacheCreationInputTokens),
});

/** A request of this turn that has not told its final tokens. */
interface OpenRequest {
  tokens: Tokens;
  chars: number;
}

export class UsageMeter {
  /** Cumulative totals of the last result. */
  #totals = NONE;
  #cost = 0;
  /** Passed on since the last result. */
  #counted = NONE;
  /** By message id. */
  readonly #open = new Map<string, OpenRequest>();
  /** Streaming request by parent call ('' = the agent itself). */
  readonly #streaming = new Map<string, string>();
  #contextUsed: number | null = null;
  #contextLimit: number | null = null;
  #model: string | null = null;

  /** `message_start`, or a whole assistant message: same id, same input tokens. `chars` = what it wrote. */
  request(id: string, parent: string | null, message: JsonObject, chars: number, streaming: boolean): void {
    const model = text(message.model);
    if (model === '<synthetic>') return;
    if (streaming) this.#streaming.set(parent ?? '', id);
    const open = this.#open.get(id);
    const usage = object(message.usage);
    if (open !== undefined) open.chars += chars;
    else if (usage !== null && this.#finished !== id)
      this.#open.set(id, { tokens: { ...fromApi(usage), output: 0 }, chars });
    if (parent !== null) return;
    this.#model = model ?? this.#model;
    if (usage !== null && this.#finished !== id) this.#contextUsed = context({ ...fromApi(usage), output: 0 });
  }

  /** Last request that told its final tokens: its assistant lines may come after that. */
  #finished: string | null = null;

  /** `message_delta`: the request's final tokens. */
  finished(parent: string | null, usage: JsonObject): UsageEvent | null {
    const id = this.#streaming.get(parent ?? '');
    const open = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || open === undefined) return null;
    this.#open.delete(id);
    this.#streaming.delete(parent ?? '');
    this.#finished = id;
    // Some servers repeat the input here, some send the output alone.
    const tokens = combine(open.tokens, fromApi(usage), (before, now) => (now > 0 ? now : before));
    this.#counted = plus(this.#counted, tokens);
    if (parent === null) this.#contextUsed = context(tokens);
    return this.#event(tokens, null, false);
  }

  /** What the context holds from now on; null = the next request will tell. */
  compacted(tokens: number | null): void {
    this.#contextUsed = tokens;
  }

  /** `result`: what is left of its totals. null when it reports nothing new and costs nothing. */
  result(result: JsonObject, sessionModel: string | null): UsageEvent | null {
    const models = object(result.modelUsage) ?? {};
    const perModel = Object.values(models).map((usage) => fromModel(object(usage) ?? {}));
    const turn = object(result.usage);
    const totals =
      perModel.length > 0 ? perModel.reduce(plus, NONE) : plus(this.#totals, turn === null ? NONE : fromApi(turn));
    const fresh = totals.output < this.#totals.output;
    const left = rest(rest(totals, fresh ? NONE : this.#totals), this.#counted);
    const cost = number(result.total_cost_usd);
    // A total that went down is that of another process: everything in it is new.
    const added = cost === null ? null : cost >= this.#cost ? cost - this.#cost : cost;
    this.#limit(models, sessionModel);
    this.#totals = totals;
    this.#cost = cost ?? this.#cost;
    this.#counted = NONE;
    this.#open.clear();
    this.#streaming.clear();
    if (isNone(left) && (added ?? 0) === 0) return null;
    return this.#event(left, added, false);
  }

  /** The process ended: what the open requests used, estimated. */
  cutShort(): UsageEvent | null {
    let tokens = NONE;
    for (const { tokens: known, chars } of this.#open.values()) {
      tokens = plus(tokens, { ...known, output: Math.ceil(chars / CHARS_PER_TOKEN) });
    }
    this.#open.clear();
    return isNone(tokens) ? null : this.#event(tokens, null, true);
  }

  #limit(models: JsonObject, sessionModel: string | null): void {
    const keys = Object.keys(models);
    const main =
      keys.find((key) => key === sessionModel) ??
      keys.find((key) => this.#model !== null && key.startsWith(this.#model)) ??
      keys[0];
    const window = main === undefined ? null : number(object(models[main])?.contextWindow);
    this.#contextLimit = window ?? this.#contextLimit;
  }

  #event(tokens: Tokens, costUsd: number | null, estimated: boolean): UsageEvent {
    return {
      type: 'usage',
      ...tokens,
      costUsd,
      contextUsed: this.#contextUsed,
      contextLimit: this.#contextLimit,
      model: this.#model,
      estimated,
    };
  }
}
