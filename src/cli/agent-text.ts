/** How an agent reads in tables and lines. Pure: agent object in, text out. */
import type { Agent } from '../client/index.ts';
import { formatDuration } from '../core/config/duration.ts';
import { LOOKS } from '../core/look.ts';
import { type Output, table } from './output.ts';

/** `limited 14:05`, `backoff 0:42`, `WAITING 3m`: the state with the time that matters for it. */
export function stateText(agent: Agent, now: number): string {
  const since = formatDuration(now - Date.parse(agent.since));
  switch (agent.state) {
    case 'waiting':
    case 'failed':
      return `${agent.state.toUpperCase()} ${since}`;
    case 'limited':
      return agent.resumeAt ? `limited until ${clockTime(agent.resumeAt, now)}` : 'limited';
    case 'backoff':
      return agent.resumeAt ? `backoff ${countdown(agent.resumeAt, now)}` : 'backoff';
    case 'idle':
    case 'working':
      return agent.state;
    default:
      return `${agent.state} ${since}`;
  }
}

/** Local time of day; with the date when it is another day. */
function clockTime(iso: string, now: number): string {
  const at = new Date(iso);
  const time = `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}:${String(at.getSeconds()).padStart(2, '0')}`;
  if (at.toDateString() === new Date(now).toDateString()) return time;
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')} ${time}`;
}

function countdown(iso: string, now: number): string {
  const s = Math.max(0, Math.ceil((Date.parse(iso) - now) / 1_000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

export function tokensText(agent: Agent): string {
  const { total, estimated } = agent.tokens;
  const text =
    total < 1_000
      ? String(total)
      : total < 1_000_000
        ? `${(total / 1_000).toFixed(1)}k`
        : `${(total / 1_000_000).toFixed(1)}M`;
  return estimated ? `~${text}` : text;
}

export function contextText(agent: Agent): string {
  const { used, limit } = agent.context;
  return used === null || limit === null || limit === 0 ? '-' : `${Math.round((used / limit) * 100)}%`;
}

export function costText(agent: Agent): string {
  if (agent.costUsd === null) return agent.budget.share === null ? '-' : `- (${shareText(agent)})`;
  const cost = `${agent.costEstimated ? '~' : ''}${agent.costUsd.toFixed(2)}`;
  return agent.budget.share === null ? cost : `${cost} (${shareText(agent)})`;
}

/** `83%` of the nearest cap. */
function shareText(agent: Agent): string {
  return `${Math.floor((agent.budget.share ?? 0) * 100)}%`;
}

/** Who needs a person first comes first, as in `top`. */
export function byAttention(a: Agent, b: Agent): number {
  return LOOKS[a.state].rank - LOOKS[b.state].rank || a.name.localeCompare(b.name);
}

export function agentTable(
  agents: Agent[],
  out: Output,
  options: { now: number; unicode: boolean; wide: boolean },
): string {
  const rows = agents.toSorted(byAttention).map((agent) => {
    const look = LOOKS[agent.state];
    const glyph = options.unicode ? look.glyph : look.ascii;
    const state = `${glyph} ${stateText(agent, options.now)}`;
    const quiet = agent.lastProgressAt ? formatDuration(options.now - Date.parse(agent.lastProgressAt)) : '-';
    const cells = [
      agent.name,
      look.color ? out.paint(look.color, state) : state,
      quiet,
      agent.cli,
      contextText(agent),
      tokensText(agent),
      costText(agent),
      String(agent.restarts),
      String(agent.queued),
    ];
    const wide = [agent.id, agent.project, agent.model ?? '-', agent.pid === null ? '-' : String(agent.pid), agent.cwd];
    return [...cells, ...(options.wide ? wide : []), nowText(agent)];
  });
  const right = 'right' as const;
  const columns = [
    { title: 'NAME' },
    { title: 'STATE' },
    { title: 'QUIET', align: right },
    { title: 'CLI' },
    { title: 'CTX', align: right },
    { title: 'TOKENS', align: right },
    { title: 'COST $', align: right },
    { title: 'RST', align: right },
    { title: 'QUEUE', align: right },
    ...(options.wide
      ? [{ title: 'ID' }, { title: 'PROJECT' }, { title: 'MODEL' }, { title: 'PID', align: right }, { title: 'FOLDER' }]
      : []),
    { title: 'WHY OR TASK' },
  ];
  return table(columns, rows, out.columns);
}

function nowText(agent: Agent): string {
  return (agent.reason ?? agent.task ?? '').replaceAll(/\s+/g, ' ').trim() || '-';
}

/** `show`: every fact on a line of its own. */
export function agentSheet(agent: Agent, now: number): string {
  const facts: [string, string | number | null][] = [
    ['id', agent.id],
    ['state', `${stateText(agent, now)} (wanted ${agent.wanted})`],
    ['reason', agent.reason],
    ['hint', agent.hint],
    ['project', agent.project],
    ['cli', agent.model ? `${agent.cli}, ${agent.model}` : agent.cli],
    ['task', agent.task],
    ['folder', agent.cwd],
    ['branch', agent.branch],
    ['conversation', agent.conversationId],
    [
      'process',
      agent.pid === null ? null : `pid ${agent.pid}, incarnation ${agent.incarnation}, ${agent.restarts} restarts`,
    ],
    ['host', agent.hostPid === null ? null : `pid ${agent.hostPid}`],
    ['attach', `tmux -L ${agent.tmux.socket} attach -t '=${agent.tmux.session}'`],
    [
      'tokens',
      `${tokensText(agent)} (${agent.tokens.input} in, ${agent.tokens.output} out, ${agent.tokens.cacheRead} cache read)`,
    ],
    [
      'cost',
      agent.costUsd === null ? null : `$${agent.costUsd.toFixed(4)}${agent.costEstimated ? ' (estimated)' : ''}`,
    ],
    ['budget', agent.budget.of === null ? null : `${shareText(agent)} of the ${agent.budget.of} is used`],
    [
      'no price for',
      agent.budget.unpricedTokens === 0 ? null : `${agent.budget.unpricedTokens} tokens, which no cap in USD counts`,
    ],
    ['context', agent.context.used === null ? null : `${agent.context.used} of ${agent.context.limit ?? '?'} tokens`],
    ['turns', `${agent.turns}, ${agent.toolCalls} tool calls, ${agent.queued} queued`],
    ['permissions', agent.permissions],
    ['account', agent.account],
    ['created', agent.createdAt],
    ['last progress', agent.lastProgressAt],
  ];
  return facts
    .filter(([, value]) => value !== null && value !== '')
    .map(([key, value]) => `${key.padEnd(14)}${value}`)
    .join('\n');
}
