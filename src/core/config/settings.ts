/** From configuration to the settings that policies read; every default of requirements.md's decision 9 stands here, once. */
import type { Caps, Settings } from '../step.ts';
import { parseDuration } from './duration.ts';
import { ADVICE_WAIT_MS } from '../limits.ts';
import { NOTIFY_DEFAULTS, notifySettings } from './notify.ts';
import type { ProjectConfig, UserConfig } from './schema.ts';

export const DEFAULTS = {
  restarts: { max: 5, withinMs: 600_000 },
  backoff: { baseMs: 1_000, capMs: 60_000, resetAfterMs: 600_000 },
  /** The grace is short of the 5 s within which a limited account has fallen silent. */
  limit: { baseMs: 60_000, capMs: 900_000, graceMs: 3_000, fallbackAfterMs: 300_000 },
  /** A model can think for minutes without a word; a build can be silent for half an hour. */
  stall: { nudgeAfterMs: 300_000, restartAfterMs: 600_000, toolLimitMs: 1_800_000, silentAfterMs: 180_000 },
  /** Four equal calls with equal results in a row say nothing new; agents fail calls honestly, and CLIs compact and retry by themselves, but not that often. */
  loop: { repeats: 4, errors: 10, compactions: 10, retries: 12 },
  /** Each is tried once, a restart twice: what two of them do not mend, a third does not either. */
  ladder: { nudges: 1, redirects: 1, restarts: 2, fresh: 1 },
  /** Off: how many steps a turn needs depends on the work. */
  maxSteps: null,
  /** Nobody is asked without layer 2. */
  adviceMs: 0,
  /** Rules decide nearly everything; a fleet that needs more advice than this has another problem. */
  advicePerDay: { calls: 50, tokens: 300_000 },
  /** Concurrent CLI starts; each costs about a core for a second. */
  maxStarts: 4,
  /** A CLI takes some 300 MB: beyond this few machines do well. Agents that are idle count, for their processes are there. */
  maxAgents: 100,
  /** A lead, those it starts, and those they start: deeper trees burn tokens on talking to each other. */
  maxDepth: 2,
  /** A provider that is away, a broken update, a machine short of memory: none is over within seconds. */
  massDeath: { agents: 5, withinMs: 10_000, holdMs: 15_000, capMs: 300_000 },
  notify: NOTIFY_DEFAULTS,
  /** Slow enough to cost nothing that is felt, and soon enough for what no event tells of. */
  /** "Later" is not "no": a request waits for ever unless the user wants otherwise. */
  requests: { denyAfterMs: null, auto: [] },
  patrol: { everyMs: 60_000, diskFree: 1024 ** 3, memoryFree: 0.05 },
  /** No caps; days as in UTC, unless the supervisor knows its machine's time zone. */
  budgets: { day: { usd: null, tokens: null }, accounts: {}, timezone: 'UTC', prices: [] },
  /** Models get worse long before they are full, and a summary needs room to be written in. */
  context: { compactAt: 0.8, handoffAt: 0.95 },
} as const satisfies Settings;

type Watchdog = NonNullable<ProjectConfig['watchdog']>;

const ms = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : (parseDuration(text) ?? fallback);

type BudgetConfig = NonNullable<NonNullable<UserConfig['accounts']>[string]['budget']>;

const capsFrom = (budget: { usd?: number | undefined; tokens?: number | undefined } | undefined): Caps => ({
  usd: budget?.usd ?? null,
  tokens: budget?.tokens ?? null,
});

function budgetsFrom(user: UserConfig | null): Settings['budgets'] {
  const accounts = Object.entries(user?.accounts ?? {}).flatMap(
    ([name, { budget }]): [string, Caps & { perDay: Caps }][] => (budget ? [[name, withDay(budget)]] : []),
  );
  return {
    day: capsFrom(user?.limits?.day),
    accounts: Object.fromEntries(accounts),
    timezone: user?.timezone ?? DEFAULTS.budgets.timezone,
    prices: Object.entries(user?.prices ?? {}).map(([model, price]) => ({
      model,
      input: price.input,
      output: price.output,
      cacheRead: price.cacheRead ?? price.input,
      cacheWrite: price.cacheWrite ?? price.input,
    })),
  };
}

const withDay = (budget: BudgetConfig): Caps & { perDay: Caps } => ({
  ...capsFrom(budget),
  perDay: capsFrom(budget.perDay),
});

/** What a watchdog section sets, over what holds without it. Limits are not in it: accounts are shared by projects. */
export function withWatchdog<T extends Settings>(base: T, w: Watchdog): T {
  const { restarts, backoff, limit, stall, loop, ladder } = base;
  return {
    ...base,
    restarts: { max: w.restarts?.max ?? restarts.max, withinMs: ms(w.restarts?.within, restarts.withinMs) },
    backoff: {
      baseMs: ms(w.backoff?.base, backoff.baseMs),
      capMs: ms(w.backoff?.cap, backoff.capMs),
      resetAfterMs: ms(w.backoff?.resetAfter, backoff.resetAfterMs),
    },
    // Of a hold that several projects share, the settings of the agent that learned of the limit count.
    limit: {
      baseMs: ms(w.limit?.base, limit.baseMs),
      capMs: ms(w.limit?.cap, limit.capMs),
      graceMs: ms(w.limit?.grace, limit.graceMs),
      fallbackAfterMs: ms(w.limit?.fallbackAfter, limit.fallbackAfterMs),
    },
    stall: {
      nudgeAfterMs: ms(w.stall?.nudgeAfter, stall.nudgeAfterMs),
      restartAfterMs: ms(w.stall?.restartAfter, stall.restartAfterMs),
      toolLimitMs: ms(w.stall?.toolLimit, stall.toolLimitMs),
      silentAfterMs: ms(w.stall?.silentAfter, stall.silentAfterMs),
    },
    loop: {
      repeats: w.loop?.repeats ?? loop.repeats,
      errors: w.loop?.errors ?? loop.errors,
      compactions: w.loop?.compactions ?? loop.compactions,
      retries: w.loop?.retries ?? loop.retries,
    },
    ladder: {
      nudges: w.ladder?.nudges ?? ladder.nudges,
      redirects: w.ladder?.redirects ?? ladder.redirects,
      restarts: w.ladder?.restarts ?? ladder.restarts,
      fresh: w.ladder?.fresh ?? ladder.fresh,
    },
    maxSteps: w.maxSteps ?? base.maxSteps,
  };
}

/** Later ones win key by key: pass the user's first, then the project's. */
export function settingsFrom(user: UserConfig | null, ...watchdogs: (Watchdog | undefined)[]): Settings {
  const all = [user?.watchdog, ...watchdogs].filter((w) => w !== undefined);
  const pick = <T>(get: (w: Watchdog) => T | undefined): T | undefined => all.map(get).findLast((v) => v !== undefined);
  return {
    ...all.reduce(withWatchdog, DEFAULTS as Settings),
    limit: {
      baseMs: ms(
        pick((w) => w.limit?.base),
        DEFAULTS.limit.baseMs,
      ),
      capMs: ms(
        pick((w) => w.limit?.cap),
        DEFAULTS.limit.capMs,
      ),
      graceMs: ms(
        pick((w) => w.limit?.grace),
        DEFAULTS.limit.graceMs,
      ),
      fallbackAfterMs: ms(
        pick((w) => w.limit?.fallbackAfter),
        DEFAULTS.limit.fallbackAfterMs,
      ),
    },
    adviceMs: user?.watchdog?.triage === undefined ? DEFAULTS.adviceMs : ADVICE_WAIT_MS,
    advicePerDay: {
      calls: user?.watchdog?.triage?.perDay?.calls ?? DEFAULTS.advicePerDay.calls,
      tokens: user?.watchdog?.triage?.perDay?.tokens ?? DEFAULTS.advicePerDay.tokens,
    },
    maxStarts: user?.limits?.starts ?? DEFAULTS.maxStarts,
    maxAgents: user?.limits?.agents ?? DEFAULTS.maxAgents,
    maxDepth: user?.limits?.depth ?? DEFAULTS.maxDepth,
    massDeath: {
      agents: user?.watchdog?.massDeath?.agents ?? DEFAULTS.massDeath.agents,
      withinMs: ms(user?.watchdog?.massDeath?.within, DEFAULTS.massDeath.withinMs),
      holdMs: ms(user?.watchdog?.massDeath?.hold, DEFAULTS.massDeath.holdMs),
      capMs: ms(user?.watchdog?.massDeath?.cap, DEFAULTS.massDeath.capMs),
    },
    notify: notifySettings(user?.notify),
    requests: {
      denyAfterMs: user?.requests?.denyAfter === undefined ? null : parseDuration(user.requests.denyAfter),
      auto: user?.requests?.auto ?? DEFAULTS.requests.auto,
    },
    patrol: {
      everyMs: ms(user?.patrol?.every, DEFAULTS.patrol.everyMs),
      diskFree: user?.patrol?.diskFree === undefined ? DEFAULTS.patrol.diskFree : user.patrol.diskFree * 1024 ** 2,
      memoryFree: user?.patrol?.memoryFree === undefined ? DEFAULTS.patrol.memoryFree : user.patrol.memoryFree / 100,
    },
    budgets: budgetsFrom(user),
    context: {
      compactAt: pick((w) => w.context?.compactAt) ?? DEFAULTS.context.compactAt,
      handoffAt: pick((w) => w.context?.handoffAt) ?? DEFAULTS.context.handoffAt,
    },
  };
}
