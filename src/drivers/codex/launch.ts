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

/** Requests that codex repeats by itself, and streams that it opens anew, where its provider is known. */
export const OWN_RETRIES = 1;
/** A stream without a word is opened anew after this long. Milliseconds. */
export const SILENT_STREAM_MS = 240_000;

/**
 * codex has these settings per provider alone, and refuses them for the one that it brings along: they are set for the provider that
 * `settings.provider` of the agent names. `clis.codex.args` comes later and wins.
 */
function patience({ settings }: LaunchSpec): string[] {
  const { provider } = settings;
  if (typeof provider !== 'string' || !/^[A-Za-z0-9_-]+$/.test(provider)) return [];
  const set = (key: string, value: number): string[] => ['-c', `model_providers.${provider}.${key}=${value}`];
  return [
    ...set('request_max_retries', OWN_RETRIES),
    ...set('stream_max_retries', OWN_RETRIES),
    ...set('stream_idle_timeout_ms', SILENT_STREAM_MS),
  ];
}

/** The message is not part of the launch: it goes through the protocol. */
export function launch(spec: LaunchSpec, _message: OutgoingMessage | null): Launch {
  return { argv: [...program(spec), 'app-server', ...common(spec), ...patience(spec), ...spec.args], env: {} };
}

/** `codex resume ID` in the pane; without a conversation, plain `codex`. */
export function takeOver(spec: LaunchSpec): Launch {
  const resume = spec.conversationId === null ? [] : ['resume', spec.conversationId];
  const mode = [...config('approval_policy', APPROVAL_POLICY), ...config('sandbox_mode', SANDBOX[spec.permissions])];
  return { argv: [...program(spec), ...resume, ...common(spec), ...mode, '-C', spec.cwd, ...spec.args], env: {} };
}
