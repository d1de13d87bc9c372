/** Ending the supervisor of a home: by asking it, and one that does not answer by its process, which the lock names. */
import { lockOwner } from '../../system/lock.ts';
import { homePaths } from '../../system/paths.ts';
import { endProcess } from '../../system/service/end-process.ts';
import { CliFailure, failureOf } from '../failure.ts';
import type { Context } from '../program.ts';

/** What is on disk is safe by then: the log is written before anything else is done. Milliseconds. */
const GRACE_MS = 30_000;

export interface Ended {
  pid: number;
  /** It did not answer, and was ended by a signal. */
  forced: boolean;
}

/** null when none ran. Agents keep running. */
export async function endSupervisor(context: Context): Promise<Ended | null> {
  try {
    const client = await context.connect({ start: false });
    try {
      const { pid } = await client.stopSupervisor();
      await context.local.awaitExit(pid);
      return { pid, forced: false };
    } finally {
      client.close();
    }
  } catch (error) {
    const code = failureOf(error)?.code;
    if (code !== 'UNREACHABLE' && code !== 'TIMEOUT') throw error;
    return endUnanswering(context);
  }
}

/** One that holds the lock and does not answer: TERM, and KILL when that is not enough. null when nobody holds the lock. */
export async function endUnanswering(context: Context): Promise<Ended | null> {
  const owner = lockOwner(homePaths(context.home).supervisorLock);
  if (!owner) return null;
  context.out.note(`supervisor ${owner.pid} does not answer: ending it; agents keep running`);
  const { pid, start } = owner;
  if ((await endProcess({ pid, start }, GRACE_MS)) === 'left') {
    throw new CliFailure('RUNTIME_ERROR', `supervisor ${pid} cannot be ended`, {
      hint: `look at process ${pid}: it may wait for a disk that does not answer`,
    });
  }
  return { pid, forced: true };
}
