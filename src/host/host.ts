/**
 * The pane host: parent of one agent's CLI. It records first and acts then, does what the supervisor commands, and lets a person
 * type; it decides nothing about restarts. It outlives the supervisor and its own terminal.
 */
import type { DriverEventBody } from '../core/event.ts';
import {
  BEAT_MS,
  type CompiledRule,
  type ConfigureArgs,
  HOST_PROTOCOL,
  type HostHello,
  type HostVerb,
  type RecordBody,
} from '../core/host-wire.ts';
import { clock, isoTime } from '../system/clock.ts';
import type { HomePaths } from '../system/paths.ts';
import { self } from '../system/proc/index.ts';
import { secretText } from '../system/redact.ts';
import { Asks } from './asks.ts';
import { Beat } from './beat.ts';
import { Budget } from './budget.ts';
import { CommandBook } from './command-book.ts';
import { Commands, type Prepared } from './commands.ts';
import { Messages } from './messages.ts';
import { answerArgs, type Command, configureArgs, interruptArgs, messageArgs, startArgs } from './frames.ts';
import type { Incarnation, IncarnationEvents } from './incarnation.ts';
import { createJudge } from './judge.ts';
import { type LaunchFile, readLaunchFile, secretsOf } from './launch-file.ts';
import { type Journal, Ledger } from './ledger.ts';
import { Lifecycle, problem } from './lifecycle.ts';
import type { Pane } from './pane/pane.ts';
import { withoutSecrets } from './redaction.ts';
import { Requests } from './requests.ts';
import { type Guard, loadGuard } from './side-files.ts';
import { HostSocket, type TypedInput } from './socket.ts';
import { stopInRungs } from './tree.ts';

export interface HostOptions {
  paths: HomePaths;
  agentId: string;
  build: string;
  /** Raised by a test to play a later version. */
  protocol?: number;
  journal: Journal;
  /** Path of the running program: guard.cjs stands beside it. */
  program: string;
  pane: Pane;
  /** The host has nothing more to do. */
  ended(): void;
}

/** A line over the limit that begins like one of these asks for a permission: nobody could read it, so its turn ends. */
const ASKING = /"control_request"|requestApproval|request_permission|"type":"ask"/;

export class Host {
  readonly #options: HostOptions;
  readonly #ledger: Ledger;
  readonly #socket: HostSocket;
  readonly #book = new CommandBook();
  readonly #requests: Requests;
  readonly #asks: Asks;
  readonly #commands: Commands;
  readonly #messages: Messages;
  readonly #life: Lifecycle;
  readonly #beat: Beat;
  readonly #budget: Budget;
  #file: LaunchFile | null = null;
  #config: ConfigureArgs | null = null;
  #redact: (text: string) => string = (text) => text;
  #lastByte = 0;
  #alarm: string | null = null;
  #since = clock.now();
  #shown = '';

  constructor(options: HostOptions) {
    const { journal, agentId, paths } = options;
    this.#options = options;
    this.#lastByte = clock.now();
    this.#readLaunchFile();
    this.#ledger = new Ledger(journal, (body) => withoutSecrets(body, this.#redact), {
      written: (body, n) => this.#written(body, n),
      held: (why) => this.#held(why),
      released: () => this.#released(),
    });
    this.#requests = new Requests(agentId, journal.epoch);
    this.#budget = new Budget({
      ledger: this.#ledger,
      run: () => this.#life.run,
      changed: () => this.#messages.pump(),
    });
    let guard: Guard | null = null;
    this.#asks = new Asks({
      ledger: this.#ledger,
      requests: this.#requests,
      judge: createJudge(() => {
        guard ??= loadGuard(options.program);
        return guard;
      }),
      place: () => ({
        home: this.#file?.env['HOME'] ?? '/',
        tuttiHome: paths.home,
        aliases: aliasesOf(paths, agentId),
        self: this.#file?.name ?? agentId,
      }),
      config: () => ({ permissions: this.#permissions(), rules: this.#rules(), below: this.#config?.below ?? [] }),
      changed: () => this.#refresh(),
    });
    this.#life = new Lifecycle({
      paths,
      agentId,
      program: options.program,
      ledger: this.#ledger,
      launchFile: () => this.#readLaunchFile(),
      events: (run) => this.#eventsOf(run),
      changed: () => this.#refresh(),
    });
    this.#commands = new Commands({ ledger: this.#ledger, book: this.#book, handlers: this.#handlers() });
    this.#messages = new Messages({
      ledger: this.#ledger,
      book: this.#book,
      commands: this.#commands,
      requests: this.#requests,
      asks: this.#asks,
      run: () => this.#liveRun(),
      held: () => this.#budget.held,
      changed: () => this.#refresh(),
    });
    this.#beat = new Beat(BEAT_MS, () => this.#onBeat());
    this.#socket = new HostSocket({
      hello: () => this.hello(),
      command: (command, reply) => this.#commands.take(command, reply),
      typed: (input) => this.typed(input),
      supervised: (present) => this.#budget.supervised(present),
    });
    const { pid, start } = self();
    const { epoch } = journal;
    this.#ledger.record({ kind: 'open', epoch, pid, start, protocol: this.#protocol, build: options.build, agentId });
  }

  /** Takes commands from now on. */
  listen(): Promise<void> {
    return this.#socket.listen(this.#options.paths.hostSocket(this.#options.agentId));
  }

  get #protocol(): number {
    return this.#options.protocol ?? HOST_PROTOCOL;
  }

  hello(): HostHello {
    const { run } = this.#life;
    const process = run?.process;
    const { build, agentId, pane } = this.#options;
    const cli =
      run && !run.over ? { incarnation: run.number, pid: process?.pid ?? 0, start: process?.start ?? '' } : null;
    return {
      protocol: this.#protocol,
      build,
      agentId,
      epoch: this.#ledger.epoch,
      n: this.#ledger.n,
      ...self(),
      cli: cli && run && { ...cli, ready: run.ready, turn: run.turn },
      requests: this.#requests.all.map(({ requestId }) => requestId),
      blind: pane.blind,
    };
  }

  // --- commands -------------------------------------------------------------------------------------------------

  /** What to do for each verb. */
  #handlers(): Record<HostVerb, (command: Command) => Prepared> {
    const message = (command: Command): Prepared => {
      const { messageId, text, now, ordinal } = messageArgs(command);
      if (!this.#liveRun()) return { code: 'no_cli', message: 'no CLI runs' };
      const { usedUp } = this.#budget;
      if (usedUp !== null) return { code: 'budget', message: usedUp };
      if (this.#messages.full) return { code: 'queue_full', message: 'too many messages are held' };
      const confirm = command.verb === 'confirm';
      return () => this.#messages.send({ id: command.id, messageId, text, now, ordinal, confirm });
    };
    const inTurn = (id: string, work: () => Promise<void>) => () => void this.#commands.inTurn(id, work);
    return {
      start: (command) => {
        const args = startArgs(command);
        return inTurn(command.id, async () => {
          const { ok, result } = await this.#life.start(args);
          this.#commands.done(command.id, ok, result);
        });
      },
      message,
      confirm: message,
      interrupt: (command) => {
        const { incarnation } = interruptArgs(command);
        return () => this.#messages.interrupt(command.id, incarnation);
      },
      compact: (command) => {
        const run = this.#liveRun();
        const { incarnation } = interruptArgs(command);
        if (!run || run.turn || (incarnation !== null && incarnation !== run.number)) {
          return { code: 'lapsed', message: 'no CLI is between two turns' };
        }
        return () => {
          const told = run.compact();
          this.#commands.done(command.id, told, told ? {} : problem('cannot', 'this CLI cannot compact'));
        };
      },
      answer: (command) => {
        const args = answerArgs(command);
        return () => {
          const open = this.#asks.answer(this.#life.run, args);
          const result = open ? {} : problem('not_open', `${args.requestId} is not open (any more)`);
          this.#commands.done(command.id, open, result);
        };
      },
      configure: (command) => {
        const args = configureArgs(command);
        return () => this.#configure(command.id, args);
      },
      stop: ({ id }) => inTurn(id, () => this.#stop(id)),
      quit: ({ id }) => inTurn(id, () => this.#quit(id)),
    };
  }

  /** The CLI that takes messages. */
  #liveRun(): Incarnation | null {
    const { run, stopping } = this.#life;
    return run && !run.over && !stopping ? run : null;
  }

  // --- the CLI's life -------------------------------------------------------------------------------------------

  #eventsOf(run: () => Incarnation): IncarnationEvents {
    return {
      spawned: (process) => this.#life.owns(process),
      ready: () => {
        this.#options.pane.header(this.#view(), this.#file?.cwd ?? null);
        this.#messages.pump();
      },
      turn: (phase) => this.#turn(phase),
      confirmed: (messageId, turnFollows) => this.#messages.confirmed(messageId, turnFollows),
      refused: (messageId, why, retryable) => this.#messages.refused(messageId, why, retryable),
      judge: (action) =>
        this.#budget.judge(action, (refusal) => {
          if (!run().over) this.#asks.judge(run(), action, refusal);
        }),
      withdrawn: (key) => this.#asks.withdrawn(key),
      bypassed: (call) => this.#asks.bypassed(run(), call),
      events: (events) => this.#events(events),
      delta: (text) => this.#options.pane.delta(this.#redact(text)),
      alive: () => {
        this.#lastByte = clock.now();
      },
      overlong: (head) => this.#overlong(run(), head),
      broken: (why) => this.#broken(run(), why),
      exited: ({ byDesign }) => this.#exited(byDesign),
    };
  }

  async #stop(id: string): Promise<void> {
    const left = await this.#life.end();
    this.#commands.done(id, left === null, left ?? { left: 0 });
  }

  async #quit(id: string): Promise<void> {
    await this.#stop(id);
    await this.end();
  }

  /** Ends the CLI with its tree, and then the host. */
  terminate(): Promise<void> {
    return this.#commands.inTurn('', async () => {
      await this.#life.end();
      await this.end();
    });
  }

  typed(input: TypedInput): void {
    this.#messages.typed(input);
  }

  /** The terminal is gone: only the view is lost. */
  terminalLost(): void {
    this.#options.pane.close();
  }

  syncFailed(message: string): void {
    this.#note('error', `the journal could not be synced: ${message}`);
  }

  /** The last record of a host that dies of a bug. */
  crashed(error: Error): void {
    this.#ledger.attempt({
      kind: 'note',
      level: 'error',
      text: `the pane host crashed: ${error.stack ?? error.message}`,
    });
  }

  async end(): Promise<void> {
    this.#beat.off();
    await this.#ledger.close();
    this.#socket.close();
    this.#options.pane.close();
    this.#options.ended();
  }

  #turn(phase: 'start' | 'end'): void {
    this.#budget.turn(phase);
    if (phase === 'start') {
      this.#messages.turnStarted();
      this.#beat.on();
    } else {
      this.#messages.turnEnded();
      this.#turnOver('ended');
    }
    this.#messages.pump();
  }

  #turnOver(why: 'ended' | 'exited'): void {
    this.#beat.off();
    for (const id of this.#book.openInterrupts()) this.#commands.done(id, true, { why });
    this.#asks.lapseAll();
  }

  #exited(byDesign: boolean): void {
    this.#turnOver('exited');
    if (byDesign) {
      this.#messages.turnEnded();
      return this.#messages.pump();
    }
    for (const id of this.#messages.cliEnded()) this.#commands.done(id, false, problem('lapsed', 'the CLI ended'));
    this.#life.forget();
    this.#refresh();
  }

  #broken(run: Incarnation, why: string): void {
    this.#ledger.record({ kind: 'note', level: 'error', text: `the protocol of the CLI is broken: ${why}` });
    stopInRungs(run).catch((error: unknown) => this.#note('error', `the CLI could not be stopped: ${String(error)}`));
  }

  /** Its head is all that can be known of it. Where it may ask for a permission, the answer is no. */
  #overlong(run: Incarnation, head: string): void {
    if (!ASKING.test(head)) return;
    const why = 'a request too long to be read is refused: the turn is interrupted';
    this.#note('warn', why);
    const unread = { callId: null, requestId: null, tool: 'other', args: {}, by: 'policy' } as const;
    this.#ledger.record({ kind: 'verdict', ...unread, verdict: 'deny', why });
    this.#ledger.act(() => run.interrupt());
  }

  // --- configuration --------------------------------------------------------------------------------------------

  #configure(id: string, args: ConfigureArgs): void {
    this.#config = { ...args, rules: args.rules ?? this.#config?.rules ?? null };
    this.#budget.configure(args.budget);
    this.#options.pane.header(this.#view(), this.#file?.cwd ?? null);
    this.#commands.done(id, true, {});
  }

  #permissions(): ConfigureArgs['permissions'] {
    return this.#config?.permissions ?? this.#file?.permissions ?? 'ask';
  }

  #rules(): CompiledRule[] {
    return this.#config?.rules ?? [];
  }

  #view(): ConfigureArgs['view'] {
    if (this.#config) return this.#config.view;
    const { name = this.#options.agentId, cli = '', model = null } = this.#file ?? {};
    return { name, cli, model, task: null, branch: null };
  }

  #readLaunchFile(): ReturnType<typeof readLaunchFile> {
    const { paths, agentId } = this.#options;
    const read = readLaunchFile(paths.agentEnv(agentId));
    if (read.ok) {
      this.#file = read.file;
      this.#redact = secretText(secretsOf(read.file)).redact;
    }
    return read;
  }

  // --- what follows from records and events ---------------------------------------------------------------------

  #written(body: RecordBody, n: number): void {
    this.#socket.bell(this.#ledger.epoch, n);
    this.#options.pane.record(withoutSecrets(body, this.#redact), clock.now());
  }

  #events(events: DriverEventBody[]): void {
    if (events.some((event) => event.type === 'tool_call')) this.#life.lookSoon();
    this.#budget.events(events);
    this.#options.pane.events(withoutSecrets(events, this.#redact), clock.now());
  }

  #onBeat(): void {
    this.#socket.beat(this.#ledger.epoch, this.#ledger.n, isoTime(this.#lastByte));
    this.#life.look();
  }

  #held(why: string): void {
    this.#alarm = `nothing can be recorded (${why}): the agent waits`;
    this.#life.run?.pause();
    this.#refresh();
  }

  #released(): void {
    this.#alarm = null;
    this.#life.run?.resume();
    this.#note('info', 'the journal can be written again');
    this.#messages.pump();
  }

  #note(level: 'info' | 'warn' | 'error', text: string): void {
    this.#ledger.record({ kind: 'note', level, text });
  }

  #refresh(): void {
    const state = this.#state();
    const queued = this.#messages.queued;
    const alarm = this.#alarm ?? this.#overBudget();
    const budget = this.#budget.share;
    const percent = budget === null ? null : Math.floor(budget * 100);
    const shown = `${state} ${queued} ${percent} ${alarm}`;
    if (shown === this.#shown) return;
    if (!this.#shown.startsWith(`${state} `)) this.#since = clock.now();
    this.#shown = shown;
    this.#options.pane.status({ state, since: this.#since, queued, budget, alarm });
  }

  /** A used-up budget is said where the agent waits for it. */
  #overBudget(): string | null {
    const { usedUp } = this.#budget;
    return usedUp === null || this.#life.run?.turn ? null : usedUp;
  }

  #state(): 'stopped' | 'starting' | 'idle' | 'working' | 'waiting' | 'stopping' {
    const { run, stopping, starting } = this.#life;
    if (stopping) return 'stopping';
    if (starting) return 'starting';
    if (!run || run.over) return 'stopped';
    if (this.#requests.first) return 'waiting';
    if (!run.ready) return 'starting';
    return run.turn ? 'working' : 'idle';
  }
}

/** Other spellings of the home: where its sockets are when its path is too long for one. */
function aliasesOf(paths: HomePaths, agentId: string): string[] {
  const folder = paths.hostSocket(agentId).replace(/\/hosts\/[^/]*$/, '');
  return folder.startsWith(`${paths.home}/`) ? [] : [folder];
}
