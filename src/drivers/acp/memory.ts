/** What an ACP decoder keeps between lines, and the events that come of it. */
import type { DriverEventBody, JsonObject, TurnOutcome } from '../../core/event.ts';
import { type AcpCall, callArgs, callFailed, callResult, callTool, newCall } from './tools.ts';

/** A token is taken as this many characters where nobody reported usage. */
const CHARACTERS_PER_TOKEN = 4;

interface Turn {
  /** Prompts of ours that wait for their response; empty when the turn was only seen on stdout. */
  prompts: Set<string>;
  usageReported: boolean;
  /** More than one model request is known to have been made: a tool was called. */
  severalRequests: boolean;
  charactersIn: number;
  charactersOut: number;
}

export class Memory {
  /** Methods of our requests by id, until they are answered. */
  readonly open = new Map<string, { method: string; sessionId: string | null }>();
  readonly calls = new Map<string, AcpCall>();
  /** Calls of this turn that had their result: a repeated update says nothing new. */
  readonly settled = new Set<string>();
  /** Permission requests of the agent by id: the call they are about, and the options that allow it. */
  readonly asked = new Map<string, { callId: string; allow: ReadonlySet<string> }>();
  cliVersion: string | null = null;
  /** Cost of the whole session so far as the CLI last told it, USD; null before that. */
  cost: number | null = null;
  /** Updates that come now are history: they were events in an earlier incarnation. */
  loading = false;
  /** The session was loaded: its first cost figure holds what earlier incarnations have counted. */
  loaded = false;
  turn: Turn | null = null;
  #held: { kind: 'text' | 'thought'; content: string } | null = null;

  /** Our own lines are seen: then turns begin with our prompts, and what comes between them opens none. */
  sawInput = false;

  /**
   * Not once our own lines were seen: which requests are open, the cost so far and whether a load went before
   * matter to every later line. (After a supervisor restart one incarnation's records are decoded again, at most.)
   */
  get atRest(): boolean {
    const nothingOpen = this.turn === null && this.#held === null && this.calls.size === 0;
    return nothingOpen && !this.sawInput && this.cost === null && this.cliVersion === null;
  }

  /** Work shows a turn, where only stdout is known. */
  implyTurn(): DriverEventBody[] {
    return this.sawInput ? [] : this.startTurn();
  }

  /** Opens the turn if none is open. */
  startTurn(): DriverEventBody[] {
    if (this.turn !== null) return [];
    this.turn = { prompts: new Set(), usageReported: false, severalRequests: false, charactersIn: 0, charactersOut: 0 };
    return [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }];
  }

  hold(kind: 'text' | 'thought', content: string): DriverEventBody[] {
    if (this.turn !== null) this.turn.charactersOut += content.length;
    const flushed = this.#held !== null && this.#held.kind !== kind ? this.flush('thinking') : [];
    this.#held = { kind, content: (this.#held?.content ?? '') + content };
    return flushed;
  }

  /** Held text is `thinking` when more work follows, and the `message` when the turn ends with it. */
  flush(as: 'thinking' | 'message'): DriverEventBody[] {
    const held = this.#held;
    this.#held = null;
    if (held === null || held.content === '') return [];
    if (as === 'thinking' || held.kind === 'thought')
      return [{ type: 'thinking', content: held.content, tokens: null }];
    return [{ type: 'message', role: 'assistant', content: held.content, from: null, messageId: null }];
  }

  call(callId: string): AcpCall {
    const known = this.calls.get(callId);
    if (known !== undefined) return known;
    const call = newCall(callId);
    this.calls.set(callId, call);
    return call;
  }

  /** The `tool_call` event, once, as soon as the arguments are complete. */
  announce(call: AcpCall): DriverEventBody[] {
    if (call.announced) return [];
    call.announced = true;
    if (this.turn !== null) this.turn.severalRequests = true;
    const tool = callTool(call);
    const nativeTool = call.native ?? call.kind ?? 'unknown';
    return [
      ...this.flush('thinking'),
      { type: 'tool_call', callId: call.callId, tool, args: callArgs(call), nativeTool },
    ];
  }

  /** The call is over. */
  settle(call: AcpCall, status: string, final: JsonObject): DriverEventBody[] {
    this.calls.delete(call.callId);
    this.settled.add(call.callId);
    const result = callResult(call, final);
    if (this.turn !== null) this.turn.charactersIn += result.length;
    return [
      ...this.announce(call),
      {
        type: 'tool_result',
        callId: call.callId,
        tool: callTool(call),
        result,
        isError: callFailed(call, status),
        tokens: null,
        durationMs: null,
      },
    ];
  }

  /** We answered a permission request. */
  answered(id: string, optionId: string | null): void {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    const call = asked === undefined ? undefined : this.calls.get(asked.callId);
    if (call !== undefined && asked !== undefined) call.refused = optionId === null || !asked.allow.has(optionId);
  }

  /** A call that we refused and that the agent said nothing more about. */
  #refused(call: AcpCall): DriverEventBody[] {
    this.calls.delete(call.callId);
    const tool = callTool(call);
    const result = 'Refused: this call was not allowed.';
    return [
      ...this.announce(call),
      { type: 'tool_result', callId: call.callId, tool, result, isError: true, tokens: null, durationMs: null },
    ];
  }

  /** The last prompt was answered. `null` where no turn is open. */
  endTurn(outcome: TurnOutcome, before: DriverEventBody[]): DriverEventBody[] {
    // A call that is not over may still have its result after the turn (a cancelled command).
    const unannounced = [...this.calls.values()].flatMap((call) =>
      call.refused ? this.#refused(call) : this.announce(call),
    );
    const text = this.flush('message');
    const usage = this.estimate();
    this.settled.clear();
    this.asked.clear();
    this.turn = null;
    const end: DriverEventBody = { type: 'turn', number: null, phase: 'end', outcome, durationMs: null };
    return [...unannounced, ...text, ...before, ...usage, end];
  }

  /** Usage of the open turn that nobody reported: a quarter of the characters that were seen. */
  estimate(): DriverEventBody[] {
    const turn = this.turn;
    if (turn === null || turn.usageReported || turn.charactersIn + turn.charactersOut === 0) return [];
    turn.usageReported = true;
    const tokens = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);
    const input = tokens(turn.charactersIn);
    const output = tokens(turn.charactersOut);
    return [usageEvent({ input, output, estimated: true })];
  }
}

type UsageEvent = Extract<DriverEventBody, { type: 'usage' }>;

export function usageEvent(known: Partial<UsageEvent>): UsageEvent {
  return {
    type: 'usage',
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    costUsd: null,
    contextUsed: null,
    contextLimit: null,
    model: null,
    estimated: false,
    ...known,
  };
}
