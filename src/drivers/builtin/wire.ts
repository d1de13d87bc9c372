/**
 * What the built-in agents and their driver say to each other: JSON lines on the agent's stdin and stdout. Types only.
 * `turn`, `thinking` and `tool_call` are the lines of the first specification; their added fields are optional there.
 */
import type { ErrorCode, JsonObject, ToolName, TurnOutcome } from '../../core/event.ts';

/** Driver → agent. */
export type AgentInput =
  /** A message. One whose id is in the record already is answered `accepted` with `repeat` and changes nothing. */
  | { type: 'user'; id: string; text: string }
  /** End the running turn: its request and its command. */
  | { type: 'interrupt' }
  /** Answer to an `ask`. Anything but an exact `allow` is a refusal. */
  | { type: 'verdict'; key: string; decision: 'allow' | 'deny'; reason?: string; args?: JsonObject };

/** Agent → driver. */
export type AgentOutput =
  /** First line. `agent` is `v0`, `v1` …; `tools` are offered to the model. */
  | {
      type: 'session';
      conversationId: string;
      agent: string;
      model: string;
      cliVersion: string | null;
      tools: string[];
      resumed: boolean;
    }
  /** It takes messages now. */
  | { type: 'ready'; conversationId: string; resumed: boolean }
  /** The message is in the record on the disk. `repeat` = it was there before: no turn comes of it. */
  | { type: 'accepted'; id: string; repeat: boolean }
  /** The message could not be written down (a full disk): it is not in the conversation. */
  | { type: 'refused'; id: string; why: string; retryable: boolean }
  | { type: 'turn'; number: number; phase?: 'start' }
  | { type: 'turn'; number: number; phase: 'end'; outcome: TurnOutcome; durationMs: number }
  /** What the model said before it called tools, and its thoughts. */
  | { type: 'thinking'; content: string }
  | { type: 'message'; role: 'user' | 'assistant'; content: string; id?: string }
  | { type: 'tool_call'; tool: ToolName; args: JsonObject; id?: string }
  | { type: 'tool_result'; tool: ToolName; id: string; result: string; isError: boolean; durationMs: number }
  /** With `--gate`, before each call; the call waits for the verdict. */
  | { type: 'ask'; key: string; callId: string; tool: ToolName; args: JsonObject }
  /** The answer to that ask is no longer waited for. */
  | { type: 'withdrawn'; key: string }
  /** Tokens of one request to the model. */
  | { type: 'usage'; input: number; output: number; cacheRead: number; cacheWrite: number; model: string }
  | {
      type: 'rate_limit';
      limit: 'allowed' | 'warning' | 'rejected';
      scope: string | null;
      resetsAt: string | null;
      retryAfterMs: number | null;
      utilization: number | null;
    }
  | { type: 'retry'; attempt: number; max: number; delayMs: number; error: string }
  | { type: 'error'; code: ErrorCode; message: string; retryable: boolean }
  /** Streamed words: a sign of life, neither journaled nor an event. */
  | { type: 'delta'; text: string };
