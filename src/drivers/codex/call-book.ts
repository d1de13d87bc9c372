/** Calls that were announced and not answered: turns items into pairs of `tool_call` and `tool_result`, whatever is missing. */
import type { DriverEventBody, JsonObject } from '../../core/event.ts';
import type { ToolItem } from './items.ts';
import { durationOf, textOf } from './values.ts';

/** Calls remembered as open; the oldest is forgotten beyond this (its result then comes with a second call). */
export const OPEN_CALLS_LIMIT = 1000;

export class CallBook {
  readonly #open = new Set<string>();

  get size(): number {
    return this.#open.size;
  }

  isOpen(item: JsonObject): boolean {
    return this.#open.has(textOf(item.id));
  }

  /** `item/started`. `parent` is the call that a sub-agent works for. */
  started(kind: ToolItem, item: JsonObject, parent: string | null): DriverEventBody[] {
    const callId = textOf(item.id);
    if (this.#open.has(callId)) return [];
    this.#open.add(callId);
    if (this.#open.size > OPEN_CALLS_LIMIT) for (const oldest of this.#open) if (this.#open.delete(oldest)) break;
    return [{ type: 'tool_call', callId, ...kind.call(item), ...parentOf(parent) }];
  }

  /** `item/completed`. One that never started (refused before it ran) gets its call here: there is no result without a call. */
  completed(kind: ToolItem, item: JsonObject, parent: string | null): DriverEventBody[] {
    const callId = textOf(item.id);
    const missing = this.#open.has(callId) ? [] : this.started(kind, item, parent);
    this.#open.delete(callId);
    const { text, isError } = kind.result(item);
    return [
      ...missing,
      {
        type: 'tool_result',
        callId,
        tool: kind.call(item).tool,
        result: text,
        isError,
        tokens: null,
        durationMs: durationOf(item.durationMs),
        ...parentOf(parent),
      },
    ];
  }
}

/** Only set where there is one: the field is optional. */
export const parentOf = (parent: string | null): { parentCallId?: string } =>
  parent === null ? {} : { parentCallId: parent };
