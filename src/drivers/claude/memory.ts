/** What the claude decoder keeps between lines of one process. */
import type { DriverEventBody, ToolName } from '../../core/event.ts';
import type { ErrorEvent } from './failure.ts';
import { UsageMeter } from './usage.ts';

/** Calls and tasks remembered at most; beyond it the oldest is forgotten and its result is one of an `other` tool. */
export const REMEMBERED_LIMIT = 1000;

export interface SessionFacts {
  conversationId: string | null;
  model: string | null;
  cliVersion: string | null;
  permissionMode: string | null;
  tools: string[] | null;
}

export interface BackgroundTask {
  kind: 'subagent' | 'background';
  callId: string | null;
}

/** A map that forgets its oldest entry beyond {@link REMEMBERED_LIMIT}. */
class Remembered<V> extends Map<string, V> {
  override set(key: string, value: V): this {
    super.set(key, value);
    const oldest = this.size > REMEMBERED_LIMIT ? this.keys().next() : null;
    if (oldest !== null && !oldest.done) this.delete(oldest.value);
    return this;
  }
}

export class Memory {
  readonly usage = new UsageMeter();
  readonly tools = new Remembered<ToolName>();
  readonly tasks = new Remembered<BackgroundTask>();
  session: SessionFacts | null = null;
  /** Between `init` and `result`. */
  turn = false;
  /** Error of the running turn. */
  error: ErrorEvent | null = null;
  /** Our hook refused the prompt, since the conversation has it: the empty turn around it is not one. */
  refusedPrompt = false;
  /** Texts of the last message, until the next line tells whether they were its end. */
  held: { id: string; texts: string[] } | null = null;

  /** More work followed: what was held was thinking aloud. */
  flushAsThinking(): DriverEventBody[] {
    const texts = this.held?.texts ?? [];
    this.held = null;
    return texts.map((content) => ({ type: 'thinking', content, tokens: null }));
  }

  /** The turn is over: what was held is the answer. */
  flushAsMessage(): DriverEventBody[] {
    const held = this.held;
    this.held = null;
    return (held?.texts ?? []).map((content) => ({
      type: 'message',
      role: 'assistant',
      content,
      from: null,
      messageId: held?.id ?? null,
    }));
  }
}
