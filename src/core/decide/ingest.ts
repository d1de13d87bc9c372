/**
 * Journal records become events, exactly once: what the cursor has behind it is left out, and all events of one record
 * stand together, the last of them moving the cursor. A record that gives no event leaves the cursor where it is;
 * read again after a crash it gives none again.
 */
import { cliAlive } from '../agent.ts';
import type { DriverEventBody, JsonObject } from '../event.ts';
import { GUARD_BYPASSED, type JournalRecord, type RecordBody } from '../host-wire.ts';
import type { AgentState } from '../state.ts';
import type { IngestedRecord, Input } from '../step.ts';
import { onOwnBudget, onUsage, priced } from './budget.ts';
import { expireRequests, forgetConversation, onExitRecord, onStartFailed } from './exits.ts';
import { holdAfterFailure } from './hold.ts';
import { judgeTurn } from './ladder.ts';
import { heedLimits, tryNow } from './limit.ts';
import { serviceUntil } from './restart.ts';
import { passVerdict } from './status.ts';
import { marked } from '../watchdog/marks.ts';
import { ms } from '../time.ts';
import type { Work } from './work.ts';

type Records = Extract<Input, { type: 'records' }>;
type RecordOf<K extends RecordBody['kind']> = Extract<JournalRecord, { kind: K }>;

export function onRecords(w: Work, input: Records): void {
  const agent = w.touch(input.agentId);
  if (!agent) return;
  for (const item of input.records) {
    if (isBehind(agent, input.epoch, item.record.n)) continue;
    w.beginRecord(input.epoch, item);
    takeIn(w, agent, input.epoch, item);
    w.endRecord(agent);
  }
}

function isBehind(agent: AgentState, epoch: number, n: number): boolean {
  const { cursor } = agent;
  if (cursor === null) return false;
  return epoch < cursor.epoch || (epoch === cursor.epoch && n <= cursor.n);
}

type Taker<K extends RecordBody['kind']> = (
  w: Work,
  agent: AgentState,
  record: RecordOf<K>,
  item: IngestedRecord,
  epoch: number,
) => void;

const nothing = (): void => undefined;

const TAKE: { [K in RecordBody['kind']]: Taker<K> } = {
  open: nothing,
  spawn: nothing,
  out: nothing,
  err: nothing,
  in: nothing,
  piece: nothing,
  intent: nothing,
  tree: nothing,
  ready: onReady,
  done: onDone,
  typed: onTyped,
  verdict: onVerdict,
  request: onRequest,
  answered: onAnswered,
  exit: onExitRecord,
  budget: onBudget,
  note: onNote,
};

/** The decoded events first: what the host says of a line (done, exit) follows the line itself. */
function takeIn(w: Work, agent: AgentState, epoch: number, item: IngestedRecord): void {
  for (const event of item.events) emitDecoded(w, agent, marked(event), ms(item.record.at));
  (TAKE[item.record.kind] as Taker<RecordBody['kind']> | undefined)?.(w, agent, item.record as never, item, epoch);
}

/** The host ends the turn, since a cap is used up. */
function onBudget(w: Work, agent: AgentState, { incarnation, why }: RecordOf<'budget'>): void {
  if (incarnation !== agent.cli.incarnation) return;
  emitHost(w, agent, {
    type: 'watchdog',
    layer: 1,
    observation: why,
    verdict: 'budget_stop',
    action: 'interrupt',
    evidence: `turn ${agent.turns} of incarnation ${incarnation}, between two model calls`,
  });
}

function onNote(w: Work, agent: AgentState, { level, text }: RecordOf<'note'>): void {
  if (level === 'info') return;
  emitHost(w, agent, { type: 'error', code: 'unknown', message: text, retryable: level === 'warn' });
}

function emitHost(w: Work, agent: AgentState, body: Parameters<Work['emit']>[1], durable = false): void {
  w.emit(agent.id, body, { by: 'host', durable });
}

/** @param at when it was said, in milliseconds since the epoch: a limit counts from then, however late it is read. */
function emitDecoded(w: Work, agent: AgentState, body: DriverEventBody, at: number): void {
  if (body.type === 'message') w.emit(agent.id, authored(agent, body));
  else if (body.type === 'usage') {
    w.emit(agent.id, priced(w, agent, body, at));
    onUsage(w, agent);
  } else if (body.type !== 'turn') w.emit(agent.id, body);
  else if (body.phase === 'start') w.emit(agent.id, { ...body, number: agent.turns + 1 });
  else {
    // The host ended it for a cap: the CLI only knows that it was interrupted.
    const stopped = agent.cli.budgetStopAt !== null;
    const outcome = stopped && body.outcome === 'interrupted' ? 'budget' : body.outcome;
    w.emit(agent.id, { ...body, outcome, number: agent.turns });
    expireRequests(w, agent, 'its turn ended');
    if (outcome === 'budget') onOwnBudget(w, agent, stopped);
    else afterTurn(w, agent, outcome);
  }
  heedLimits(w, agent, body, at);
}

/** Who wrote it the CLI does not know; the queue does, by the message's id. */
function authored(agent: AgentState, body: Extract<DriverEventBody, { type: 'message' }>): DriverEventBody {
  if (body.role !== 'user' || body.from !== null || body.messageId === null) return body;
  return { ...body, from: agent.queue.find((m) => m.messageId === body.messageId)?.from ?? null };
}

/** A turn that ended on an error that another try can mend is taken up again later; some errors need a person. Limits are the account's. */
function afterTurn(w: Work, agent: AgentState, outcome: string): void {
  const error = agent.cli.lastError;
  if (outcome === 'ok' && agent.care.step === null) judgeTurn(w, agent);
  if (outcome !== 'error' || !error) return;
  if (error.retryable) {
    passVerdict(w, agent, { gate: 'limited', reason: error.message, hint: null, resumeAt: serviceUntil(w, agent) });
    return;
  }
  const hint = HINTS[error.code];
  if (hint !== undefined) passVerdict(w, agent, { gate: 'failed', reason: error.message, hint, resumeAt: null });
}

const BYPASSED =
  "look at what it did (`tutti logs`); check the CLI's version with `tutti doctor` before `tutti resume`";

/** Errors that every further turn would meet as well. */
const HINTS: Record<string, string> = {
  auth: 'log in with the CLI itself, or give it a valid key, then `tutti resume`',
  billing: 'the account cannot pay: mend that, then `tutti resume`',
};

function onReady(w: Work, agent: AgentState, record: RecordOf<'ready'>): void {
  if (record.incarnation !== agent.cli.incarnation) return;
  if (record.conversationId !== null && record.conversationId !== agent.conversationId) {
    // It was told to resume and began anew: what the old conversation held is owed as a handoff.
    if (agent.conversationUsed && !record.resumed) forgetConversation(w, agent, 'the CLI began a new conversation');
    emitHost(w, agent, {
      type: 'session',
      conversationId: record.conversationId,
      model: null,
      cliVersion: null,
      permissionMode: null,
      tools: null,
      resumed: record.resumed,
    });
  }
  w.slotFreed = true;
  emitHost(w, agent, {
    type: 'command',
    id: `ready-${record.incarnation}`,
    verb: 'host.ready',
    by: 'host',
    phase: 'done',
    args: { incarnation: record.incarnation },
    result: { resumed: record.resumed },
  });
}

/** The end of an order of ours, or of what was typed in the pane. */
function onDone(w: Work, agent: AgentState, record: RecordOf<'done'>): void {
  const message = agent.queue.find((m) => m.messageId === record.id);
  const order = agent.pending[record.id];
  if (order) {
    const verb = `host.${order.verb}`;
    const phase = record.ok ? 'done' : 'failed';
    const args = order.verb === 'start' ? { args: { incarnation: order.args.incarnation ?? null } } : {};
    const body = { type: 'command', id: record.id, verb, by: 'host', phase, ...args, result: record.result } as const;
    emitHost(w, agent, body, order.verb === 'start' && !record.ok);
    if (order.verb === 'start' && !record.ok) onStartFailed(w, agent, record.result);
  }
  if (message) onDelivered(w, agent, message.messageId, record);
}

function onDelivered(w: Work, agent: AgentState, messageId: string, record: RecordOf<'done'>): void {
  const message = agent.queue.find((m) => m.messageId === messageId);
  if (!message) return;
  const result = (typeof record.result === 'object' && record.result !== null ? record.result : {}) as JsonObject;
  if (record.ok) {
    const turnFollows = typeof result.turnFollows === 'boolean' ? result.turnFollows : null;
    emitHost(w, agent, { type: 'delivery', messageId, state: 'confirmed', turnFollows });
    return;
  }
  // The process is gone and the message unsure already: the next one is asked.
  if (message.unsure) return;
  const why = typeof result.message === 'string' ? result.message : 'the host could not deliver it';
  if (result.retryable === false) {
    emitHost(w, agent, { type: 'delivery', messageId, state: 'refused', why }, true);
    return;
  }
  emitHost(w, agent, { type: 'delivery', messageId, state: 'queued', why });
  holdAfterFailure(w, agent, messageId, why);
}

/** Typed in the pane: the host delivers it by itself; here it takes its place in the record and in the queue. */
function onTyped(w: Work, agent: AgentState, record: RecordOf<'typed'>, _item: IngestedRecord, epoch: number): void {
  if (record.verb === 'interrupt') {
    emitHost(w, agent, {
      type: 'command',
      id: record.id,
      verb: 'interrupt',
      by: 'user',
      phase: 'accepted',
      result: null,
    });
    return;
  }
  if (agent.seen.includes(record.id) || agent.queue.some((m) => m.messageId === record.id)) return;
  const sentTo = { epoch, incarnation: agent.cli.incarnation };
  const messageId = record.id;
  const front = true;
  emitHost(w, agent, {
    type: 'delivery',
    messageId,
    state: 'queued',
    content: record.text,
    from: 'user',
    now: true,
    front,
  });
  emitHost(w, agent, { type: 'delivery', messageId, state: 'sent', sentTo }, true);
  // Who types wants it now: it is with the CLI already, and tries whether a limit is over.
  if (!agent.cli.turn) tryNow(w, agent, 'user');
}

function onVerdict(w: Work, agent: AgentState, record: RecordOf<'verdict'>): void {
  const { tool, args, verdict, by, why } = record;
  if (by.startsWith('rule:')) {
    const rule = by.slice('rule:'.length);
    emitHost(w, agent, { type: 'guard', rule, verdict, tool, args, why }, rule === GUARD_BYPASSED);
    if (rule === GUARD_BYPASSED)
      passVerdict(w, agent, { gate: 'failed', reason: `guard_bypassed: ${why}`, hint: BYPASSED, resumeAt: null });
    return;
  }
  // What is asked has a request of its own, whose answer is on record too.
  if (verdict === 'ask' || by === 'user') return;
  w.emit(agent.id, {
    type: 'permission',
    requestId: record.requestId ?? record.callId ?? '',
    tool,
    args,
    decision: verdict === 'allow' ? 'allowed' : 'denied',
    by,
    kind: 'permission',
    text: why,
  });
}

function onRequest(w: Work, agent: AgentState, record: RecordOf<'request'>): void {
  if (record.incarnation !== agent.cli.incarnation || !cliAlive(agent)) return;
  const { requestId, tool, args, text } = record;
  emitHost(w, agent, {
    type: 'permission',
    requestId,
    tool,
    args,
    decision: 'asked',
    by: null,
    kind: record.what,
    text,
  });
}

function onAnswered(w: Work, agent: AgentState, record: RecordOf<'answered'>): void {
  const request = agent.requests[record.requestId];
  if (!request) return;
  emitHost(w, agent, {
    type: 'permission',
    requestId: record.requestId,
    tool: request.tool,
    args: request.args,
    decision: record.decision === 'answered' ? 'allowed' : record.decision,
    by: record.by,
    kind: request.what,
    text: record.text,
  });
}

/** A gap in a journal is on record; reading goes on behind it. */
export function onJournalDamage(w: Work, input: Extract<Input, { type: 'journal_damage' }>): void {
  const agent = w.touch(input.agentId);
  if (!agent) return;
  const { epoch, n, ...end } = input.cursor;
  w.emit(
    agent.id,
    { type: 'error', code: 'unknown', message: `host journal ${input.epoch}: ${input.message}`, retryable: false },
    { by: 'supervisor' },
  );
  const last = w.events.at(-1);
  if (last) last.src = { epoch, n, end };
  agent.cursor = input.cursor;
}
