/**
 * The built program as a user runs it: `dist/main.js` with a home of its own, a clean environment, and the scripted model in
 * this process. TUTTI_TEST_DIST names another build (an installed package, say).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ScriptedModel, startScriptedModel } from '../../src/agents/scripted-model/index.ts';
import { type Agent, type Client, connect } from '../../src/client/index.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { lockOwner } from '../../src/system/lock.ts';
import { startOf } from '../../src/system/proc/index.ts';
import { commandLine, endAll, processesOf } from './processes.ts';
import { notedHomes } from './run.ts';
import { type TempHome, tempHome } from './temp-home.ts';
import { waitFor } from './wait.ts';

const root = join(import.meta.dirname, '../..');
/** The program under test. */
export const MAIN = join(process.env['TUTTI_TEST_DIST'] ?? join(root, 'dist'), 'main.js');
/** A command that takes longer hangs. Milliseconds. */
const COMMAND_LIMIT_MS = 90_000;
/** A state that does not come in this time does not come. Milliseconds. */
const STATE_LIMIT_MS = 60_000;

export interface Ran {
  /** null: ended by a signal. */
  status: number | null;
  stdout: string;
  stderr: string;
  /** The one document of stdout; throws when there is none, or more than one. */
  readonly json: Document;
  /** Every line of stdout as JSON. */
  readonly lines: Row[];
}

// biome-ignore lint/suspicious/noExplicitAny: what a program prints is looked at by the tests, key by key.
export type Row = Record<string, any>;

export interface Document {
  status: 'ok' | 'error';
  data: Row;
  code: string;
  message: string;
  hint: string | null;
}

export interface RunSettings {
  cwd?: string;
  /** On top of the clean environment; null takes a variable away. */
  env?: Record<string, string | null>;
  input?: string;
}

/** A command that goes on: `events -f`, `wait`. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it has printed so far. */
  out(): string;
  err(): string;
  /** Waits until stdout has a line that fits. */
  line(what: string, fits: (line: string) => boolean): Promise<string>;
  /** Resolves when it has ended; `signal` is sent first. */
  end(signal?: NodeJS.Signals): Promise<Ran>;
}

export interface TuttiHome extends TempHome {
  /** Where commands run: a folder with a tutti.yaml that points the built-in agent at the scripted model. */
  readonly work: string;
  readonly model: ScriptedModel;
  run(args: string[], settings?: RunSettings): Promise<Ran>;
  /** Runs it with `--json`, expects success, and gives its data. */
  data(args: string[], settings?: RunSettings): Promise<Row>;
  start(args: string[], settings?: RunSettings): Running;
  /** To look at what commands did, without a process for each look. Starts no supervisor: one has to run. */
  client(): Promise<Client>;
  agent(name: string): Promise<Agent>;
  /** Waits until an agent fits. */
  until(name: string, fits: (agent: Agent) => boolean, what?: string): Promise<Agent>;
  /** Waits until it is idle with an empty queue. */
  idle(name: string): Promise<Agent>;
  /** All events of an agent so far; of the home without a name. */
  events(name?: string): Promise<TuttiEvent[]>;
  /** What was said in its conversation: `user: …`, `assistant: …`. */
  said(name: string): Promise<string[]>;
  /** Everything that lives for this home, by command line. */
  alive(): string[];
  /** Ends everything that lives for this home. */
  end(): Promise<void>;
  remove(): Promise<void>;
}

/** `env -i` with only these. */
function environment(home: TempHome, change: Record<string, string | null> = {}): Record<string, string> {
  const all = { ...home.env, ...change };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
}

export function startTutti(args: string[], env: Record<string, string>, cwd: string, input?: string): Running {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  // A program that ends without reading closes the pipe: its exit status tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  return {
    child,
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    line: (what, fits) => waitFor(`${what} in ${args.join(' ')}`, () => out.split('\n').find(fits)),
    async end(signal) {
      if (signal) child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT_MS);
      const status = await ended.finally(() => clearTimeout(timer));
      return ran(status, out, err);
    },
  };
}

function ran(status: number | null, stdout: string, stderr: string): Ran {
  return {
    status,
    stdout,
    stderr,
    get json() {
      if (stdout.trimEnd().includes('\n')) throw new Error(`more than one line with --json:\n${stdout}`);
      try {
        return JSON.parse(stdout) as Document;
      } catch (error) {
        throw new Error(`not one JSON document: ${stdout}\nstderr: ${stderr}`, { cause: error });
      }
    },
    get lines() {
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row);
    },
  };
}

/** First, so that it does not start again what is being taken away. */
async function endSupervisor({ paths }: TempHome): Promise<void> {
  const owner = lockOwner(paths.supervisorLock);
  if (!owner) return;
  process.kill(owner.pid, 'SIGKILL');
  await waitFor('the supervisor has ended', () => startOf(owner.pid) !== owner.start);
}

export interface TuttiOptions {
  /** Part of the home's path. */
  name?: string;
  /** More of tutti.yaml, as YAML at its top level. */
  yaml?: string;
  permissions?: 'ask' | 'auto' | 'bypass';
}

/** A home, a folder to work in, and a scripted model. Starts no supervisor. */
export async function tuttiHome(options: TuttiOptions = {}): Promise<TuttiHome> {
  const home = tempHome(options.name);
  const model = await startScriptedModel();
  const work = join(dirname(home.home), 'work');
  mkdirSync(work);
  const yaml = projectYaml(model, options);
  writeFileSync(join(work, 'tutti.yaml'), yaml);
  const start = (args: string[], { cwd = work, env = {}, input }: RunSettings = {}): Running =>
    startTutti(args, environment(home, env), cwd, input);
  const mine = () => notedHomes().filter((noted) => noted.home === home.home);
  let client: Client | null = null;
  const self: TuttiHome = {
    ...home,
    work,
    model,
    start,
    run: (args, settings) => start(args, settings).end(),
    async data(args, settings) {
      const { json, stderr } = await self.run([...args, '--json'], settings);
      if (json.status !== 'ok') throw new Error(`tutti ${args.join(' ')}: ${JSON.stringify(json)} ${stderr}`);
      return json.data;
    },
    client: async () => {
      client ??= await connect({ home: home.home, socketPath: home.paths.supervisorSocket, start: null });
      return client;
    },
    agent: async (name) => (await self.client()).get(name),
    until: (name, fits, what = 'a state') =>
      waitFor(
        `${name}: ${what}`,
        async () => {
          const agent = await self.agent(name);
          return fits(agent) ? agent : null;
        },
        STATE_LIMIT_MS,
      ),
    idle: (name) => self.until(name, (agent) => agent.state === 'idle' && agent.queued === 0, 'idle'),
    async events(name) {
      const all: TuttiEvent[] = [];
      for (let since = 0, more = true; more; ) {
        const page = await (await self.client()).events({ ...(name ? { agents: [name] } : {}), since });
        all.push(...page.events);
        since = page.next;
        more = page.more;
      }
      return all;
    },
    said: async (name) =>
      (await self.events(name)).flatMap((e) => (e.type === 'message' ? [`${e.role}: ${e.content}`] : [])),
    alive: () => processesOf(mine()).map((entry) => `${entry.pid}: ${commandLine(entry.pid)}`),
    async end() {
      client?.close();
      await endSupervisor(home);
      await endAll(processesOf(mine()), home.home8);
    },
    async remove() {
      await self.end();
      await home.remove();
      await model.close();
      rmSync(work, { recursive: true, force: true });
    },
  };
  return self;
}

/** tutti.yaml of a work folder: built-in agents on the scripted model. */
export function projectYaml(model: ScriptedModel, options: TuttiOptions = {}): string {
  return `version: 1
project: work
defaults: { cli: tutti, permissions: ${options.permissions ?? 'bypass'} }
clis:
  tutti: { env: { ANTHROPIC_BASE_URL: ${model.url}, ANTHROPIC_API_KEY: scripted-model-needs-none } }
${options.yaml ?? ''}`;
}
