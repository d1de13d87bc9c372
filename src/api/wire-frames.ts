/**
 * Frames of `GET /ws` (contract.md §6). Server to client: one `hello`, then events as they are in the log, and replies.
 * Client to server: commands; each may carry `id` and is then answered by a `reply` with it.
 */
import { z } from 'zod';
import { EVENT_TYPES, type EventType, type TuttiEvent } from '../core/event.ts';
import { answerSchema, messageSchema, nameSchema } from './wire.ts';
import type { Agent } from './wire-agent.ts';

/** A client that lets this much pile up is waited for. Bytes. */
export const SEND_BUFFER = 1024 * 1024;
/** … and is told so and dropped when it has not taken any of it after this long. Milliseconds. */
export const SLOW_LIMIT_MS = 30_000;
/** WebSocket close code of a dropped slow client ("try again later"). */
export const CLOSE_SLOW = 1013;
/** WebSocket close code when the supervisor ends ("going away"). */
export const CLOSE_GOING = 1001;

const id = z.union([z.string().max(128), z.number()]).optional();
const eventTypes = Object.keys(EVENT_TYPES) as [EventType, ...EventType[]];

/** What a client may say. Unknown keys are ignored, so that older servers take newer clients. */
export const clientFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('subscribe'),
    id,
    /** Ids or names; left out: all. */
    agents: z.array(z.string()).optional(),
    types: z.array(z.enum(eventTypes)).optional(),
    /** Everything after this seq; left out: from where the stream stands. */
    since: z.number().int().nonnegative().optional(),
  }),
  z.object({
    type: z.literal('spawn_agent'),
    id,
    name: nameSchema,
    task: z.string().min(1).optional(),
    zone: z.string().min(1).optional(),
    cli: z.string().min(1).optional(),
    model: z.string().min(1).optional(),
    cwd: z.string().min(1).optional(),
  }),
  z.object({
    type: z.literal('send_message'),
    id,
    agentId: z.string().min(1),
    content: messageSchema.shape.content,
    now: z.boolean().optional(),
  }),
  z.object({ type: z.literal('kill_agent'), id, agentId: z.string().min(1) }),
  z.object({
    type: z.literal('answer_request'),
    id,
    requestId: z.string().min(1),
    decision: answerSchema.shape.decision,
    text: z.string().nullable().optional(),
  }),
]);
export type ClientFrame = z.infer<typeof clientFrameSchema>;

/** First frame of every stream. `reset`: the client named another log, its `since` means nothing here: read the state anew. */
export interface HelloFrame {
  type: 'hello';
  log: string;
  seq: number;
  /** Events follow from here. */
  since: number;
  reset: boolean;
  recovering: boolean;
  version: string;
  build: string;
}

export type ReplyFrame =
  | { type: 'reply'; id: string | number | null; ok: true; value: unknown }
  | {
      type: 'reply';
      id: string | number | null;
      ok: false;
      error: { code: string; message: string; hint: string | null };
    };

/** The stream ends here, and why (`slow` = this client did not read). */
export interface ByeFrame {
  type: 'bye';
  reason: 'slow' | 'stopping';
  /** Reconnect with this as `since`. */
  seq: number;
}

/** `agent_spawned` carries the agent object, `tool_result` keeps its agentId: events are frames as they are. */
export type ServerFrame = HelloFrame | ReplyFrame | ByeFrame | (TuttiEvent & { agentObject?: Agent });
