/**
 * A systemd scope for the tmux server, so that neither the end of the unit nor that of an SSH session takes the agents along.
 * Only where the user's manager outlives the logins: as a service, or with lingering. Without lingering the manager ends with
 * the last login, and everything in its scopes with it, while a login's leftovers live on: there a scope would be the danger.
 */
import { findProgram } from '../process.ts';
import type { Scope } from '../tmux/server.ts';
import { clock } from '../clock.ts';
import { hasUserManager, lingers, systemdVersion, userManagerEnvironment } from './user-manager.ts';

type Environment = Record<string, string | undefined>;

/** Scopes have an OOMPolicy since this systemd; its default there would end all agents when one build eats all memory. */
const OOM_POLICY_SINCE = 253;

export interface ScopeOptions {
  env: Environment;
  /** tmux's socket name: part of the scope's. */
  socket: string;
  /** We are a unit of the user's manager ourselves. */
  isService: boolean;
  onProblem(text: string): void;
  /** As `lingers`. */
  lingering?: () => boolean | null;
}

export function tmuxScope({ env, socket, isService, onProblem, lingering = lingers }: ScopeOptions): Scope {
  return {
    env: userManagerEnvironment(env),
    async wrap(argv) {
      if (!hasUserManager(env) || (!isService && lingering() !== true)) return null;
      if (findProgram('systemd-run', env) === null) return null;
      const version = await systemdVersion(env);
      const policy = version !== null && version >= OOM_POLICY_SINCE ? ['--property=OOMPolicy=continue'] : [];
      // A scope of the same name may still hold what an agent left behind.
      const name = `${socket}-${clock.uuid().slice(0, 8)}.scope`;
      const what = `--description=agents of tutti (tmux -L ${socket})`;
      return [
        'systemd-run',
        '--user',
        '--scope',
        '--quiet',
        '--collect',
        `--unit=${name}`,
        what,
        ...policy,
        '--',
        ...argv,
      ];
    },
    failed: (why) =>
      onProblem(
        `no scope for the tmux server (${why.trim()}): it runs in the supervisor's own group; KillMode=process spares it there, the end of a login may not`,
      ),
  };
}
