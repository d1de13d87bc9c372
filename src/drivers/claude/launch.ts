/** How claude is started: for us, and for a person's own session on the same conversation. */
import type { Launch, LaunchSpec } from '../driver.ts';
import { number } from './fields.ts';

/** claude's own retries per request, so that the supervisor learns of a limit within seconds (its default waits three minutes). */
export const OWN_RETRIES = 3;
/** A request without a first byte is given up after this long, and told as a retry, before the agent would be judged stalled. Milliseconds. */
export const FIRST_BYTE_LIMIT_MS = 240_000;

const STREAM = [
  '-p',
  ...['--input-format', 'stream-json'],
  ...['--output-format', 'stream-json'],
  '--verbose',
  '--include-partial-messages',
  '--replay-user-messages',
  ...['--permission-prompt-tool', 'stdio'],
] as const;

export function launch(spec: LaunchSpec): Launch {
  return {
    argv: [
      ...program(spec),
      ...STREAM,
      ...conversation(spec),
      ...permissions(spec),
      ...model(spec),
      ...budget(spec),
      ...spec.args,
    ],
    env: environment(),
    defaults: {
      CLAUDE_CODE_MAX_RETRIES: String(OWN_RETRIES),
      API_TIMEOUT_MS: String(FIRST_BYTE_LIMIT_MS),
    },
  };
}

/** The person's own UI. It asks for permissions itself; `bypass` is not carried over. */
export function takeOver(spec: LaunchSpec): Launch {
  return {
    argv: [...program(spec), ...conversation(spec), ...model(spec), ...spec.args],
    env: { DISABLE_AUTOUPDATER: '1' },
  };
}

const program = (spec: LaunchSpec): string[] => (spec.command.length > 0 ? spec.command : ['claude']);

function conversation(spec: LaunchSpec): string[] {
  if (spec.conversationId === null) return [];
  return [spec.resume ? '--resume' : '--session-id', spec.conversationId];
}

/** Everything is asked through us in `default` mode; a deny of our gate holds in the other one as well. */
const permissions = (spec: LaunchSpec): string[] =>
  spec.permissions === 'bypass' ? ['--dangerously-skip-permissions'] : ['--permission-mode', 'default'];

const model = (spec: LaunchSpec): string[] => (spec.model === null ? [] : ['--model', spec.model]);

function budget(spec: LaunchSpec): string[] {
  const usd = number(spec.settings.maxBudgetUsd);
  return usd === null || usd <= 0 ? [] : ['--max-budget-usd', String(usd)];
}

function environment(): Record<string, string> {
  return {
    // Writes the transcript before `init` and before `result`: without it an answered message is lost to a kill within 100 ms.
    CLAUDE_CODE_EAGER_FLUSH: '1',
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1',
    DISABLE_AUTOUPDATER: '1',
  };
}
