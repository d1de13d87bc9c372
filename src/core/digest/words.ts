/** A digest in words: what needs a person first. Pure. */
import type { AgentDigest, Digest } from './digest.ts';

const ALERTS_SHOWN = 10;

const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
const tokens = (n: number): string =>
  n >= 1_000_000 ? `${(n / 1_000_000).toFixed(1)}M` : n >= 1_000 ? `${Math.round(n / 1_000)}k` : String(n);

/** One line for each agent; without what did not happen. */
function agentLine(a: AgentDigest): string {
  const parts = [
    a.turns.ok > 0 ? `${plural(a.turns.ok, 'turn')} done` : '',
    a.turns.failed > 0 ? `${plural(a.turns.failed, 'turn')} not` : '',
    a.crashes > 0 ? `ended unexpectedly ${plural(a.crashes, 'time')}` : '',
    a.limits > 0 ? `held by a limit ${plural(a.limits, 'time')}` : '',
    a.asked > 0 ? `asked ${plural(a.asked, 'time')}, ${a.answered} answered` : '',
    a.tokens > 0 ? `${tokens(a.tokens)} tokens` : '',
    a.costUsd === null ? '' : `${a.estimated ? 'about ' : ''}$${a.costUsd.toFixed(2)}`,
  ].filter((part) => part !== '');
  const now = a.state === 'gone' ? 'removed' : `${a.state}${a.reason ? ` (${a.reason})` : ''}`;
  return `${a.agent}: ${now}${parts.length > 0 ? ` · ${parts.join(' · ')}` : ''}`;
}

export function digestText(digest: Digest): string {
  const waiting = digest.agents.flatMap((a) => a.waits.map((wait) => `  ${a.agent}  ${wait}`));
  const failed = digest.agents.filter((a) => a.state === 'failed').map((a) => `  ${a.agent}  ${a.reason ?? ''}`);
  const costs = digest.agents.filter((a) => a.costUsd !== null);
  const cost = costs.reduce((sum, a) => sum + (a.costUsd ?? 0), 0);
  const turns = digest.agents.reduce((sum, a) => sum + a.turns.ok, 0);
  const restarts = digest.agents.reduce((sum, a) => sum + a.crashes, 0);
  const about = costs.some((a) => a.estimated) ? 'about ' : '';
  const sums = [
    `${plural(turns, 'turn')} done`,
    plural(restarts, 'unexpected end'),
    ...(costs.length > 0 ? [`${about}$${cost.toFixed(2)}`] : []),
    ...(digest.crashes > 0 ? [`the supervisor was started again ${plural(digest.crashes, 'time')}`] : []),
  ];
  const active = digest.agents.filter(
    (a) => a.turns.ok + a.turns.failed + a.crashes + a.messages + a.failures.length > 0,
  );
  const alerts = digest.alerts.slice(-ALERTS_SHOWN).map((alert) => `  ${alert.at}  ${alert.severity}  ${alert.text}`);
  const earlier = digest.alerts.length + digest.moreAlerts - alerts.length;
  return [
    `Since ${digest.since}: ${sums.join(', ')}.`,
    ...section('Waits for you:', waiting),
    ...section('Has given up:', failed),
    ...section(
      'Agents:',
      active.map((a) => `  ${agentLine(a)}`),
    ),
    ...section(`Alerts${earlier > 0 ? ` (${earlier} earlier ones not shown)` : ''}:`, alerts),
    ...section(
      'The patrol found:',
      digest.findings.map((text) => `  ${text}`),
    ),
  ].join('\n');
}

const section = (title: string, lines: string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);

/** A few lines, for a notification. */
export function digestSummary(digest: Digest): string {
  const waits = digest.agents.filter((a) => a.waits.length > 0).map((a) => a.agent);
  const failed = digest.agents.filter((a) => a.state === 'failed').map((a) => a.agent);
  const head = digestText(digest).split('\n')[0] ?? '';
  return [
    head,
    ...(waits.length > 0 ? [`waiting for you: ${waits.join(' ')}`] : []),
    ...(failed.length > 0 ? [`given up: ${failed.join(' ')}`] : []),
    'tutti digest tells more',
  ].join('\n');
}
