/** Processes and signals: identity by pid and start time, the tree, the hunt. Linux in full, macOS best effort. Host-safe. */
import type { Processes } from '../../supervisor/ports.ts';
import { hunt } from './hunt.ts';
import { carries, markerPrefix } from './marker.ts';
import { alive, descendants, environmentOf, listProcesses, type ProcessEntry, startOf } from './table.ts';

export { alive, bootId, descendants, self, startOf } from './table.ts';
export { hunt };

export const processes: Processes = { start: (pid) => startOf(pid), alive, descendants, hunt };

/** Live processes that carry this marker or beginning of one: for `doctor` and tests. Throws on a malformed marker. */
export function carriersOf(marker: string): ProcessEntry[] {
  const prefix = markerPrefix(marker);
  return listProcesses().filter((entry) => !entry.zombie && carries(environmentOf(entry.pid) ?? [], prefix));
}
