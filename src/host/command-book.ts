/**
 * What became of every command of this host: acted on at most once, however often it is repeated. Pure.
 *
 * A command is `open` from its intent to its result. A message whose CLI ended in between is `lost`: whether the conversation has it
 * is not known, and only `confirm` (which asks the conversation) may take it up again.
 */
import type { Json } from '../core/event.ts';
import type { HostVerb } from '../core/host-wire.ts';

/** Results kept for repeated commands; beyond it the oldest is forgotten. */
export const RESULTS_LIMIT = 1_000;

export interface Result {
  ok: boolean;
  result: Json;
}

type Entry =
  | { phase: 'open'; verb: HostVerb }
  | { phase: 'lost'; verb: HostVerb }
  | ({ phase: 'done'; verb: HostVerb } & Result);

/** What to do with a command that came. */
export type Taken =
  /** New: record the intent and act. */
  | { do: 'act' }
  /** It is being acted on: acknowledge, no more. */
  | { do: 'wait' }
  /** It is done: acknowledge, and record its result again. */
  | ({ do: 'again' } & Result)
  | { do: 'refuse'; code: string; message: string };

export class CommandBook {
  readonly #entries = new Map<string, Entry>();

  take(id: string, verb: HostVerb): Taken {
    const entry = this.#entries.get(id);
    if (!entry) return { do: 'act' };
    if (entry.phase === 'open') return { do: 'wait' };
    if (entry.phase === 'lost') {
      if (verb === 'confirm') return { do: 'act' };
      return {
        do: 'refuse',
        code: 'unknown_delivery',
        message: 'the CLI ended before it was confirmed: ask with confirm',
      };
    }
    // A message that was refused is not in the conversation: it may come again under its own id.
    if (!entry.ok && isMessage(verb)) return { do: 'act' };
    return { do: 'again', ok: entry.ok, result: entry.result };
  }

  /** The intent is recorded (or, for a typed message, that it was typed). */
  opened(id: string, verb: HostVerb): void {
    this.#entries.delete(id);
    this.#entries.set(id, { phase: 'open', verb });
    this.#forget();
  }

  isOpen(id: string): boolean {
    return this.#entries.get(id)?.phase === 'open';
  }

  /** The result is recorded. */
  closed(id: string, result: Result): void {
    const verb = this.#entries.get(id)?.verb ?? 'message';
    this.#entries.delete(id);
    this.#entries.set(id, { phase: 'done', verb, ...result });
    this.#forget();
  }

  /** The CLI ended: what it was given and did not confirm is lost. Returns the ids of other commands that lapse with it. */
  cliEnded(handedOver: ReadonlySet<string>): string[] {
    const lapsed: string[] = [];
    for (const [id, entry] of this.#entries) {
      if (entry.phase !== 'open') continue;
      if (handedOver.has(id)) this.#entries.set(id, { phase: 'lost', verb: entry.verb });
      else if (entry.verb === 'interrupt' || entry.verb === 'start') lapsed.push(id);
    }
    return lapsed;
  }

  /** Open interrupts: done when the turn is over. */
  openInterrupts(): string[] {
    return [...this.#entries].filter(([, e]) => e.phase === 'open' && e.verb === 'interrupt').map(([id]) => id);
  }

  #forget(): void {
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= RESULTS_LIMIT) return;
      if (entry.phase !== 'open') this.#entries.delete(id);
    }
  }
}

const isMessage = (verb: HostVerb): boolean => verb === 'message' || verb === 'confirm';
