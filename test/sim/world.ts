/**
 * The simulated machine: what stays when processes die (journals, the event log, conversations), who is alive,
 * and the faults. Everything runs on one virtual clock from one seed.
 */
import type { DriverEventBody } from '../../src/core/event.ts';
import type { JournalRecord, RecordBody } from '../../src/core/host-wire.ts';
import type { Settings } from '../../src/core/step.ts';
import { Agenda, Chance } from './clock.ts';
import type { SimCli } from './cli.ts';
import { EventLogFile } from './event-log.ts';
import type { SimHost } from './host.ts';
import type { SimSupervisor } from './supervisor.ts';

export const START = Date.UTC(2026, 0, 1);

/** A broken invariant: ends the run. */
export class Broken extends Error {}

/** What a CLI keeps on disk: who said what. The oracle. */
export interface Conversation {
  id: string;
  items: { kind: 'message' | 'answer'; id: string }[];
}

export interface SimRecord {
  record: JournalRecord;
  events: DriverEventBody[];
}

/** Everything of one agent that is not in the supervisor. */
export interface Place {
  id: string;
  name: string;
  journals: Map<number, { records: SimRecord[]; synced: number }>;
  conversations: Map<string, Conversation>;
  host: SimHost | null;
  /** CLI processes that live, orphans included. */
  clis: Set<SimCli>;
  /** Deaths of the CLI that nobody asked for, since a person last began anew; for the limit on restarts. */
  crashes: number[];
  /** A conversation was left or lost: a message may then be in two of them. */
  strayed: boolean;
}

export interface Rates {
  /** Probability of each, per occasion. */
  startCrash: number;
  startRefused: number;
  limit: number;
  failedTurn: number;
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
  ask: 0,
  lostConversation: 0,
  hostStartFails: 0,
  clearFails: 0,
  slowAck: 0,
  duplicate: 0,
  orphan: 0.5,
};

export class World {
  readonly chance: Chance;
  readonly agenda = new Agenda(START);
  readonly log = new EventLogFile();
  readonly places = new Map<string, Place>();
  supervisor: SimSupervisor | null = null;
  rates: Rates;
  readonly settings: Settings;
  /** Lines of the run, kept only when somebody will read them. */
  readonly trace: string[] | null;
  pids = 100;
  /** Typed in a pane less than a sync before the power went: nobody was told that it is safe. */
  readonly unwritten = new Set<string>();
  effects = 0;

  constructor(seed: number, options: { rates: Rates; settings: Settings; trace: boolean }) {
    this.chance = new Chance(seed);
    this.rates = options.rates;
    this.settings = options.settings;
    this.trace = options.trace ? [] : null;
  }

  get now(): number {
    return this.agenda.now;
  }

  after(delay: number, run: () => void): void {
    this.agenda.after(delay, run);
  }

  note(who: string, what: string): void {
    this.trace?.push(`${((this.now - START) / 1000).toFixed(3).padStart(10)} ${who.padEnd(12)} ${what}`);
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
        conversations: new Map(),
        host: null,
        clis: new Set(),
        crashes: [],
        strayed: false,
      };
      this.places.set(id, place);
    }
    return place;
  }

  /** The machine loses power: every process ends, and of every file what was not synced may be gone. */
  powerLoss(): void {
    this.note('machine', 'POWER LOSS');
    this.supervisor?.die();
    for (const place of this.places.values()) {
      for (const cli of [...place.clis]) cli.vanish();
      if (place.host) {
        place.host.alive = false;
        place.host = null;
      }
      for (const journal of place.journals.values()) {
        const kept = this.chance.int(journal.synced, journal.records.length);
        for (const { record } of journal.records.splice(kept)) {
          if (record.kind === 'typed') this.unwritten.add(record.id);
          // A crash that nobody can know of is not counted.
          if (record.kind === 'exit' && !record.asked) place.crashes.pop();
        }
        journal.synced = journal.records.length;
      }
    }
    this.log.cut(this.chance.next());
  }
}

export const recordOf = (n: number, at: string, body: RecordBody): JournalRecord => ({ v: 1, n, at, ...body });
