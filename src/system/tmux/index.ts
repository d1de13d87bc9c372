/** The `Tmux` port on the real tmux (3.0 and later). */
import { rmSync } from 'node:fs';
import type { PaneInfo, SessionTarget, Tmux } from '../../supervisor/ports.ts';
import { until } from '../clock.ts';
import { alive } from '../proc/index.ts';
import { runProcess } from '../process.ts';
import { AGENT_OPTION, PREFIX_FORMAT } from './config.ts';
import { type ControlClient, TMUX_LIMIT_MS, TmuxError } from './control.ts';
import { quoteFormat } from './quote.ts';
import { reachServer, type Server, type ServerOptions, serverGone, socketFile, tmuxEnvironment } from './server.ts';
import { KEEPER, nameOf } from './target.ts';

export type { ServerOptions } from './server.ts';
export { sessionName, sessionTarget } from './target.ts';

/** After its client ended, a server that dies does so within this. Milliseconds. */
const DEATH_WAIT_MS = 500;

const PANE_FORMAT = `#{pane_id} #{pane_pid} #{pane_dead} #{?${AGENT_OPTION},1,0} #{session_name}`;

export interface TmuxOptions extends ServerOptions {
  /** Told of what happens outside of any call, such as a client that cannot be attached again. */
  onProblem(message: string): void;
}

/** Nothing is started or asked before the first call. */
export function createTmux(options: TmuxOptions): Tmux {
  const link = linkTo(options);

  return {
    socket: options.socket,
    async open(target, argv, { cwd, title }) {
      const client = await link.client(true);
      const session = nameOf(target);
      const there = await panesOf(client, target);
      if (!there) return newSession(client, session, argv, cwd, title);
      const pane = there.find(({ agent }) => agent);
      if (!pane) return newWindow(client, session, argv, cwd, title);
      if (!pane.dead) throw new TmuxError(`session ${session} has a live process (pid ${pane.pid}): end it first`);
      await client.command(['respawn-pane', '-t', pane.paneId, ...folder(cwd), ...program(argv)]);
      return (await panesOf(client, target))?.find(({ paneId }) => paneId === pane.paneId) ?? lost(session);
    },
    async kill(target) {
      const client = await link.client(false);
      if (client) await unlessMissing(client.command(['kill-session', '-t', target]));
    },
    async list() {
      const client = await link.client(false);
      if (!client) return [];
      return agentPanes(await client.command(['list-panes', '-a', '-F', PANE_FORMAT]));
    },
    async setStatus(target, left, right) {
      const client = await link.client(false);
      if (!client) throw new TmuxError(`no session ${nameOf(target)}: there is no tmux server`);
      const set = (option: string, text: string) =>
        client.command([
          'set-option',
          '-t',
          `${target}:`,
          option,
          quoteFormat(text).replace('Ctrl-b', () => PREFIX_FORMAT),
        ]);
      await Promise.all([set('status-left', left), set('status-right', right)]);
    },
    async version() {
      const result = await runProcess(['tmux', '-V'], { env: tmuxEnvironment(options), timeoutMs: TMUX_LIMIT_MS });
      if (!result.ok) throw new TmuxError(`tmux cannot be run: ${result.message}`);
      return result.stdout.replace(/^tmux\s+/, '').trim();
    },
    onServerGone: (run) => void link.listeners.push(run),
    close: () => link.close(),
  };
}

interface Link {
  client(start: true): Promise<ControlClient>;
  client(start: boolean): Promise<ControlClient | null>;
  listeners: (() => void)[];
  close(): Promise<void>;
}

/** Keeps one connection to the server, one attempt at a time, and tells when the server goes. */
function linkTo(options: TmuxOptions): Link {
  let server: Server | null = null;
  let attempt: { start: boolean; answer: Promise<ControlClient | null> } | null = null;
  let closing = false;
  const listeners: (() => void)[] = [];

  async function reach(start: boolean): Promise<ControlClient | null> {
    if (server && !server.client.over && alive(server.id)) return server.client;
    let mine: Server | null = null;
    const found = await reachServer(options, start, () => {
      if (mine) clientEnded(mine);
    });
    mine = found;
    server = found;
    return found?.client ?? null;
  }

  /** Calls that come during an attempt wait for it instead of making their own: a hung server is asked once. */
  function client(start: boolean): Promise<ControlClient | null> {
    if (attempt && (attempt.start || !start)) return attempt.answer;
    const before = attempt?.answer.catch(() => null) ?? Promise.resolve();
    const mine = { start, answer: before.then(() => reach(start)) };
    attempt = mine;
    const done = () => {
      if (attempt === mine) attempt = null;
    };
    mine.answer.then(done, done);
    return mine.answer;
  }

  /** The client ended: did the server go, or only the client? */
  function clientEnded(ended: Server): void {
    if (server === ended) server = null;
    if (closing) return;
    until(() => (alive(ended.id) ? null : true), DEATH_WAIT_MS, 5)
      .then(async (gone) => {
        if (gone) for (const run of listeners) run();
        else if (!closing) await client(false);
      })
      .catch((error: unknown) => options.onProblem(`tmux: ${error instanceof Error ? error.message : String(error)}`));
  }

  return {
    listeners,
    client: client as Link['client'],
    async close() {
      closing = true;
      const last = await client(false);
      const id = (server as Server | null)?.id;
      if (!last || !id) return;
      const sessions = await last.command(['list-sessions', '-F', '#{session_name}']);
      if (sessions.some((name) => name !== KEEPER)) {
        last.end();
        return;
      }
      // Its answer may be lost with it.
      await Promise.allSettled([last.command(['kill-server'])]);
      if (!(await serverGone(id, options.pidFile))) throw new TmuxError(`the tmux server (pid ${id.pid}) does not end`);
      // tmux leaves the socket of a server that was killed behind.
      rmSync(socketFile(options.socket), { force: true });
    },
  };
}

type Pane = PaneInfo & { agent: boolean };

function parsePane(line: string): Pane | null {
  const match = /^(%\d+) (\d*) ([01]?) ([01]) (.*)$/.exec(line);
  if (!match) return null;
  const [, paneId = '', pid, dead, agent, session = ''] = match;
  return { session, paneId, pid: Number(pid), dead: dead === '1', agent: agent === '1' };
}

/** One pane per session: that of the agent, the oldest of its window. Windows that a person opened are nobody's business. */
function agentPanes(lines: string[]): PaneInfo[] {
  const bySession = new Map<string, PaneInfo>();
  for (const line of lines) {
    const pane = parsePane(line);
    if (!pane?.agent || pane.session === KEEPER) continue;
    const { agent: _agent, ...info } = pane;
    const known = bySession.get(pane.session);
    if (!known || Number(pane.paneId.slice(1)) < Number(known.paneId.slice(1))) bySession.set(pane.session, info);
  }
  return [...bySession.values()];
}

/** All panes of exactly this session, or null when there is none. */
async function panesOf(client: ControlClient, target: SessionTarget): Promise<Pane[] | null> {
  const lines = await unlessMissing(client.command(['list-panes', '-s', '-t', `${target}:`, '-F', PANE_FORMAT]));
  return lines?.map(parsePane).filter((pane) => pane !== null) ?? null;
}

/** null when tmux says that there is no such session. */
async function unlessMissing(answer: Promise<string[]>): Promise<string[] | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof TmuxError && /can't find session|session not found/.test(error.message)) return null;
    throw error;
  }
}

async function newSession(
  client: ControlClient,
  session: string,
  argv: string[],
  cwd: string,
  title: string,
): Promise<PaneInfo> {
  const size = ['-x', '200', '-y', '50'];
  const made = client.command([
    ...['new-session', '-d', '-P', '-F', PANE_FORMAT, '-s', session, '-n', windowName(title), ...size],
    ...folder(cwd),
    ...program(argv),
  ]);
  return marked(client, session, made);
}

/** The agent's window was closed by hand, another one of its session is still open. */
async function newWindow(
  client: ControlClient,
  session: string,
  argv: string[],
  cwd: string,
  title: string,
): Promise<PaneInfo> {
  const name = windowName(title);
  const made = client.command([
    ...['new-window', '-P', '-F', PANE_FORMAT, '-t', `=${session}:`, '-n', name],
    ...folder(cwd),
    ...program(argv),
  ]);
  return marked(client, session, made);
}

/** Marks the new window as the agent's. Both commands are on their way before the first answer comes. */
async function marked(client: ControlClient, session: string, made: Promise<string[]>): Promise<PaneInfo> {
  const [lines] = await Promise.all([
    made,
    client.command(['set-option', '-w', '-t', `=${session}:`, AGENT_OPTION, '1']),
  ]);
  const pane = parsePane(lines[0] ?? '');
  if (!pane) return lost(session);
  const { agent: _agent, ...info } = pane;
  return info;
}

function lost(session: string): never {
  throw new TmuxError(`the pane of session ${session} was closed while it was opened`);
}

/** tmux expands formats in a folder's name, which can run programs: one with a # is not passed on (the host changes to it by itself). */
function folder(cwd: string): string[] {
  return cwd.includes('#') ? [] : ['-c', cwd];
}

function windowName(title: string): string {
  return title.replace(/[^A-Za-z0-9 _.-]/g, '').slice(0, 40) || 'agent';
}

/** The program of a pane. A single word would be given to a shell, so it never is one. */
function program(argv: string[]): string[] {
  const [first = ''] = argv;
  if (first === '' || first.startsWith('-')) throw new TmuxError(`not a program for a pane: ${JSON.stringify(first)}`);
  return argv.length === 1 ? ['env', ...argv] : argv;
}
