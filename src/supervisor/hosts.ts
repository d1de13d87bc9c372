/**
 * All pane hosts: who is connected, who is silent, who is proven dead. A host is dead when its process (pid and start time) is
 * gone, never because it does not answer; a silent one is unknown, and nothing is started in its place (contract.md §8).
 */
import type { JsonObject } from '../core/event.ts';
import { ACK_LIMIT_MS, type HostHello, type HostVerb } from '../core/host-wire.ts';
import type { Input } from '../core/step.ts';
import { type HostLink, openLink } from './host-link.ts';
import type { Ingest } from './ingest.ts';
import type { Clock, JournalReader, Logger, ProcessId, Processes } from './ports.ts';

/** Wait between attempts to reach a host: at first, at most while it may be starting, and at most. Milliseconds. */
const RETRY_FIRST_MS = 15;
const RETRY_EARLY_MS = 200;
const RETRY_MOST_MS = 5_000;
/** A started host that has not greeted after this long is hung. Milliseconds. */
export const START_LIMIT_MS = 15_000;
/**
 * A start that was recorded, of which tmux knows no pane and no journal tells, counts as never done after this long: an order
 * that the last supervisor gave in its last moment may still be on its way through tmux. Milliseconds.
 */
const NOBODY_LIMIT_MS = 500;

export interface HostsOptions {
  clock: Clock;
  journals: JournalReader;
  processes: Processes;
  ingest: Ingest;
  log: Logger;
  self: { protocol: number; build: string; pid: number };
  socketPath(agentId: string): string;
  submit(input: Input): Promise<unknown>;
  /** Streamed progress that is neither journaled nor an event. */
  progress(agentId: string, at: string): void;
  failed(agentId: string, error: unknown): void;
}

export type Standing = 'up' | 'down' | 'unknown' | 'refused';

export interface Hosts {
  /**
   * Begins to look for the host of this epoch; goes on until it has greeted or is proven dead.
   * `process`: who it is, where that is known. `fresh`: it was started just now and must greet in time. `nobody`: tmux knows of
   * no pane for it, so without a process on record it never started.
   */
  expect(agentId: string, epoch: number, options: { process: ProcessId | null; fresh: boolean; nobody: boolean }): void;
  /** Resolves when that host has greeted and is in the state, or is proven dead; `unknown` after the limit. */
  settled(agentId: string, limitMs: number): Promise<Standing>;
  command(agentId: string, epoch: number, id: string, verb: HostVerb, args: JsonObject): boolean;
  /** Host processes of this agent that may live, newest epoch given included. */
  known(agentId: string, epoch: number): ProcessId[];
  /** Pids of every host that greeted. */
  pids(): number[];
  /** Agents whose host is not known to be up or dead. */
  unknown(): string[];
  /** Why the host of an agent cannot be spoken to, by agent. */
  refusals(): { agentId: string; why: string }[];
  forget(agentId: string): void;
  close(): void;
}

interface Entry {
  agentId: string;
  epoch: number;
  since: number;
  nobody: boolean;
  standing: Standing;
  process: ProcessId | null;
  link: HostLink | null;
  /** Greeted on the present connection. */
  up: boolean;
  retry: { cancel(): void } | null;
  delay: number;
  /** Cancels the limit for the first greeting. */
  startLimit: { cancel(): void } | null;
  gone: boolean;
  waiters: (() => void)[];
  /** Commands for a host that is not connected at the moment. */
  held: { id: string; verb: HostVerb; args: JsonObject }[];
}

/** What a supervisor of `ours` can say to a host of `theirs`; null = they can talk. */
export function protocolRefusal(ours: number, theirs: number): string | null {
  if (theirs > ours) {
    return `its pane host speaks host protocol ${theirs} and this supervisor only ${ours}: use the newer tutti that started it`;
  }
  if (theirs < ours - 1) {
    return `its pane host speaks host protocol ${theirs}, and this supervisor ${ours} and ${ours - 1}: stop it with the older tutti`;
  }
  return null;
}

export function createHosts(options: HostsOptions): Hosts {
  const { clock, processes } = options;
  const entries = new Map<string, Entry>();
  const identities = new Map<string, Map<number, ProcessId>>();
  const refused = new Map<string, string>();
  let closed = false;

  const identify = (agentId: string, epoch: number, process: ProcessId): void => {
    const known = identities.get(agentId) ?? new Map<number, ProcessId>();
    known.set(epoch, process);
    identities.set(agentId, known);
  };

  const settle = (entry: Entry, standing: Standing): void => {
    entry.standing = standing;
    for (const waiter of entry.waiters.splice(0)) waiter();
  };

  const guarded = (entry: Entry, work: Promise<unknown>): void => {
    work.catch((error) => options.failed(entry.agentId, error));
  };

  const drop = (entry: Entry): void => {
    entry.gone = true;
    entry.up = false;
    entry.retry?.cancel();
    entry.startLimit?.cancel();
    entry.link?.close();
    entry.link = null;
  };

  /** Still not greeted, or a command still not taken: hung, if it lives (a dead one is found by its connection). */
  const hungAfter = (entry: Entry, ms: number, commandId: string, over: () => boolean): { cancel(): void } =>
    clock.setTimeout(() => {
      if (entry.gone || closed || over()) return;
      guarded(entry, options.submit({ type: 'host_hung', agentId: entry.agentId, epoch: entry.epoch, commandId }));
    }, ms);

  /** The process of an entry: as it was told, or as the journal's first record has it. */
  const processOf = async (entry: Entry): Promise<ProcessId | null> => {
    if (entry.process) return entry.process;
    const read = await options.journals.read(entry.agentId, entry.epoch, 0, 64 * 1024);
    const first = read.records[0]?.record;
    if (first?.kind !== 'open') return null;
    entry.process = { pid: first.pid, start: first.start };
    identify(entry.agentId, entry.epoch, entry.process);
    return entry.process;
  };

  const reportDown = async (entry: Entry, why: string): Promise<void> => {
    drop(entry);
    try {
      await options.ingest.drain(entry.agentId, entry.epoch);
      await options.submit({ type: 'host_down', agentId: entry.agentId, epoch: entry.epoch, why });
    } catch (error) {
      // Its death must not be forgotten because a disk was unreadable for a moment.
      options.failed(entry.agentId, error);
      if (!closed) clock.setTimeout(() => guarded(entry, reportDown(entry, why)), RETRY_MOST_MS);
      return;
    }
    if (entries.get(entry.agentId) === entry) entries.delete(entry.agentId);
    settle(entry, 'down');
  };

  /** The connection is gone or was never there: dead, or to be tried again? */
  const lookAgain = async (entry: Entry, why: string): Promise<void> => {
    if (entry.gone || closed) return;
    const process = await processOf(entry);
    if (entry.gone || closed) return;
    const age = clock.now() - entry.since;
    if (process && !processes.alive(process)) return reportDown(entry, why);
    if (!process && entry.nobody && age > NOBODY_LIMIT_MS) return reportDown(entry, 'it never started');
    entry.retry = clock.setTimeout(() => {
      entry.retry = null;
      dial(entry);
    }, entry.delay);
    entry.delay = Math.min(age < START_LIMIT_MS ? RETRY_EARLY_MS : RETRY_MOST_MS, entry.delay * 1.2);
  };

  const greeted = async (entry: Entry, hello: HostHello): Promise<void> => {
    const { agentId } = entry;
    if (hello.agentId !== agentId) throw new Error(`the socket of ${agentId} answers as ${hello.agentId}`);
    const process = { pid: hello.pid, start: hello.start };
    identify(agentId, hello.epoch, process);
    if (hello.epoch < entry.epoch) {
      // An older host still holds the socket: the one we look for is not it.
      entry.link?.close();
      entry.link = null;
      options.log('warn', `a host of epoch ${hello.epoch} answers for ${agentId}, expected ${entry.epoch}`);
      return lookAgain(entry, 'an older host holds the socket');
    }
    entry.epoch = hello.epoch;
    entry.process = process;
    const why = protocolRefusal(options.self.protocol, hello.protocol);
    if (why !== null) {
      refused.set(agentId, why);
      entry.link?.close();
      entry.link = null;
      return settle(entry, 'refused');
    }
    refused.delete(agentId);
    await options.ingest.drain(agentId, hello.epoch);
    if (entry.gone || !entry.link) return;
    // What waited for this connection is asked for again by the core when it hears of the host.
    entry.held = [];
    await options.submit({ type: 'host_up', agentId, hello });
    if (entry.gone || !entry.link) return;
    entry.up = true;
    entry.startLimit?.cancel();
    entry.delay = RETRY_FIRST_MS;
    for (const { id, verb, args } of entry.held.splice(0)) entry.link.command(id, verb, args);
    settle(entry, 'up');
  };

  const dial = (entry: Entry): void => {
    const { agentId } = entry;
    const link = openLink({
      socketPath: options.socketPath(agentId),
      self: options.self,
      clock,
      on: {
        hello: (hello) => guarded(entry, greeted(entry, hello)),
        bell: () => options.ingest.poke(agentId),
        beat: (_epoch, _n, lastByteAt) => {
          options.progress(agentId, lastByteAt);
          options.ingest.poke(agentId);
        },
        ack: (commandId) => guarded(entry, options.submit({ type: 'ack', agentId, commandId })),
        refused: (commandId, code, message) => {
          if (commandId === null) options.log('warn', `the host of ${agentId} refused a frame: ${message}`, { code });
          else guarded(entry, options.submit({ type: 'refused', agentId, commandId, code, message }));
        },
        hung: (commandId) =>
          guarded(entry, options.submit({ type: 'host_hung', agentId, epoch: entry.epoch, commandId })),
        closed: (why) => {
          if (entry.link === link) entry.link = null;
          const wasUp = entry.up;
          entry.up = false;
          if (wasUp) entry.standing = 'unknown';
          guarded(entry, lookAgain(entry, wasUp ? `its connection ended (${why})` : why));
        },
      },
    });
    entry.link = link;
  };

  return {
    expect(agentId, epoch, { process, fresh, nobody }) {
      const before = entries.get(agentId);
      if (before && before.epoch === epoch && !before.gone) {
        if (process) before.process = process;
        return;
      }
      if (before) {
        drop(before);
        settle(before, 'down');
      }
      if (process) identify(agentId, epoch, process);
      const entry: Entry = {
        agentId,
        epoch,
        since: clock.now(),
        nobody,
        standing: 'unknown',
        process,
        link: null,
        up: false,
        retry: null,
        delay: RETRY_FIRST_MS,
        startLimit: null,
        gone: false,
        waiters: [],
        held: [],
      };
      entries.set(agentId, entry);
      if (fresh) entry.startLimit = hungAfter(entry, START_LIMIT_MS, 'hello', () => entry.up);
      dial(entry);
    },
    async settled(agentId, limitMs) {
      const entry = entries.get(agentId);
      if (!entry) return 'down';
      if (entry.standing === 'unknown') {
        await new Promise<void>((resolve) => {
          const timer = clock.setTimeout(resolve, limitMs);
          entry.waiters.push(() => {
            timer.cancel();
            resolve();
          });
        });
      }
      return entry.standing;
    },
    command(agentId, epoch, id, verb, args) {
      const entry = entries.get(agentId);
      if (!entry || entry.epoch !== epoch) return false;
      if (entry.up && entry.link) entry.link.command(id, verb, args);
      else {
        const held = { id, verb, args };
        entry.held.push(held);
        hungAfter(entry, ACK_LIMIT_MS, id, () => !entry.held.includes(held));
      }
      return true;
    },
    known: (agentId, epoch) =>
      [...(identities.get(agentId) ?? [])].filter(([at]) => at <= epoch).map(([, process]) => process),
    pids: () => [...entries.values()].flatMap((entry) => (entry.process ? [entry.process.pid] : [])),
    unknown: () => [...entries.values()].filter((entry) => entry.standing === 'unknown').map((entry) => entry.agentId),
    refusals: () => [...refused].map(([agentId, why]) => ({ agentId, why })),
    forget(agentId) {
      const entry = entries.get(agentId);
      if (entry) {
        drop(entry);
        settle(entry, 'down');
      }
      entries.delete(agentId);
      identities.delete(agentId);
      refused.delete(agentId);
    },
    close() {
      closed = true;
      for (const entry of entries.values()) {
        drop(entry);
        settle(entry, entry.standing);
      }
      entries.clear();
    },
  };
}
