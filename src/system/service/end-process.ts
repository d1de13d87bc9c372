/** Ends one process that is not our child, known by pid and start time: TERM, a wait, KILL. */
import type { ProcessId } from '../../supervisor/ports.ts';
import { until } from '../clock.ts';
import { errorCode } from '../disk.ts';
import { alive } from '../proc/index.ts';

/** A process that was killed is gone within this, unless the kernel itself waits for something. Milliseconds. */
const KILL_WAIT_MS = 5_000;
const LOOK_MS = 20;

/** `left`: not even KILL ended it within 5 s. A process of another start time is never touched. */
export async function endProcess(id: ProcessId, graceMs: number): Promise<'ended' | 'killed' | 'left'> {
  const gone = (limitMs: number) => until(() => (alive(id) ? null : true), limitMs, LOOK_MS);
  signal(id, 'SIGTERM');
  // A stopped process takes no signal but these two.
  signal(id, 'SIGCONT');
  if (await gone(graceMs)) return 'ended';
  signal(id, 'SIGKILL');
  return (await gone(KILL_WAIT_MS)) ? 'killed' : 'left';
}

function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (!alive(id)) return;
  try {
    process.kill(id.pid, name);
  } catch (error) {
    // It ended in between.
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
