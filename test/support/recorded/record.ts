/**
 * Makes recordings of the real CLIs as tutti drives them: the driver's own launch and protocol, against the scripted model.
 *
 *     node scripts/run-ts.mjs test/support/recorded/record.ts            all of them
 *     node scripts/run-ts.mjs test/support/recorded/record.ts codex      those of one CLI
 *
 * They go to test/streams/driven/CLI-NAME.{jsonl,meta.json}, in the form that test/streams/README.md describes. A new recording
 * needs a label in test/streams/labels.yaml, given before `npm run docs` says what we make of it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action, LaunchSpec, Protocol } from '../../../src/drivers/driver.ts';
import { drivers } from '../../../src/drivers/registry.ts';
import { sleep } from '../../../src/system/clock.ts';
import { type RealCli, type RealCliName, realCli, skipLine } from '../real-clis.ts';
import { startScriptedServer } from '../scripted/index.ts';

interface Order {
  cli: RealCliName;
  name: string;
  prompt: string;
  /** Variables in the place of the key that the CLI is usually given. */
  env?: Record<string, string | null>;
  /** Sent this long after the message, for a turn that does not end. Milliseconds. */
  signal?: { name: NodeJS.Signals; afterMs: number };
}

const OAUTH = { ANTHROPIC_API_KEY: null, CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-dummy' };
const stuck = { name: 'SIGTERM', afterMs: 8_000 } as const;

const ORDERS: Order[] = [
  { cli: 'claude', name: 'usage-limit-oauth', prompt: '[[scenario:usage_limit reset=7200]] Do the task.', env: OAUTH },
  { cli: 'claude', name: 'ratelimit-oauth', prompt: '[[scenario:ratelimit retry_after=2]] Do the task.', env: OAUTH },
  { cli: 'claude', name: 'hang', prompt: '[[scenario:hang]] Do the task.', signal: stuck },
  { cli: 'codex', name: 'usage-limit', prompt: '[[scenario:usage_limit reset=7200]] Do the task.' },
  { cli: 'codex', name: 'hang', prompt: '[[scenario:hang]] Do the task.', signal: stuck },
  { cli: 'codex', name: 'auth', prompt: '[[scenario:auth]] Do the task.' },
  { cli: 'codex', name: 'toolong', prompt: '[[scenario:toolong]] Do the task.' },
  { cli: 'gemini', name: 'usage-limit', prompt: '[[scenario:usage_limit reset=7200]] Do the task.' },
  { cli: 'gemini', name: 'auth', prompt: '[[scenario:auth]] Do the task.' },
  { cli: 'opencode', name: 'auth', prompt: '[[scenario:auth]] Do the task.' },
  { cli: 'opencode', name: 'usage-limit', prompt: '[[scenario:usage_limit reset=7200]] Do the task.', signal: stuck },
];

/** A turn that takes longer is not going to end. Milliseconds. */
const TURN_LIMIT_MS = 90_000;
const CONVERSATION = '11111111-1111-4111-8111-111111111111';
const MESSAGE = '22222222-2222-4222-8222-222222222222';
const CLIS = join(process.cwd(), '.cache', 'real-clis');
const STREAMS = join(process.cwd(), 'test', 'streams', 'driven');

async function record(order: Order, cli: RealCli): Promise<string> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-record-')));
  const model = await startScriptedServer();
  try {
    const place = { home: join(root, 'home'), cwd: join(root, 'work'), dir: join(root, 'agent') };
    for (const folder of Object.values(place)) mkdirSync(folder);
    execFileSync('git', ['init', '-q', place.cwd]);
    const base = model.urlFor('recorded');
    const env = { ...cli.environment(place.home, base), ...order.env };
    const talk = await new Talk(order, cli, place, present(env)).run();
    const clean = withoutPlaces([
      [place.cwd, '/workspace'],
      [place.home, '/home/user'],
      [place.dir, '/agent'],
      [root, '/tmp/run'],
      [CLIS, '/opt/cli'],
      [realpathSync(CLIS), '/opt/cli'],
      [`:${model.port}`, ':PORT'],
    ]);
    const lines = talk.out.map(({ text }) => clean(text));
    const file = join(STREAMS, `${order.cli}-${order.name}`);
    writeFileSync(`${file}.jsonl`, lines.map((line) => `${line}\n`).join(''));
    const meta = {
      cli: order.cli,
      version: cli.version,
      scenario: order.name,
      command: clean(talk.command),
      exit_code: talk.exit.code,
      exit_signal: talk.exit.signal,
      duration_ms: talk.exit.atMs,
      line_ms: talk.out.map(({ atMs }) => atMs),
      stdin: talk.written.map(({ atMs, text }) => ({ at_ms: atMs, line: clean(text) })),
      actions: talk.actions,
      stderr: clean(talk.stderr),
      requests: model.requests('recorded').map(({ status, side }) => ({ status, kind: side ? 'side' : 'message' })),
    };
    writeFileSync(`${file}.meta.json`, `${JSON.stringify(meta, null, 1)}\n`);
    return `${lines.length} lines, exit ${talk.exit.code ?? talk.exit.signal}, ${talk.exit.atMs} ms`;
  } finally {
    await model.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

const withoutPlaces =
  (places: [string, string][]) =>
  (text: string): string =>
    places.reduce((clean, [from, to]) => clean.replaceAll(from, to), text);

const present = (env: Record<string, string | null>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== null));

/** One process, spoken to by its driver's protocol, every call allowed; what was said on both sides, with times. */
class Talk {
  readonly out: { text: string; atMs: number }[] = [];
  readonly written: { text: string; atMs: number }[] = [];
  readonly actions: [number, string, string?][] = [];
  readonly command: string;
  stderr = '';
  exit: { code: number | null; signal: string | null; atMs: number } = { code: null, signal: null, atMs: 0 };
  readonly #order: Order;
  readonly #protocol: Protocol;
  readonly #child: ChildProcess;
  readonly #start = performance.now();
  #ready = false;
  #ended = false;
  #partial = '';

  constructor(order: Order, cli: RealCli, place: { cwd: string; dir: string }, env: Record<string, string>) {
    this.#order = order;
    const driver = drivers[order.cli];
    const spec: LaunchSpec = {
      command: cli.command,
      args: [],
      cwd: place.cwd,
      model: cli.model,
      permissions: 'bypass',
      conversationId: CONVERSATION,
      resume: false,
      incarnation: 1,
      marker: 'recorded/0/1',
      dir: place.dir,
      systemPrompt: null,
      settings: {},
    };
    const launch = driver.launch(spec, null);
    this.#protocol = driver.protocol(spec);
    const [program = '', ...args] = launch.argv;
    // Not those that only say where it ran.
    const told = Object.entries({ ...env, ...launch.env }).filter(
      ([name]) => !['PATH', 'HOME', 'LANG', 'TERM'].includes(name),
    );
    this.command = [...told.map(([name, value]) => `${name}=${quoted(value)}`), ...[program, ...args].map(quoted)].join(
      ' ',
    );
    this.#child = spawn(program, args, { cwd: place.cwd, env: { ...env, ...launch.env }, stdio: 'pipe' });
  }

  #ms(): number {
    return Math.round(performance.now() - this.#start);
  }

  async run(): Promise<this> {
    const child = this.#child;
    const over = new Promise<void>((done) => {
      child.once('close', (code, signal) => {
        this.exit = { code, signal, atMs: this.#ms() };
        this.#ended = true;
        done();
      });
    });
    child.stdin?.on('error', () => this.actions.push([this.#ms(), 'note', 'stdin was closed by the CLI']));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    this.#do(this.#protocol.begin());
    await this.#until(() => this.#ready);
    this.#do(this.#protocol.message({ messageId: MESSAGE, text: this.#order.prompt, now: false, ordinal: 0 }));
    await this.#turn();
    await Promise.race([over, sleep(10_000)]);
    if (!this.#ended) {
      this.actions.push([this.#ms(), 'note', 'it did not end by itself']);
      child.kill('SIGKILL');
      await over;
    }
    return this;
  }

  /** Until the turn is over, and stdin closed; or until the signal is due. */
  async #turn(): Promise<void> {
    const { signal } = this.#order;
    if (signal) {
      await sleep(signal.afterMs);
      this.actions.push([this.#ms(), 'signal', signal.name]);
      this.#child.kill(signal.name);
      return;
    }
    let began = false;
    await this.#until(() => {
      began = began || this.#protocol.turn;
      return began && !this.#protocol.turn;
    });
    await sleep(300);
    this.#do(this.#protocol.close());
    this.actions.push([this.#ms(), 'stdin-eof']);
    this.#child.stdin?.end();
  }

  async #until(met: () => boolean): Promise<void> {
    const end = performance.now() + TURN_LIMIT_MS;
    while (!met() && !this.#ended && performance.now() < end) await sleep(20);
  }

  #read(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines.filter((each) => each !== '')) {
      const { actions, journal } = this.#protocol.line({ dir: 'out', text: line });
      // A streamed piece is no record of ours.
      if (journal) this.out.push({ text: line, atMs: this.#ms() });
      this.#do(actions);
    }
  }

  #do(actions: Action[]): void {
    for (const action of actions) {
      if (action.do === 'ready') this.#ready = true;
      else if (action.do === 'judge') this.#do(this.#protocol.answer(action.key, { decision: 'allow' }));
      else if (action.do === 'write') {
        this.written.push({ text: action.line, atMs: this.#ms() });
        this.#child.stdin?.write(`${action.line}\n`);
        this.#protocol.line({ dir: 'in', text: action.line });
      }
    }
  }
}

const quoted = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word}'`);

const [, , only] = process.argv;
for (const order of ORDERS.filter(({ cli }) => only === undefined || cli === only)) {
  const cli = realCli(order.cli);
  process.stdout.write(
    cli ? `driven/${order.cli}-${order.name}: ${await record(order, cli)}\n` : `${skipLine(order.cli)}\n`,
  );
}
