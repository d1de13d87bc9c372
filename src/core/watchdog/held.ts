/** What suspends the ladder: an agent that waits for something with a name is not judged by how long it waits. */
import { cliAlive, hostReachable, restartsNow } from '../agent.ts';
import type { AgentState } from '../state.ts';

/** Why nothing is judged at the moment; null = it is. A running tool within its limit is not among them: it has a clock of its own. */
export function heldBy(a: AgentState): string | null {
  if (a.wanted !== 'up') return `it is wanted ${a.wanted}`;
  if (a.gate !== null) return `it is held back (${a.gate})`;
  if (a.state === 'taken') return 'a person drives it';
  if (Object.keys(a.requests).length > 0) return 'a request is open';
  if (!hostReachable(a) || !cliAlive(a)) return 'its CLI cannot be spoken to';
  if (a.runner.wanted !== null) return 'its work is being handed over';
  if (a.cli.condemned || restartsNow(a) || a.cli.phase === 'stopping') return 'it is being restarted';
  return null;
}
