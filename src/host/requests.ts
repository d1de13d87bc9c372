/** What a person must answer: kept until answered, withdrawn, or lapsed with its turn. First answer wins. Pure. */
import type { JsonObject, ToolName } from '../core/event.ts';

export interface OpenRequest {
  requestId: string;
  incarnation: number;
  /** The driver's own name for what waits. */
  key: string;
  what: 'permission' | 'question' | 'login';
  tool: ToolName;
  args: JsonObject;
  text: string;
}

/** Open requests at most; one more is refused, which the CLI takes as a no. */
export const REQUESTS_LIMIT = 200;

export class Requests {
  readonly #open = new Map<string, OpenRequest>();
  readonly #prefix: string;
  #count = 0;

  /** Ids are unique in a home and short enough to type: `r-<agent>-<epoch>-<count>`. */
  constructor(agentId: string, epoch: number) {
    this.#prefix = `r-${shortName(agentId)}-${epoch}`;
  }

  get all(): OpenRequest[] {
    return [...this.#open.values()];
  }

  get first(): OpenRequest | null {
    const [first] = this.#open.values();
    return first ?? null;
  }

  get full(): boolean {
    return this.#open.size >= REQUESTS_LIMIT;
  }

  open(request: Omit<OpenRequest, 'requestId'>): OpenRequest {
    this.#count += 1;
    const opened = { ...request, requestId: `${this.#prefix}-${this.#count}` };
    this.#open.set(opened.requestId, opened);
    return opened;
  }

  /** Takes it out, so that no second answer reaches the CLI; null = not open (any more). */
  take(requestId: string): OpenRequest | null {
    const request = this.#open.get(requestId) ?? null;
    this.#open.delete(requestId);
    return request;
  }

  /** The CLI stopped waiting. */
  takeByKey(key: string): OpenRequest | null {
    const found = this.all.find((request) => request.key === key);
    return found ? this.take(found.requestId) : null;
  }

  takeAll(): OpenRequest[] {
    const all = this.all;
    this.#open.clear();
    return all;
  }
}

/** FNV-1a of the id in base 36: the same for an agent at every start of its host. */
function shortName(agentId: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < agentId.length; at++) {
    hash = Math.imul(hash ^ agentId.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash.toString(36).padStart(7, '0');
}
