/** Tokens and rate limits, as the app-server tells them. */
import type { DriverEventBody, Json, JsonObject } from '../../core/event.ts';
import { countOf, isObject, isoFromSeconds, numberOrNull, objectOf, textOrNull } from './values.ts';

/** From this share of a window on the account is near its limit (0..1). */
export const WARNING_SHARE = 0.9;

/** Names of the windows that claude and codex accounts share; minutes → scope. */
const SCOPES: Record<number, string> = { 300: 'five_hour', 10080: 'seven_day' };

/**
 * What one request used. codex counts cached tokens as input; here `input` is without them, so that the four add up to its total.
 * `context`: whether the figures are those of the agent's own context.
 */
export function usageEvent(tokenUsage: JsonObject, context: boolean): DriverEventBody & { type: 'usage' } {
  const last = objectOf(tokenUsage.last);
  return {
    type: 'usage',
    ...counts(last.inputTokens, last.cachedInputTokens, last.cacheWriteInputTokens, last.outputTokens),
    costUsd: null,
    contextUsed: context ? numberOrNull(last.totalTokens) : null,
    contextLimit: context ? numberOrNull(tokenUsage.modelContextWindow) : null,
    model: null,
    estimated: false,
  };
}

/** Splits input tokens that include the cached ones. */
export function counts(
  input: Json | undefined,
  cacheRead: Json | undefined,
  cacheWrite: Json | undefined,
  output: Json | undefined,
): { input: number; output: number; cacheRead: number; cacheWrite: number } {
  const cached = { cacheRead: countOf(cacheRead), cacheWrite: countOf(cacheWrite) };
  return {
    input: Math.max(0, countOf(input) - cached.cacheRead - cached.cacheWrite),
    output: countOf(output),
    ...cached,
  };
}

/**
 * One event per window that the account has. A full window is not a refusal yet (percents are rounded, credits may go on):
 * `refused` says that a request was.
 */
export function rateLimitEvents(snapshot: JsonObject, refused: boolean): DriverEventBody[] {
  const reached =
    refused || textOrNull(snapshot.rateLimitReachedType) !== null || snapshot.spendControlReached === true;
  const windows = windowsOf(snapshot);
  const fullest = Math.max(...windows.map((window) => countOf(window.usedPercent)));
  return windows.map((window) => windowEvent(window, reached && countOf(window.usedPercent) === fullest));
}

/** The refusal itself, with the reset time of the window that is full; null where no window was told. */
export function refusedEvent(snapshot: JsonObject | null): DriverEventBody[] {
  const windows = snapshot === null ? [] : windowsOf(snapshot);
  const fullest = Math.max(...windows.map((window) => countOf(window.usedPercent)));
  return windows
    .filter((window) => countOf(window.usedPercent) === fullest)
    .slice(0, 1)
    .map((window) => windowEvent(window, true));
}

const windowsOf = (snapshot: JsonObject): JsonObject[] => [snapshot.primary, snapshot.secondary].filter(isObject);

function windowEvent(window: JsonObject, refused: boolean): DriverEventBody {
  const share = countOf(window.usedPercent) / 100;
  const minutes = numberOrNull(window.windowDurationMins);
  return {
    type: 'rate_limit',
    limit: refused ? 'rejected' : share >= WARNING_SHARE ? 'warning' : 'allowed',
    scope: minutes === null ? null : (SCOPES[minutes] ?? `${minutes}m`),
    resetsAt: isoFromSeconds(window.resetsAt),
    retryAfterMs: null,
    utilization: numberOrNull(window.usedPercent) === null ? null : Math.min(1, share),
  };
}
