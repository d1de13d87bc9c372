/**
 * The one loop (law 2): mailbox → decide → number → append → reduce → publish → effects. One input at a time; the only place
 * where state changes and the only writer of the event log.
 *
 * Written events are reduced and published at once; what may not be repeated (`durable`) is answered and acted on only after
 * the group fsync. Effects are performed in the order in which they were decided. When the log cannot be written (full disk),
 * the loop stands still and tries again each second: nothing is decided that cannot be recorded.
 */
import type { JournalRef, TuttiEvent } from '../core/event.ts';
import type { State } from '../core/state.ts';
import type { Effect, Input, Reply, Settings, Step } from '../core/step.ts';
import { core } from './core.ts';
import type { Clock, EventLog } from './ports.ts';
import { seal } from './seal.ts';

/** Wait between attempts to write to a log that refuses. Milliseconds. */
const WRITE_RETRY_MS = 1_000;
/** A deadline that stays due after its tick is looked at again after this long. Milliseconds. */
const TICK_PAUSE_MS = 1_000;
/** Longest timer: timers stand still while the machine sleeps, and know nothing of a clock that is set. Milliseconds. */
const LONGEST_TIMER_MS = 60_000;

export interface LoopOptions {
  state: State;
  log: EventLog;
  clock: Clock;
  settings: Settings;
  /** When text was last streamed, by agent: what `decide` may know beyond the events. */
  heard?: ReadonlyMap<string, string>;
  /** After the append, in order; must not throw. */
  publish(events: TuttiEvent[]): void;
  /** Starts the effect; its outcome comes back as an input. Must not throw. */
  perform(effect: Effect): void;
  /** Called when the state has changed. */
  changed(): void;
  /** The state may differ from the log now (a bug in `reduce`): the process must end and recover. */
  fatal(error: Error): void;
  /** A person should know (null = over). */
  problem(key: 'log' | 'bug', text: string | null): void;
}

export interface Loop {
  readonly state: State;
  /** Inputs that wait. */
  readonly backlog: number;
  readonly recovering: boolean;
  /** Why nothing is taken at the moment: the log cannot be written. */
  readonly stuck: string | null;
  readonly settings: Settings;
  /** How long the loop has been at one input; 0 when none waits, or while the log cannot be written. Milliseconds. */
  readonly stalledMs: number;
  /**
   * Goes through the mailbox and waits for the fsync of what was written before: resolves when the loop has really turned, to
   * the reason when it stands still because the log cannot be written (and tries again each second). Never by itself otherwise.
   */
  pulse(): Promise<string | null>;
  /**
   * Resolves when the input's events are as durable as they need to be. Rejects when `decide` failed (a bug), when the loop has
   * ended, and with {@link NotRecorded} a command whose events cannot be written.
   */
  submit(input: Input): Promise<Reply | null>;
  setSettings(settings: Settings): void;
  /** Takes no further input, finishes what waits, and flushes. */
  stop(): Promise<void>;
}

/** Nothing of an input was recorded, and nothing of it was done. */
export class NotRecorded extends Error {}

interface Item {
  input: Input;
  resolve(reply: Reply | null): void;
  reject(error: Error): void;
}

/** Asks whether the loop turns; the outcome is told once. */
interface Pulse {
  pulse(stuck: string | null): void;
}

export function createLoop(options: LoopOptions): Loop {
  const { log, clock } = options;
  let { state, settings } = options;
  let queue: (Item | Pulse)[] = [];
  let taken = 0;
  let running: Promise<void> | null = null;
  let recovering = true;
  let ended = false;
  let stopping = false;
  const dues = core.dueTable();
  let timer: { cancel(): void } | null = null;
  let lastTick = 0;
  let stuck: string | null = null;
  /** When the present input was taken. */
  let busySince: number | null = null;
  /** Ends the wait between two attempts to write. */
  let hurry = (): void => undefined;
  /** Effects and replies of durable steps wait here for their fsync, and all later ones behind them. */
  let gate: Promise<void> = Promise.resolve();
  let gated = 0;

  /** false: not written, and the item has been told. */
  const write = async (item: Item, events: TuttiEvent[]): Promise<boolean> => {
    for (;;) {
      try {
        await log.append(events, false);
        stuck = null;
        options.problem('log', null);
        return true;
      } catch (error) {
        const text = `the event log cannot be written: ${messageOf(error)}`;
        // Somebody waits for the answer to a command, and can give it again. What happened in the world cannot be refused.
        if (stopping || item.input.type === 'command') {
          item.reject(new NotRecorded(text));
          return false;
        }
        stuck = text;
        options.problem('log', `${text}; trying again each second`);
        for (const waiting of queue.slice(taken)) if ('pulse' in waiting) waiting.pulse(text);
        await new Promise<void>((resolve) => {
          const wait = clock.setTimeout(resolve, WRITE_RETRY_MS);
          hurry = () => {
            wait.cancel();
            resolve();
          };
        });
      }
    }
  };

  /** Runs `then` after everything that was decided before, and after an fsync if the step needs one. */
  const afterDurable = (durable: boolean, then: () => void, fail: (error: Error) => void): void => {
    if (!durable && gated === 0) {
      then();
      return;
    }
    gated += 1;
    const synced = durable ? log.append([], true) : Promise.resolve();
    gate = Promise.all([gate, synced]).then(
      () => {
        gated -= 1;
        then();
      },
      (error) => {
        gated -= 1;
        // Not durable: neither acknowledged nor acted on; the next look at the state asks for it again.
        options.problem('log', `the event log cannot be synced: ${messageOf(error)}`);
        fail(asError(error));
      },
    );
  };

  const record = async (item: Item, step: Step): Promise<boolean> => {
    const events = seal(step.events, {
      state,
      now: new Date(clock.now()).toISOString(),
      recordedAt: recordTimes(item.input),
    });
    if (!(await write(item, events))) return false;
    for (const event of events) state = core.reduce(state, event);
    dues.changed(events);
    options.publish(events);
    options.changed();
    await log.roll(state);
    return true;
  };

  const take = async (item: Item): Promise<void> => {
    const { input } = item;
    let step: Step;
    try {
      step = core.decide(state, input, {
        now: clock.now(),
        random: clock.random(),
        settings,
        recovering,
        ...(options.heard ? { heard: options.heard } : {}),
      });
    } catch (error) {
      options.problem('bug', `a decision on ${input.type} failed: ${messageOf(error)}`);
      item.reject(asError(error));
      return;
    }
    if (step.events.length > 0 && !(await record(item, step))) return;
    if (input.type === 'recovered') recovering = false;
    const durable = step.events.some((event) => event.durable);
    const act = (): void => {
      for (const effect of step.effects) options.perform(effect);
      item.resolve(step.reply);
    };
    afterDurable(durable, act, item.reject);
  };

  const beat = ({ pulse }: Pulse): void => {
    log.append([], true).then(
      () => pulse(null),
      (error) => pulse(`the event log cannot be synced: ${messageOf(error)}`),
    );
  };

  const drain = async (): Promise<void> => {
    while (taken < queue.length) {
      const item = queue[taken] as Item | Pulse;
      taken += 1;
      if (taken > 1_024) {
        queue = queue.slice(taken);
        taken = 0;
      }
      if ('pulse' in item) {
        beat(item);
        continue;
      }
      busySince = clock.now();
      await take(item);
    }
    busySince = null;
    queue = [];
    taken = 0;
  };

  const arm = (): void => {
    timer?.cancel();
    timer = null;
    if (recovering || stopping) return;
    const due = dues.next(state, settings);
    if (due === null) return;
    const now = clock.now();
    const pause = due <= lastTick ? TICK_PAUSE_MS : 0;
    timer = clock.setTimeout(
      () => {
        timer = null;
        // Not yet: that was the longest timer, or the clock was set back.
        if (due > clock.now()) {
          arm();
          return;
        }
        lastTick = clock.now();
        post({ input: { type: 'tick' }, resolve: () => undefined, reject: () => undefined });
      },
      Math.min(LONGEST_TIMER_MS, Math.max(pause, due - now)),
    );
  };

  const run = (): void => {
    running = drain()
      .catch((error) => options.fatal(asError(error)))
      .finally(() => {
        running = null;
        // Something may have come between the end of the drain and here.
        if (queue.length > taken) run();
        else arm();
      });
  };

  const post = (item: Item | Pulse): void => {
    queue.push(item);
    if (!running) run();
  };

  return {
    get state() {
      return state;
    },
    get backlog() {
      return queue.length - taken;
    },
    get recovering() {
      return recovering;
    },
    get stuck() {
      return stuck;
    },
    get settings() {
      return settings;
    },
    get stalledMs() {
      return busySince === null || stuck !== null ? 0 : Math.max(0, clock.now() - busySince);
    },
    pulse() {
      if (ended) return Promise.reject(new Error('the supervisor has stopped'));
      return new Promise((resolve) => post({ pulse: resolve }));
    },
    setSettings(next) {
      settings = next;
      if (!running) arm();
    },
    submit(input) {
      if (ended) return Promise.reject(new Error('the supervisor has stopped'));
      return new Promise((resolve, reject) => post({ input, resolve, reject }));
    },
    async stop() {
      ended = true;
      stopping = true;
      timer?.cancel();
      hurry();
      while (running) await running;
      await gate;
    },
  };
}

/** When each record of this input was written by its host. */
function recordTimes(input: Input): (n: number) => string | null {
  if (input.type !== 'records') return () => null;
  const times = new Map(input.records.map(({ record }) => [record.n, record.at] satisfies [JournalRef['n'], string]));
  return (n) => times.get(n) ?? null;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
