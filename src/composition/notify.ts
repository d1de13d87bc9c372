/** The sinks of config.yaml, with the variables that they name: of this environment, else as the last command that had them. */
import { readFileSync } from 'node:fs';
import { sinksOf } from '../core/config/notify.ts';
import type { NotifyConfig, SinkConfig } from '../core/config/notify-schema.ts';
import type { Notifier } from '../supervisor/ports.ts';
import { errorCode, replaceFileSync } from '../system/disk.ts';
import { createNotifier } from '../system/notify/index.ts';
import { namesIn } from '../system/notify/variables.ts';
import type { HomePaths } from '../system/paths.ts';

type Env = Record<string, string | undefined>;

const templates = (sink: SinkConfig): string[] =>
  sink.type === 'webhook' ? [sink.url, ...Object.values(sink.headers ?? {})] : [];

/**
 * Keeps the variables that this environment has in env/notify.json, for a supervisor that starts without them (it is started with an
 * allow-list), and gives all that are known.
 */
export function keepVariables(paths: HomePaths, env: Env, config: NotifyConfig | undefined): Record<string, string> {
  const names = namesIn(sinksOf(config).flatMap(templates));
  if (names.length === 0) return {};
  const kept = readKept(paths.notifyEnv);
  const known = Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name] || kept[name];
      return value ? [[name, value]] : [];
    }),
  );
  const text = `${JSON.stringify(known)}\n`;
  if (JSON.stringify(kept) !== JSON.stringify(known)) replaceFileSync(paths.notifyEnv, text);
  return known;
}

/** Nothing where there is no file, or one that cannot be read as variables: they are then missing, and it is said. */
function readKept(path: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}

export function notifierFor(paths: HomePaths, env: Env, config: NotifyConfig | undefined): Notifier {
  return createNotifier({
    sinks: sinksOf(config),
    variables: keepVariables(paths, env, config),
    env,
    cwd: paths.home,
  });
}

/** Zone of this machine's clock: what times of day in the configuration mean. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
