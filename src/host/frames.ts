/** The frames of the host's socket, read with suspicion: a bad one is refused with the reason, never guessed at. */
import type { Json, JsonObject } from '../core/event.ts';
import {
  type BudgetOrder,
  type CompiledRule,
  type ConfigureArgs,
  FRAME_LIMIT,
  type HostVerb,
  type MessageArgs,
  type StartArgs,
  type ToHost,
} from '../core/host-wire.ts';

export interface AnswerArgs {
  requestId: string;
  decision: 'allow' | 'deny' | 'answer';
  text: string | null;
  by: string;
}

export interface InterruptArgs {
  incarnation: number | null;
}

/** A command that is well formed; its arguments are read by the verb's own function below. */
export type Command = Extract<ToHost, { type: 'command' }>;

const VERBS: Record<HostVerb, true> = {
  start: true,
  message: true,
  confirm: true,
  interrupt: true,
  answer: true,
  stop: true,
  configure: true,
  compact: true,
  quit: true,
};

/** What is wrong with a frame, in words; `id` where the frame had one. */
export class BadFrame extends Error {
  readonly id: string | null;
  constructor(message: string, id: string | null = null) {
    super(message);
    this.id = id;
  }
}

/** Splits bytes into lines. Throws BadFrame for one over the limit: the connection is of no use then. */
export function createFrameSplitter(limit = FRAME_LIMIT): (bytes: Buffer) => string[] {
  let parts: Buffer[] = [];
  let size = 0;
  return (bytes) => {
    const lines: string[] = [];
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      lines.push(Buffer.concat([...parts, bytes.subarray(from, at)]).toString('utf8'));
      parts = [];
      size = 0;
      from = at + 1;
    }
    if (from < bytes.length) {
      parts.push(Buffer.from(bytes.subarray(from)));
      size += bytes.length - from;
      if (size > limit) throw new BadFrame(`a frame of more than ${limit} bytes`);
    }
    return lines;
  };
}

/** Throws BadFrame. */
export function parseFrame(line: string): ToHost {
  const frame = objectOf(parseJson(line));
  if (!frame) throw new BadFrame('a frame is a JSON object in one line');
  const id = typeof frame.id === 'string' ? frame.id : null;
  switch (frame.type) {
    case 'hello':
      return {
        v: 1,
        type: 'hello',
        protocol: numberOf(frame, 'protocol', id),
        build: String(frame.build ?? ''),
        supervisor: Number(frame.supervisor ?? 0),
      };
    case 'ping':
      return { v: 1, type: 'ping' };
    case 'watch':
      return { v: 1, type: 'watch' };
    case 'typed':
      return { v: 1, type: 'typed', input: typedInput(frame, id) };
    case 'command':
      return commandOf(frame, id);
    default:
      throw new BadFrame(`no such frame: ${JSON.stringify(frame.type ?? null)}`, id);
  }
}

function commandOf(frame: JsonObject, id: string | null): ToHost {
  if (id === null || id === '') throw new BadFrame('a command needs an id');
  const verb = frame.verb;
  if (typeof verb !== 'string' || !Object.hasOwn(VERBS, verb)) {
    throw new BadFrame(`no such verb: ${JSON.stringify(verb ?? null)}`, id);
  }
  const args = objectOf(frame.args ?? {});
  if (!args) throw new BadFrame('args is an object', id);
  return { v: 1, type: 'command', id, verb: verb as HostVerb, args };
}

function typedInput(frame: JsonObject, id: string | null): Extract<ToHost, { type: 'typed' }>['input'] {
  const input = objectOf(frame.input ?? null);
  if (input?.key === 'interrupt' || input?.key === 'allow' || input?.key === 'deny') return { key: input.key };
  if (input?.key === 'text') return { key: 'text', text: stringOf(input, 'text', id) };
  throw new BadFrame('typed needs an input', id);
}

export function startArgs({ id, args }: Command): StartArgs {
  const conversationId = args.conversationId ?? null;
  return {
    incarnation: numberOf(args, 'incarnation', id),
    conversationId: conversationId === null ? null : stringOf(args, 'conversationId', id),
    resume: args.resume === true,
    settings: objectOf(args.settings ?? {}) ?? {},
    ...(typeof args.fallback === 'number' ? { fallback: args.fallback } : {}),
  };
}

export function messageArgs({ id, args }: Command): MessageArgs {
  return {
    messageId: stringOf(args, 'messageId', id),
    text: stringOf(args, 'text', id),
    from: typeof args.from === 'string' ? args.from : 'user',
    now: args.now === true,
    ordinal: typeof args.ordinal === 'number' ? args.ordinal : 0,
  };
}

export function interruptArgs({ args }: Command): InterruptArgs {
  return { incarnation: typeof args.incarnation === 'number' ? args.incarnation : null };
}

export function answerArgs({ id, args }: Command): AnswerArgs {
  const decision = args.decision;
  if (decision !== 'allow' && decision !== 'deny' && decision !== 'answer') {
    throw new BadFrame('decision is allow, deny or answer', id);
  }
  return {
    requestId: stringOf(args, 'requestId', id),
    decision,
    text: typeof args.text === 'string' ? args.text : null,
    by: typeof args.by === 'string' ? args.by : 'user',
  };
}

export function configureArgs({ id, args }: Command): ConfigureArgs {
  const view = objectOf(args.view ?? {}) ?? {};
  const textOrNull = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
  return {
    permissions: permissionsOf(args.permissions, id),
    rules: args.rules === null || args.rules === undefined ? null : rulesOf(args.rules, id),
    view: {
      name: textOrNull(view.name) ?? '',
      cli: textOrNull(view.cli) ?? '',
      model: textOrNull(view.model),
      task: textOrNull(view.task),
      branch: textOrNull(view.branch),
    },
    below: Array.isArray(args.below) ? args.below.filter((name): name is string => typeof name === 'string') : [],
    budget: args.budget === null || args.budget === undefined ? null : budgetOf(args.budget, id),
  };
}

/** An order that is not understood makes the whole command fail: leaving out a cap would lift it. */
function budgetOf(value: Json, id: string): BudgetOrder {
  const order = objectOf(value);
  const used = objectOf(order?.used ?? null);
  if (!order || !used) throw new BadFrame('budget has used, caps and shared', id);
  const asOf = objectOf(order.asOf ?? null);
  return {
    cli: stringOf(order, 'cli', id),
    model: typeof order.model === 'string' ? order.model : null,
    asOf: asOf && { epoch: numberOf(asOf, 'epoch', id), n: numberOf(asOf, 'n', id) },
    used: {
      usd: numberOf(used, 'usd', id),
      open: numberOf(used, 'open', id),
      tokens: numberOf(used, 'tokens', id),
      reported: used.reported === true,
    },
    caps: listOf(order.caps, id).map((cap) => ({ ...capOf(cap, id), before: numberOf(cap, 'before', id) })),
    shared: listOf(order.shared, id).map((cap) => ({ ...capOf(cap, id), share: numberOf(cap, 'share', id) })),
    stop: typeof order.stop === 'string' ? order.stop : null,
    prices: listOf(order.prices, id).map((row) => ({
      model: stringOf(row, 'model', id),
      input: numberOf(row, 'input', id),
      output: numberOf(row, 'output', id),
      cacheRead: numberOf(row, 'cacheRead', id),
      cacheWrite: numberOf(row, 'cacheWrite', id),
    })),
  };
}

function capOf(from: JsonObject, id: string): Pick<BudgetOrder['caps'][number], 'name' | 'unit' | 'cap'> {
  const { unit } = from;
  if (unit !== 'usd' && unit !== 'tokens') throw new BadFrame('unit is usd or tokens', id);
  return { name: stringOf(from, 'name', id), unit, cap: numberOf(from, 'cap', id) };
}

function listOf(value: Json | undefined, id: string): JsonObject[] {
  if (!Array.isArray(value)) throw new BadFrame('a list of objects is missing', id);
  return value.map((item) => {
    const object = objectOf(item);
    if (!object) throw new BadFrame('a list of objects has something else in it', id);
    return object;
  });
}

function permissionsOf(value: Json | undefined, id: string): ConfigureArgs['permissions'] {
  if (value === 'ask' || value === 'auto' || value === 'bypass') return value;
  throw new BadFrame('permissions is ask, auto or bypass', id);
}

/** A rule that is not understood makes the whole command fail: leaving it out would open the gate. */
function rulesOf(value: Json, id: string): CompiledRule[] {
  if (!Array.isArray(value)) throw new BadFrame('rules is a list', id);
  return value.map((item) => {
    const rule = objectOf(item);
    const match = objectOf(rule?.match ?? null);
    const { verdict } = rule ?? {};
    if (!rule || !match || typeof match.kind !== 'string')
      throw new BadFrame('a rule has id, verdict, why and match', id);
    if (verdict !== 'allow' && verdict !== 'ask' && verdict !== 'deny') {
      throw new BadFrame(`rule ${String(rule.id)}: the verdict is allow, ask or deny`, id);
    }
    return {
      id: stringOf(rule, 'id', id),
      verdict,
      why: stringOf(rule, 'why', id),
      match: match as CompiledRule['match'],
    };
  });
}

function parseJson(line: string): Json {
  try {
    return JSON.parse(line) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadFrame('a frame is a JSON object in one line');
    throw error;
  }
}

function objectOf(value: Json): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

function numberOf(from: JsonObject, key: string, id: string | null): number {
  const value = from[key];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new BadFrame(`${key} is a number`, id);
}

function stringOf(from: JsonObject, key: string, id: string | null): string {
  const value = from[key];
  if (typeof value === 'string') return value;
  throw new BadFrame(`${key} is a text`, id);
}
