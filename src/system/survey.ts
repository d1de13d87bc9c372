/** The patrol's look at the machine: marked processes, sessions, files of agents, disk and memory. Starts nothing on Linux. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Carrier, Leftover, Survey } from '../core/patrol/survey.ts';
import type { Surveyor, Tmux } from '../supervisor/ports.ts';
import { clock } from './clock.ts';
import { errorCode } from './disk.ts';
import { AGENT_VARIABLE } from './environment.ts';
import { lockOwner } from './lock.ts';
import type { HomePaths } from './paths.ts';
import { environmentOf, listProcesses } from './proc/table.ts';

const PLAIN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function createSurveyor(paths: HomePaths, tmux: Tmux): Surveyor {
  /** When each process was first seen, by pid and start. */
  let seen = new Map<string, number>();

  const carriers = (): Carrier[] => {
    const now = clock.now();
    const still = new Map<string, number>();
    const hosted = new Map<string, boolean>();
    const found: Carrier[] = [];
    const prefix = `${AGENT_VARIABLE}=${paths.home8}/`;
    for (const { pid, start, zombie } of listProcesses()) {
      if (zombie || pid === process.pid) continue;
      const marker = environmentOf(pid)?.find((line) => line.startsWith(prefix));
      const [agentId = '', incarnation = ''] = marker?.slice(prefix.length).split('/') ?? [];
      if (!PLAIN_ID.test(agentId) || !/^\d+$/.test(incarnation)) continue;
      const key = `${pid}/${start}`;
      const first = seen.get(key) ?? now;
      still.set(key, first);
      if (!hosted.has(agentId)) hosted.set(agentId, lockOwner(paths.hostLock(agentId)) !== null);
      found.push({
        ...{ pid, start, agentId, incarnation: Number(incarnation), seenMs: now - first },
        hosted: hosted.get(agentId) === true,
      });
    }
    seen = still;
    return found;
  };

  return {
    async survey(known) {
      return {
        carriers: carriers(),
        sessions: await sessionsOf(tmux),
        leftovers: leftoversOf(paths, known),
        disk: await diskOf(paths.home),
        memory: memory(),
      };
    },
    async remove(files) {
      const folders = new Set([...hostFolders(paths), paths.env]);
      for (const file of files) if (folders.has(dirname(file))) await rm(file, { force: true });
    },
  };
}

/** A server that cannot be asked is not an empty one. */
async function sessionsOf(tmux: Tmux): Promise<Survey['sessions']> {
  try {
    return (await tmux.list()).map(({ session, pid, dead }) => ({ session, pid, dead }));
  } catch {
    return null;
  }
}

/** Where sockets and locks of hosts lie: with a long path the sockets are in /tmp. */
const hostFolders = (paths: HomePaths): string[] => [
  ...new Set([join(paths.run, 'hosts'), dirname(paths.hostSocket('x'))]),
];

function leftoversOf(paths: HomePaths, known: (agentId: string) => boolean): Leftover[] {
  const found: Leftover[] = [];
  const look = (folder: string, suffix: string, what: Leftover['what']): void => {
    for (const name of namesIn(folder)) {
      if (!name.endsWith(suffix)) continue;
      const agentId = name.slice(0, -suffix.length);
      // Ids begin with a digit: what else lies there (accounts, notify) is no agent's.
      if (!/^\d/.test(agentId) || !PLAIN_ID.test(agentId) || known(agentId)) continue;
      if (lockOwner(paths.hostLock(agentId)) !== null) continue;
      const path = join(folder, name);
      const ageMs = ageOf(path);
      if (ageMs !== null) found.push({ agentId, path, what, ageMs });
    }
  };
  for (const folder of hostFolders(paths)) {
    look(folder, '.sock', 'socket');
    look(folder, '.lock', 'socket');
  }
  look(paths.env, '.json', 'environment');
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function ageOf(path: string): number | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? clock.now() - stat.mtimeMs : null;
}

async function diskOf(folder: string): Promise<Survey['disk']> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, total: blocks * bsize };
}

/** Linux counts what it can give up at once as available; elsewhere only what is free can be asked, which says too little. */
function memory(): Survey['memory'] {
  if (process.platform !== 'linux') return null;
  const kib = (name: string): number | null => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/meminfo', 'latin1'));
    return match ? Number(match[1]) * 1024 : null;
  };
  return { available: kib('MemAvailable') ?? freemem(), total: totalmem() };
}
