/**
 * Pane hosts in the test's own process: real sockets, real journal files (the real writer), the real book of commands;
 * only the processes are pretended. The conversation is kept outside the hosts, as a CLI keeps it on disk: it is the oracle
 * for "every message once and in order".
 */
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Json, JsonObject } from '../../src/core/event.ts';
import { type FromHost, HOST_PROTOCOL, type HostVerb, type RecordBody, type ToHost } from '../../src/core/host-wire.ts';
import { CommandBook } from '../../src/host/command-book.ts';
import type { PaneInfo, ProcessId, Processes, SessionTarget, Tmux } from '../../src/supervisor/ports.ts';
import { type JournalWriter, openJournal } from '../../src/system/journal/writer.ts';
import type { HomePaths } from '../../src/system/paths.ts';

/** How a host misbehaves; all off unless a test says so. */
export interface Faults {
  /** Takes connections and says nothing. */
  silent: boolean;
  /** Journals nothing of a command and does not acknowledge it. */
  deaf: boolean;
  /** Dies between intent and done of the next message, with it in the conversation (`after`) or not (`before`). */
  dieInMessage: 'before' | 'after' | null;
  /** Dies right after its start, before it listens. */
  stillborn: boolean;
  /** Ends a turn only when `finishTurn` is called. */
  slowTurns: boolean;
  protocol: number;
}

export interface FakeHost {
  readonly agentId: string;
  readonly epoch: number;
  readonly process: ProcessId;
  readonly alive: boolean;
  readonly incarnation: number;
  /** SIGKILL: nothing is written any more, the sockets break. */
  kill(): void;
  /** The CLI dies under it. */
  killCli(): void;
  /** Ends the turn that `slowTurns` holds open. */
  finishTurn(): void;
  /** From silence back to talking: greets whoever is connected. */
  wake(): void;
  record(body: RecordBody): void;
}

export interface FakeWorld {
  readonly tmux: Tmux;
  readonly processes: Processes;
  readonly faults: Faults;
  /** Text of each message in the conversation of an agent, in order. */
  conversation(agentId: string): { messageId: string; text: string }[];
  hosts(): FakeHost[];
  /** The living host of an agent. */
  host(agentId: string): FakeHost | null;
  /** Number of hosts ever started for an agent. */
  started(agentId: string): number;
  tmuxAnswers: boolean;
  close(): void;
}

/** Pids that no real process can have. */
const FIRST_PID = 10_000_000;

export function fakeWorld(paths: HomePaths): FakeWorld {
  let nextPid = FIRST_PID;
  const living = new Map<number, string>();
  const conversations = new Map<string, { messageId: string; text: string }[]>();
  const hosts: FakeHost[] = [];
  const panes = new Map<string, PaneInfo>();
  const faults: Faults = {
    silent: false,
    deaf: false,
    dieInMessage: null,
    stillborn: false,
    slowTurns: false,
    protocol: HOST_PROTOCOL,
  };
  const birth = (): ProcessId => {
    const pid = nextPid++;
    const start = `s${pid}`;
    living.set(pid, start);
    return { pid, start };
  };
  const conversation = (agentId: string): { messageId: string; text: string }[] => {
    const known = conversations.get(agentId) ?? [];
    conversations.set(agentId, known);
    return known;
  };
  const world: FakeWorld = {
    faults,
    tmuxAnswers: true,
    conversation,
    hosts: () => hosts,
    host: (agentId) => hosts.findLast((host) => host.agentId === agentId && host.alive) ?? null,
    started: (agentId) => hosts.filter((host) => host.agentId === agentId).length,
    processes: {
      start: (pid) => living.get(pid) ?? null,
      alive: ({ pid, start }) => living.get(pid) === start,
      descendants: () => [],
      async hunt({ marker, known }) {
        const agentId = marker.split('/')[1];
        const ended = known.filter(({ pid, start }) => living.get(pid) === start);
        for (const host of hosts.filter((candidate) => candidate.agentId === agentId)) {
          if (ended.some(({ pid }) => pid === host.process.pid)) host.kill();
          else if (host.alive) host.killCli();
        }
        for (const { pid } of ended) living.delete(pid);
        return { ended, left: [] };
      },
    },
    tmux: {
      socket: 'fake',
      async open(target, argv) {
        const [, agentId = '', epoch = '0'] = argv;
        const process = birth();
        const pane = { session: String(target), paneId: `%${process.pid}`, pid: process.pid, dead: false };
        panes.set(String(target), pane);
        if (argv[0] !== 'host') return pane;
        const ended = (): void => {
          living.delete(process.pid);
          pane.dead = true;
        };
        hosts.push(
          fakeHost({ agentId, epoch: Number(epoch), process, paths, faults, conversation, birth, living, ended }),
        );
        return pane;
      },
      async kill(target: SessionTarget) {
        panes.delete(String(target));
      },
      async list() {
        if (!world.tmuxAnswers) throw new Error('tmux does not answer');
        return [...panes.values()].map((pane) => ({ ...pane, session: pane.session.replace(/^=/, '') }));
      },
      setStatus: async () => undefined,
      version: async () => 'tmux 3.3a',
      onServerGone: () => undefined,
      close: async () => undefined,
    },
    close() {
      for (const host of hosts) host.kill();
    },
  };
  return world;
}

interface Birth {
  agentId: string;
  epoch: number;
  process: ProcessId;
  paths: HomePaths;
  faults: Faults;
  conversation(agentId: string): { messageId: string; text: string }[];
  birth(): ProcessId;
  living: Map<number, string>;
  ended(): void;
}

function fakeHost(options: Birth): FakeHost {
  const { agentId, epoch, process, paths, faults, living } = options;
  const path = paths.hostSocket(agentId);
  const sockets = new Set<Socket>();
  const book = new CommandBook();
  let alive = true;
  let cli: (ProcessId & { incarnation: number; turn: boolean }) | null = null;
  let incarnation = 0;
  let server: Server | null = null;

  mkdirSync(paths.hostDir(agentId), { recursive: true });
  const opened = openJournal(paths.journal(agentId, epoch), epoch, () => undefined);
  if (!opened.ok) throw new Error(opened.message);
  const journal: JournalWriter = opened.writer;

  const tell = (frame: FromHost): void => {
    for (const socket of sockets) socket.write(`${JSON.stringify(frame)}\n`);
  };
  const record = (...bodies: RecordBody[]): void => {
    if (!alive) return;
    const result = journal.appendAll(bodies);
    if (!result.ok) throw new Error(result.message);
    if (!faults.silent) tell({ v: 1, type: 'bell', epoch, n: journal.n });
  };
  const hello = (): FromHost => ({
    v: 1,
    type: 'hello',
    protocol: faults.protocol,
    build: 'fake',
    agentId,
    epoch,
    n: journal.n,
    ...process,
    cli: cli ? { ...cli, ready: true } : null,
    requests: [],
    blind: false,
  });
  const kill = (): void => {
    if (!alive) return;
    alive = false;
    if (cli) living.delete(cli.pid);
    cli = null;
    options.ended();
    for (const socket of sockets) socket.destroy();
    server?.close();
    void journal.close();
  };
  const endCli = (signal: string | null, asked: boolean): void => {
    if (!cli) return;
    living.delete(cli.pid);
    const code = signal ? null : 0;
    const ended = cli.incarnation;
    cli = null;
    record({ kind: 'exit', incarnation: ended, code, signal, asked, stderr: '' });
  };
  const finish = (id: string, ok: boolean, result: Json): void => {
    book.closed(id, { ok, result });
    record({ kind: 'done', id, ok, result });
  };
  const out = (...lines: string[]): void => {
    if (cli) record(...lines.map((line): RecordBody => ({ kind: 'out', incarnation, line })));
  };
  const endTurn = (): void => {
    if (!cli?.turn) return;
    cli.turn = false;
    out('end ok');
  };
  const deliver = (id: string, args: JsonObject, isNew: boolean): void => {
    const held = options.conversation(agentId);
    const { messageId, text } = args as { messageId: string; text: string };
    if (!cli) return finish(id, false, { code: 'UNREACHABLE', message: 'no CLI', retryable: true });
    const known = held.some((message) => message.messageId === messageId);
    const fault = faults.dieInMessage;
    faults.dieInMessage = null;
    if (fault === 'before') return kill();
    if (!known || isNew) held.push({ messageId, text });
    if (fault === 'after') return kill();
    if (known && !isNew) return finish(id, true, { turnFollows: false });
    cli.turn = true;
    out('turn');
    finish(id, true, { turnFollows: true });
    out(`say you said ${text.slice(0, 40)}`, 'cost 0.01');
    if (!faults.slowTurns) endTurn();
  };
  const act: Record<HostVerb, (id: string, args: JsonObject) => void> = {
    start(id, args) {
      incarnation = Number(args.incarnation);
      const born = options.birth();
      cli = { ...born, incarnation, turn: false };
      const conversationId = typeof args.conversationId === 'string' ? args.conversationId : `conversation-${agentId}`;
      const resumed = args.resume === true;
      record({ kind: 'spawn', incarnation, ...born, argv: ['words'], cli: 'tutti', conversationId, resumed });
      finish(id, true, { pid: born.pid });
      record({ kind: 'ready', incarnation, conversationId, resumed });
    },
    message: (id, args) => deliver(id, args, true),
    confirm: (id, args) => deliver(id, args, false),
    interrupt(id) {
      if (cli?.turn) {
        cli.turn = false;
        out('end interrupted');
      }
      finish(id, true, null);
    },
    answer: (id) => finish(id, true, null),
    stop(id) {
      endCli('SIGTERM', true);
      finish(id, true, { left: 0 });
    },
    configure: (id) => finish(id, true, null),
    compact: (id) => finish(id, false, { code: 'cannot', message: 'it cannot compact' }),
    quit(id) {
      endCli('SIGTERM', true);
      finish(id, true, { left: 0 });
      kill();
    },
  };
  const take = (socket: Socket, frame: ToHost): void => {
    if (faults.silent || !alive) return;
    if (frame.type === 'hello') {
      socket.write(`${JSON.stringify(hello())}\n`);
      return;
    }
    if (frame.type !== 'command' || faults.deaf) return;
    const { id, verb, args } = frame;
    const taken = book.take(id, verb);
    if (taken.do === 'refuse') {
      socket.write(`${JSON.stringify({ v: 1, type: 'refused', id, ...taken } satisfies FromHost)}\n`);
      return;
    }
    if (taken.do === 'act') {
      record({ kind: 'intent', id, verb, args });
      book.opened(id, verb);
    }
    socket.write(`${JSON.stringify({ v: 1, type: 'ack', id } satisfies FromHost)}\n`);
    if (taken.do === 'again') return record({ kind: 'done', id, ok: taken.ok, result: taken.result });
    if (taken.do === 'wait') return;
    act[verb](id, args);
  };
  const listen = (): void => {
    rmSync(path, { force: true });
    server = createServer((socket) => {
      sockets.add(socket);
      let rest = '';
      socket.setEncoding('utf8');
      socket.on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(socket, JSON.parse(line) as ToHost);
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(path);
  };

  if (faults.stillborn) kill();
  else {
    record({ kind: 'open', epoch, ...process, protocol: faults.protocol, build: 'fake', agentId });
    listen();
  }
  return {
    agentId,
    epoch,
    process,
    get alive() {
      return alive;
    },
    get incarnation() {
      return incarnation;
    },
    kill,
    killCli: () => endCli('SIGKILL', false),
    finishTurn: endTurn,
    wake: () => tell(hello()),
    record: (body) => record(body),
  };
}
