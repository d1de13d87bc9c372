/** The people at the terminals: they declare agents, send numbered messages, type in panes, change their minds, and try again until told that it is done. */
import type { AgentSpec } from '../../src/core/state.ts';
import type { Command } from '../../src/core/step.ts';
import type { World } from './world.ts';

export const SPEC: AgentSpec = {
  cli: 'sim',
  model: null,
  role: null,
  parentId: null,
  zone: null,
  task: null,
  cwd: '/tmp',
  worktree: null,
  branch: null,
  permissions: 'auto',
  restart: 'transient',
  once: false,
  budget: { usd: null, tokens: null },
  account: 'sim',
  settings: {},
  fallback: [],
  fallbackReturn: false,
};

interface Asked {
  id: string;
  command: Command;
  /** Each time it is asked: it may be heard without an answer. */
  asking: () => void;
  acked: () => void;
}

export interface Said {
  agentId: string;
  messageId: string;
  /** Plain messages keep their order; what is sent `now` or typed may overtake. */
  plain: boolean;
  acked: boolean;
}

export class People {
  readonly world: World;
  readonly said: Said[] = [];
  readonly removed = new Set<string>();
  /** Commands that were not acknowledged yet, in order: repeated until they are. */
  #waiting: Asked[] = [];
  #ids = 0;
  #number = 0;

  constructor(world: World) {
    this.world = world;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  ask(command: Command, acked: () => void = () => undefined, asking: () => void = () => undefined): void {
    this.#waiting.push({ id: `cmd-${++this.#ids}`, command, acked, asking });
    this.retry();
  }

  /** Everything not acknowledged is asked again, with the same ids: harmless if it had been heard. */
  retry(): void {
    const { supervisor } = this.world;
    if (!supervisor || supervisor.recovering) return;
    for (const item of [...this.#waiting]) {
      if (!supervisor.alive) return;
      item.asking();
      // Answered when it is on the disk; a supervisor that dies before has not acknowledged it.
      supervisor.ask({ type: 'command', id: item.id, by: 'user', command: item.command }, () => {
        const at = this.#waiting.indexOf(item);
        if (at === -1) return;
        this.#waiting.splice(at, 1);
        item.acked();
      });
    }
  }

  spawn(agentId: string, name: string, spec: Partial<AgentSpec>): void {
    const messageId = spec.task ? this.#messageId() : null;
    if (messageId) this.said.push({ agentId, messageId, plain: true, acked: true });
    this.ask({ verb: 'spawn', agentId, name, project: 'sim', spec: { ...SPEC, ...spec }, messageId });
  }

  #messageId(): string {
    this.#number += 1;
    return `m${String(this.#number).padStart(3, '0')}-0000-4000-8000-000000000000`;
  }

  send(agentId: string, now: boolean): void {
    const messageId = this.#messageId();
    const said: Said = { agentId, messageId, plain: !now, acked: false };
    this.said.push(said);
    this.ask({ verb: 'send', agentId, messageId, text: messageId, from: 'user', now }, () => {
      said.acked = true;
    });
  }

  type(agentId: string): void {
    const host = this.world.places.get(agentId)?.host;
    if (!host?.alive || host.frozen) return;
    const messageId = this.#messageId();
    this.said.push({ agentId, messageId, plain: false, acked: true });
    host.typed(messageId, messageId);
  }

  /** Answers what waits, at the terminal of the agent or by command. */
  answer(agentId: string): void {
    const { supervisor, places, chance } = this.world;
    const host = places.get(agentId)?.host;
    if (!host?.cli?.waiting) return;
    const known = Object.keys(supervisor?.state.agents[agentId]?.requests ?? {})[0];
    if (known && chance.is(0.5)) this.ask({ verb: 'answer', requestId: known, decision: 'allow', text: null });
    else host.answerInPane();
  }

  /** A file with other figures for one agent: what had given up goes on. */
  declare(agentId: string, name: string, spec: AgentSpec): void {
    this.#number += 1;
    const command: Command = {
      verb: 'apply',
      project: 'sim',
      hash: `file-${this.#number}`,
      config: {},
      agents: [{ agentId, name, spec, messageId: null }],
      prune: false,
    };
    this.ask(
      command,
      () => undefined,
      () => this.#pardon(agentId),
    );
  }

  /** A person looks at it anew: what crashed before no longer counts. */
  resume(agentId: string, now = this.world.chance.is(0.3)): void {
    this.ask(
      { verb: 'resume', agentId, now },
      () => undefined,
      () => this.#pardon(agentId),
    );
  }

  /** Its cap is lifted in the project's file. */
  lift(agentId: string, name: string): void {
    const place = this.world.places.get(agentId);
    const known = this.world.supervisor?.state.agents[agentId];
    if (!place || place.cap === null || !known) return;
    const spec = { ...known.spec, budget: { usd: null, tokens: null } };
    const agents = [{ agentId, name, spec, messageId: null }];
    this.ask(
      { verb: 'apply', project: 'sim', hash: `lift-${++this.#ids}`, config: {}, agents, prune: false },
      () => undefined,
      () => {
        place.cap = null;
        this.#pardon(agentId);
      },
    );
  }

  restart(agentId: string, fresh: boolean): void {
    const place = this.world.places.get(agentId);
    this.ask(
      { verb: 'restart', agentId, fresh },
      () => undefined,
      () => {
        this.#pardon(agentId);
        if (fresh && place) place.strayed = true;
      },
    );
  }

  #pardon(agentId: string): void {
    const place = this.world.places.get(agentId);
    if (place) place.crashes = [];
  }
}
