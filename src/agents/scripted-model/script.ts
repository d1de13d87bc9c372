/**
 * The words in which scripts are written: a conversation as plain items, and a reply as a list of steps.
 * No API's own shapes are in here; each API has a dialect that turns its requests into items and steps into its answers.
 */
import type { JsonObject } from '../../core/event.ts';

/** One piece of a conversation, oldest first. A message of several text blocks is several items. */
export type Item =
  | { role: 'user'; text: string }
  /** Inside the conversation, by the client program: facts, or a person's message to a running turn in a wrapping. */
  | { role: 'system'; text: string }
  | { role: 'assistant'; text: string }
  | { role: 'call'; id: string; name: string; args: JsonObject }
  | { role: 'result'; callId: string; text: string; isError: boolean };

export type ResultItem = Extract<Item, { role: 'result' }>;

export interface ModelRequest {
  /** Whose request it is: the `/a/<name>` of the path, else made from the first user message. */
  conversation: string;
  model: string;
  items: Item[];
  /** Names of the tools that were offered. A request without tools is a side request (a title, a topic). */
  tools: string[];
  stream: boolean;
}

/** Tools in our words; a dialect puts the client's own name and arguments in their place. */
export type ToolWord = 'bash' | 'read' | 'write' | 'edit' | 'todo';

export type Step =
  /** `tokenMs` = one word at a time, this many milliseconds apart. */
  | { do: 'text'; text: string; tokenMs?: number }
  | { do: 'thinking'; text: string }
  | { do: 'call'; tool: ToolWord; args: JsonObject }
  /** A tool by the client's own name, passed on as it is. */
  | { do: 'native-call'; name: string; args: JsonObject }
  /** Not another byte from here on; the connection stays open. As the first step: no headers either. */
  | { do: 'hang' }
  /** The connection is dropped here. */
  | { do: 'cut' }
  /** Ends the answer with a reason of its own; must be last. */
  | { do: 'stop'; reason: 'refusal' | 'max_tokens' }
  /** An error instead of an answer; only alone. */
  | { do: 'fail'; failure: Failure };

/** What went wrong, in the words that a dialect has a status and a body for. */
export type FailureKind =
  | 'rate_limit'
  | 'usage_limit'
  | 'overloaded'
  | 'server_error'
  | 'auth'
  | 'quota'
  | 'too_long'
  | 'invalid';

export interface Failure {
  kind: FailureKind;
  message: string;
  /** Seconds; null = the header is left out. */
  retryAfterS: number | null;
  /** usage_limit: seconds until the limit resets. */
  resetS?: number;
}

export interface Reply {
  steps: Step[];
  /** Answer headers in addition to the dialect's own (subscription limits). */
  unified?: UnifiedLimit;
}

/** The subscription-limit headers of the Messages API. */
export interface UnifiedLimit {
  status: 'allowed' | 'allowed_warning' | 'rejected';
  /** 0..1; null = left out */
  utilization: number | null;
  /** Seconds from now. */
  resetS: number;
  /** The threshold that was passed, 0..1. */
  threshold: number | null;
}

/** Where a conversation stands: what the script has to answer now. */
export interface Point {
  scenario: string;
  params: Readonly<Record<string, string>>;
  /** Results that came since the message that chose the scenario. */
  results: ResultItem[];
  /** Messages not answered yet, oldest first, without what the clients themselves put in. */
  news: string[];
  /** Every message of the conversation, oldest first. */
  told: string[];
  /** Which answer of the conversation this is, for counting attempts. */
  key: string;
}

/** A scenario: pure. `attempt` counts from 0 how often this same answer was asked for before. */
export type Scenario = (point: Point, attempt: number) => Reply;

export const say = (text: string): Step => ({ do: 'text', text });
export const call = (tool: ToolWord, args: JsonObject): Step => ({ do: 'call', tool, args });
export const bash = (command: string): Step => call('bash', { command });
