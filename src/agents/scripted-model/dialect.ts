/** What the server needs of an API to speak it. One object per API; no network in here. */
import type { JsonObject } from '../../core/event.ts';
import type { Failure, ModelRequest, Step, UnifiedLimit } from './script.ts';

/** Tokens of one exchange: an estimate of the scripted model. */
export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export type StopReason = 'end' | 'tools' | 'refusal' | 'max_tokens';

/** Steps that carry content. */
export type ContentStep = Extract<Step, { do: 'text' | 'thinking' | 'call' | 'native-call' }>;

/** Writes one streamed answer, piece by piece; each method returns the bytes to send now. */
export interface StreamWriter {
  open(): string;
  /** A text arrives as `textStart`, one or more `textDelta`, `textEnd`. */
  textStart(): string;
  textDelta(text: string): string;
  textEnd(): string;
  thinking(text: string): string;
  call(step: Extract<Step, { do: 'call' | 'native-call' }>): string;
  close(stop: StopReason): string;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: JsonObject;
}

export interface AnswerParts {
  request: ModelRequest;
  usage: Usage;
  /** Unique in the server's life; for ids in the answer. */
  id: string;
}

export interface Dialect {
  readonly name: string;
  /** Is this path (without query, without `/a/<name>`) a request to the model? */
  isModel(path: string): boolean;
  /** Throws a TypeError when the body is not of this API. `conversation` is filled in by the server. */
  request(path: string, query: string, body: JsonObject): Omit<ModelRequest, 'conversation'>;
  writer(parts: AnswerParts): StreamWriter;
  /** The same answer unstreamed. */
  whole(parts: AnswerParts, content: ContentStep[], stop: StopReason): JsonObject;
  failure(failure: Failure, id: string, nowMs: number): HttpAnswer;
  /** Headers of a successful answer. */
  headers(unified: UnifiedLimit | undefined, nowMs: number): Record<string, string>;
  /** Other paths of the API (counting tokens, listing models); null = not one of them. */
  other(method: string, path: string, body: JsonObject): HttpAnswer | null;
}
