/** Starting and ending the CLI: what is needed before a start, and what is left after a stop. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, JsonObject } from '../core/event.ts';
import type { StartArgs } from '../core/host-wire.ts';
import type { Driver, LaunchSpec } from '../drivers/driver.ts';
import { clock } from '../system/clock.ts';
import { errorCode } from '../system/disk.ts';
import type { HomePaths } from '../system/paths.ts';
import { Incarnation, type IncarnationEvents } from './incarnation.ts';
import { type LaunchFile, type LaunchFileResult, launchOf } from './launch-file.ts';
import type { Ledger } from './ledger.ts';
import { loadDriver } from './side-files.ts';
import { huntAll, LOOK_AFTER_MS, type ProcessId, recordedProcesses, stopInRungs, Tree } from './tree.ts';

/** A failed command: what went wrong, and what to do about it. */
export function problem(code: string, message: string, hint: string | null = null): JsonObject {
  return { code, message, hint };
}

/** What a driver may know of the start. */
function launchSpec(
  file: LaunchFile,
  driver: Driver,
  args: StartArgs,
  place: { paths: HomePaths; agentId: string },
): LaunchSpec {
  const { paths, agentId } = place;
  return {
    command: file.command.length > 0 ? file.command : [driver.program],
    args: file.args,
    cwd: file.cwd,
    model: file.model,
    permissions: file.permissions,
    conversationId: args.conversationId,
    resume: args.resume,
    incarnation: args.incarnation,
    marker: `${paths.home8}/${agentId}/${args.incarnation}`,
    dir: ownFolderOf(paths, agentId),
    systemPrompt: file.systemPrompt,
    settings: { ...file.settings, ...args.settings },
  };
}

/** The agent's own folder for files that its CLI needs. */
function ownFolderOf(paths: HomePaths, agentId: string): string {
  const dir = join(paths.hostDir(agentId), 'cli');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dir;
}

export interface LifecycleOptions {
  paths: HomePaths;
  agentId: string;
  /** Path of the running program: the drivers stand beside it. */
  program: string;
  ledger: Ledger;
  launchFile(): LaunchFileResult;
  events(run: () => Incarnation): IncarnationEvents;
  /** The state that the pane shows may have changed. */
  changed(): void;
}

/** The one CLI of this host, its process tree, and the way in and out. */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #tree = new Tree();
  #lookDue = false;
  run: Incarnation | null = null;
  starting = false;
  stopping = false;

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  /** A process of ours: to be hunted if it outlives its time. */
  owns(process: ProcessId): void {
    this.#tree.add(process);
  }

  /** The CLI ended. */
  forget(): void {
    this.run = null;
  }

  /** Starts the CLI when nothing of an earlier run is alive. */
  async start(args: StartArgs): Promise<{ ok: boolean; result: Json }> {
    const failed = (code: string, message: string, hint: string | null = null) => ({
      ok: false,
      result: problem(code, message, hint),
    });
    if (this.run && !this.run.over) return failed('running', 'the CLI runs already');
    const { program, ledger } = this.#options;
    const read = this.#options.launchFile();
    if (!read.ok) return failed('environment', read.message, 'spawn the agent again');
    const file = launchOf(read.file, args.fallback ?? 0);
    if (!file)
      return failed('environment', `there is no fallback ${args.fallback} any more`, 'tutti up in its project');
    const driver = loadDriver(program, file.cli, file.protocol);
    if (!driver) return failed('unknown_cli', `there is no driver for ${file.cli}`, 'set clis.<cli>.protocol to acp');
    this.starting = true;
    this.#options.changed();
    try {
      const left = await this.#clear();
      if (left !== null) return { ok: false, result: left };
      const env = { ...file.env, ...file.secrets };
      const spec = launchSpec(file, driver, args, this.#options);
      const run: Incarnation = new Incarnation({ driver, spec, env, ledger, on: this.#options.events(() => run) });
      this.run = run;
      const started = await run.start();
      if (started.ok) return { ok: true, result: { pid: started.pid } };
      this.run = null;
      return failed(started.code, started.message, started.hint);
    } finally {
      this.starting = false;
      this.#options.changed();
    }
  }

  /** Ends the CLI and all that it started. null = nothing is left; else what is. */
  async end(): Promise<Json> {
    this.stopping = true;
    this.#options.changed();
    try {
      const { run } = this;
      if (run && !run.over) {
        this.look();
        run.asked = true;
        await stopInRungs(run);
      }
      return await this.#clear();
    } finally {
      this.stopping = false;
      this.#options.changed();
    }
  }

  /** Nothing that carries the agent's marker or is on record as its own may live on. */
  async #clear(): Promise<Json> {
    const { paths, agentId, ledger } = this.#options;
    const known = [...processesBefore(paths, agentId, ledger.epoch), ...this.#tree.known];
    const left = await clearEarlier(`${paths.home8}/${agentId}/`, known);
    if (left === null) this.#tree.clear();
    return left;
  }

  /** A tool was called: what it starts is there a moment later. */
  lookSoon(): void {
    if (this.#lookDue) return;
    this.#lookDue = true;
    clock.setTimeout(() => {
      this.#lookDue = false;
      this.look();
    }, LOOK_AFTER_MS);
  }

  /** Puts new descendants of the CLI on record. */
  look(): void {
    const process = this.run?.process;
    if (!process || !this.run) return;
    const pids = this.#tree.look(process.pid);
    if (pids.length > 0) this.#options.ledger.record({ kind: 'tree', incarnation: this.run.number, pids });
  }
}

/** Nothing of an earlier incarnation may live when the next one starts. Returns what is left, in words; null = nothing. */
async function clearEarlier(marker: string, known: ProcessId[]): Promise<Json> {
  const left = await huntAll(marker, known);
  if (left.length === 0) return null;
  const pids = left.map(({ pid }) => pid).join(', ');
  return problem('leftover', `processes of an earlier run cannot be ended: ${pids}`, 'tutti doctor shows them');
}

/** What the agent's last host before this epoch put on record about its processes. */
function processesBefore(paths: HomePaths, agentId: string, epoch: number): ProcessId[] {
  const earlier = epochsIn(paths.hostDir(agentId)).filter((other) => other < epoch);
  return earlier.length === 0 ? [] : recordedProcesses(paths.journal(agentId, Math.max(...earlier)));
}

function epochsIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+\.jsonl$/.test(name))
      .map((name) => Number.parseInt(name, 10));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
