/**
 * `pane/` draws what an attached person sees, and reads what that person types. Nothing in the host waits for it.
 *
 * This file: what the host tells a pane, and what a pane tells the host.
 */
import type { DriverEventBody } from '../../core/event.ts';
import type { ConfigureArgs, RecordBody } from '../../core/host-wire.ts';
import type { TypedInput } from '../socket.ts';

export interface PaneStatus {
  /** State in one word, as far as the host can know it. */
  state: 'stopped' | 'starting' | 'idle' | 'working' | 'waiting' | 'stopping';
  /** Since when, milliseconds since the epoch. */
  since: number;
  /** Messages that wait for the end of the turn. */
  queued: number;
  /** Share of the agent's nearest budget that is used, 0..1; null without one. */
  budget: number | null;
  /** Something that concerns the whole pane, such as a full disk. */
  alarm: string | null;
}

export interface Pane {
  /** Name, CLI, model, task and branch: the first row. `cwd`: paths in the agent's folder are shown without it. */
  header(view: ConfigureArgs['view'], cwd: string | null): void;
  /** A record was written. */
  record(body: RecordBody, at: number): void;
  events(events: DriverEventBody[], at: number): void;
  /** Streamed text that is no event yet. */
  delta(text: string): void;
  status(status: PaneStatus): void;
  /** The terminal is gone. */
  readonly blind: boolean;
  close(): void;
}

export interface PaneInput {
  typed(input: TypedInput): void;
}
