/** How codex is started: for us (`app-server`) and for a person (`codex resume`). */
import type { Launch, LaunchSpec, OutgoingMessage } from '../driver.ts';

export const PROGRAM = 'codex';

/** A TOML basic string and a JSON string are written alike. */
const config = (key: string, value: string | boolean): string[] => ['-c', `${key}=${JSON.stringify(value)}`];

const program = (spec: LaunchSpec): string[] => (spec.command.length > 0 ? spec.command : [PROGRAM]);

/** Sandbox by mode. Approvals are asked in every mode: with `never` no rule of ours would be heard. */
export const SANDBOX = {
  ask: 'workspace-write',
  auto: 'workspace-write',
  bypass: 'danger-full-access',
} as const satisfies Record<LaunchSpec['permissions'], string>;

export const APPROVAL_POLICY = 'untrusted';

/** Settings that hold in both UIs: the marker has to reach the commands even where the user's settings drop the environment. */
const common = (spec: LaunchSpec): string[] => [
  ...(spec.model === null ? [] : config('model', spec.model)),
  ...config('analytics.enabled', false),
  ...config('check_for_update_on_startup', false),
  ...config('shell_environment_policy.set.TUTTI_AGENT', spec.marker),
];

/** The message is not part of the launch: it goes through the protocol. */
export function launch(spec: LaunchSpec, _message: OutgoingMessage | null): Launch {
  return { argv: [...program(spec), 'app-server', ...common(spec), ...spec.args], env: {} };
}

/** `codex resume ID` in the pane; without a conversation, plain `codex`. */
export function takeOver(spec: LaunchSpec): Launch {
  const resume = spec.conversationId === null ? [] : ['resume', spec.conversationId];
  const mode = [...config('approval_policy', APPROVAL_POLICY), ...config('sandbox_mode', SANDBOX[spec.permissions])];
  return { argv: [...program(spec), ...resume, ...common(spec), ...mode, '-C', spec.cwd, ...spec.args], env: {} };
}
