/**
 * The pane host: parent of one agent's CLI. It records first and acts then, does what the supervisor commands, and lets a person
 * type; it decides nothing about restarts. It outlives the supervisor and its own terminal.
 */
import type { DriverEventBody, Json } from '../core/event.ts';
import {
  BEAT_MS,
  type CompiledRule,
  type ConfigureArgs,
  HOST_PROTOCOL,
  type HostHello,
  type RecordBody,
} from '../core/host-wire.ts';
import { driverFor } from '../drivers/registry.ts';
import { clock, isoTime } from '../system/clock.ts';
import type { HomePaths } from '../system/paths.ts';
import { self } from '../system/proc/index.ts';
import { secretText } from '../system/redact.ts';
import { Asks } from './asks.ts';
import { Beat } from './beat.ts';
import { CommandBook, type Result } from './command-book.ts';
import { answerArgs, type Command, configureArgs, interruptArgs, messageArgs, startArgs } from './frames.ts';
import { Incarnation } from './incarnation.ts';
import { createJudge, type Guard, loadGuard } from './judge.ts';
import { type LaunchFile, readLaunchFile } from './launch-file.ts';
import { type Journal, Ledger } from './ledger.ts';
import { clearEarlier, launchSpec, problem, processesBefore } from './lifecycle.ts';
import { type Outgoing, Outbox } from './outbox.ts';
import type { Pane } from './pane/pane.ts';
import { withoutSecrets } from './redaction.ts';
import { Requests } from './requests.ts';
import { HostSocket, type Reply, type TypedInput } from './socket.ts';
import { LOOK_AFTER_MS, stopInRungs, Tree } from './tree.ts';

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
  readonly #outbox = new Outbox();
  readonly #requests: Requests;
  readonly #asks: Asks;
  readonly #tree = new Tree();
  readonly #beat: Beat;
  #run: Incarnation | null = null;
  #file: LaunchFile | null = null;
  #config: ConfigureArgs | null = null;
  #redact: (text: string) => string = (text) => text;
  #lastByte = 0;
  #ordinal = 0;
  #lookDue = false;
  #stopping = false;
  #starting = false;
  #alarm: string | null = null;
  #since = clock.now();
  #shown = '';
  /** Start, stop and quit, one after the other. */
  #lifecycle: Promise<void> = Promise.resolve();

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
    this.#beat = new Beat(BEAT_MS, () => this.#onBeat());
    this.#socket = new HostSocket({
      hello: () => this.hello(),
      command: (command, reply) => this.#command(command, reply),
      typed: (input) => this.typed(input),
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
    const run = this.#run;
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

  #command(command: Command, reply: Reply): void {
    const taken = this.#book.take(command.id, command.verb);
    if (taken.do === 'refuse') return reply.refused(taken.code, taken.message);
    if (this.#ledger.held) return reply.refused('disk_full', 'the journal cannot be written');
    if (taken.do === 'wait') return reply.ack();
    if (taken.do === 'again') {
      reply.ack();
      return this.#ledger.record({ kind: 'done', id: command.id, ok: taken.ok, result: taken.result });
    }
    // Arguments are read before the intent is on record: what cannot be understood was never taken.
    const act = this.#prepared(command);
    if (typeof act !== 'function') return reply.refused(act.code, act.message);
    const { id, verb, args } = command;
    if (!this.#ledger.attempt({ kind: 'intent', id, verb, args })) {
      return reply.refused('disk_full', 'the journal cannot be written');
    }
    this.#book.opened(id, verb);
    reply.ack();
    act();
  }

  /** What to do for a command; or why it cannot be taken. Throws BadFrame. */
  #prepared(command: Command): (() => void) | { code: string; message: string } {
    const { id, verb } = command;
    switch (verb) {
      case 'start': {
        const args = startArgs(command);
        return () => this.#inTurn(id, () => this.#start(id, args));
      }
      case 'message':
      case 'confirm': {
        const args = messageArgs(command);
        if (!this.#run || this.#run.over || this.#stopping) return { code: 'no_cli', message: 'no CLI runs' };
        if (this.#outbox.full) return { code: 'queue_full', message: 'too many messages are held' };
        const { messageId, text, now, ordinal } = args;
        this.#ordinal = Math.max(this.#ordinal, ordinal);
        return () => this.#send({ id, messageId, text, now, ordinal, confirm: verb === 'confirm' });
      }
      case 'interrupt': {
        const { incarnation } = interruptArgs(command);
        return () => this.#interrupt(id, incarnation);
      }
      case 'answer': {
        const args = answerArgs(command);
        return () => {
          const open = this.#asks.answer(this.#run, args);
          this.#done(id, open, open ? {} : problem('not_open', `${args.requestId} is not open (any more)`));
        };
      }
      case 'configure': {
        const args = configureArgs(command);
        return () => this.#configure(id, args);
      }
      case 'stop':
        return () => this.#inTurn(id, () => this.#stop(id));
      case 'quit':
        return () => this.#inTurn(id, () => this.#quit(id));
    }
  }

  #done(id: string, ok: boolean, result: Json): void {
    if (!this.#book.isOpen(id)) return;
    this.#book.closed(id, { ok, result } satisfies Result);
    this.#ledger.record({ kind: 'done', id, ok, result });
  }

  #inTurn(id: string, work: () => Promise<void>): void {
    this.#lifecycle = this.#lifecycle.then(work).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      this.#ledger.record({ kind: 'note', level: 'error', text: `a command failed: ${message}` });
      this.#done(id, false, problem('host', message));
    });
  }

  // --- the CLI's life -------------------------------------------------------------------------------------------

  async #start(id: string, args: ReturnType<typeof startArgs>): Promise<void> {
    if (this.#run && !this.#run.over) return this.#done(id, false, problem('running', 'the CLI runs already'));
    const read = this.#readLaunchFile();
    if (!read.ok) return this.#done(id, false, problem('environment', read.message, 'spawn the agent again'));
    const { paths, agentId, journal } = this.#options;
    const driver = driverFor(read.file.cli, read.file.protocol ?? undefined);
    if (!driver) return this.#done(id, false, problem('unknown_cli', `there is no driver for ${read.file.cli}`));
    this.#starting = true;
    try {
      const known = [...processesBefore(paths, agentId, journal.epoch), ...this.#tree.known];
      const left = await clearEarlier(`${paths.home8}/${agentId}/`, known);
      if (left !== null) return this.#done(id, false, left);
      this.#tree.clear();
      const spec = launchSpec(read.file, driver, args, { paths, agentId });
      const run: Incarnation = new Incarnation({
        driver,
        spec,
        env: { ...read.file.env, ...read.file.secrets },
        ledger: this.#ledger,
        on: {
          spawned: (process) => this.#tree.add(process),
          ready: () => this.#ready(),
          turn: (phase) => this.#turn(phase),
          confirmed: (messageId, turnFollows) => this.#confirmed(messageId, turnFollows),
          refused: (messageId, why, retryable) => this.#refused(messageId, why, retryable),
          judge: (action) => this.#asks.judge(run, action),
          withdrawn: (key) => this.#asks.withdrawn(key),
          events: (events) => this.#events(events),
          delta: (text) => this.#options.pane.delta(this.#redact(text)),
          alive: () => {
            this.#lastByte = clock.now();
          },
          overlong: (head) => this.#overlong(run, head),
          broken: (why) => this.#broken(run, why),
          exited: ({ byDesign }) => this.#exited(byDesign),
        },
      });
      this.#run = run;
      const started = await run.start();
      if (started.ok) return this.#done(id, true, { pid: started.pid });
      this.#run = null;
      this.#done(id, false, problem(started.code, started.message, started.hint));
    } finally {
      this.#starting = false;
      this.#refresh();
    }
  }

  async #stop(id: string): Promise<void> {
    const left = await this.#endTree();
    this.#done(id, left === null, left ?? { left: 0 });
  }

  async #endTree(): Promise<Json> {
    const { paths, agentId, journal } = this.#options;
    this.#stopping = true;
    this.#refresh();
    try {
      const run = this.#run;
      if (run && !run.over) {
        this.#lookAtTree();
        run.asked = true;
        await stopInRungs(run);
      }
      const known = [...processesBefore(paths, agentId, journal.epoch), ...this.#tree.known];
      const left = await clearEarlier(`${paths.home8}/${agentId}/`, known);
      if (left === null) this.#tree.clear();
      return left;
    } finally {
      this.#stopping = false;
      this.#refresh();
    }
  }

  async #quit(id: string): Promise<void> {
    await this.#stop(id);
    await this.end();
  }

  /** Ends the CLI with its tree, and then the host. */
  async terminate(): Promise<void> {
    this.#inTurn('', async () => {
      await this.#endTree();
      await this.end();
    });
    await this.#lifecycle;
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

  #ready(): void {
    this.#options.pane.header(this.#view());
    this.#pump();
  }

  #turn(phase: 'start' | 'end'): void {
    if (phase === 'start') {
      this.#outbox.turnStarted();
      this.#beat.on();
    } else {
      this.#outbox.turnEnded();
      this.#turnOver('ended');
    }
    this.#pump();
  }

  #turnOver(why: 'ended' | 'exited'): void {
    this.#beat.off();
    for (const id of this.#book.openInterrupts()) this.#done(id, true, { why });
    this.#asks.lapseAll();
  }

  #exited(byDesign: boolean): void {
    this.#turnOver('exited');
    if (byDesign) {
      this.#outbox.turnEnded();
      return this.#pump();
    }
    for (const id of this.#book.cliEnded(this.#outbox.given)) this.#done(id, false, problem('lapsed', 'the CLI ended'));
    this.#outbox.cliEnded();
    this.#run = null;
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

  // --- messages -------------------------------------------------------------------------------------------------

  #send(message: Outgoing): void {
    this.#outbox.add(message);
    this.#pump();
  }

  /** Hands over what may go in now. */
  #pump(): void {
    const run = this.#run;
    if (run && !run.over && !this.#stopping) {
      const steer = run.driver.capabilities.steer;
      for (const message of this.#outbox.next({ ready: run.ready, turn: run.turn, steer })) {
        const { messageId, text, now, ordinal } = message;
        run.deliver({ messageId, text, now: now && run.turn, ordinal }, message.confirm);
      }
    }
    this.#refresh();
  }

  #confirmed(messageId: string, turnFollows: boolean | null): void {
    const message = this.#outbox.confirmed(messageId, turnFollows);
    if (!message) return;
    this.#ordinal = Math.max(this.#ordinal, message.ordinal + 1);
    // On the disk before anybody is told: a lost `done` only costs a question, a lost message would be a lost word.
    this.#ledger.durable().then(
      () => this.#done(message.id, true, { turnFollows }),
      (error: unknown) => this.#note('error', `the journal cannot be synced: ${String(error)}`),
    );
    this.#pump();
  }

  #refused(messageId: string, why: string, retryable: boolean): void {
    const again = retryable && (this.#run?.turn ?? false);
    const message = this.#outbox.refused(messageId, again);
    if (message && !again) this.#done(message.id, false, { ...problem('refused', why), retryable });
    this.#ledger.act(() => this.#pump());
  }

  #interrupt(id: string, incarnation: number | null): void {
    const run = this.#run;
    if (!run?.turn || (incarnation !== null && incarnation !== run.number)) {
      return this.#done(id, false, problem('lapsed', 'that turn is over'));
    }
    run.interrupt();
  }

  /** What a person typed here; works with the supervisor away. */
  typed(input: TypedInput): void {
    if (this.#ledger.held) return this.#note('warn', 'the disk is full: nothing can be taken in');
    switch (input.key) {
      case 'text':
        return this.#typedText(input.text);
      case 'interrupt':
        return this.#typedInterrupt();
      case 'allow':
      case 'deny': {
        const request = this.#requests.first;
        if (!request) return;
        const { requestId } = request;
        this.#asks.answer(this.#run, { requestId, decision: input.key, text: null, by: 'user' });
      }
    }
  }

  #typedText(text: string): void {
    if (text.trim() === '') return;
    const request = this.#requests.first;
    if (request && request.what !== 'permission') {
      const { requestId } = request;
      this.#asks.answer(this.#run, { requestId, decision: 'answer', text, by: 'user' });
      return;
    }
    const id = clock.uuid();
    this.#ledger.record({ kind: 'typed', id, verb: 'message', text });
    this.#book.opened(id, 'message');
    this.#ledger.act(() => this.#send({ id, messageId: id, text, now: true, ordinal: this.#ordinal, confirm: false }));
  }

  #typedInterrupt(): void {
    const run = this.#run;
    if (!run?.turn) return;
    const id = clock.uuid();
    this.#ledger.record({ kind: 'typed', id, verb: 'interrupt', text: '' });
    this.#book.opened(id, 'interrupt');
    this.#ledger.act(() => run.interrupt());
  }

  // --- configuration --------------------------------------------------------------------------------------------

  #configure(id: string, args: ConfigureArgs): void {
    this.#config = { ...args, rules: args.rules ?? this.#config?.rules ?? null };
    this.#options.pane.header(this.#view());
    this.#done(id, true, {});
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
      this.#redact = secretText(read.file.secrets).redact;
    }
    return read;
  }

  // --- what follows from records and events ---------------------------------------------------------------------

  #written(body: RecordBody, n: number): void {
    this.#socket.bell(this.#ledger.epoch, n);
    this.#options.pane.record(withoutSecrets(body, this.#redact), clock.now());
  }

  #events(events: DriverEventBody[]): void {
    if (events.some((event) => event.type === 'tool_call')) this.#lookSoon();
    this.#options.pane.events(withoutSecrets(events, this.#redact), clock.now());
  }

  #lookSoon(): void {
    if (this.#lookDue) return;
    this.#lookDue = true;
    clock.setTimeout(() => {
      this.#lookDue = false;
      this.#lookAtTree();
    }, LOOK_AFTER_MS);
  }

  #lookAtTree(): void {
    const process = this.#run?.process;
    if (!process || !this.#run) return;
    const pids = this.#tree.look(process.pid);
    if (pids.length > 0) this.#ledger.record({ kind: 'tree', incarnation: this.#run.number, pids });
  }

  #onBeat(): void {
    this.#socket.beat(this.#ledger.epoch, this.#ledger.n, isoTime(this.#lastByte));
    this.#lookAtTree();
  }

  #held(why: string): void {
    this.#alarm = `nothing can be recorded (${why}): the agent waits`;
    this.#run?.pause();
    this.#refresh();
  }

  #released(): void {
    this.#alarm = null;
    this.#run?.resume();
    this.#note('info', 'the journal can be written again');
    this.#pump();
  }

  #note(level: 'info' | 'warn' | 'error', text: string): void {
    this.#ledger.record({ kind: 'note', level, text });
  }

  #refresh(): void {
    const state = this.#state();
    const queued = this.#outbox.held.length;
    const shown = `${state} ${queued} ${this.#alarm}`;
    if (shown === this.#shown) return;
    if (!this.#shown.startsWith(`${state} `)) this.#since = clock.now();
    this.#shown = shown;
    this.#options.pane.status({ state, since: this.#since, queued, alarm: this.#alarm });
  }

  #state(): 'stopped' | 'starting' | 'idle' | 'working' | 'waiting' | 'stopping' {
    if (this.#stopping) return 'stopping';
    if (this.#starting) return 'starting';
    if (!this.#run || this.#run.over) return 'stopped';
    if (this.#requests.first) return 'waiting';
    if (!this.#run.ready) return 'starting';
    return this.#run.turn ? 'working' : 'idle';
  }
}

/** Other spellings of the home: where its sockets are when its path is too long for one. */
function aliasesOf(paths: HomePaths, agentId: string): string[] {
  const folder = paths.hostSocket(agentId).replace(/\/hosts\/[^/]*$/, '');
  return folder.startsWith(`${paths.home}/`) ? [] : [folder];
}
