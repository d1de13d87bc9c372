/** Token figures of the scripted model: estimates from the length of the text, like a prompt cache would count them. Pure. */
import type { ContentStep, Usage } from './dialect.ts';
import type { Item, ModelRequest } from './script.ts';

/** Characters per token. */
const CHARS = 4;
/** Tokens that are never in the cache. */
const UNCACHED = 4;

function itemLength(item: Item): number {
  return item.role === 'call' ? item.name.length + JSON.stringify(item.args).length : item.text.length;
}

const tokens = (items: Item[]): number => Math.ceil(items.reduce((sum, item) => sum + itemLength(item), 0) / CHARS);

/**
 * Everything up to the model's own last words was in the cache; what came since is written to it. `cap` is the most that is ever said
 * about input, in tokens: clients compact their conversations when the figures come near their model's limit.
 */
export function usageOf(request: ModelRequest, content: ContentStep[], cap: number): Usage {
  const last = request.items.findLastIndex((item) => item.role === 'assistant' || item.role === 'call');
  const cacheRead = Math.min(tokens(request.items.slice(0, last + 1)), cap);
  const cacheWrite = Math.min(tokens(request.items.slice(last + 1)), Math.max(0, cap - cacheRead));
  return { input: UNCACHED, output: outputTokens(content), cacheRead, cacheWrite };
}

function outputTokens(content: ContentStep[]): number {
  const length = content.reduce(
    (sum, step) => sum + ('text' in step ? step.text : JSON.stringify(step.args)).length,
    0,
  );
  return Math.max(1, Math.ceil(length / CHARS));
}

/** All items, for endpoints that count. */
export const countTokens = (request: Pick<ModelRequest, 'items'>): number => tokens(request.items) + UNCACHED;
