/** Starting and ending the CLI: what is needed before a start, and what is left after a stop. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, JsonObject } from '../core/event.ts';
import type { StartArgs } from '../core/host-wire.ts';
import type { Driver, LaunchSpec } from '../drivers/driver.ts';
import { errorCode } from '../system/disk.ts';
import type { HomePaths } from '../system/paths.ts';
import type { LaunchFile } from './launch-file.ts';
import { huntAll, type ProcessId, recordedProcesses } from './tree.ts';

/** A failed command: what went wrong, and what to do about it. */
export function problem(code: string, message: string, hint: string | null = null): JsonObject {
  return { code, message, hint };
}

/** What a driver may know of the start. */
export function launchSpec(
  file: LaunchFile,
  driver: Driver,
  args: StartArgs,
  place: { paths: HomePaths; agentId: string },
): LaunchSpec {
  const { paths, agentId } = place;
  return {
    command: file.command.length > 0 ? file.command : [driver.program],
    args: file.args,
    cwd: file.cwd,
    model: file.model,
    permissions: file.permissions,
    conversationId: args.conversationId,
    resume: args.resume,
    incarnation: args.incarnation,
    marker: `${paths.home8}/${agentId}/${args.incarnation}`,
    dir: ownFolderOf(paths, agentId),
    systemPrompt: file.systemPrompt,
    settings: { ...file.settings, ...args.settings },
  };
}

/** The agent's own folder for files that its CLI needs. */
function ownFolderOf(paths: HomePaths, agentId: string): string {
  const dir = join(paths.hostDir(agentId), 'cli');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/** Nothing of an earlier incarnation may live when the next one starts. Returns what is left, in words; null = nothing. */
export async function clearEarlier(marker: string, known: ProcessId[]): Promise<Json> {
  const left = await huntAll(marker, known);
  if (left.length === 0) return null;
  const pids = left.map(({ pid }) => pid).join(', ');
  return problem('leftover', `processes of an earlier run cannot be ended: ${pids}`, 'tutti doctor shows them');
}

/** What the agent's last host before this epoch put on record about its processes. */
export function processesBefore(paths: HomePaths, agentId: string, epoch: number): ProcessId[] {
  const earlier = epochsIn(paths.hostDir(agentId)).filter((other) => other < epoch);
  return earlier.length === 0 ? [] : recordedProcesses(paths.journal(agentId, Math.max(...earlier)));
}

function epochsIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+\.jsonl$/.test(name))
      .map((name) => Number.parseInt(name, 10));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
