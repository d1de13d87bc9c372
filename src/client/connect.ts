/** Finding the supervisor of a home, or having one started. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from './client.ts';
import { ClientError } from './error.ts';
import { healthSchema as healthOk } from '../api/wire.ts';
import { createTransport } from './transport.ts';
import type { Client } from './types.ts';

export interface ConnectOptions {
  home: string;
  /** Path of the supervisor's unix socket (`run/supervisor.sock`, or its short form). */
  socketPath: string;
  /** TUTTI_AGENT of the caller, when it is inside an agent. */
  caller?: string | undefined;
  /** Starts a supervisor; null = do not start one. May reject when it can tell at once that none can start. */
  start: (() => Promise<void>) | null;
  /** Asked after `start`: why the started one has ended again; null while it may still come up. */
  failure?: () => Error | null;
  /** How long to wait for a started one. Milliseconds; default 15000. */
  timeoutMs?: number;
  progress?: (text: string) => void;
}

const START_LIMIT_MS = 15_000;
/** Between two looks whether a started supervisor answers. Milliseconds. */
const LOOK_MS = 25;
/** Longest that a supervisor which holds its socket may take to answer. Milliseconds. */
const ANSWER_MS = 5_000;

/**
 * A client of the home's supervisor. Where none runs and `start` is given, one is started and waited for.
 * Rejects with UNREACHABLE (none runs, or it does not come up in time).
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { home, socketPath, caller } = options;
  const transport = createTransport({ socketPath, caller });
  const client = createClient({ home, socketPath, caller, transport });
  const look = async (): Promise<'none' | 'recovering' | 'ready'> => {
    try {
      const health = await transport.call('GET', '/api/health', healthOk, undefined, { timeoutMs: ANSWER_MS });
      return health.recovering ? 'recovering' : 'ready';
    } catch (error) {
      if (error instanceof ClientError && error.code === 'UNREACHABLE') return 'none';
      throw error;
    }
  };
  try {
    // One that was running may still recover: reads are answered at once, and writes wait for it.
    if ((await look()) !== 'none') return client;
    if (!options.start) {
      throw new ClientError('UNREACHABLE', `no supervisor runs for ${home}`, 'tutti supervisor start');
    }
    options.progress?.('starting the supervisor');
    await options.start();
    const limit = options.timeoutMs ?? START_LIMIT_MS;
    for (const end = Date.now() + limit; Date.now() < end; await sleep(LOOK_MS)) {
      const found = await look();
      if (found === 'ready') return client;
      // One that has to refuse (hosts of a newer build) does so while it recovers.
      const failure = found === 'none' ? options.failure?.() : null;
      if (failure) throw failure;
    }
    if ((await look()) !== 'none') return client;
    throw new ClientError(
      'UNREACHABLE',
      `the supervisor did not come up within ${limit / 1_000} s`,
      `see ${home}/log/supervisor.log, or run: tutti supervisor run`,
    );
  } catch (error) {
    client.close();
    throw error;
  }
}
