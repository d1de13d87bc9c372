/**
 * The patrol: a slow look at the whole machine, for what no event tells. This folder says what is seen (`survey.ts`) and what is made of
 * it (`findings.ts`). Pure: `system/survey.ts` looks, `decide/patrol.ts` acts.
 */
import type { IsoTime } from '../event.ts';

/** A process that carries an agent's marker of this home. */
export interface Carrier {
  pid: number;
  start: string;
  agentId: string;
  incarnation: number;
  /** A living pane host has the lock of that agent. */
  hosted: boolean;
  /** How long the patrol has seen it. Milliseconds. */
  seenMs: number;
}

/** A file of an agent that nobody knows: its socket, lock or launch environment. */
export interface Leftover {
  agentId: string;
  path: string;
  what: 'socket' | 'environment';
  /** Since it was written. Milliseconds. */
  ageMs: number;
}

export interface Survey {
  carriers: Carrier[];
  /** null: tmux could not be asked. */
  sessions: { session: string; pid: number; dead: boolean }[] | null;
  leftovers: Leftover[];
  /** Of the file system that the home is on; null = it could not be asked. Bytes. */
  disk: { free: number; total: number } | null;
  memory: { available: number; total: number } | null;
}

export interface PatrolSettings {
  /** Between two looks; 0 = never. Milliseconds. */
  everyMs: number;
  /** Less free space than this is told. Bytes. */
  diskFree: number;
  /** Less available memory than this share is told. 0..1 */
  memoryFree: number;
}

export interface PatrolState {
  /** What the latest look found, by key: since when. Told once, until it is over. */
  found: Record<string, IsoTime>;
}

export const nothingFound = (): PatrolState => ({ found: {} });
