/**
 * `tmux/`: tutti's own tmux server. Its own socket and configuration, an allow-listed environment, exact targets, one control client.
 *
 * This file: names of sessions. A target made here can be neither empty nor the prefix of another.
 */
import type { SessionTarget } from '../../supervisor/ports.ts';

/** The session that keeps the control client attached. No agent can have its name: theirs begin with a letter. */
export const KEEPER = '_tutti';

/** Session name of an agent: tmux has no `.` and `:` in names. */
export function sessionName(agentName: string): string {
  return agentName.replace(/[.:]/g, '_');
}

/**
 * Exact target of an agent's session (`=name`). Throws on a name that is empty or that tmux could read as something else
 * (`$1`, `@1`, `%1`, `!`, patterns): a target that matches nothing acts on the most recent session.
 */
export function sessionTarget(agentName: string): SessionTarget {
  const name = sessionName(agentName);
  if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) throw new Error(`not a session name: ${JSON.stringify(agentName)}`);
  return `=${name}` as SessionTarget;
}

/** The session's name, from its target. */
export function nameOf(target: SessionTarget): string {
  return target.slice(1);
}
