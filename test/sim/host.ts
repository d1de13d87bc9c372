/**
 * A simulated pane host: journals first, does each command once, keeps the results, and can be killed, stopped (silent),
 * slow, or say things twice. Its journal outlives it.
 */
import { tokensOf } from '../../src/core/budget/purse.ts';
import type { DriverEventBody, Json, JsonObject } from '../../src/core/event.ts';
import type { BudgetOrder, HostHello, HostVerb, RecordBody } from '../../src/core/host-wire.ts';
import { iso } from '../../src/core/time.ts';
import { SimBudget } from './budget.ts';
import { SimCli } from './cli.ts';
import type { JournalFile } from './journal.ts';
import { type Place, recordOf, type World } from './world.ts';

interface Command {
  id: string;
  verb: HostVerb;
  args: JsonObject;
}

type Entry = { phase: 'open' | 'lost'; verb: HostVerb } | { phase: 'done'; ok: boolean; result: Json; verb: HostVerb };

export class SimHost {
  readonly world: World;
  readonly place: Place;
  readonly epoch: number;
  readonly pid: number;
  alive = true;
  /** Stopped by a signal: takes nothing, says nothing. */
  frozen = false;
  blind = false;
  protocol = 1;
  cli: SimCli | null = null;
  readonly budget: SimBudget;
  readonly #journal: JournalFile;
  readonly #book = new Map<string, Entry>();
  #held: { messageId: string; confirm: boolean }[] = [];
  #inbox: Command[] = [];
  /** What its CLI said while it was stopped. */
  #unread: (() => void)[] = [];
  #ending = false;
  /** The turn that is being ended for a cap. */
  #ended: string | null = null;

  constructor(world: World, place: Place, epoch: number) {
    this.world = world;
    this.place = place;
    this.epoch = epoch;
    this.pid = ++world.pids;
    this.#journal = world.newJournal(place, epoch);
    this.budget = new SimBudget(epoch);
    this.#record({ kind: 'open', epoch, pid: this.pid, start: '1', protocol: 1, build: 'sim', agentId: place.id });
    this.#journal.sync();
  }

  get label(): string {
    return `${this.place.name}.host${this.epoch}`;
  }

  get n(): number {
    return this.#journal.n;
  }

  hello(): HostHello {
    const { cli } = this;
    return {
      protocol: this.protocol,
      build: 'sim',
      agentId: this.place.id,
      epoch: this.epoch,
      n: this.n,
      pid: this.pid,
      start: '1',
      cli: cli && { incarnation: cli.incarnation, pid: cli.pid, start: '1', ready: cli.ready, turn: cli.turn },
      requests: cli?.waiting ? [cli.waiting] : [],
      blind: this.blind,
    };
  }

  #soon(delay: number, run: () => void): void {
    this.world.after(delay, () => {
      if (this.alive) run();
    });
  }

  #record(body: RecordBody, events: DriverEventBody[] = []): void {
    const record = recordOf(this.n + 1, iso(this.world.now), body);
    this.#journal.append({ record, events });
    this.world.supervisor?.bell(this.place.id, this.world.chance.is(this.world.rates.duplicate));
  }

  // --- commands

  take(command: Command): void {
    if (!this.alive) return;
    if (this.frozen) {
      this.#inbox.push(command);
      return;
    }
    const entry = this.#book.get(command.id);
    const again = command.verb === 'message' || command.verb === 'confirm';
    if (entry?.phase === 'done' && !(again && !entry.ok)) {
      this.#ack(command);
      this.#record({ kind: 'done', id: command.id, ok: entry.ok, result: entry.result });
      return;
    }
    if (entry?.phase === 'open') return this.#ack(command);
    if (entry?.phase === 'lost' && command.verb !== 'confirm') return this.#refuse(command, 'unknown_delivery');
    if (again && (!this.cli?.alive || this.#ending)) return this.#refuse(command, 'no_cli');
    if (again && this.budget.usedUp !== null) return this.#refuse(command, 'budget');
    this.#record({ kind: 'intent', id: command.id, verb: command.verb, args: {} });
    this.#book.set(command.id, { phase: 'open', verb: command.verb });
    this.#ack(command);
    this.#act(command);
  }

  #ack(command: Command): void {
    const slow = this.world.chance.is(this.world.rates.slowAck) ? this.world.chance.int(1_000, 4_500) : 1;
    this.#soon(slow, () => this.world.supervisor?.acked(this.place.id, command.id));
  }

  #refuse(command: Command, code: string): void {
    this.world.note(this.label, `refuses ${command.verb} ${command.id.slice(0, 8)}: ${code}`);
    this.#soon(1, () => this.world.supervisor?.refused(this.place.id, command.id, code));
  }

  #done(id: string, ok: boolean, result: Json): void {
    const entry = this.#book.get(id);
    if (entry?.phase !== 'open') return;
    this.#book.set(id, { phase: 'done', verb: entry.verb, ok, result });
    this.#record({ kind: 'done', id, ok, result });
  }

  #act({ id, verb, args }: Command): void {
    this.world.note(this.label, `${verb} ${id.slice(0, 8)}`);
    const { chance } = this.world;
    switch (verb) {
      case 'start':
        return this.#soon(chance.int(1, 60), () => this.#start(id, args));
      case 'message':
      case 'confirm':
        this.#held.push({ messageId: id, confirm: verb === 'confirm' });
        return this.#pump();
      case 'interrupt':
        this.cli?.interrupt();
        return this.#done(id, true, null);
      case 'answer':
        return this.#answer(id, String(args.requestId), 'user');
      case 'configure':
        this.budget.configure((args.budget ?? null) as BudgetOrder | null);
        this.#pump();
        return this.#done(id, true, {});
      case 'compact':
        return this.#done(id, false, { code: 'cannot', message: 'it cannot compact' });
      case 'stop':
        return this.#end(id, false);
      case 'quit':
        return this.#end(id, true);
    }
  }

  #start(id: string, args: JsonObject): void {
    const { world, place } = this;
    if (this.#ending) return this.#done(id, false, { code: 'ending', message: 'it is being stopped', retryable: true });
    // The hunt: nothing of an earlier incarnation lives when the next one starts.
    for (const old of [...place.clis]) if (old !== this.cli) old.vanish();
    world.check(!this.cli?.alive, () => `${place.name}: a second CLI is started by the same host`);
    if (world.chance.is(world.rates.startRefused)) {
      return this.#done(id, false, { code: 'EAGAIN', message: 'no process', retryable: true });
    }
    this.cli = new SimCli(this, Number(args.incarnation));
    const { maxBudgetUsd } = (args.settings ?? {}) as JsonObject;
    if (place.ownCap && typeof maxBudgetUsd === 'number') this.cli.maxUsd = maxBudgetUsd;
    world.check(place.clis.size === 1, () => `${place.name} has ${place.clis.size} live incarnations`);
    const { pid } = this.cli;
    const conversationId = String(args.conversationId);
    this.#record({
      kind: 'spawn',
      incarnation: this.cli.incarnation,
      pid,
      start: '1',
      argv: ['cli'],
      cli: 'sim',
      conversationId,
      resumed: args.resume === true,
    });
    this.#done(id, true, { pid });
    this.cli.start(conversationId, args.resume === true);
  }

  /** Ends the CLI in rungs, and with `quit` itself after it. */
  #end(id: string, quit: boolean): void {
    this.#ending = true;
    if (this.cli) this.cli.asked = true;
    this.#soon(this.world.chance.int(5, 2_500), () => {
      for (const cli of [...this.place.clis]) if (cli !== this.cli) cli.vanish();
      this.cli?.exit('asked');
      this.#soon(this.world.chance.int(0, 10), () => {
        this.#ending = false;
        this.#done(id, true, { left: 0 });
        if (quit) this.#soon(this.world.chance.int(0, 10), () => this.kill(true));
      });
    });
  }

  #answer(id: string | null, requestId: string, by: string): void {
    const open = this.cli?.waiting === requestId;
    if (open) {
      this.#record({ kind: 'answered', requestId, decision: 'allowed', by, text: null });
      this.cli?.answer(requestId);
    }
    if (id !== null) this.#done(id, open, open ? {} : { code: 'not_open', message: 'not open' });
  }

  #pump(): void {
    if (!this.cli?.ready || !this.cli.alive || this.#ending || this.budget.held) return;
    for (const { messageId, confirm } of this.#held.splice(0)) this.cli.message(messageId, confirm);
  }

  /** A person types in the pane, supervisor or not. */
  typed(id: string, text: string): void {
    if (!this.alive || this.frozen) return;
    this.#record({ kind: 'typed', id, verb: 'message', text });
    this.#book.set(id, { phase: 'open', verb: 'message' });
    this.#held.push({ messageId: id, confirm: false });
    this.#pump();
  }

  answerInPane(): void {
    if (this.alive && !this.frozen && this.cli?.waiting) this.#answer(null, this.cli.waiting, 'user');
  }

  // --- the CLI's voice; what comes after the host's death is lost

  /** Nobody hears what comes after the host's death; what comes while it is stopped waits in the pipe. */
  #hear(cli: SimCli, take: () => void): void {
    if (!this.alive || this.cli !== cli) return;
    if (this.frozen) this.#unread.push(() => this.#hear(cli, take));
    else take();
  }

  out(cli: SimCli, events: DriverEventBody[]): void {
    this.#hear(cli, () => {
      this.#record({ kind: 'out', incarnation: cli.incarnation, line: '…' }, events);
      if (events[0]?.type === 'turn' && events[0].phase === 'start') this.budget.turnBegins();
      this.budget.count(events, this.n);
      this.world.onlooker?.recorded(this.place, events);
      const usage = events.filter((event) => event.type === 'usage');
      for (const event of usage) this.place.spent += tokensOf(event);
      const why = usage.length > 0 ? this.budget.usedUp : null;
      // In the short schedules tools take no time.
      if (why !== null && !(this.world.long && this.budget.toolsRun)) this.#endTurn(cli, why);
    });
  }

  /** A model call begins. */
  calls(cli: SimCli): void {
    const { place, world } = this;
    if (!this.alive || this.cli !== cli || place.cap === null || place.spent < place.cap) return;
    place.beyond += 1;
    world.check(place.beyond <= 1, () => `${place.name}: ${place.beyond} calls beyond a cap of ${place.cap} tokens`);
  }

  /** A cap is used up and no tool runs: the turn ends here. */
  endForBudget(cli: SimCli, why: string): void {
    this.#hear(cli, () => this.#endTurn(cli, why));
  }

  /** Between two calls; the CLI hears it a moment later. */
  #endTurn(cli: SimCli, why: string): void {
    const turn = `${cli.incarnation}.${cli.turnNumber}`;
    if (!cli.turn || this.#ended === turn) return;
    this.#ended = turn;
    this.#record({ kind: 'budget', incarnation: cli.incarnation, why });
    cli.interrupt();
  }

  cliReady(cli: SimCli, conversationId: string, resumed: boolean): void {
    this.#hear(cli, () => {
      this.#record({ kind: 'ready', incarnation: cli.incarnation, conversationId, resumed });
      this.#pump();
    });
  }

  cliConfirmed(cli: SimCli, messageId: string, turnFollows: boolean | null): void {
    this.#hear(cli, () =>
      this.#soon(this.world.chance.int(0, 8), () => {
        this.#done(messageId, true, { turnFollows });
        this.#journal.sync();
      }),
    );
  }

  cliAsks(cli: SimCli, requestId: string): void {
    this.#hear(cli, () =>
      this.#record({
        kind: 'request',
        requestId,
        incarnation: cli.incarnation,
        what: 'permission',
        tool: 'bash',
        args: {},
        text: 'make',
      }),
    );
  }

  cliExited(cli: SimCli, cause: string): void {
    this.#hear(cli, () => this.#exited(cli, cause));
  }

  #exited(cli: SimCli, cause: string): void {
    this.#soon(this.world.chance.int(0, 4), () => {
      if (!cli.asked && cause !== 'clean') this.place.crashes.push(this.world.now);
      this.#record({
        kind: 'exit',
        incarnation: cli.incarnation,
        code: cause === 'asked' ? 0 : 1,
        signal: null,
        asked: cli.asked,
        stderr: cause,
      });
      for (const [id, entry] of this.#book) {
        if (entry.phase !== 'open') continue;
        const held = this.#held.some((m) => m.messageId === id);
        const isMessage = entry.verb === 'message' || entry.verb === 'confirm';
        if (isMessage && !held) this.#book.set(id, { phase: 'lost', verb: entry.verb });
      }
      if (this.cli === cli) this.cli = null;
    });
  }

  // --- life and death

  kill(clean = false): void {
    if (!this.alive) return;
    this.alive = false;
    if (this.place.host === this) this.place.host = null;
    this.world.note(this.label, clean ? 'ends' : 'KILLED');
    const cli = this.cli;
    if (cli?.alive && !this.world.chance.is(this.world.rates.orphan)) cli.vanish();
    this.world.supervisor?.hostEnded(this.place.id, this.epoch);
  }

  freeze(): void {
    this.frozen = true;
    this.world.note(this.label, 'FROZEN');
  }

  thaw(): void {
    if (!this.alive || !this.frozen) return;
    this.frozen = false;
    this.world.note(this.label, 'goes on');
    for (const read of this.#unread.splice(0)) read();
    for (const command of this.#inbox.splice(0)) this.take(command);
  }
}
