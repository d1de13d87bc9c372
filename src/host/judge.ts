/**
 * The gate, and it is closed (law 11): whatever goes wrong in judging a call is a `deny` with the reason. The guard itself is a
 * second bundle, loaded at the first judged call, so that an idle host does without it.
 */
import type { JsonObject, ToolName } from '../core/event.ts';
import type { GuardContext } from '../core/guard/types.ts';
import type { Guard } from './side-files.ts';

/** A call whose arguments are longer than this is not judged but denied. Bytes of JSON. */
export const ARGS_LIMIT = 1024 * 1024;
/** Judging longer than this denies. Milliseconds. */
export const JUDGE_LIMIT_MS = 1_000;

export interface Judged {
  verdict: 'allow' | 'ask' | 'deny';
  /** `rule:<id>` or `policy`. */
  by: string;
  why: string;
}

export interface Call {
  tool: ToolName;
  nativeTool: string;
  args: JsonObject;
}

/** Never throws. @param guard called once per call; it may load the real one */
export function createJudge(guard: () => Guard): (call: Call, context: GuardContext) => Judged {
  return (call, context) => {
    const began = performance.now();
    try {
      const bytes = Buffer.byteLength(JSON.stringify(call.args));
      if (bytes > ARGS_LIMIT)
        return denied(`its arguments have ${bytes} bytes, more than the guard reads (${ARGS_LIMIT})`);
      const judged = legal(guard()(call, context));
      const took = performance.now() - began;
      return took > JUDGE_LIMIT_MS ? denied(`judging it took ${Math.round(took)} ms`) : judged;
    } catch (error) {
      return denied(`the guard failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

/** The one function whose output is believed: anything but a legal verdict is a deny. */
export function legal(value: unknown): Judged {
  if (typeof value !== 'object' || value === null) return denied('the guard gave no verdict');
  const { verdict, rule, why } = value as Record<string, unknown>;
  if (verdict !== 'allow' && verdict !== 'ask' && verdict !== 'deny') return denied('the guard gave no legal verdict');
  if (rule !== null && (typeof rule !== 'string' || rule === '')) return denied('the guard named no legal rule');
  const reason = typeof why === 'string' && why.trim() !== '' ? why : 'no reason given';
  return { verdict, by: rule === null ? 'policy' : `rule:${rule}`, why: reason };
}

const denied = (why: string): Judged => ({ verdict: 'deny', by: 'policy', why: `Refused: ${why}.` });
