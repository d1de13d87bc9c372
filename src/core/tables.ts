/** The states in the words of the older interfaces (contract.md §3): `status` and `phase` follow from `state`. */
import type { AgentStateName } from './event.ts';

export type Status = 'idle' | 'working' | 'error';
export type Phase = 'creating' | 'working' | 'complete' | 'failed';

export const STATUS = {
  idle: 'idle',
  paused: 'idle',
  taken: 'idle',
  done: 'idle',
  stopped: 'idle',
  starting: 'working',
  working: 'working',
  stopping: 'working',
  waiting: 'error',
  limited: 'error',
  backoff: 'error',
  failed: 'error',
} as const satisfies Record<AgentStateName, Status>;

/** `idle` is `working` while a task is open and `complete` without one. */
export const PHASE = {
  starting: 'creating',
  working: 'working',
  waiting: 'working',
  limited: 'working',
  backoff: 'working',
  paused: 'working',
  taken: 'working',
  stopping: 'working',
  idle: 'complete',
  done: 'complete',
  stopped: 'complete',
  failed: 'failed',
} as const satisfies Record<AgentStateName, Phase>;

export const phaseOf = (state: AgentStateName, taskOpen: boolean): Phase =>
  state === 'idle' && taskOpen ? 'working' : PHASE[state];
