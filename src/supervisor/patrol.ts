/** Lets the patrol go its rounds while some agent is wanted up, one round at a time; with nobody wanted it costs nothing. */
import type { State } from '../core/state.ts';
import type { Input, Settings } from '../core/step.ts';
import type { Cron, Surveyor } from './ports.ts';

export interface PatrolOptions {
  cron: Cron;
  surveyor: Surveyor;
  settings(): Settings;
  state(): State;
  submit(input: Input): Promise<unknown>;
  failed(error: unknown): void;
  well(): void;
}

export interface Patrol {
  /** The state has changed: goes its rounds, or stays at home. */
  changed(): void;
  stop(): void;
}

export function createPatrol(options: PatrolOptions): Patrol {
  let rounds: { stop(): void } | null = null;
  let busy = false;
  let ended = false;

  const round = async (): Promise<void> => {
    if (busy || ended) return;
    busy = true;
    try {
      const { agents, removing } = options.state();
      const survey = await options.surveyor.survey((id) => Object.hasOwn(agents, id) || id in removing);
      if (!ended) await options.submit({ type: 'survey', survey });
      options.well();
    } catch (error) {
      if (!ended) options.failed(error);
    } finally {
      busy = false;
    }
  };

  return {
    changed() {
      const { everyMs } = options.settings().patrol;
      const wanted = everyMs > 0 && Object.values(options.state().agents).some((agent) => agent.wanted !== 'down');
      if (wanted === (rounds !== null)) return;
      rounds?.stop();
      rounds = wanted ? options.cron.every(everyMs / 1_000, () => void round()) : null;
    },
    stop() {
      ended = true;
      rounds?.stop();
      rounds = null;
    },
  };
}
