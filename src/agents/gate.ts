/** Asks for a verdict on every tool call and waits for it. Closed: whatever is not an exact `allow` is a refusal. */
import type { JsonObject, ToolName } from '../core/event.ts';
import type { AgentOutput } from '../drivers/builtin/wire.ts';

export type GateVerdict = { allow: true; args: JsonObject } | { allow: false; reason: string };

export interface GatedCall {
  callId: string;
  tool: ToolName;
  args: JsonObject;
}

export interface Gate {
  /** Resolves with the verdict; never rejects. */
  judge(call: GatedCall, signal: AbortSignal): Promise<GateVerdict>;
}

/** Without `--gate`: everything may run. */
export const openGate: Gate = { judge: ({ args }) => Promise.resolve({ allow: true, args }) };

/** Asks over the output and is answered from the input. */
export class AskingGate implements Gate {
  readonly #emit: (line: AgentOutput) => void;
  readonly #waiting = new Map<string, { args: JsonObject; settle: (verdict: GateVerdict) => void }>();
  #asked = 0;
  #closed: string | null = null;

  constructor(emit: (line: AgentOutput) => void) {
    this.#emit = emit;
  }

  judge(call: GatedCall, signal: AbortSignal): Promise<GateVerdict> {
    if (this.#closed !== null) return Promise.resolve({ allow: false, reason: this.#closed });
    this.#asked += 1;
    const key = `ask-${this.#asked}`;
    return new Promise((done) => {
      const onAbort = () => {
        this.#emit({ type: 'withdrawn', key });
        this.#settle(key, { allow: false, reason: 'the turn was interrupted' });
      };
      const settle = (verdict: GateVerdict) => {
        signal.removeEventListener('abort', onAbort);
        done(verdict);
      };
      this.#waiting.set(key, { args: call.args, settle });
      this.#emit({ type: 'ask', key, ...call });
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** A verdict came. One for a call that does not wait is ignored: it lapsed. */
  verdict(key: string, answer: { decision: unknown; reason?: string; args?: JsonObject }): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    if (answer.decision === 'allow') {
      this.#settle(key, { allow: true, args: answer.args ?? waiting.args });
      return;
    }
    const reason = answer.decision === 'deny' ? (answer.reason ?? 'refused') : 'refused: the verdict was malformed';
    this.#settle(key, { allow: false, reason });
  }

  /** A line came that is no legal input. It may have been meant as a verdict: what waits must not wait for ever, nor run. */
  malformed(): void {
    for (const key of [...this.#waiting.keys()]) this.verdict(key, { decision: null });
  }

  /** Nobody will answer any more. */
  close(reason: string): void {
    this.#closed = reason;
    for (const key of [...this.#waiting.keys()]) this.#settle(key, { allow: false, reason });
  }

  #settle(key: string, verdict: GateVerdict): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    waiting?.settle(verdict);
  }
}
