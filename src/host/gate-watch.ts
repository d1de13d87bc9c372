/**
 * The second half of law 11: where the gate sees every call, a call that went well without a verdict of ours went around it.
 * A call that failed says nothing: the CLI refuses by itself what it does not know, and what was interrupted before it was judged.
 */
import type { DriverEventBody, ToolName } from '../core/event.ts';

export interface BypassedCall {
  callId: string;
  tool: ToolName;
}

/** Calls remembered; the oldest go, and their results are not looked at. */
export const CALLS_WATCHED = 1_000;

/** One for each incarnation: calls of an earlier one were judged there. */
export class GateWatch {
  /** Announced, and without a result so far. */
  readonly #open = new Map<string, { judged: boolean }>();

  judged(callId: string | null): void {
    if (callId !== null) this.#keep(callId, true);
  }

  /** The call that this result belongs to, if nobody judged it. */
  see(event: DriverEventBody): BypassedCall | null {
    if (event.type === 'tool_call' && !this.#open.has(event.callId)) this.#keep(event.callId, false);
    if (event.type !== 'tool_result') return null;
    const call = this.#open.get(event.callId);
    this.#open.delete(event.callId);
    if (call === undefined || call.judged || event.isError) return null;
    return { callId: event.callId, tool: event.tool };
  }

  #keep(callId: string, judged: boolean): void {
    this.#open.set(callId, { judged });
    if (this.#open.size <= CALLS_WATCHED) return;
    for (const oldest of this.#open.keys()) {
      this.#open.delete(oldest);
      return;
    }
  }
}
