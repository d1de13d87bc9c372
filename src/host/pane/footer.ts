/** The two rows at the end: what the agent is doing, and what the person types. Pure. */
import { LOOKS } from '../../core/look.ts';
import { actorOf, type Call, objectOf } from '../../core/transcript/call-text.ts';
import { oneLine, tail } from '../../core/transcript/cells.ts';
import type { Editor } from './editor.ts';
import type { PaneStatus } from './pane.ts';
import type { Footer } from './screen.ts';
import { type Row, type Style, span, spread } from '../../core/transcript/style.ts';
import { timeOfDay } from '../../core/transcript/time.ts';

/** Cells of the context bar. */
const BAR = 10;
const PROMPT = '> ';
/** From this share of the budget on, it stands out. */
const BUDGET_LOW = 0.8;

export interface Meter {
  contextUsed: number | null;
  contextLimit: number | null;
  costUsd: number | null;
}

export interface FooterFacts {
  status: PaneStatus;
  meter: Meter;
  /** A limit was met and no turn has begun since. */
  limit: { scope: string | null; resetsAt: number | null } | null;
  running: Call | null;
  /** The end of what the model is saying. */
  streaming: string;
  unicode: boolean;
  cwd: string | null;
}

const BOLD: Readonly<Record<string, Style>> = {
  yellow: 'boldYellow',
  red: 'boldRed',
  cyan: 'boldCyan',
  magenta: 'boldMagenta',
  green: 'boldGreen',
};

export function footerOf(facts: FooterFacts, editor: Editor, width: number): Footer {
  const { text, cursor } = editor.view(Math.max(1, width - PROMPT.length - 1));
  return {
    status: statusRow(facts, width),
    input: { text: PROMPT + text, cursor: PROMPT.length + cursor },
  };
}

function statusRow(facts: FooterFacts, width: number): Row {
  const { status, meter, unicode } = facts;
  const leave: Row = [span('Ctrl-b d detach', 'dim')];
  if (status.alarm !== null) return spread([span(`! ${oneLine(status.alarm)}`, 'boldRed')], leave, width);
  const limited = limitRow(facts);
  if (limited !== null) return spread(limited, leave, width);
  const look = LOOKS[status.state];
  const word = look.bold ? status.state.toUpperCase() : status.state;
  const style = look.color === null || look.color === 'gray' ? undefined : look.bold ? BOLD[look.color] : look.color;
  const row: Row = [
    span(`${unicode ? look.glyph : look.ascii} ${word}`, style as Style | undefined),
    span(` since ${timeOfDay(status.since)}`, 'dim'),
  ];
  const context = contextText(meter, unicode);
  if (context) row.push(span(`  ${context}`));
  if (meter.costUsd !== null) row.push(span(`  $${meter.costUsd.toFixed(2)}`));
  if (status.budget !== null)
    row.push(span(`  budget ${Math.floor(status.budget * 100)}%`, status.budget >= BUDGET_LOW ? 'yellow' : undefined));
  if (status.queued > 0) row.push(span(`  ${status.queued} queued`, 'yellow'));
  const now = nowText(facts, Math.max(0, width - 50));
  if (now !== '') row.push(span(`  ${now}`, 'dim'));
  return spread(row, leave, width);
}

/** Instead of `idle`: what it waits for. Messages that are queued meanwhile go in when the limit resets. */
function limitRow({ status, limit, unicode }: FooterFacts): Row | null {
  if (limit === null || status.state !== 'idle') return null;
  const until = limit.resetsAt === null ? '' : `, resumes ${timeOfDay(limit.resetsAt)}`;
  const row: Row = [
    span(`${unicode ? LOOKS.limited.glyph : LOOKS.limited.ascii} LIMITED`, 'boldMagenta'),
    span(` ${oneLine(limit.scope ?? 'rate limit')}${until}`, 'magenta'),
  ];
  if (status.queued > 0) row.push(span(`  ${status.queued} queued`, 'yellow'));
  return row;
}

function contextText({ contextUsed, contextLimit }: Meter, unicode: boolean): string {
  if (contextUsed === null || contextLimit === null || contextLimit <= 0) return '';
  const part = Math.min(1, contextUsed / contextLimit);
  const full = Math.round(part * BAR);
  const bar = (unicode ? '█' : '#').repeat(full) + (unicode ? '·' : '.').repeat(BAR - full);
  return `ctx ${Math.round(part * 100)}% [${bar}]`;
}

function nowText({ running, streaming, status, cwd }: FooterFacts, width: number): string {
  if (status.state !== 'working') return '';
  if (running) return `${actorOf(running)}: ${objectOf(running, cwd)}`;
  return streaming === '' ? '' : tail(oneLine(streaming), width);
}
