/** What the scripted model was asked: for tests that check what really reached the model. */
import type { Usage } from './dialect.ts';
import type { Item, ModelRequest } from './script.ts';

/** Older entries are dropped; counts and last requests stay. Entries. */
const LOG_LIMIT = 20_000;

export type Outcome =
  | 'open'
  | 'answered'
  | 'failed'
  | 'hung'
  | 'cut'
  /** The client went away before the answer was complete. */
  | 'aborted';

export interface LogEntry {
  n: number;
  /** Milliseconds since the epoch. */
  at: number;
  conversation: string;
  dialect: string;
  model: string;
  scenario: string;
  /** Without tools: a title, a topic, a count; not the conversation itself. */
  side: boolean;
  items: number;
  status: number;
  outcome: Outcome;
  /** Tokens that the answer claims; null = it claims none. */
  usage: Usage | null;
}

/** A message as plain words, for comparing. */
export interface PlainMessage {
  role: Item['role'];
  text: string;
}

export class RequestLog {
  readonly entries: LogEntry[] = [];
  readonly #last = new Map<string, ModelRequest>();
  readonly #asked = new Map<string, number>();
  #n = 0;

  /** Takes down a request; the caller completes `status` and `outcome` of the entry. */
  add(request: ModelRequest, facts: { at: number; dialect: string; scenario: string; side: boolean }): LogEntry {
    this.#n += 1;
    const entry: LogEntry = {
      n: this.#n,
      conversation: request.conversation,
      model: request.model,
      items: request.items.length,
      status: 0,
      outcome: 'open',
      usage: null,
      ...facts,
    };
    this.entries.push(entry);
    if (this.entries.length > LOG_LIMIT) this.entries.shift();
    if (!facts.side) this.#last.set(request.conversation, request);
    return entry;
  }

  /** How often this answer was asked for before; counts this time. */
  attempt(key: string): number {
    const before = this.#asked.get(key) ?? 0;
    this.#asked.set(key, before + 1);
    return before;
  }

  get total(): number {
    return this.#n;
  }

  conversations(): string[] {
    return [...this.#last.keys()];
  }

  /** The last request of a conversation (side requests apart); null when there was none. */
  last(conversation: string): ModelRequest | null {
    return this.#last.get(conversation) ?? null;
  }

  /** Its messages as (role, text), in order; a call's text is its name and arguments. */
  messages(conversation: string): PlainMessage[] {
    return (this.last(conversation)?.items ?? []).map((item) => ({
      role: item.role,
      text: item.role === 'call' ? `${item.name} ${JSON.stringify(item.args)}` : item.text,
    }));
  }
}
