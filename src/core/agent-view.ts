/** The agent object of contract.md §3, as every surface shows it: all keys, null where a fact is not known. */
import { cliAlive, runnerOf } from './agent.ts';
import { contextLimit } from './budget/context.ts';
import { capText, type nearest } from './budget/caps.ts';
import { spentUsd } from './budget/purse.ts';
import type { AgentStateName, IsoTime, Wanted } from './event.ts';
import type { AgentState } from './state.ts';
import type { Caps } from './step.ts';
import { reportsCost } from './prices.ts';
import { type Phase, phaseOf, STATUS, type Status } from './tables.ts';

export interface AgentObject {
  id: string;
  name: string;
  project: string;
  cli: string;
  model: string | null;
  role: string | null;
  parentId: string | null;
  zone: string | null;
  task: string | null;
  cwd: string;
  worktree: string | null;
  branch: string | null;
  createdAt: IsoTime;
  wanted: Wanted;
  state: AgentStateName;
  status: Status;
  phase: Phase;
  reason: string | null;
  hint: string | null;
  resumeAt: IsoTime | null;
  since: IsoTime;
  pid: number | null;
  hostPid: number | null;
  incarnation: number;
  restarts: number;
  conversationId: string | null;
  tmux: { socket: string; session: string };
  tokens: {
    input: number;
    output: number;
    cacheRead: number;
    cacheWrite: number;
    total: number;
    estimated: boolean;
  };
  costUsd: number | null;
  context: { used: number | null; limit: number | null };
  /** Part of `costUsd` is an estimate by list prices. */
  costEstimated: boolean;
  /** Caps of its own; `share` is how much of the nearest cap that holds for it is used (0..1 and beyond), `of` which one that is;
   * `unpricedTokens` are in no cap in USD, for nobody knows their price. */
  budget: {
    usd: number | null;
    tokens: number | null;
    perDay: Caps | null;
    share: number | null;
    of: string | null;
    unpricedTokens: number;
  };
  queued: number;
  turns: number;
  toolCalls: number;
  filesConsumed: string[];
  filesProduced: string[];
  lastEventAt: IsoTime | null;
  lastProgressAt: IsoTime | null;
  account: string;
  permissions: 'ask' | 'auto' | 'bypass';
}

/** The cap that is nearest to its end; the state alone does not know what the configuration and the day say. */
type Nearest = NonNullable<ReturnType<typeof nearest>>;

/** Session name of an agent: its name, with what tmux does not take replaced. */
export const sessionName = (name: string): string => name.replace(/[.:]/g, '_');

/** @param place `tmuxSocket`: name of the home's tmux socket (`tmux -L`), which the state does not know. */
export function agentView(a: AgentState, place: { tmuxSocket: string; nearest?: Nearest | null }): AgentObject {
  const { spec, tokens } = a;
  const runner = runnerOf(a);
  return {
    id: a.id,
    name: a.name,
    project: a.project,
    cli: runner.cli,
    model: a.model,
    role: spec.role,
    parentId: spec.parentId,
    zone: spec.zone,
    task: spec.task,
    cwd: spec.cwd,
    worktree: spec.worktree,
    branch: spec.branch,
    createdAt: a.createdAt,
    wanted: a.wanted,
    state: a.state,
    status: STATUS[a.state],
    phase: phaseOf(a.state, a.taskOpen),
    reason: a.reason,
    hint: a.hint,
    resumeAt: a.resumeAt,
    since: a.since,
    pid: cliAlive(a) ? a.cli.pid : null,
    hostPid: a.host.pid,
    incarnation: a.cli.incarnation,
    restarts: a.restarts,
    conversationId: a.conversationId,
    tmux: { socket: place.tmuxSocket, session: sessionName(a.name) },
    tokens: { ...tokens, total: tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite },
    costUsd: a.purse.reported || spentUsd(a.purse) > 0 ? spentUsd(a.purse) : null,
    costEstimated: a.purse.estimated + a.purse.open > 0,
    context: { used: a.context.used, limit: contextLimit(a) },
    budget: {
      usd: spec.budget.usd,
      tokens: spec.budget.tokens,
      perDay: spec.budget.perDay ?? null,
      share: place.nearest?.share ?? null,
      of: place.nearest ? capText(place.nearest.cap) : null,
      unpricedTokens: a.purse.unpriced - a.purse.openUnpriced + (reportsCost(runner.cli) ? 0 : a.purse.openUnpriced),
    },
    queued: a.queue.length,
    turns: a.turns,
    toolCalls: a.toolCalls,
    filesConsumed: [...a.filesConsumed],
    filesProduced: [...a.filesProduced],
    lastEventAt: a.lastEventAt,
    lastProgressAt: a.lastProgressAt,
    account: runner.account,
    permissions: spec.permissions,
  };
}
