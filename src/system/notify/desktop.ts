/** A bubble on the desktop, through the first program on PATH that can show one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Severity } from '../../core/alerts/alert.ts';
import type { Words } from '../../core/alerts/words.ts';
import { agentEnvironment } from '../environment.ts';
import { findProgram, runProcess } from '../process.ts';
import type { Sink } from './sink.ts';

type Environment = Record<string, string | undefined>;

/** Milliseconds. */
const DESKTOP_LIMIT_MS = 5_000;

const URGENCY = { info: 'low', warning: 'normal', urgent: 'critical' } as const satisfies Record<Severity, string>;

/** In the order in which they are looked for. Text goes as an argument of its own, never into a script. */
const PROGRAMS: Record<string, (words: Words) => string[]> = {
  'notify-send': ({ title, text, severity }) => ['-a', 'tutti', '-u', URGENCY[severity], '--', title, text],
  'terminal-notifier': ({ title, text }) => ['-title', title, '-message', text, '-group', 'tutti'],
  osascript: ({ title, text }) => [
    ...['-e', 'on run argv'],
    ...['-e', 'display notification (item 2 of argv) with title (item 1 of argv)'],
    ...['-e', 'end run', title, text],
  ],
};

/** The program that shows bubbles here; null when there is none. */
export function desktopProgram(env: Environment): string | null {
  return Object.keys(PROGRAMS).find((name) => findProgram(name, env) !== null) ?? null;
}

export function desktopSink(env: Environment): Sink {
  return {
    label: 'desktop',
    secrets: {},
    async send({ words }) {
      const program = desktopProgram(env);
      const args = program === null ? undefined : PROGRAMS[program];
      if (program === null || !args) return `none of ${Object.keys(PROGRAMS).join(', ')} is on PATH`;
      const path = findProgram(program, env) ?? program;
      const result = await runProcess([path, ...args(words)], {
        timeoutMs: DESKTOP_LIMIT_MS,
        env: { ...agentEnvironment(env), ...busOf(env) },
      });
      return result.ok ? null : `${program}: ${result.message.split('\n')[0] ?? 'it failed'}`;
    },
  };
}

/** The supervisor's own environment is an allow-list: where the session's bus is follows from the run-time folder. */
function busOf(env: Environment): Record<string, string> {
  const folder = env['XDG_RUNTIME_DIR'];
  const bus = folder ? join(folder, 'bus') : null;
  return bus !== null && existsSync(bus) ? { DBUS_SESSION_BUS_ADDRESS: `unix:path=${bus}` } : {};
}
