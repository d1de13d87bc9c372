/** The client's methods: one route each. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import {
  type ActionVerb,
  agentSchema,
  agentsResponseSchema,
  answerResponseSchema,
  applyResponseSchema,
  digestSchema,
  downResponseSchema,
  eventsResponseSchema,
  fleetSchema,
  fullEventSchema,
  healthSchema,
  logResponseSchema,
  messageResponseSchema,
  removedSchema,
  requestsResponseSchema,
  scheduleSchema,
  schedulesResponseSchema,
  stopResponseSchema,
  unscheduledSchema,
  whySchema,
} from '../api/wire.ts';
import { ClientError } from './error.ts';
import { openStream } from './stream.ts';
import type { Transport } from './transport.ts';
import type { Client } from './types.ts';
import { sendAndWait, waitFor } from './wait.ts';

/** Longest that a supervisor may take to end. Milliseconds. */
const END_LIMIT_MS = 15_000;
const LOOK_MS = 20;

/** Resolves when nobody answers and the process is gone: then another may take the home. */
async function gone(client: Client, pid: number): Promise<void> {
  for (const end = Date.now() + END_LIMIT_MS; Date.now() < end; await sleep(LOOK_MS)) {
    if (!(await answers(client)) && !lives(pid)) return;
  }
  throw new ClientError(
    'TIMEOUT',
    `supervisor ${pid} has not ended within ${END_LIMIT_MS / 1_000} s`,
    'tutti supervisor status',
  );
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.health();
    return true;
  } catch (error) {
    if (error instanceof ClientError && error.code === 'UNREACHABLE') return false;
    throw error;
  }
}

/** Whether a process of that pid is there; one of our own (a supervisor inside a test) does not count. */
function lives(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0) && !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** It has ended, and its parent has not taken note: in a container the first process may do so late, or never. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return 'ZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch (error) {
    // No such file: a system without /proc, or it is gone by now, which the next look will see.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

export interface ClientParts {
  home: string;
  socketPath: string;
  caller?: string | undefined;
  transport: Transport;
}

export function createClient({ home, socketPath, caller, transport }: ClientParts): Client {
  const { call } = transport;
  const agentPath = (ref: string, rest = ''): string => `/api/agents/${encodeURIComponent(ref)}${rest}`;
  /** A write with a key of its own: sent again after a broken connection, it is done once. */
  const write = <S extends z.ZodType>(path: string, schema: S, body: unknown): Promise<z.output<S>> =>
    call('POST', path, schema, body, { idempotencyKey: randomUUID() });

  const client: Client = {
    home,
    health: () => call('GET', '/api/health', healthSchema),
    list: () => call('GET', '/api/agents', agentsResponseSchema),
    get: (ref) => call('GET', agentPath(ref), agentSchema),
    spawn: (request) => write('/api/agents', agentSchema, request),
    apply: (request) => write('/api/apply', applyResponseSchema, request),
    down: (request) => write('/api/down', downResponseSchema, request),
    send(ref, content, options = {}) {
      const messageId = options.messageId ?? randomUUID();
      const body = { content, now: options.now ?? false, messageId };
      return call('POST', agentPath(ref, '/message'), messageResponseSchema, body, { idempotencyKey: messageId });
    },
    sendAndWait: (ref, content, options) => sendAndWait(client, ref, content, { ...options, messageId: randomUUID() }),
    act: (ref, verb: ActionVerb, options = {}) => write(agentPath(ref, `/${verb}`), agentSchema, options),
    remove: (ref) => call('DELETE', agentPath(ref), removedSchema, undefined, { idempotencyKey: randomUUID() }),
    wait: (ref, options) => waitFor(client, ref, options),
    requests: async () => (await call('GET', '/api/requests', requestsResponseSchema)).requests,
    answer: (requestId, answer) =>
      write(`/api/requests/${encodeURIComponent(requestId)}`, answerResponseSchema, answer),
    schedules: async () => (await call('GET', '/api/schedules', schedulesResponseSchema)).schedules,
    schedule: (request) => write('/api/schedules', scheduleSchema, request),
    unschedule: (ref) => write(`/api/schedules/${encodeURIComponent(ref)}/rm`, unscheduledSchema, {}),
    digest: (since) => call('GET', `/api/digest?since=${encodeURIComponent(since)}`, digestSchema),
    why: (ref) => call('GET', agentPath(ref, '/why'), whySchema),
    events({ since, limit, agents, types }) {
      const query = new URLSearchParams();
      if (since !== undefined) query.set('since', String(since));
      if (limit !== undefined) query.set('limit', String(limit));
      if (agents) query.set('agents', agents.join(','));
      if (types) query.set('types', types.join(','));
      return call('GET', `/api/events?${query}`, eventsResponseSchema);
    },
    stream: (options = {}) => openStream({ socketPath, caller }, options),
    log(ref, { from, limit } = {}) {
      const query = new URLSearchParams();
      if (from !== undefined) query.set('from', from);
      if (limit !== undefined) query.set('limit', String(limit));
      return call('GET', agentPath(ref, `/log?${query}`), logResponseSchema);
    },
    fullEvent: (seq, ref) => call('GET', agentPath(ref, `/log?event=${seq}`), fullEventSchema),
    fleet: () => call('GET', '/api/fleet', fleetSchema),
    async stopSupervisor() {
      const { pid } = await write('/api/supervisor/stop', stopResponseSchema, {});
      await gone(client, pid);
      return { pid };
    },
    close: () => transport.close(),
  };
  return client;
}
