/**
 * A home with the built tutti, the scripted model, and one kind of real CLI: what `npm run test:real` plays on. Every agent of a stage
 * has a home, a working folder and a base URL of its own, so that nothing one test leaves is met by the next.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEntry, ScriptedModel } from '../../src/agents/scripted-model/index.ts';
import { type Agent, type Client, connect, type SendResult } from '../../src/client/index.ts';
import type { PermissionRequest } from '../../src/api/wire.ts';
import type { EventType, TuttiEvent } from '../../src/core/event.ts';
import { ownEnvironment } from '../../src/system/environment.ts';
import { environmentOf, listProcesses } from '../../src/system/proc/table.ts';
import { lockOwner } from '../../src/system/lock.ts';
import { startDetached } from '../../src/system/process.ts';
import { commandLine } from './processes.ts';
import type { RealCli } from './real-clis.ts';
import { startScriptedServer, userTexts } from './scripted/index.ts';
import { tempHome } from './temp-home.ts';
import { waitFor } from './wait.ts';

const main = join(process.cwd(), 'dist', 'main.js');
/** A real CLI on a busy machine needs up to 20 s to start; what takes longer than this does not come. Milliseconds. */
export const LIMIT_MS = 180_000;

export type Permissions = 'ask' | 'auto' | 'bypass';

/** null = no cap. */
export interface Budget {
  usd: number | null;
  tokens: number | null;
  /** A lower limit of the context than the CLI's own. Tokens. */
  context?: number;
}

export interface RealStage {
  readonly client: Client;
  readonly model: ScriptedModel;
  /** Kills the supervisor and starts another. */
  loseSupervisor(): Promise<void>;
  /** An agent that has started and is idle. */
  agent(name: string, permissions?: Permissions, budget?: Budget, more?: RealSettings): Promise<RealAgent>;
  close(): Promise<void>;
}

export interface RealSettings {
  account?: string;
  /** On top of the CLI's environment; null takes a variable away. */
  env?: Record<string, string | null>;
}

export async function openRealStage(cli: RealCli): Promise<RealStage> {
  const place = tempHome('tutti');
  const model = await startScriptedServer();
  const start = async (): Promise<void> => {
    await startDetached([process.execPath, main, 'supervisor', 'run', '--home', place.home], {
      env: ownEnvironment(place.env, 'supervisor'),
      cwd: place.home,
      stderr: join(place.paths.log, 'supervisor.err'),
    });
  };
  const client = await connect({ home: place.home, socketPath: place.paths.supervisorSocket, start });
  const agent = async (
    name: string,
    permissions: Permissions = 'bypass',
    budget: Budget = { usd: null, tokens: null },
    more: RealSettings = {},
  ): Promise<RealAgent> => {
    const folder = join(place.env['HOME'] ?? '', name);
    const cwd = join(folder, 'work');
    mkdirSync(cwd, { recursive: true });
    execFileSync('git', ['init', '-q', cwd]);
    const bin = fakeTutti(folder);
    const all = { ...cli.environment(folder, model.urlFor(name)), ...more.env };
    const env = Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
    const { id } = await client.spawn({
      name,
      project: 'real',
      cli: cli.name,
      model: cli.model,
      cwd,
      permissions,
      budget,
      account: more.account ?? null,
      launch: {
        command: cli.command,
        env: { ...env, PATH: `${bin}:${env['PATH']}` },
      },
    });
    const born = new RealAgent({
      name,
      id,
      cwd,
      client,
      model,
      marker: `${place.home8}/${id}/`,
    });
    await born.settled();
    return born;
  };
  return {
    client,
    model,
    loseSupervisor: async () => {
      process.kill(lockOwner(place.paths.supervisorLock)?.pid ?? 0, 'SIGKILL');
      await start();
      await waitFor('the new supervisor answers', () => client.health().catch(() => null), LIMIT_MS);
    },
    agent,
    close: async () => {
      await client.down({ all: true });
      client.close();
      await model.close();
      await place.remove();
    },
  };
}

/** A program of the name `tutti` that only leaves a mark where it was run. Returns its folder. */
function fakeTutti(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'tutti'), '#!/bin/sh\necho "$@" > tutti-ran\n');
  chmodSync(join(bin, 'tutti'), 0o755);
  return bin;
}

interface Facts {
  name: string;
  id: string;
  cwd: string;
  client: Client;
  model: ScriptedModel;
  marker: string;
}

/** One agent, seen from outside: through the client, the files it made, its processes, and what the model was asked. */
export class RealAgent {
  readonly name: string;
  readonly id: string;
  readonly cwd: string;
  /** Everything that it was told, in order. */
  readonly told: string[] = [];
  readonly #client: Client;
  readonly #model: ScriptedModel;
  readonly #marker: string;

  constructor({ name, id, cwd, client, model, marker }: Facts) {
    this.name = name;
    this.id = id;
    this.cwd = cwd;
    this.#client = client;
    this.#model = model;
    this.#marker = marker;
  }

  view(): Promise<Agent> {
    return this.#client.get(this.name);
  }

  /** Idle with an empty queue. */
  settled(): Promise<Agent> {
    return this.#client.wait(this.name, { for: ['idle'], timeoutMs: LIMIT_MS });
  }

  /** Sends and waits for the turn's end. */
  say(text: string): Promise<SendResult> {
    this.told.push(text);
    return this.#client.sendAndWait(this.name, text, { timeoutMs: LIMIT_MS });
  }

  /** Sends alone. */
  async tell(text: string, options: { now?: boolean } = {}): Promise<string> {
    this.told.push(text);
    return (await this.#client.send(this.name, text, options)).messageId;
  }

  /** Until it asks for something. */
  request(): Promise<PermissionRequest> {
    return this.until(`${this.name} asks`, async () =>
      (await this.#client.requests()).find((request) => request.agentId === this.id),
    );
  }

  async answer(requestId: string, decision: 'allow' | 'deny'): Promise<void> {
    await this.#client.answer(requestId, { decision, text: null });
  }

  async act(verb: 'interrupt' | 'stop' | 'resume'): Promise<void> {
    await this.#client.act(this.name, verb);
  }

  async events<T extends EventType>(type: T): Promise<Extract<TuttiEvent, { type: T }>[]> {
    const { events } = await this.#client.events({
      agents: [this.id],
      types: [type],
      since: 0,
      limit: 10_000,
    });
    return events.filter((event): event is Extract<TuttiEvent, { type: T }> => event.type === type);
  }

  /** What the model last saw of the users' words. */
  said(): string[] {
    return userTexts(this.#model, this.name);
  }

  /** Requests of its conversation in the model's own count, oldest first; titles and the like apart. */
  requests(): LogEntry[] {
    return this.#model.requests(this.name).filter(({ side }) => !side);
  }

  /** Live processes that it or its CLI has started, the CLI itself among them: their command lines by pid. */
  processes(): Map<number, string> {
    const mine = listProcesses().filter(
      (entry) =>
        !entry.zombie &&
        (environmentOf(entry.pid) ?? []).some((line) => line.startsWith(`TUTTI_AGENT=${this.#marker}`)),
    );
    return new Map(mine.map((entry) => [entry.pid, commandLine(entry.pid)]));
  }

  /** Pids of a command that it runs. */
  running(command: string): number[] {
    return [...this.processes()].filter(([, line]) => line === command).map(([pid]) => pid);
  }

  /** Until such a command runs. */
  runs(command: string): Promise<number[]> {
    return this.until(`${this.name} runs ${command}`, () => {
      const pids = this.running(command);
      return pids.length > 0 && pids;
    });
  }

  until<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
    return waitFor(what, look, LIMIT_MS);
  }
}
