/** A scripted conversation with the codex protocol: lines of codex go in, actions come out. */
import type { DriverEventBody, JsonObject } from '../../../../src/core/event.ts';
import { codex } from '../../../../src/drivers/codex/index.ts';
import type { Action, LaunchSpec, OutgoingMessage, Protocol } from '../../../../src/drivers/driver.ts';

export const SPEC: LaunchSpec = {
  command: ['codex'],
  args: [],
  cwd: '/workspace',
  model: null,
  permissions: 'auto',
  conversationId: null,
  resume: false,
  incarnation: 1,
  marker: 'aaaaaaaa/a1/1',
  dir: '/agent',
  systemPrompt: null,
  settings: {},
};

export const THREAD = 'thread-1';
export const ROLLOUT = '/home/user/.codex/sessions/rollout.jsonl';

export const message = (messageId: string, now = false): OutgoingMessage => ({
  messageId,
  text: `text of ${messageId}`,
  now,
  ordinal: 0,
});

/** What was written, parsed. */
export const written = (actions: Action[]): JsonObject[] =>
  actions.flatMap((action) => (action.do === 'write' ? [JSON.parse(action.line)] : []));

/** Actions that are no writing. */
export const others = (actions: Action[]): Action[] => actions.filter((action) => action.do !== 'write');

export class Talk {
  readonly protocol: Protocol;
  readonly events: DriverEventBody[] = [];

  constructor(spec: Partial<LaunchSpec> = {}) {
    this.protocol = codex.protocol({ ...SPEC, ...spec });
  }

  /** A line of codex; what we write in return is fed back as `in`, as the host does. */
  hears(line: object): Action[] {
    const { actions, decoded } = this.protocol.line({ dir: 'out', text: JSON.stringify(line) });
    this.events.push(...decoded.events);
    return this.did(actions);
  }

  did(actions: Action[]): Action[] {
    for (const action of actions) {
      if (action.do !== 'write') continue;
      this.events.push(...this.protocol.line({ dir: 'in', text: action.line }).decoded.events);
    }
    return actions;
  }

  /** Greeted, with its thread open. */
  static ready(spec: Partial<LaunchSpec> = {}): Talk {
    const talk = new Talk(spec);
    talk.did(talk.protocol.begin());
    talk.hears({ id: 'initialize', result: { userAgent: 'tutti/0.169.0' } });
    talk.hears({ id: spec.resume === true ? 'thread/resume' : 'thread/start', result: OPENED });
    return talk;
  }

  /** Delivers and lets the turn begin; codex answers first and takes the message in later. */
  starts(messageId: string, turnId: string): Talk {
    const [request] = written(this.did(this.protocol.message(message(messageId))));
    this.hears({ id: request?.id ?? null, result: { turn: { id: turnId } } });
    this.hears(note('turn/started', { turn: { id: turnId } }));
    return this;
  }

  takesIn(messageId: string): Action[] {
    return this.hears(note('item/completed', { item: userMessage(messageId) }));
  }

  ends(turnId: string, status = 'completed'): Action[] {
    return this.hears(note('turn/completed', { turn: { id: turnId, status, durationMs: 5 } }));
  }
}

export const OPENED = {
  thread: { id: THREAD, cliVersion: '0.169.0', path: ROLLOUT },
  model: 'gpt-5.5',
  approvalPolicy: 'untrusted',
  sandbox: { type: 'workspaceWrite' },
};

export const note = (method: string, params: object): object => ({ method, params: { threadId: THREAD, ...params } });

export const userMessage = (clientId: string): object => ({
  type: 'userMessage',
  id: `item-${clientId}`,
  clientId,
  content: [{ type: 'text', text: `text of ${clientId}` }],
});
