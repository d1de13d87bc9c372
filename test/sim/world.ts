/**
 * The simulated machine: what stays when processes die (journals, the event log, conversations), who is alive,
 * and the faults. Everything runs on one virtual clock from one seed.
 */
import { tokensOf } from '../../src/core/budget/purse.ts';
import type { DriverEventBody, TuttiEvent } from '../../src/core/event.ts';
import type { JournalRecord, RecordBody } from '../../src/core/host-wire.ts';
import type { State } from '../../src/core/state.ts';
import type { Effect, Input, Settings } from '../../src/core/step.ts';
import { Agenda, Chance } from './clock.ts';
import type { SimCli } from './cli.ts';
import { EventLogFile } from './event-log.ts';
import type { SimHost } from './host.ts';
import { JournalFile, type SimRecord } from './journal.ts';
import type { SimSupervisor } from './supervisor.ts';

export const START = Date.UTC(2026, 0, 1);

/** A broken invariant: ends the run. */
export class Broken extends Error {}

/** What a CLI keeps on disk: who said what. The oracle. */
export interface Conversation {
  id: string;
  items: { kind: 'message' | 'answer'; id: string }[];
  /** Whoever works in it gets stuck: only a new one helps. */
  cursed: 'silent' | 'deaf' | 'circles' | null;
}

/** Everything of one agent that is not in the supervisor. */
export interface Place {
  id: string;
  name: string;
  journals: Map<number, JournalFile>;
  /** The latest epoch that was used. */
  epoch: number;
  conversations: Map<string, Conversation>;
  host: SimHost | null;
  /** CLI processes that live, orphans included. */
  clis: Set<SimCli>;
  /** Deaths of the CLI that nobody asked for, since a person last began anew; for the limit on restarts. */
  crashes: number[];
  /** Its CLI keeps to a cap that it is told. */
  ownCap: boolean;
  /** A conversation was left or lost: a message may then be in two of them. */
  strayed: boolean;
  /** Tokens that it may use; null = no cap, or a person has lifted it. */
  cap: number | null;
  /** Tokens that its host has heard of, and model calls that were begun after the one that reached the cap. */
  spent: number;
  beyond: number;
}

export interface Rates {
  /** Probability of each, per occasion. */
  startCrash: number;
  startRefused: number;
  limit: number;
  failedTurn: number;
  hang: number;
  ask: number;
  lostConversation: number;
  hostStartFails: number;
  clearFails: number;
  slowAck: number;
  duplicate: number;
  orphan: number;
}

export const QUIET: Rates = {
  startCrash: 0,
  startRefused: 0,
  limit: 0,
  failedTurn: 0,
  hang: 0,
  ask: 0,
  lostConversation: 0,
  hostStartFails: 0,
  clearFails: 0,
  slowAck: 0,
  duplicate: 0,
  orphan: 0.5,
};

/** What a turn waits for: so many milliseconds, or (null) for somebody else to make it go on. */
export type Pause = number | null;

/** What a CLI does in its turns, from the first model call to the last word. */
export type Turns = (cli: SimCli) => Generator<Pause, void>;

/** Looks on beside the invariants of `invariants.ts`, and throws {@link Broken} for what must not be. */
export interface Onlooker {
  /** After each step of the core, with what it recorded. */
  step(state: State, events: TuttiEvent[], input: Input): void;
  /** When an effect is performed. */
  effect(effect: Effect, state: State): void;
  /** A host has put on record what its CLI said. */
  recorded(place: Place, events: DriverEventBody[]): void;
  /** Journal records that the power took with it. */
  lost(place: Place, records: SimRecord[]): void;
}

export interface WorldOptions {
  rates: Rates;
  settings: Settings;
  trace: boolean;
  turns: Turns;
  /** The run is long: snapshots are rarer, and what was read of the journals is forgotten. */
  long?: boolean;
}

/** Events kept in the log before a snapshot is taken. */
const SEGMENT = 400;
const LONG_SEGMENT = 800;

/** Lines of a trace that are kept: the last ones say why it broke. */
const TRACE_LINES = 200_000;

function forgetUsage(place: Place, tokens: number): void {
  place.spent -= tokens;
  place.beyond = 0;
}

export class World {
  readonly chance: Chance;
  readonly agenda = new Agenda(START);
  readonly log: EventLogFile;
  readonly places = new Map<string, Place>();
  supervisor: SimSupervisor | null = null;
  rates: Rates;
  readonly settings: Settings;
  readonly turns: Turns;
  readonly long: boolean;
  onlooker: Onlooker | null = null;
  /** Time that passed while the machine slept: its timers stood still. Milliseconds. */
  slept = 0;
  /** What the machine's clock is wrong by. Milliseconds. */
  wrong = 0;
  /** Lines of the run, kept only when somebody will read them. */
  readonly trace: string[] | null;
  pids = 100;
  /** Things that were made, counted. */
  serial = 0;
  /** Typed in a pane less than a sync before the power went: nobody was told that it is safe. */
  readonly unwritten = new Set<string>();
  /** Inputs that the core decided on, and effects that came of it. */
  decisions = 0;
  effects = 0;
  /** The highest rung of the ladder that each agent has been on since something last succeeded, or a person looked. */
  readonly rungs = new Map<string, number>();

  constructor(seed: number, options: WorldOptions) {
    this.chance = new Chance(seed);
    this.rates = options.rates;
    this.settings = options.settings;
    this.turns = options.turns;
    this.long = options.long === true;
    this.log = new EventLogFile(this.long ? LONG_SEGMENT : SEGMENT);
    this.trace = options.trace ? [] : null;
  }

  /** What the machine's clock shows. Milliseconds since the epoch. */
  get now(): number {
    return this.trueNow + this.wrong;
  }

  /** What everybody else's clock shows. Milliseconds since the epoch. */
  get trueNow(): number {
    return this.agenda.now + this.slept;
  }

  after(delay: number, run: () => void): void {
    this.agenda.after(delay, run);
  }

  note(who: string, what: string): void {
    const { trace } = this;
    if (!trace) return;
    trace.push(`${((this.now - START) / 1000).toFixed(3).padStart(10)} ${who.padEnd(12)} ${what}`);
    if (trace.length >= 2 * TRACE_LINES) trace.splice(0, TRACE_LINES);
  }

  check(holds: boolean, what: () => string): void {
    if (!holds) throw new Broken(what());
  }

  place(id: string, name: string): Place {
    let place = this.places.get(id);
    if (!place) {
      place = {
        id,
        name,
        journals: new Map(),
        epoch: 0,
        conversations: new Map(),
        host: null,
        clis: new Set(),
        crashes: [],
        ownCap: false,
        strayed: false,
        cap: null,
        spent: 0,
        beyond: 0,
      };
      this.places.set(id, place);
    }
    return place;
  }

  /** Starts the next journal of a host. */
  newJournal(place: Place, epoch: number): JournalFile {
    const journal = new JournalFile();
    place.journals.set(epoch, journal);
    place.epoch = Math.max(place.epoch, epoch);
    return journal;
  }

  /** The log has a snapshot on the disk: what it was made from is not read again. */
  forgetRead(state: State): void {
    if (!this.long) return;
    for (const place of this.places.values()) {
      const cursor = state.agents[place.id]?.cursor;
      if (!cursor) continue;
      for (const [epoch, journal] of place.journals) {
        if (epoch < cursor.epoch) place.journals.delete(epoch);
        else if (epoch === cursor.epoch) journal.forget(cursor.n);
      }
    }
  }

  /** The machine loses power: every process ends, and of every file what was not synced may be gone. */
  powerLoss(): void {
    this.note('machine', 'POWER LOSS');
    this.supervisor?.kill();
    for (const place of this.places.values()) {
      for (const cli of [...place.clis]) cli.vanish();
      if (place.host) {
        place.host.alive = false;
        place.host = null;
      }
      for (const journal of place.journals.values()) {
        const lost = journal.cut((low, high) => this.chance.int(low, high));
        for (const { record, events } of lost) {
          // What was used is on no record any more.
          for (const event of events) if (event.type === 'usage') forgetUsage(place, tokensOf(event));
          if (record.kind === 'typed') this.unwritten.add(record.id);
          // A crash that nobody can know of is not counted.
          if (record.kind === 'exit' && !record.asked) place.crashes.pop();
        }
        this.onlooker?.lost(place, lost);
      }
    }
    this.log.cut(this.chance.next());
  }
}

export const recordOf = (n: number, at: string, body: RecordBody): JournalRecord => ({ v: 1, n, at, ...body });
