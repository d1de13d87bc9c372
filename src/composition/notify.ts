/** The sinks of config.yaml, with the variables that they name: of this environment, else as the last command that had them. */
import { sinksOf } from '../core/config/notify.ts';
import type { NotifyConfig, SinkConfig } from '../core/config/notify-schema.ts';
import type { Notifier } from '../supervisor/ports.ts';
import { createNotifier } from '../system/notify/index.ts';
import type { HomePaths } from '../system/paths.ts';
import { keptVariables } from './kept-variables.ts';

type Env = Record<string, string | undefined>;

const templates = (sink: SinkConfig): string[] =>
  sink.type === 'webhook' ? [sink.url, ...Object.values(sink.headers ?? {})] : [];

/** Kept in env/notify.json. */
export const notifyVariables = (paths: HomePaths, env: Env, config: NotifyConfig | undefined): Record<string, string> =>
  keptVariables(paths.notifyEnv, env, sinksOf(config).flatMap(templates));

export function notifierFor(paths: HomePaths, env: Env, config: NotifyConfig | undefined): Notifier {
  return createNotifier({
    sinks: sinksOf(config),
    variables: notifyVariables(paths, env, config),
    env,
    cwd: paths.home,
  });
}

/** Zone of this machine's clock: what times of day in the configuration mean. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
