/** The systemd user unit. */
import { join } from 'node:path';
import { launcherPath } from './launcher.ts';
import type { ServicePlace } from './place.ts';

/** The loop has to have turned within this, or systemd ends the supervisor and starts it anew. Seconds. */
const WATCHDOG_S = 180;
/** Recovery reads every journal to its end before READY: on a slow disk with many agents that takes its time. Seconds. */
const START_LIMIT_S = 600;
/** Its end has three steps of at most 10 s each (API, saving, tmux). Seconds. */
const STOP_LIMIT_S = 45;
/** Wait before a restart, and the longest one where systemd itself lets it grow. Seconds. */
const RESTART_S = 1;
const RESTART_MAX_S = 60;
const RESTART_STEPS = 6;
/** The first systemd that knows RestartSteps and RestartMaxDelaySec. */
const GROWING_DELAY_SINCE = 254;
/** Tells the supervisor that the manager delays restarts, so that it does not wait as well. */
export const MANAGED_DELAY_VARIABLE = 'TUTTI_MANAGED_DELAY';

export function unitName(place: Pick<ServicePlace, 'isDefault' | 'home8'>): string {
  return place.isDefault ? 'tutti.service' : `tutti-${place.home8}.service`;
}

export function unitPath(place: ServicePlace): string {
  return join(place.unitFolder, unitName(place));
}

/**
 * KillMode=process: only the supervisor is ended; agents live in the tmux server's own scope, and where that could not be had
 * in this unit's group. RestartPreventExitStatus=0: it ends with 0 only when a person asked for it (`supervisor stop`, `down`).
 */
export function unitText(place: ServicePlace, mark: string): string {
  const grows = place.systemdVersion !== null && place.systemdVersion >= GROWING_DELAY_SINCE;
  const env = grows ? { ...place.env, [MANAGED_DELAY_VARIABLE]: '1' } : place.env;
  return [
    `# ${mark}`,
    '[Unit]',
    `Description=tutti, the supervisor of AI coding agents (${specifiers(place.home)})`,
    // Never give up: the growing delay is what keeps a supervisor that cannot start from costing anything.
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    // The word comes from systemd-notify, a child.
    'NotifyAccess=all',
    // Through sh: systemd takes no quote and no backslash in the name of a program, and homes may have them.
    `ExecStart=/bin/sh ${argument(launcherPath(place.home))}`,
    ...Object.entries(env).map(([name, value]) => `Environment=${word(`${name}=${value}`)}`),
    'UMask=0077',
    'Restart=always',
    `RestartSec=${RESTART_S}`,
    ...(grows ? [`RestartSteps=${RESTART_STEPS}`, `RestartMaxDelaySec=${RESTART_MAX_S}`] : []),
    'RestartPreventExitStatus=0',
    // How it ends at SIGTERM: in good order.
    'SuccessExitStatus=143',
    `WatchdogSec=${WATCHDOG_S}`,
    // Not ABRT: its core dump would hold secrets. What is on record needs no last words.
    'WatchdogSignal=SIGKILL',
    `TimeoutStartSec=${START_LIMIT_S}`,
    `TimeoutStopSec=${STOP_LIMIT_S}`,
    'KillMode=process',
    // One agent's build that eats all memory must not end the supervisor of the others.
    'OOMPolicy=continue',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

/** `%` begins a specifier. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

/** A quoted word, in the manner of systemd.syntax(7). */
function word(text: string): string {
  return `"${specifiers(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** In a command `$` is special too. */
function argument(path: string): string {
  return word(path).replaceAll('$', '$$$$');
}
