/**
 * One run of a CLI: its process, its driver's protocol, and the actions that the protocol wants done. What the CLI says is
 * recorded before anything is done about it.
 *
 * A CLI with one process per turn (`persistent: false`) has a process only while a message is worked on.
 */
import { writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { DriverEventBody } from '../core/event.ts';
import type {
  Action,
  Driver,
  Launch,
  LaunchSpec,
  Line,
  OutgoingMessage,
  Protocol,
  Verdict,
} from '../drivers/driver.ts';
import type { LineItem } from '../drivers/lines.ts';
import { clock } from '../system/clock.ts';
import { spawnCli } from '../system/spawn.ts';
import { attachCli, type CliProcess, STDIN_LIMIT } from './cli-process.ts';
import { linesOf } from './file-lines.ts';
import { type BypassedCall, GateWatch } from './gate-watch.ts';
import type { Ledger } from './ledger.ts';
import { mendOwnRecord } from './own-record.ts';
import type { ProcessId, Stoppable } from './tree.ts';

/** The control run of the chaos test switches this off, to show that the test can fail. */
const CONFIRMS = process.env['TUTTI_TEST_NO_CONFIRM'] !== '1';

export type JudgeAction = Extract<Action, { do: 'judge' }>;

/** What the host does about an incarnation. All calls come behind the records that they follow from. */
export interface IncarnationEvents {
  spawned(process: ProcessId): void;
  ready(): void;
  turn(phase: 'start' | 'end'): void;
  confirmed(messageId: string, turnFollows: boolean | null): void;
  refused(messageId: string, why: string, retryable: boolean): void;
  judge(action: JudgeAction): void;
  withdrawn(key: string): void;
  /** A call ran that nobody judged, although the gate sees all of them. */
  bypassed(call: BypassedCall): void;
  /** Decoded, for the pane. */
  events(events: DriverEventBody[]): void;
  delta(text: string): void;
  /** Something was streamed that is not journaled: a sign of life that no record gives. */
  alive(): void;
  /** A line too long to be understood began: its first characters. */
  overlong(head: string): void;
  broken(why: string): void;
  /** `byDesign`: one process per turn, and its turn is over; the incarnation goes on. */
  exited(exit: { byDesign: boolean }): void;
}

export interface IncarnationOptions {
  driver: Driver;
  spec: LaunchSpec;
  /** The whole environment, without the driver's own additions. */
  env: Record<string, string>;
  ledger: Ledger;
  on: IncarnationEvents;
}

export type StartResult =
  | { ok: true; pid: number | null }
  | { ok: false; code: string; message: string; hint: string | null };

export class Incarnation implements Stoppable {
  readonly spec: LaunchSpec;
  readonly driver: Driver;
  readonly #options: IncarnationOptions;
  #protocol: Protocol;
  #process: CliProcess | null = null;
  readonly #gate: GateWatch | null;
  #turn = false;
  #over = false;
  #head: string | null = null;
  /** One process per turn: the process that only shows whether it could start runs. */
  #checking = false;
  /** One process per turn: the message of the running process, until it is settled. */
  #current: OutgoingMessage | null = null;
  /** Only in a test's control run: new ids of messages whose fate nobody asked for. */
  readonly #unconfirmed = new Map<string, string>();
  /** The person or the supervisor stopped the turn: however the process ends, it was told to. */
  #interrupted = false;
  ready = false;
  /** It was told to end. */
  asked = false;

  constructor(options: IncarnationOptions) {
    this.#options = options;
    this.spec = options.spec;
    this.driver = options.driver;
    this.#protocol = options.driver.protocol(options.spec);
    this.#gate = options.driver.capabilities.gate === 'all' ? new GateWatch() : null;
  }

  get number(): number {
    return this.spec.incarnation;
  }

  get turn(): boolean {
    return this.#turn || this.#protocol.turn;
  }

  get over(): boolean {
    return this.#over;
  }

  get process(): ProcessId | null {
    return this.#process && { pid: this.#process.pid, start: this.#process.start };
  }

  get stderr(): string {
    return this.#process?.stderr ?? '';
  }

  /**
   * Starts the process. A CLI with one process per turn is started without a message first, which only shows whether it can be
   * started; it is ready when that went well.
   */
  start(): Promise<StartResult> {
    this.#checking = !this.driver.capabilities.persistent;
    if (this.spec.resume) this.#mendOwnRecord();
    return this.#spawn(this.driver.launch(this.spec, null));
  }

  #mendOwnRecord(): void {
    const record = this.driver.ownRecord?.(this.spec, this.#options.env) ?? null;
    for (const { level, text } of record === null ? [] : mendOwnRecord(record)) {
      this.#options.ledger.record({ kind: 'note', level, text });
    }
  }

  async #spawn(launch: Launch): Promise<StartResult> {
    const { ledger, on, env } = this.#options;
    writeFiles(launch, this.spec.dir);
    const spawned = await spawnCli({ argv: launch.argv, cwd: this.spec.cwd, env: this.#environment(env, launch) });
    if (!spawned.ok) return spawned;
    const { pid, start } = spawned;
    ledger.record({
      kind: 'spawn',
      incarnation: this.number,
      pid,
      start,
      argv: launch.argv,
      cli: this.driver.id,
      conversationId: this.spec.conversationId,
      resumed: this.spec.resume,
    });
    this.#process = attachCli(spawned, {
      out: (item) => this.#out(item),
      err: (line) => this.#line({ dir: 'err', text: line }),
      exit: (code, signal) => this.#exit(code, signal),
      trouble: (message) => ledger.record({ kind: 'note', level: 'warn', text: `a pipe of the CLI broke: ${message}` }),
    });
    if (ledger.held) this.#process.pause();
    on.spawned({ pid, start });
    this.#run(this.#protocol.begin());
    return { ok: true, pid };
  }

  #environment(env: Record<string, string>, launch: Launch): Record<string, string> {
    return { ...launch.defaults, ...env, ...launch.env, TUTTI_AGENT: this.spec.marker };
  }

  #out(item: LineItem): void {
    if (item.kind === 'line') return this.#line({ dir: 'out', text: item.text });
    const { ledger, on } = this.#options;
    const { part, text, last } = item;
    on.alive();
    if (part === 0) {
      this.#head = text.slice(0, 4096);
      on.overlong(this.#head);
    }
    const end = last && { bytes: last.bytes, cut: last.cut };
    ledger.record({ kind: 'piece', incarnation: this.number, part, text, ...(end ? { last: end } : {}) });
    if (last && this.#head !== null) on.events([{ type: 'raw', line: this.#head }]);
    if (last) this.#head = null;
  }

  #line(line: Line): void {
    const { ledger, on } = this.#options;
    const { actions, decoded, journal } = this.#protocol.line(line);
    // An echo of our own message is journaled, and no sign that the model gets on.
    if (!journal && line.dir !== 'in') on.alive();
    if (journal) ledger.record({ kind: line.dir, incarnation: this.number, line: line.text });
    ledger.act(() => {
      if (decoded.events.length > 0) this.#decoded(decoded.events);
      this.#run(actions);
    });
  }

  #decoded(events: DriverEventBody[]): void {
    const { on } = this.#options;
    on.events(events);
    for (const event of this.#gate === null ? [] : events) {
      const call = this.#gate?.see(event) ?? null;
      if (call !== null) on.bypassed(call);
    }
  }

  #run(actions: Action[]): void {
    for (const action of actions) this.#do(action);
  }

  #do(action: Action): void {
    const { on, ledger } = this.#options;
    switch (action.do) {
      case 'write':
        return this.#write(action.line);
      case 'ready':
        if (this.#checking) return;
        return this.#isReady(action.conversationId, action.resumed);
      case 'turn':
        this.#turn = action.phase === 'start';
        return on.turn(action.phase);
      case 'confirmed':
        this.#current = null;
        return on.confirmed(this.#unconfirmed.get(action.messageId) ?? action.messageId, action.turnFollows);
      case 'refused':
        this.#current = null;
        return on.refused(this.#unconfirmed.get(action.messageId) ?? action.messageId, action.why, action.retryable);
      case 'judge':
        this.#gate?.judged(action.callId);
        return on.judge(action);
      case 'withdrawn':
        return on.withdrawn(action.key);
      case 'tool':
        return this.#run(
          this.#protocol.toolResult(action.key, { ok: false, value: `there is no tool ${action.name}` }),
        );
      case 'delta':
        return on.delta(action.text);
      case 'broken':
        return on.broken(action.why);
      case 'close-stdin':
        return ledger.act(() => this.#process?.endInput());
      case 'read-file':
        return this.#run(this.#protocol.file?.(action.key, linesOf(action.path)) ?? []);
    }
  }

  #isReady(conversationId: string | null, resumed: boolean): void {
    // A process per turn says it each time; the incarnation is ready once.
    if (this.ready) return;
    this.ready = true;
    this.#options.ledger.record({ kind: 'ready', incarnation: this.number, conversationId, resumed });
    this.#options.on.ready();
  }

  #write(line: string): void {
    const { ledger } = this.#options;
    const { actions, decoded } = this.#protocol.line({ dir: 'in', text: line });
    ledger.record({ kind: 'in', incarnation: this.number, line });
    ledger.act(() => {
      if (decoded.events.length > 0) this.#decoded(decoded.events);
      this.#process?.write(line);
    });
    this.#run(actions);
  }

  /** Hands a message over; a failed start of a per-turn process refuses it. */
  deliver(message: OutgoingMessage, confirm: boolean): void {
    if (this.driver.capabilities.persistent) {
      if ((this.#process?.unread ?? 0) > STDIN_LIMIT) {
        return this.#options.on.refused(message.messageId, 'the CLI does not read its input', true);
      }
      if (confirm && CONFIRMS) return this.#run(this.#protocol.confirm(message));
      return this.#run(this.#protocol.message(confirm ? this.#underNewId(message) : message));
    }
    this.#deliverInProcess(message, confirm).catch((error: unknown) => {
      this.#options.on.refused(message.messageId, error instanceof Error ? error.message : String(error), true);
    });
  }

  /** Control run of a test: nobody asks the conversation, and a message of unknown fate is sent again as a new one. */
  #underNewId(message: OutgoingMessage): OutgoingMessage {
    const messageId = clock.uuid();
    this.#unconfirmed.set(messageId, message.messageId);
    return { ...message, messageId };
  }

  /** One process per turn: the protocol first looks into the CLI's files where it has to, then a process takes the message. */
  async #deliverInProcess(message: OutgoingMessage, confirm: boolean): Promise<void> {
    this.#protocol = this.driver.protocol(this.spec);
    if (confirm && this.#alreadyIn(message)) return;
    this.#interrupted = false;
    const started = await this.#spawn(this.driver.launch(this.spec, message));
    if (!started.ok) return this.#options.on.refused(message.messageId, started.message, false);
    this.#current = message;
    this.#run(this.#protocol.message(message));
  }

  /** Confirms a message that the conversation has; false where it has not. */
  #alreadyIn(message: OutgoingMessage): boolean {
    const settles = (actions: Action[]): boolean =>
      actions.some((action) => {
        if (action.do === 'read-file') return settles(this.#protocol.file?.(action.key, linesOf(action.path)) ?? []);
        if (action.do !== 'confirmed') return false;
        this.#do(action);
        return true;
      });
    return settles(this.#protocol.confirm(message));
  }

  interrupt(): void {
    this.#run(this.#protocol.interrupt());
    if (this.driver.capabilities.persistent) return;
    // One process per turn has no other way to stop a turn than a signal.
    this.#interrupted = true;
    this.#process?.kill('SIGINT');
  }

  /** false: the CLI has no means for it. */
  compact(): boolean {
    const actions = this.#protocol.compact?.();
    if (!actions) return false;
    this.#run(actions);
    return true;
  }

  answer(key: string, verdict: Verdict): void {
    this.#run(this.#protocol.answer(key, verdict));
  }

  close(): void {
    this.asked = true;
    if (!this.#process) {
      return this.#stoppedBetweenTurns();
    }
    this.#run(this.#protocol.close());
    this.#options.ledger.act(() => this.#process?.endInput());
  }

  /** One process per turn, and none runs: its end is put on record all the same. */
  #stoppedBetweenTurns(): void {
    const { ledger, on } = this.#options;
    this.#over = true;
    ledger.record({ kind: 'exit', incarnation: this.number, code: 0, signal: null, asked: true, stderr: '' });
    ledger.act(() => on.exited({ byDesign: false }));
  }

  kill(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  #exit(code: number | null, signal: string | null): void {
    const { ledger, on } = this.#options;
    const byDesign = !this.driver.capabilities.persistent && !this.asked && (code === 0 || this.#interrupted);
    if (this.#checking && byDesign) {
      this.#checking = false;
      this.#isReady(this.spec.conversationId, this.spec.resume);
    }
    const unsettled = this.#current;
    const { asked, stderr } = this;
    const design = byDesign ? { byDesign } : {};
    ledger.record({ kind: 'exit', incarnation: this.number, code, signal, asked, ...design, stderr });
    if (!byDesign) this.#over = true;
    this.#current = null;
    this.#turn = false;
    this.#process = null;
    if (byDesign) this.#protocol = this.driver.protocol(this.spec);
    ledger.act(() => {
      // Its last words may have come before the history was written: looked into once more.
      if (byDesign && unsettled && !this.#alreadyIn(unsettled)) {
        on.refused(unsettled.messageId, 'the CLI ended before it took the message in', true);
      }
      on.exited({ byDesign });
    });
  }
}

/** Only below the agent's own folder: a driver cannot write anywhere else. */
function writeFiles(launch: Launch, dir: string): void {
  for (const { path, text } of launch.files ?? []) {
    const inside = relative(dir, path);
    if (inside === '' || inside.startsWith('..') || dirname(inside) !== '.') {
      throw new Error(`a driver may write in ${dir} only, not ${path}`);
    }
    writeFileSync(path, text, { mode: 0o600 });
  }
}
