/**
 * Configurations that are legal and dangerous: the ways in which fleets of agents are known to fail. Pure; what only the machine knows
 * (does the rules folder exist, what can a CLI do) is given. `tutti doctor` shows what is found.
 */
import type { Settings } from '../step.ts';
import { formatDuration } from './duration.ts';

/** An agent as it would be declared: defaults filled in, its folder absolute. */
export interface LintAgent {
  name: string;
  cli: string;
  model: string | null;
  role: string | null;
  parent: string | null;
  cwd: string;
  worktree: boolean;
  permissions: 'ask' | 'auto' | 'bypass';
  restart: 'permanent' | 'transient' | 'temporary';
  /** Whether its CLI can go on with a conversation after it ended. */
  resumes: boolean;
  /** What takes over when its own cannot be used. */
  fallback: { cli: string; model: string | null }[];
}

export interface LintInput {
  agents: LintAgent[];
  settings: Settings;
  /** The folder with the project's rules; null when there is none. */
  rulesFolder: string | null;
}

/** More agents than this in one project are more than a person can follow. */
export const AGENTS_ADVISED = 25;
/** More unexpected ends than this, by the hour, before giving up is no limit any more. */
const RESTARTS_PER_HOUR = 60;
/** Longer waits than this are no watching any more. Milliseconds. */
const LONGEST_WAIT_MS = 6 * 3_600_000;
/** From this many agents on, all of one vendor is a risk worth a word. */
const FLEET = 3;

interface Antipattern {
  /** The configuration, in a few words. */
  what: string;
  why: string;
  mend: string;
  /** What was found, with names; null = it is not so here. */
  found(input: LintInput): string | null;
}

export const ANTIPATTERNS = {
  'no-watchdog': {
    what: `thresholds of the watchdog over ${LONGEST_WAIT_MS / 3_600_000} h, or the patrol switched off`,
    why: 'a hung or looping agent goes on for hours, costs money, and nobody is told',
    mend: 'leave the thresholds of `watchdog` at their defaults, or shorten the ones named',
    found: ({ settings }) => {
      const long = waits(settings).filter(([, ms]) => ms > LONGEST_WAIT_MS);
      const said = long.map(([key, ms]) => `${key} is ${formatDuration(ms)}`);
      if (!settings.patrol.everyMs) said.push('patrol.every is 0: nobody looks for what is left over');
      return said.length === 0 ? null : said.join(', ');
    },
  },
  'unbounded-retry': {
    what: 'so many restarts allowed that an agent which cannot start is started for ever',
    why: 'every start costs a model call and a second of a core; a crash loop hides its cause under its own noise',
    mend: 'set `watchdog.restarts` near its default of 5 within 10m',
    found: ({ settings: { restarts } }) => {
      const perHour = (restarts.max * 3_600_000) / restarts.withinMs;
      if (perHour <= RESTARTS_PER_HOUR) return null;
      return `watchdog.restarts allows ${restarts.max} within ${formatDuration(restarts.withinMs)}, ${Math.round(perHour)} an hour`;
    },
  },
  'no-resume': {
    what: 'agents that do not go on after a death',
    why: 'what such an agent knew is lost with its process, and nobody takes its work up again',
    mend: '`restart: transient` (the default), and a CLI that can resume its conversations',
    found: ({ agents }) => {
      const never = agents.filter(({ restart }) => restart === 'temporary').map(({ name }) => name);
      const forgets = agents.filter(({ resumes }) => !resumes).map(({ name, cli }) => `${name} (${cli})`);
      const said = [
        ...(never.length > 0 ? [`restart: temporary, so never started again: ${never.join(', ')}`] : []),
        ...(forgets.length > 0 ? [`a CLI that begins anew after each end: ${forgets.join(', ')}`] : []),
      ];
      return said.length === 0 ? null : said.join('; ');
    },
  },
  'no-gates': {
    what: 'agents that may do everything unasked (`permissions: bypass`)',
    why: 'only deny rules hold: one wrong command, or one hostile text that the agent reads, and it is done',
    mend: '`permissions: auto`, or a sandbox of its own for that agent',
    found: ({ agents }) => {
      const free = agents.filter(({ permissions }) => permissions === 'bypass').map(({ name }) => name);
      return free.length === 0 ? null : `permissions: bypass: ${free.join(', ')}`;
    },
  },
  'writable-rules': {
    what: 'a rules folder inside the folder in which agents may write unasked',
    why: 'an agent can change the rules that bind it, and the next start believes them',
    mend: 'give those agents a folder of their own (`cwd`) beside the rules, or `permissions: ask`',
    found: ({ agents, rulesFolder }) => {
      if (rulesFolder === null) return null;
      const reach = agents.filter(({ cwd, permissions }) => permissions !== 'ask' && isIn(rulesFolder, cwd));
      return reach.length === 0 ? null : `${rulesFolder} can be written by ${reach.map(({ name }) => name).join(', ')}`;
    },
  },
  'shared-workspace': {
    what: 'several agents in one folder',
    why: 'they overwrite and commit each other’s half-done work, and neither sees why its tests fail',
    mend: 'a `cwd` of its own for each (a clone, or a git worktree)',
    found: ({ agents }) => {
      const shared = grouped(agents, ({ cwd }) => cwd).filter(([, all]) => all.length > 1);
      if (shared.length === 0) return null;
      const said = shared.map(([cwd, all]) => `${cwd}: ${all.map(({ name }) => name).join(', ')}`);
      const early = shared.some(([, all]) => all.some(({ worktree }) => worktree));
      return (
        said.join('; ') + (early ? ' (this version does not make worktrees yet: `worktree: true` changes nothing)' : '')
      );
    },
  },
  'single-orchestrator': {
    what: 'one agent over all others, without a second one or a fallback',
    why: 'when it hangs, meets a limit or loses the thread, the whole team stands still',
    mend: 'a second agent with the same `role`, or a `fallback` for it',
    found: ({ agents }) => {
      const alone = grouped(agents, ({ parent }) => parent).flatMap(([name, children]) => {
        const head = agents.find((agent) => agent.name === name);
        return head && children.length > 1 && !hasBackup(head, agents) ? [{ name, children }] : [];
      });
      if (alone.length === 0) return null;
      return alone
        .map(({ name, children }) => `${name} alone is over ${children.map((c) => c.name).join(', ')}`)
        .join('; ');
    },
  },
  'too-many-agents': {
    what: `more than ${AGENTS_ADVISED} agents in one project`,
    why: 'their questions, failures and merges come faster than a person can answer, and machine and limits are shared by all',
    mend: 'fewer agents at a time: `wanted: down` for those whose turn has not come',
    found: ({ agents }) => (agents.length > AGENTS_ADVISED ? `${agents.length} agents` : null),
  },
  'one-vendor': {
    what: 'a team that stands and falls with one vendor',
    why: 'one outage, limit or locked account stops every agent at once, and one model’s blind spots are everyone’s',
    mend: '`fallback` to a CLI of another vendor, or one agent of another',
    found: ({ agents }) => {
      const vendors = new Set(agents.map(vendorOf));
      const [vendor] = vendors;
      if (agents.length < FLEET || vendors.size !== 1 || vendor === null) return null;
      const other = agents.some(({ fallback }) => fallback.some((to) => vendorOf(to) !== vendor));
      return other ? null : `all ${agents.length} agents need ${vendor}`;
    },
  },
} as const satisfies Record<string, Antipattern>;

export type AntipatternId = keyof typeof ANTIPATTERNS;

/** Known antipatterns that nothing in today's configuration can show; named so that nobody takes silence for a clean bill. */
export const NOT_JUDGED = {
  'free-text-comms': 'agents that talk in free text: there is no configuration of how agents talk to each other yet',
  'self-claimed-expertise': 'trust in what a role says of itself: no reviews or pipelines can be declared yet',
  'unbounded-state':
    'records that are never dropped: retention of logs and journals is fixed and cannot be switched off',
  'duplicated-skills': 'the same skill given to several agents: skills cannot be declared yet',
  'fragmented-context':
    'one task cut into agents that know nothing of each other: tasks and pipelines cannot be declared yet',
} as const;

export interface Warning {
  id: AntipatternId;
  /** What was found, with names and values. */
  found: string;
  why: string;
  mend: string;
}

/** In the order of the table; none = nothing dangerous that this version can tell. */
export function lint(input: LintInput): Warning[] {
  return (Object.keys(ANTIPATTERNS) as AntipatternId[]).flatMap((id) => {
    const { found, why, mend } = ANTIPATTERNS[id];
    const seen = found(input);
    return seen === null ? [] : [{ id, found: seen, why, mend }];
  });
}

/** By a key, in the order of their first; those without one are left out. */
function grouped(agents: LintAgent[], keyOf: (agent: LintAgent) => string | null): [string, LintAgent[]][] {
  const groups = new Map<string, LintAgent[]>();
  for (const agent of agents) {
    const key = keyOf(agent);
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), agent]);
  }
  return [...groups];
}

/** Every threshold that makes the watchdog wait, by its key. */
function waits({ stall, backoff, limit, massDeath, patrol }: Settings): [string, number][] {
  return [
    ['watchdog.stall.nudgeAfter', stall.nudgeAfterMs],
    ['watchdog.stall.restartAfter', stall.restartAfterMs],
    ['watchdog.stall.toolLimit', stall.toolLimitMs],
    ['watchdog.stall.silentAfter', stall.silentAfterMs],
    ['watchdog.backoff.cap', backoff.capMs],
    ['watchdog.limit.cap', limit.capMs],
    ['watchdog.massDeath.cap', massDeath.capMs],
    ['patrol.every', patrol.everyMs],
  ];
}

const isIn = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder.replace(/\/$/, '')}/`);

const hasBackup = (head: LintAgent, agents: LintAgent[]): boolean =>
  head.fallback.length > 0 || (head.role !== null && agents.some((a) => a !== head && a.role === head.role));

/** By CLI where it has one vendor, else by the model's name; null = cannot be told. */
function vendorOf({ cli, model }: Pick<LintAgent, 'cli' | 'model'>): string | null {
  const known: Record<string, string> = { claude: 'Anthropic', tutti: 'Anthropic', codex: 'OpenAI', gemini: 'Google' };
  if (Object.hasOwn(known, cli)) return known[cli] ?? null;
  const found = VENDORS.find(([pattern]) => pattern.test(model ?? ''));
  return found?.[1] ?? null;
}

const VENDORS: readonly (readonly [RegExp, string])[] = [
  [/claude|anthropic|sonnet|opus|haiku/i, 'Anthropic'],
  [/gpt|openai|codex/i, 'OpenAI'],
  [/gemini|google/i, 'Google'],
];
