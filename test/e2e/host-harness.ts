/** A pane host in a real tmux, spoken to as the supervisor does: socket, journal, pane. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Json, JsonObject } from '../../src/core/event.ts';
import type { FromHost, HostHello, HostVerb, JournalRecord, RecordBody } from '../../src/core/host-wire.ts';
import { replaceFileSync } from '../../src/system/disk.ts';
import { startOf } from '../../src/system/proc/index.ts';
import { runFolder } from '../support/run.ts';
import { type TempHome, tempHome } from '../support/temp-home.ts';
import { waitFor } from '../support/wait.ts';

const root = join(import.meta.dirname, '../..');
/** The host as it is built, in a folder of its own: nobody's build takes it away meanwhile. Removed with {@link removeBuiltHost}. */
let built: string | null = null;

export function hostProgram(): string {
  if (built) return built;
  mkdirSync(runFolder(), { recursive: true, mode: 0o700 });
  const outdir = mkdtempSync(join(runFolder(), 'host-'));
  buildSync({
    entryPoints: {
      host: join(root, 'src/host/main.ts'),
      guard: join(root, 'src/core/guard/index.ts'),
      'driver-claude': join(root, 'src/drivers/claude/index.ts'),
      'driver-aider': join(root, 'src/drivers/aider/index.ts'),
    },
    outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    minify: true,
    keepNames: true,
    define: { TUTTI_BUILD: '"test"' },
    logLevel: 'error',
  });
  built = join(outdir, 'host.cjs');
  return built;
}

export function removeBuiltHost(): void {
  if (built) rmSync(dirname(built), { recursive: true, force: true });
  built = null;
}

const FAKE_CLAUDE = join(root, 'test/fixtures/fake-cli/claude.mjs');
export const HEAP_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=32'];

type Of<K extends RecordBody['kind']> = Extract<JournalRecord, { kind: K }>;

export interface HostUnderTest {
  home: TempHome;
  agentId: string;
  /** Starts a host of this epoch in the pane (a new one, or the dead one again). */
  open(epoch: number, options?: { program?: string }): Promise<void>;
  tmux(...args: string[]): string;
  /** Everything in the pane, scrollback too. */
  screen(): string;
  connect(): Promise<Link>;
  records(epoch?: number): JournalRecord[];
  /** Waits for a record that fits. */
  record<K extends RecordBody['kind']>(kind: K, fits?: (record: Of<K>) => boolean, epoch?: number): Promise<Of<K>>;
  pid(): number;
  writeEnv(change?: JsonObject): void;
  remove(): Promise<void>;
}

export interface Link {
  hello: HostHello;
  frames: FromHost[];
  socket: Socket;
  /** Sends a command and waits until it is taken or refused. */
  command(verb: HostVerb, args: JsonObject, id?: string): Promise<{ id: string; refused: string | null }>;
  /** Sends a command and waits for its result in the journal. */
  ask(verb: HostVerb, args: JsonObject, id?: string): Promise<{ ok: boolean; result: Json }>;
  message(text: string, options?: { now?: boolean; id?: string }): Promise<{ ok: boolean; result: Json }>;
  start(incarnation: number, resume?: boolean): Promise<{ ok: boolean; result: Json }>;
  close(): void;
}

export const CONVERSATION = '11111111-2222-4333-8444-555555555555';

export function hostUnderTest(options: { env?: JsonObject; agentId?: string } = {}): HostUnderTest {
  const home = tempHome();
  const agentId = options.agentId ?? 'a1';
  let epochNow = 1;
  const cwd = join(home.paths.home, '..', 'user');
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-L', home.tmuxSocket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: home.env,
      timeout: 10_000,
    });

  const self: HostUnderTest = {
    home,
    agentId,
    tmux,
    async open(epoch, { program = hostProgram() } = {}) {
      epochNow = epoch;
      const argv = [process.execPath, ...HEAP_FLAGS, program, home.paths.home, agentId, String(epoch)];
      const exists = sessionExists(tmux);
      if (exists) tmux('respawn-pane', '-k', '-t', '=alice:', ...argv);
      else {
        tmux(
          'start-server',
          ';',
          'set',
          '-g',
          'remain-on-exit',
          'on',
          ';',
          'set',
          '-g',
          'history-limit',
          '2000',
          ';',
          'new-session',
          '-d',
          '-s',
          'alice',
          '-x',
          '80',
          '-y',
          '24',
          ...argv,
        );
      }
      await waitFor(
        `the host of epoch ${epoch} listens`,
        () =>
          existsSync(home.paths.hostSocket(agentId)) &&
          self.records(epoch).some(({ kind }) => kind === 'open') &&
          answers(self),
      );
    },
    screen: () => tmux('capture-pane', '-p', '-S', '-', '-t', '=alice:'),
    connect: () => openLink(self, () => epochNow),
    records: (epoch = epochNow) => readRecords(home.paths.journal(agentId, epoch)),
    async record(kind, fits = () => true, epoch = epochNow) {
      type R = Of<typeof kind>;
      return await waitFor(`a record ${kind}`, () =>
        self.records(epoch).find((record): record is R => record.kind === kind && fits(record as R)),
      );
    },
    pid: () => Number(tmux('display-message', '-p', '-t', '=alice:', '#{pane_pid}')),
    writeEnv(change = {}) {
      const { TUTTI_HOME: _home, TUTTI_TMUX: _tmux, ...env } = home.env;
      const file = {
        v: 1,
        name: 'alice',
        cli: 'claude',
        home8: home.home8,
        command: [process.execPath, FAKE_CLAUDE],
        args: [],
        cwd,
        env,
        secrets: {},
        model: 'fake',
        permissions: 'auto',
        systemPrompt: null,
        settings: {},
        ...options.env,
        ...change,
      };
      replaceFileSync(home.paths.agentEnv(agentId), JSON.stringify(file));
    },
    async remove() {
      if (sessionExists(tmux)) tmux('kill-server');
      await home.remove();
    },
  };
  self.writeEnv();
  return self;
}

function sessionExists(tmux: (...args: string[]) => string): boolean {
  try {
    tmux('has-session', '-t', '=alice');
    return true;
  } catch (error) {
    if (error instanceof Error && 'status' in error) return false;
    throw error;
  }
}

function answers(host: HostUnderTest): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(host.home.paths.hostSocket(host.agentId));
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

/** Complete records of a journal; a torn last line is left out. */
export function readRecords(path: string): JournalRecord[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as JournalRecord);
}

async function openLink(host: HostUnderTest, epoch: () => number): Promise<Link> {
  const frames: FromHost[] = [];
  const socket = connect(host.home.paths.hostSocket(host.agentId));
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('utf8');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line !== '') frames.push(JSON.parse(line) as FromHost);
  });
  await new Promise<void>((done, fail) => {
    socket.once('connect', done);
    socket.once('error', fail);
  });
  const send = (frame: object): void => void socket.write(`${JSON.stringify({ v: 1, ...frame })}\n`);
  send({ type: 'hello', protocol: 1, build: 'test', supervisor: process.pid });
  const hello = await waitFor('a greeting', () => frames.find((frame) => frame.type === 'hello'));
  const link: Link = {
    hello,
    frames,
    socket,
    async command(verb, args, id = randomUUID()) {
      const before = frames.length;
      send({ type: 'command', id, verb, args });
      const frame = await waitFor(`${verb} is taken`, () =>
        frames.slice(before).find((f) => (f.type === 'ack' || f.type === 'refused') && f.id === id),
      );
      return { id, refused: frame.type === 'refused' ? frame.code : null };
    },
    async ask(verb, args, id = randomUUID()) {
      const { refused } = await link.command(verb, args, id);
      if (refused !== null) return { ok: false, result: { refused } };
      const done = await host.record('done', (record) => record.id === id, epoch());
      return { ok: done.ok, result: done.result };
    },
    message: (text, { now = false, id = randomUUID() } = {}) =>
      link.ask('message', { messageId: id, text, from: 'user', now, ordinal: 0 }, id),
    start: (incarnation, resume = false) =>
      link.ask('start', { incarnation, conversationId: CONVERSATION, resume, settings: {} }),
    close: () => void socket.destroy(),
  };
  return link;
}

/** Lines of stdout on record that hold this text. */
export function outWith(records: JournalRecord[], text: string): JournalRecord[] {
  return records.filter((record) => record.kind === 'out' && record.line.includes(text));
}

export const isAlive = (pid: number): boolean => startOf(pid) !== null;
