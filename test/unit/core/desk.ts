/** A supervisor's desk for tests: one state, inputs in order, a clock that is set by hand. Checks on the way that `decide` changes nothing. */
import { DEFAULTS } from '../../../src/core/config/settings.ts';
import { decide } from '../../../src/core/decide/index.ts';
import { emptyState } from '../../../src/core/empty-state.ts';
import type { DriverEventBody, EventType, JsonObject, TurnOutcome, TuttiEvent } from '../../../src/core/event.ts';
import type { HostHello, JournalRecord, RecordBody } from '../../../src/core/host-wire.ts';
import { reduce } from '../../../src/core/reduce/index.ts';
import type { AgentSpec, AgentState, State } from '../../../src/core/state.ts';
import type { Command, Effect, IngestedRecord, Input, Settings, Step } from '../../../src/core/step.ts';
import { iso } from '../../../src/core/time.ts';

export const T0 = Date.UTC(2026, 0, 1);
export const ID = 'a-1';

export const SPEC: AgentSpec = {
  cli: 'claude',
  model: null,
  role: null,
  parentId: null,
  zone: null,
  task: null,
  cwd: '/work',
  worktree: null,
  branch: null,
  permissions: 'auto',
  restart: 'transient',
  once: false,
  budget: { usd: null, tokens: null },
  account: 'claude:default',
  settings: {},
  fallback: [],
  fallbackReturn: false,
};

export const SETTINGS: Settings = {
  ...DEFAULTS,
  restarts: { max: 5, withinMs: 600_000 },
  backoff: { baseMs: 1_000, capMs: 60_000, resetAfterMs: 600_000 },
  limit: { baseMs: 60_000, capMs: 900_000, graceMs: 3_000, fallbackAfterMs: 300_000 },
  maxStarts: 4,
};

export const CRASH: NonNullable<IngestedRecord['exit']> = {
  cause: 'crash',
  code: 'crash',
  message: 'it crashed',
  hint: null,
  retryable: true,
  conversationLost: false,
};

export const TURN: DriverEventBody = { type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null };
export const ended = (outcome: TurnOutcome): DriverEventBody => ({
  type: 'turn',
  number: null,
  phase: 'end',
  outcome,
  durationMs: null,
});

export class Desk {
  state: State = emptyState('log-1234');
  log: TuttiEvent[] = [];
  effects: Effect[] = [];
  now = T0;
  random = 0.5;
  settings = SETTINGS;
  recovering = false;
  /** What the hosts' beats have told. */
  heard = new Map<string, string>();
  #commands = 0;
  #n = 0;

  input(input: Input): Step {
    const before = JSON.stringify(this.state);
    const { now, random, settings, recovering, heard } = this;
    const step = decide(this.state, input, { now, random, settings, recovering, heard });
    if (JSON.stringify(this.state) !== before) throw new Error('decide has changed the state');
    for (const { agentId, incarnation, cause, src, body } of step.events) {
      const name = agentId === null ? null : (this.state.agents[agentId]?.name ?? null);
      const event = {
        seq: this.state.seq + 1,
        at: iso(now),
        agentId,
        agent: name,
        incarnation: incarnation ?? null,
        ...(cause ? { cause } : {}),
        ...(src ? { src } : {}),
        ...body,
      } as TuttiEvent;
      this.log.push(event);
      reduce(this.state, event);
    }
    this.effects.push(...step.effects.filter((effect) => effect.do !== 'status_line'));
    return step;
  }

  /** Effects since the last call, without status lines. */
  done(): Effect[] {
    return this.effects.splice(0);
  }

  /** `verb` of host commands, `do` of the others. */
  orders(): string[] {
    return this.done().map((effect) => (effect.do === 'host_command' ? effect.verb : effect.do));
  }

  agent(id = ID): AgentState {
    const agent = this.state.agents[id];
    if (!agent) throw new Error(`no agent ${id}`);
    return agent;
  }

  events<T extends EventType>(type: T): Extract<TuttiEvent, { type: T }>[] {
    return this.log.filter((event): event is Extract<TuttiEvent, { type: T }> => event.type === type);
  }

  command(command: Command, id = `c-${++this.#commands}`): Step {
    return this.input({ type: 'command', id, by: 'user', command });
  }

  spawn(spec: Partial<AgentSpec> = {}, agentId = ID, name = 'alice'): Step {
    const messageId = spec.task ? `task-of-${agentId}` : null;
    return this.command({ verb: 'spawn', agentId, name, project: 'demo', spec: { ...SPEC, ...spec }, messageId });
  }

  send(messageId: string, options: { now?: boolean; id?: string } = {}): Step {
    const { now = false, id = ID } = options;
    return this.command({ verb: 'send', agentId: id, messageId, text: `text of ${messageId}`, from: 'user', now });
  }

  hello(change: Partial<HostHello> = {}, id = ID): HostHello {
    const { cli } = this.agent(id);
    const alive = cli.phase === 'starting' || cli.phase === 'ready';
    return {
      protocol: 1,
      build: 'b',
      agentId: id,
      epoch: this.agent(id).host.epoch,
      n: this.#n,
      pid: 50,
      start: '1',
      cli: alive
        ? { incarnation: cli.incarnation, pid: 60, start: '1', ready: cli.phase === 'ready', turn: cli.turn }
        : null,
      requests: [],
      blind: false,
      ...change,
    };
  }

  hostUp(change: Partial<HostHello> = {}, id = ID): Step {
    return this.input({ type: 'host_up', agentId: id, hello: this.hello(change, id) });
  }

  hostDown(id = ID): Step {
    return this.input({ type: 'host_down', agentId: id, epoch: this.agent(id).host.epoch, why: 'gone' });
  }

  /** One journal record, with what its driver made of it. */
  record(
    body: RecordBody,
    more: { events?: DriverEventBody[]; exit?: IngestedRecord['exit']; id?: string } = {},
  ): Step {
    const { events = [], exit, id = ID } = more;
    const { epoch } = this.agent(id).host;
    this.#n += 1;
    const record: JournalRecord = { v: 1, n: this.#n, at: iso(this.now), ...body };
    const end = { offset: this.#n * 10, rest: { epoch, n: this.#n, offset: this.#n * 10 } };
    const item: IngestedRecord = { record, events, end, ...(exit ? { exit } : {}) };
    return this.input({ type: 'records', agentId: id, epoch, records: [item] });
  }

  said(...events: DriverEventBody[]): Step {
    return this.saidBy(ID, ...events);
  }

  saidBy(id: string, ...events: DriverEventBody[]): Step {
    return this.record({ kind: 'out', incarnation: this.agent(id).cli.incarnation, line: 'x' }, { events, id });
  }

  /** The newest order of this verb is done. */
  orderDone(verb: string, result: JsonObject = {}, ok = true, id = ID): Step {
    const order = Object.entries(this.agent(id).pending).findLast(([, pending]) => pending.verb === verb);
    if (!order) throw new Error(`no ${verb} is pending`);
    return this.record({ kind: 'done', id: order[0], ok, result }, { id });
  }

  confirm(messageId: string, turnFollows: boolean | null = true, id = ID): Step {
    return this.record({ kind: 'done', id: messageId, ok: true, result: { turnFollows } }, { id });
  }

  ready(id = ID, conversationId: string | null = 'conv'): Step {
    const { incarnation } = this.agent(id).cli;
    return this.record({ kind: 'ready', incarnation, conversationId, resumed: incarnation > 1 }, { id });
  }

  exit(verdict: Partial<typeof CRASH> = {}, asked = false): Step {
    const { incarnation } = this.agent().cli;
    return this.record(
      { kind: 'exit', incarnation, code: 1, signal: null, asked, stderr: '' },
      { exit: { ...CRASH, ...verdict } },
    );
  }

  /** A started CLI that is ready for messages. */
  up(spec: Partial<AgentSpec> = {}, id = ID, name = 'alice'): this {
    this.spawn(spec, id, name);
    this.hostUp({}, id);
    this.orderDone('start', { pid: 60 }, true, id);
    this.ready(id, id === ID ? 'conv' : `conv-${id}`);
    this.done();
    return this;
  }

  /** After an exit: the next incarnation, ready. */
  upAgain(): this {
    this.orderDone('start', { pid: 61 });
    this.ready();
    return this;
  }

  wait(ms: number): Step {
    this.now += ms;
    return this.input({ type: 'tick' });
  }
}
