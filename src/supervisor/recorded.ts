/** Who belongs to an agent, by its host journals: needed to end what a dead or hung host has left behind. */
import type { JournalReader, ProcessId } from './ports.ts';

/** Epochs looked at, newest first: older ones were cleared before the next began. */
const EPOCHS = 3;
/** Read of a journal at a time, and of its end at most. Bytes. */
const PAGE = 1024 * 1024;
const TAIL = 16 * 1024 * 1024;

export interface Recorded {
  /** Pane hosts. */
  hosts: ProcessId[];
  /** CLIs, and what was seen below them. */
  agents: ProcessId[];
}

/** From the newest journals up to this epoch: the first record of each, and the processes named in its last 16 MiB. */
export async function recordedProcesses(journals: JournalReader, agentId: string, epoch: number): Promise<Recorded> {
  const epochs = (await journals.epochs(agentId)).filter((candidate) => candidate <= epoch).sort((a, b) => b - a);
  const found: Recorded = { hosts: [], agents: [] };
  for (const candidate of epochs.slice(0, EPOCHS)) await collect(journals, agentId, candidate, found);
  return found;
}

async function collect(journals: JournalReader, agentId: string, epoch: number, found: Recorded): Promise<void> {
  const head = await journals.read(agentId, epoch, 0, 1);
  const first = head.records[0]?.record;
  if (first?.kind === 'open') found.hosts.push({ pid: first.pid, start: first.start });
  for (let offset = Math.max(0, head.size - TAIL); ; ) {
    const { records } = await journals.read(agentId, epoch, offset, PAGE);
    const last = records.at(-1);
    if (!last) return;
    offset = last.end;
    for (const { record } of records) {
      if (record.kind === 'spawn') found.agents.push({ pid: record.pid, start: record.start });
      if (record.kind === 'tree') found.agents.push(...record.pids);
    }
  }
}
