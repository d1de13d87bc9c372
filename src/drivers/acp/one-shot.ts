/** The state that the decoders of the one-shot streams share: one turn, and the text that is held until the next line tells what it is. */
import type { DriverEventBody, ToolName, TurnOutcome } from '../../core/event.ts';

export class OneShot {
  /** Calls without their result yet; an aborted one may have it after its turn. */
  readonly calls = new Map<string, { tool: ToolName; at: number | null }>();
  open = false;
  /** The conversation was too long: the next request shortens it, and its end is not the turn's. */
  compacting = false;
  /** A turn has ended in this stream. */
  ended = false;
  /** What an error in the turn made of its outcome. */
  outcome: TurnOutcome = 'ok';
  #held: string | null = null;

  get atRest(): boolean {
    return !this.open && this.#held === null && this.calls.size === 0;
  }

  start(): DriverEventBody[] {
    if (this.open) return [];
    this.open = true;
    this.outcome = 'ok';
    return [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }];
  }

  /** Whole texts follow one another (the earlier is then `thinking`); pieces of one text are joined. */
  hold(text: string, join: boolean): DriverEventBody[] {
    const before = join ? [] : this.flush();
    this.#held = (this.#held ?? '') + text;
    return before;
  }

  flush(as: 'thinking' | 'message' = 'thinking'): DriverEventBody[] {
    const content = this.#held;
    this.#held = null;
    if (content === null || content === '') return [];
    if (as === 'thinking') return [{ type: 'thinking', content, tokens: null }];
    return [{ type: 'message', role: 'assistant', content, from: null, messageId: null }];
  }

  end(outcome: TurnOutcome, durationMs: number | null, before: DriverEventBody[] = []): DriverEventBody[] {
    const started = this.start();
    this.open = false;
    this.ended = true;
    return [
      ...started,
      ...this.flush('message'),
      ...before,
      { type: 'turn', number: null, phase: 'end', outcome, durationMs },
    ];
  }
}
