/**
 * `system/service/` is the service manager's side of the supervisor: the files that have it started (systemd user unit, launchd
 * agent), the programs that install them, word to the manager while it runs, and the tally of its deaths.
 *
 * This file: what those files are made from, and what of the environment goes into them.
 */
import { isAbsolute, join, resolve } from 'node:path';
import { secretsAmong } from '../environment.ts';
import { defaultHome, homePaths, realPath } from '../paths.ts';
import { secretText } from '../redact.ts';

type Environment = Record<string, string | undefined>;

export type ServiceKind = 'systemd' | 'launchd';

/** What the files of a service are made from. */
export interface ServicePlace {
  /** Real path of TUTTI_HOME. */
  home: string;
  home8: string;
  /** Is it the home without TUTTI_HOME? Its service has the plain name. */
  isDefault: boolean;
  /** HOME of the user. */
  userHome: string;
  /** Where systemd looks for user units. */
  unitFolder: string;
  /** The Node and the program that run now: the launcher tries them first. */
  node: string;
  main: string;
  env: Record<string, string>;
  /** null: not known, so nothing newer than what every systemd knows is used. */
  systemdVersion: number | null;
}

export interface PlaceOptions {
  home: string;
  env: Environment;
  node: string;
  /** dist/main.js. */
  main: string;
  systemdVersion: number | null;
}

/** Throws a sentence for the user when a path cannot stand in a unit. */
export function servicePlace({ home, env, node, main, systemdVersion }: PlaceOptions): ServicePlace {
  const paths = homePaths(home);
  const userHome = env['HOME'] ?? '';
  if (!isAbsolute(userHome)) throw new Error('HOME is not set: a service belongs to a user with a home');
  for (const path of [paths.home, userHome, node, main]) requirePlain(path);
  const config = env['XDG_CONFIG_HOME'];
  return {
    home: paths.home,
    home8: paths.home8,
    isDefault: paths.home === realPath(defaultHome(env)),
    userHome,
    unitFolder: join(config && isAbsolute(config) ? config : join(userHome, '.config'), 'systemd/user'),
    node,
    main,
    env: { ...serviceEnvironment(env), TUTTI_HOME: paths.home },
    systemdVersion,
  };
}

/** A line break would end a line of the unit. */
function requirePlain(path: string): void {
  if (hasControl(path)) throw new Error(`${JSON.stringify(path)} has a control character: it cannot stand in a unit`);
}

const hasControl = (text: string): boolean => /\p{Cc}/u.test(text);

/** Names that a service keeps of the shell that installed it. */
const KEPT = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'TUTTI_CONFIG', 'TUTTI_PORT', 'TUTTI_TMUX'];
const KEPT_PREFIXES = ['LC_', 'XDG_'];
/** Of one login: the next one has others, and the manager gives its own. */
const OF_A_LOGIN = ['XDG_RUNTIME_DIR', 'XDG_SEAT', 'XDG_VTNR', 'XDG_CURRENT_DESKTOP', 'XDG_MENU_PREFIX'];

/**
 * What of a shell's environment goes into a unit: an allow-list without anything of one login (SSH_AUTH_SOCK too), and without
 * whatever has the name or the form of a secret. PATH without folders that are relative or named twice.
 */
export function serviceEnvironment(env: Environment): Record<string, string> {
  const secrets = secretsAmong(env);
  const forms = secretText({});
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || hasControl(value)) continue;
    if (!KEPT.includes(name) && !KEPT_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    if (OF_A_LOGIN.includes(name) || name.startsWith('XDG_SESSION_')) continue;
    if (name in secrets || forms.find(value) !== null) continue;
    kept[name] = name === 'PATH' ? plainPath(value) : name === 'TUTTI_CONFIG' ? resolve(value) : value;
  }
  return kept;
}

function plainPath(path: string): string {
  return [...new Set(path.split(':'))].filter(isAbsolute).join(':');
}
