/** How each state looks in words and glyphs, everywhere the same: ps, pane, status line, top, page. Never colour alone. */
import type { AgentStateName } from './event.ts';

export interface Look {
  glyph: string;
  /** For a locale without UTF-8, or TUTTI_ASCII=1. */
  ascii: string;
  /** Colour name of the terminal's own palette; null = its default. */
  color: 'yellow' | 'red' | 'cyan' | 'magenta' | 'green' | 'gray' | null;
  bold: boolean;
  /** Order by who needs a person first; lower comes first. */
  rank: number;
}

export const LOOKS = {
  waiting: { glyph: '▲', ascii: '?', color: 'yellow', bold: true, rank: 1 },
  failed: { glyph: '✗', ascii: 'X', color: 'red', bold: true, rank: 2 },
  taken: { glyph: '◆', ascii: '&', color: 'cyan', bold: true, rank: 4 },
  limited: { glyph: '‖', ascii: '=', color: 'magenta', bold: false, rank: 5 },
  backoff: { glyph: '↻', ascii: '@', color: 'magenta', bold: false, rank: 6 },
  stopping: { glyph: '◐', ascii: '/', color: 'green', bold: false, rank: 7 },
  starting: { glyph: '◌', ascii: '.', color: 'green', bold: false, rank: 8 },
  working: { glyph: '●', ascii: '*', color: 'green', bold: false, rank: 9 },
  idle: { glyph: '○', ascii: 'o', color: null, bold: false, rank: 10 },
  paused: { glyph: '◇', ascii: '~', color: 'gray', bold: false, rank: 10 },
  done: { glyph: '✓', ascii: '+', color: 'gray', bold: false, rank: 11 },
  stopped: { glyph: '■', ascii: '#', color: 'gray', bold: false, rank: 12 },
} as const satisfies Record<AgentStateName, Look>;

/** False where the locale cannot show the glyphs. */
export function wantsUnicode(env: Record<string, string | undefined>): boolean {
  if (env.TUTTI_ASCII === '1') return false;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale) || locale === '';
}
