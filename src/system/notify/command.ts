/** A command of the user's: the alert as JSON on stdin, and in TUTTI_ALERT_* variables. Started from an argument list. */
import { basename } from 'node:path';
import { agentEnvironment } from '../environment.ts';
import { runProcess } from '../process.ts';
import type { Sink } from './sink.ts';

/** Then it is killed. Milliseconds. */
export const COMMAND_LIMIT_MS = 10_000;

export function commandSink(
  argv: string[],
  { env, cwd }: { env: Record<string, string | undefined>; cwd: string },
): Sink {
  const label = `command ${basename(argv[0] ?? '')}`;
  return {
    label,
    secrets: {},
    async send({ words, document }) {
      const result = await runProcess(argv, {
        timeoutMs: COMMAND_LIMIT_MS,
        cwd,
        env: {
          ...agentEnvironment(env),
          TUTTI_ALERT_ID: document.id,
          TUTTI_ALERT_SEVERITY: words.severity,
          TUTTI_ALERT_TITLE: words.title,
          TUTTI_ALERT_TEXT: words.text,
          TUTTI_ALERT_HINT: words.hint ?? '',
          TUTTI_ALERT_COUNT: String(words.count),
          TUTTI_ALERT_AGENT: document.alerts[0]?.agent ?? '',
        },
        input: `${JSON.stringify(document)}\n`,
      });
      if (result.ok) return null;
      if (result.how === 'timeout') return `it did not end within ${COMMAND_LIMIT_MS / 1_000} s`;
      if (!result.started) return 'it could not be started';
      return `it ended with ${result.signal ?? `status ${result.code}`}: ${result.stderr.trim().slice(-200)}`;
    },
  };
}
