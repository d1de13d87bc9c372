/** The user's systemd, where there is one: how it is reached, and whether it outlives the user's logins. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { agentEnvironment } from '../environment.ts';
import { runProcess } from '../process.ts';

type Environment = Record<string, string | undefined>;

/** A manager that takes longer does not answer. Milliseconds. */
export const MANAGER_LIMIT_MS = 20_000;

/** What systemctl and its like need: where the manager's sockets are. After `su` or in cron the variable is missing, the folder is not. */
export function userManagerEnvironment(env: Environment): Record<string, string> {
  const runtime = env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`;
  const bus = env['DBUS_SESSION_BUS_ADDRESS'];
  return {
    ...agentEnvironment(env),
    ...(existsSync(runtime) ? { XDG_RUNTIME_DIR: runtime } : {}),
    ...(bus === undefined ? {} : { DBUS_SESSION_BUS_ADDRESS: bus }),
  };
}

/** Is a user manager there? Told by its socket, without starting anything. */
export function hasUserManager(env: Environment): boolean {
  const runtime = userManagerEnvironment(env)['XDG_RUNTIME_DIR'];
  return runtime !== undefined && existsSync(join(runtime, 'systemd', 'private'));
}

/** Does the user's manager run without a login? null: this machine has no logind. `folder` is where logind notes it. */
export function lingers(folder = '/var/lib/systemd/linger'): boolean | null {
  if (existsSync(join(folder, userInfo().username))) return true;
  return existsSync('/run/systemd/system') ? false : null;
}

/** Version of systemd, or null where there is none. */
export async function systemdVersion(env: Environment): Promise<number | null> {
  const asked = await runProcess(['systemctl', '--version'], {
    env: userManagerEnvironment(env),
    timeoutMs: MANAGER_LIMIT_MS,
  });
  const version = /^systemd (\d+)/.exec(asked.stdout)?.[1];
  return asked.ok && version !== undefined ? Number(version) : null;
}

/** Lets this user's programs run without a login. Returns why it was refused, or null. */
export async function enableLinger(env: Environment): Promise<string | null> {
  const asked = await runProcess(['loginctl', 'enable-linger'], {
    env: userManagerEnvironment(env),
    timeoutMs: MANAGER_LIMIT_MS,
  });
  return asked.ok ? null : (asked.stderr || asked.message).trim();
}
