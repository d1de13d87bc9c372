/**
 * One step of `decide` under way: a draft of the state on which the step's own events are reduced at once, so that each
 * decision sees those before it. The state that came in is never changed.
 */
import { agentsOf, copyAgent } from '../agent.ts';
import { settingsOf } from '../config/project-settings.ts';
import type { EventBody, IsoTime, JsonObject, TuttiEvent } from '../event.ts';
import type { HostVerb } from '../host-wire.ts';
import { reduce } from '../reduce/index.ts';
import type { AgentState, State } from '../state.ts';
import type { Effect, IngestedRecord, NewEvent, Reply, Settings, Step } from '../step.ts';
import { iso } from '../time.ts';

export interface Context {
  now: number;
  random: number;
  settings: Settings;
  recovering: boolean;
  heard?: ReadonlyMap<string, IsoTime>;
}

export interface EmitOptions {
  durable?: boolean;
  by?: string;
  cause?: NonNullable<NewEvent['cause']>;
}

export interface OrderOptions {
  recorded?: JsonObject;
  id?: string;
}

export class Work {
  readonly state: State;
  /** Commands that were accepted before this step, by id. */
  readonly known: State['commands'];
  readonly now: number;
  readonly random: number;
  readonly settings: Settings;
  readonly recovering: boolean;
  /** When text was last streamed, by agent. */
  readonly heard: ReadonlyMap<string, IsoTime>;
  readonly events: NewEvent[] = [];
  readonly effects: Effect[] = [];
  /** Agents that this step has to look at. */
  readonly touched = new Set<string>();
  /** A place of `maxStarts` may have become free: those who wait for one are looked at too. */
  slotFreed = false;
  reply: Reply | null = null;
  readonly #copied = new Set<string>();
  /** Agents whose status line shows something new. */
  readonly #shown = new Set<string>();
  /** The journal record being taken in. */
  #record: IngestedRecord | null = null;
  #epoch = 0;
  #recordEvents: NewEvent[] = [];

  /**
   * `overlay` for the many small steps: agents are looked up in the state below until they are copied, which costs the same for one
   * agent as for a thousand. `copy` for the rest.
   */
  constructor(state: State, context: Context, draft: 'overlay' | 'copy') {
    this.state = {
      ...state,
      agents: draft === 'copy' ? { ...state.agents } : (Object.create(state.agents) as State['agents']),
      removing: { ...state.removing },
      projects: { ...state.projects },
      accounts: { ...state.accounts },
      // Only written here; whether one is known is asked of what came in.
      commands: {},
      totals: { ...state.totals },
      purses: { ...state.purses },
    };
    this.known = state.commands;
    this.now = context.now;
    this.random = context.random;
    this.settings = context.settings;
    this.recovering = context.recovering;
    this.heard = context.heard ?? new Map();
  }

  /** The agent in the draft, free to be reduced on; null when there is none of that id. */
  agent(id: string): AgentState | null {
    const agent = this.state.agents[id];
    if (!agent || this.#copied.has(id)) return agent ?? null;
    this.#copied.add(id);
    const copy = copyAgent(agent);
    this.state.agents[id] = copy;
    return copy;
  }

  /** Before an agent is taken out of the draft: what only shows through an overlay could not be taken out. */
  materialize(): void {
    this.state.agents = Object.fromEntries(agentsOf(this.state).map((agent) => [agent.id, agent]));
  }

  /** Thresholds that hold for this agent. */
  settingsOf(agent: AgentState): Settings {
    return settingsOf(this.state, agent, this.settings);
  }

  touch(id: string): AgentState | null {
    this.touched.add(id);
    return this.agent(id);
  }

  emit(agentId: string | null, body: EventBody, options: EmitOptions = {}): void {
    const agent = agentId === null ? null : this.agent(agentId);
    const cause = options.cause ?? (options.by === undefined ? undefined : { by: options.by });
    const record = this.#record;
    const event: NewEvent = {
      agentId,
      ...(agent ? { incarnation: agent.cli.incarnation } : {}),
      ...(cause ? { cause } : {}),
      ...(record ? { src: { epoch: this.#epoch, n: record.record.n } } : {}),
      body,
      durable: options.durable === true,
    };
    this.events.push(event);
    if (record) this.#recordEvents.push(event);
    reduce(this.state, {
      seq: this.state.seq + 1,
      at: record ? record.record.at : iso(this.now),
      agentId,
      agent: agent?.name ?? null,
      incarnation: event.incarnation ?? null,
      ...(cause ? { cause } : {}),
      // The draft must be reduced from the same event as the log, `end` of the record's last one apart.
      ...(event.src ? { src: event.src } : {}),
      ...body,
    } as TuttiEvent);
    if (agentId === null) return;
    if (body.type === 'agent_spawned') this.#copied.add(agentId);
    if (body.type === 'agent_status' || (body.type === 'turn' && body.phase === 'end')) this.#shown.add(agentId);
  }

  /** All events until `endRecord` come of this record; the last of them moves the cursor behind it. */
  beginRecord(epoch: number, record: IngestedRecord): void {
    this.#epoch = epoch;
    this.#record = record;
    this.#recordEvents = [];
  }

  endRecord(agent: AgentState | null): void {
    const record = this.#record;
    const last = this.#recordEvents.at(-1);
    this.#record = null;
    if (!record || !last?.src) return;
    last.src = { ...last.src, end: record.end };
    if (agent) agent.cursor = { epoch: this.#epoch, n: record.record.n, ...record.end };
  }

  /** Nothing is done while recovering: the first look after it asks for what is still missing. */
  effect(effect: Effect): void {
    if (!this.recovering) this.effects.push(effect);
  }

  /**
   * Gives an order to the agent's host: recorded and durable first, with an id that no other order of this log has.
   * `recorded` is what the event keeps of the arguments (a message's text is in the queue already).
   */
  order(
    agent: AgentState,
    verb: HostVerb,
    args: JsonObject,
    { recorded = args, id = `${this.state.logId.slice(0, 8)}-${this.state.seq + 1}` }: OrderOptions = {},
  ): void {
    this.emit(
      agent.id,
      { type: 'command', id, verb: `host.${verb}`, by: 'supervisor', phase: 'accepted', args: recorded, result: null },
      { durable: true, by: 'supervisor' },
    );
    this.effect({ do: 'host_command', agentId: agent.id, epoch: agent.host.epoch, id, verb, args });
  }

  done(): Step {
    for (const agentId of this.#shown) {
      if (this.state.agents[agentId]?.host.phase === 'up') this.effect({ do: 'status_line', agentId });
    }
    return { events: this.events, effects: this.effects, reply: this.reply };
  }
}
