/** What a connected client can do. Every method rejects with a {@link ClientError} that carries a code of contract.md §5. */
import type {
  ActionOptions,
  ActionVerb,
  Agent,
  AgentsResponse,
  AnswerRequest,
  AnswerResponse,
  ApplyRequest,
  ApplyResponse,
  DownRequest,
  DownResponse,
  EventsQuery,
  EventsResponse,
  Fleet,
  Health,
  LogResponse,
  MessageResponse,
  PermissionRequest,
  Removed,
  DigestInfo,
  ScheduleInfo,
  ScheduleRequest,
  SpawnRequest,
  Why,
} from '../api/wire.ts';
import type { EventType, TuttiEvent } from '../core/event.ts';

/** What `tutti wait --for` can wait for. `idle` is also met by `done` and `paused`: nothing is being done. */
export const WAIT_TARGETS = ['idle', 'done', 'stopped', 'limited', 'waiting', 'failed'] as const;
export type WaitTarget = (typeof WAIT_TARGETS)[number];

export interface WaitOptions {
  /** Any one of these ends the wait. */
  for: WaitTarget[];
  /** Milliseconds; null = without end. Rejects with TIMEOUT. */
  timeoutMs: number | null;
  signal?: AbortSignal;
}

/** The end of the turn that a message brought about. */
export interface SendResult {
  messageId: string;
  outcome: 'ok' | 'error' | 'interrupted' | 'limit' | 'max_turns' | 'budget';
  /** The assistant's messages of that turn, joined by newlines. */
  text: string;
  agent: Agent;
}

export interface EventStreamOptions {
  /** Ids or names. Left out: all. */
  agents?: string[];
  types?: EventType[];
  /** Events after this seq; left out: from now on. */
  since?: number;
  /** Log id that `since` belongs to; another log there makes `onReset` run. */
  log?: string;
  signal?: AbortSignal;
  /** Once connected, and after each reconnect. */
  onHello?: (hello: { log: string; seq: number; reset: boolean }) => void;
  /** The connection is gone; it is tried again until `signal` or `close`, or until `giveUpMs` have passed. */
  onLost?: (why: string) => void;
  /** Give up when no supervisor has answered for so long. Milliseconds; default 30000. */
  giveUpMs?: number;
}

/** Events in order, none lost and none twice, across reconnects. Iterate it; `close` ends it. */
export interface EventStream extends AsyncIterable<TuttiEvent> {
  /** seq of the stream's start: state read now is at least as new. */
  readonly ready: Promise<{ log: string; seq: number }>;
  close(): void;
}

export interface Client {
  readonly home: string;
  health(): Promise<Health>;
  list(): Promise<AgentsResponse>;
  /** By id or name. */
  get(ref: string): Promise<Agent>;
  spawn(request: SpawnRequest): Promise<Agent>;
  apply(request: ApplyRequest): Promise<ApplyResponse>;
  down(request: DownRequest): Promise<DownResponse>;
  /** Queues a message; resolves when it is durable. `messageId` makes a repeat harmless; one is made where none is given. */
  send(ref: string, content: string, options?: { now?: boolean; messageId?: string }): Promise<MessageResponse>;
  /** Sends and waits for the end of the turn that the message brings about. */
  sendAndWait(
    ref: string,
    content: string,
    options: { now?: boolean; timeoutMs: number | null; signal?: AbortSignal; onEvent?: (event: TuttiEvent) => void },
  ): Promise<SendResult>;
  act(ref: string, verb: ActionVerb, options?: ActionOptions): Promise<Agent>;
  remove(ref: string): Promise<Removed>;
  /** Resolves to the agent as it is when one of the wanted states is met; `failed` ends every wait (rejects unless asked for). */
  wait(ref: string, options: WaitOptions): Promise<Agent>;
  requests(): Promise<PermissionRequest[]>;
  answer(requestId: string, answer: AnswerRequest): Promise<AnswerResponse>;
  /** Check-ins, the next one first. */
  schedules(): Promise<ScheduleInfo[]>;
  schedule(request: ScheduleRequest): Promise<ScheduleInfo>;
  /** By id, or by a name that only one has. */
  unschedule(ref: string): Promise<{ id: string; name: string }>;
  /** What happened since a time (ISO 8601). */
  digest(since: string): Promise<DigestInfo>;
  why(ref: string): Promise<Why>;
  /** One page of past events; `next` is the `since` of the following page. */
  events(query: EventsQuery): Promise<EventsResponse>;
  /** Past (from `since`) and live events. */
  stream(options?: EventStreamOptions): EventStream;
  /** Raw protocol lines. `from` as `next` gave it; left out: the last lines. */
  log(ref: string, options?: { from?: string; limit?: number }): Promise<LogResponse>;
  /** One event with its cut fields filled in from the host journal; `complete: false` when that is gone. */
  fullEvent(seq: number, ref: string): Promise<{ event: TuttiEvent; complete: boolean }>;
  fleet(): Promise<Fleet>;
  /** Ends the daemon alone; resolves when its socket is gone. */
  stopSupervisor(): Promise<{ pid: number }>;
  close(): void;
}
