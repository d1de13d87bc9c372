/** Where a chaos run plays: a home of its own, a scripted model, five agents, and a client that survives the death of the supervisor. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Client, connect } from '../../src/client/index.ts';
import { sleep } from '../../src/system/clock.ts';
import { ownEnvironment } from '../../src/system/environment.ts';
import { startDetached } from '../../src/system/process.ts';
import { listProcesses } from '../../src/system/proc/table.ts';
import { realCli } from '../support/real-clis.ts';
import { processesOf, commandLine } from '../support/processes.ts';
import { notedHomes } from '../support/run.ts';
import { startScriptedServer } from '../support/scripted/index.ts';
import { tempHome } from '../support/temp-home.ts';
import type { Watched } from './watch.ts';

const dist = join(process.cwd(), 'dist');
const main = join(dist, 'main.js');

export interface Stage {
  home: string;
  home8: string;
  tmuxSocket: string;
  agents: Watched[];
  eventsFolder: string;
  dbFile: string;
  withClient<T>(use: (client: Client) => Promise<T>): Promise<T>;
  deliver(name: string, text: string, messageId: string): Promise<void>;
  queued(name: string): Promise<number>;
  /** Agents that still work or have something queued, in words. */
  busy(): Promise<string[]>;
  states(): Promise<Record<string, string>>;
  /** Does a tool run, in this agent or in any? */
  toolRuns(name: string | null): boolean;
  waitForTool(name: string | null, limitMs: number): Promise<boolean>;
  /** Until a message is on its way into this agent's conversation and not confirmed. */
  waitForDelivery(name: string, limitMs: number): Promise<boolean>;
  messages(name: string): { role: string; text: string }[];
  stopSupervisor(): Promise<void>;
  supervisorPid(): Promise<number | null>;
  stop(name: string): Promise<void>;
  /** `tutti ps` run by the agent itself; its output. */
  runInside(name: string): Promise<string>;
  /** `tutti down --all`; what is left alive after it. */
  down(): Promise<string[]>;
  /** Copies the home and the CLIs' own folders. */
  keep(folder: string): void;
  close(): Promise<void>;
}

export type RealName = 'claude' | 'codex' | 'opencode';

interface Cast {
  name: string;
  cli: string;
  program: string;
  real: RealName | null;
}

const BUILT_IN = (name: string): Cast => ({ name, cli: 'tutti', program: 'main.js agent', real: null });
export interface StageOptions {
  /** Two claude, codex, opencode and a built-in agent instead of built-in ones alone. */
  real: boolean;
  /** Five of this one instead of the mixed cast. */
  cli?: RealName | undefined;
  /** false: the control run, which has to fail. */
  confirm: boolean;
  /** Built-in agents, where no real ones are asked for. Default: 5. */
  builtIn?: number;
  /** Further lines of config.yaml. */
  config?: string;
}

/** How its process is told from others by its command line. */
const PROGRAMS: Record<RealName, string> = { claude: 'claude', codex: 'app-server', opencode: 'acp' };
const realAgent = (real: RealName, name: string): Cast => ({ name, cli: real, program: PROGRAMS[real], real });
const MIXED: Cast[] = [
  realAgent('claude', 'claude-a'),
  realAgent('claude', 'claude-b'),
  realAgent('codex', 'codex-a'),
  realAgent('opencode', 'acp-a'),
  BUILT_IN('own-a'),
];
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];

function castOf({ real, cli, builtIn = 5 }: StageOptions): Cast[] {
  if (cli !== undefined) return LETTERS.slice(0, 5).map((letter) => realAgent(cli, `${cli}-${letter}`));
  return real ? MIXED : LETTERS.slice(0, builtIn).map((letter) => BUILT_IN(`own-${letter}`));
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const place = tempHome('tutti');
  // The agents' own `tutti` finds this home as its default: XDG_STATE_HOME/tutti.
  const { TUTTI_TMUX: _socket, ...base } = place.env;
  const env: Record<string, string> = { ...base, ...(options.confirm ? {} : { TUTTI_TEST_NO_CONFIRM: '1' }) };
  const config = options.config ?? 'watchdog: { restarts: { max: 100000 } }\n';
  writeFileSync(join(place.env['HOME'] ?? '', 'config.yaml'), `version: 1\n${config}`);
  env['TUTTI_CONFIG'] = join(place.env['HOME'] ?? '', 'config.yaml');
  const server = await startScriptedServer();
  const cast = castOf(options);
  let client: Client | null = null;

  const withClient = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
    for (let attempt = 0; ; attempt++) {
      try {
        client ??= await connect({
          home: place.home,
          socketPath: place.paths.supervisorSocket,
          start: async () => {
            await startDetached([process.execPath, main, 'supervisor', 'run', '--home', place.home], {
              env: { ...ownEnvironment(env, 'supervisor'), ...(options.confirm ? {} : { TUTTI_TEST_NO_CONFIRM: '1' }) },
              cwd: place.home,
              stderr: join(place.paths.log, 'supervisor.err'),
            });
          },
        });
        return await use(client);
      } catch (error) {
        client?.close();
        client = null;
        if (attempt > 300) throw error;
        await sleep(100);
      }
    }
  };

  const agents: Watched[] = [];
  for (const member of cast) {
    // The CLI's own home apart from its working folder: opencode takes snapshots of the latter.
    const own = join(place.env['HOME'] ?? '', member.name);
    const cwd = join(own, 'work');
    mkdirSync(cwd, { recursive: true });
    execFileSync('git', ['init', '-q', cwd]);
    const launch = await launchOf(member, own, server.urlFor(member.name), env, place.home);
    const agent = await withClient((c) =>
      c.spawn({
        name: member.name,
        project: 'chaos',
        cli: member.cli,
        cwd,
        permissions: 'bypass',
        launch,
        ...(member.real === 'codex' ? { model: 'gpt-5.5' } : {}),
      }),
    );
    agents.push({ id: agent.id, name: member.name, program: member.program });
  }

  const tools = watchTools(withClient, () => client !== null);
  const state = (name: string) => withClient((c) => c.get(name));
  const list = () => withClient((c) => c.list()).then((r) => r.agents);
  return {
    home: place.home,
    home8: place.home8,
    tmuxSocket: place.tmuxSocket,
    agents,
    eventsFolder: place.paths.events,
    dbFile: place.paths.db,
    withClient,
    deliver: (name, text, messageId) => withClient((c) => c.send(name, text, { messageId })).then(() => undefined),
    queued: async (name) => (await state(name)).queued,
    busy: async () =>
      (await list())
        .filter((a) => a.state !== 'idle' || a.queued > 0)
        .map((a) => `${a.name} ${a.state}, ${a.queued} queued${a.reason ? ` (${a.reason})` : ''}`),
    states: async () => Object.fromEntries((await list()).map((a) => [a.name, a.state])),
    toolRuns: tools.runs,
    waitForTool: tools.wait,
    waitForDelivery: tools.waitForDelivery,
    messages: (name) => server.messages(name),
    stopSupervisor: () => withClient((c) => c.stopSupervisor()).then(() => undefined),
    supervisorPid: () => withClient((c) => c.health()).then((h) => h.pid),
    stop: async (name) => {
      await withClient((c) => c.act(name, 'stop'));
      await withClient((c) => c.wait(name, { for: ['stopped'], timeoutMs: 60_000 }));
    },
    runInside: (name) => runInside(withClient, name),
    down: async () => {
      await withClient((c) => c.down({ all: true }));
      return leftAlive();
    },
    keep: (folder) => {
      const options = { recursive: true, filter: (path: string) => !path.endsWith('.sock') };
      cpSync(place.home, join(folder, 'home'), options);
      cpSync(place.env['HOME'] ?? '', join(folder, 'own'), options);
      writeFileSync(join(folder, 'seen.json'), JSON.stringify(agents.map(({ name }) => [name, server.messages(name)])));
    },
    close: async () => {
      tools.close();
      client?.close();
      await server.close();
      await place.remove();
    },
  };
}

async function launchOf(member: Cast, own: string, url: string, env: Record<string, string>, home: string) {
  if (member.real === null) {
    return {
      command: [process.execPath, main],
      env: {
        PATH: env['PATH'] ?? '',
        HOME: own,
        LANG: 'C.UTF-8',
        ANTHROPIC_API_KEY: 'scripted-needs-none',
        ANTHROPIC_BASE_URL: url,
        XDG_STATE_HOME: dirname(home),
      },
    };
  }
  const cli = await realCli(member.real);
  if (!cli) throw new Error(`the real ${member.real} is not there: node scripts/real-clis.mjs installs it`);
  return { command: cli.command, env: { ...cli.environment(own, url), XDG_STATE_HOME: dirname(home) } };
}

/** What is alive of this home a moment after `down`. */
async function leftAlive(): Promise<string[]> {
  const homes = notedHomes();
  let left = processesOf(homes);
  for (let i = 0; i < 100 && left.length > 0; i++) {
    await sleep(100);
    left = processesOf(homes);
  }
  const pids = new Set(listProcesses().map((entry) => entry.pid));
  return left
    .filter((entry) => pids.has(entry.pid))
    .map((entry) => `left alive after down: ${entry.pid} ${commandLine(entry.pid).slice(0, 120)}`);
}

/** Follows tool calls through the event stream, across deaths of the supervisor. */
function watchTools(withClient: Stage['withClient'], _connected: () => boolean) {
  const open = new Map<string, string>();
  const delivering = new Set<string>();
  let closed = false;
  const follow = async (): Promise<void> => {
    while (!closed) {
      await withClient(async (client) => {
        const stream = client.stream({
          types: ['tool_call', 'tool_result', 'exit', 'turn', 'delivery'],
          giveUpMs: 2_000,
        });
        for await (const event of stream) {
          if (closed) break;
          if (event.type === 'delivery') {
            if (event.state === 'sent') delivering.add(event.agent ?? '');
            else if (event.state !== 'queued') delivering.delete(event.agent ?? '');
          } else if (event.type === 'tool_call') open.set(event.agent ?? '', event.callId);
          else open.delete(event.agent ?? '');
        }
      }).catch(() => sleep(100));
    }
  };
  const following = follow();
  following.catch(() => undefined);
  const runs = (name: string | null): boolean => (name === null ? open.size > 0 : open.has(name));
  return {
    runs,
    wait: async (name: string | null, limitMs: number): Promise<boolean> => {
      const end = performance.now() + limitMs;
      while (!runs(name) && performance.now() < end) await sleep(10);
      return runs(name);
    },
    waitForDelivery: async (name: string, limitMs: number): Promise<boolean> => {
      const end = performance.now() + limitMs;
      while (!delivering.has(name) && performance.now() < end) await sleep(1);
      return delivering.has(name);
    },
    close: () => {
      closed = true;
    },
  };
}

async function runInside(withClient: Stage['withClient'], name: string): Promise<string> {
  const command = `${process.execPath} ${main} ps`;
  const result = await withClient((c) =>
    c.sendAndWait(name, `Look around. [[scenario:tool cmd="${command}"]]`, { timeoutMs: 60_000 }),
  );
  const events = await withClient((c) =>
    c.events({ agents: [result.agent.id], types: ['tool_result'], since: 0, limit: 10_000 }),
  );
  const last = events.events.at(-1);
  return last?.type === 'tool_result' ? last.result : 'no tool result';
}
