/** Would an alert arrive? Programs and variables that the sinks of config.yaml need. Sends nothing. */
import { sinksOf } from '../../../core/config/notify.ts';
import type { SinkConfig } from '../../../core/config/notify-schema.ts';
import { desktopProgram } from '../../../system/notify/desktop.ts';
import { namesIn } from '../../../system/notify/variables.ts';
import { findProgram } from '../../../system/process.ts';
import { loadUserConfig } from '../../config-file.ts';
import { failureOf } from '../../failure.ts';
import type { Check, Finding } from './check.ts';

type Env = Record<string, string | undefined>;

export const checkNotify: Check = async ({ env }) => {
  const sinks = configuredSinks(env);
  if (sinks === null) return [];
  if (sinks.length === 0) {
    const fix = 'add  notify: [{ type: desktop }]  to config.yaml to be told when an agent waits for you';
    return [{ id: 'notify', grade: 'skip', message: 'nobody is told of alerts: config.yaml names no sink', fix }];
  }
  const findings = sinks.flatMap((sink) => troubleOf(sink, env));
  if (findings.length > 0) return findings;
  const kinds = sinks.map((sink) => sink.type).join(', ');
  return [{ id: 'notify', grade: 'ok', message: `alerts go to: ${kinds}`, fix: null }];
};

/** null: the file is broken, which another check reports. */
function configuredSinks(env: Env): SinkConfig[] | null {
  try {
    return sinksOf(loadUserConfig(env as NodeJS.ProcessEnv)?.notify);
  } catch (error) {
    if (failureOf(error)) return null;
    throw error;
  }
}

function troubleOf(sink: SinkConfig, env: Env): Finding[] {
  const warn = (message: string, fix: string): Finding[] => [{ id: 'notify', grade: 'warn', message, fix }];
  if (sink.type === 'desktop') {
    if (desktopProgram(env) !== null) return [];
    return warn(
      'alerts cannot be shown on the desktop: notify-send is not on PATH',
      'install libnotify (apt install libnotify-bin), or remove the sink',
    );
  }
  if (sink.type === 'command') {
    const [program = ''] = sink.command;
    if (findProgram(program, env) !== null) return [];
    return warn(`alerts go to ${program}, which is not on PATH`, 'name its whole path in notify');
  }
  const missing = namesIn([sink.url, ...Object.values(sink.headers ?? {})]).filter((name) => !env[name]);
  if (missing.length === 0) return [];
  return warn(
    `the webhook of notify needs ${missing.map((name) => `\${${name}}`).join(' ')}, which this shell does not have`,
    'set it, then tutti supervisor restart; a supervisor that had it once goes on with what was kept',
  );
}
