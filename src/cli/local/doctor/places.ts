/** Folders and files of a home: there, writable, private, on a disk with room, with sockets that fit. */
import { accessSync, chmodSync, constants, lstatSync, type Stats, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Check, Finding } from './check.ts';

/** Below this a journal may stop the fleet soon. Bytes. */
const LOW_DISK = 512 * 1024 * 1024;
/** Linux allows 107, macOS 103 bytes; above this the sockets move to a short path. */
const SOCKET_PATH_LIMIT = 100;

export const checkHome: Check = async ({ home }) => {
  const stat = statOrNull(home);
  if (!stat) {
    const parent = nearestParent(home);
    return writable(parent)
      ? [
          {
            id: 'home',
            grade: 'ok',
            message: `${home} is not there yet; it will be made at the first start`,
            fix: null,
          },
        ]
      : [
          {
            id: 'home',
            grade: 'fail',
            message: `${home} cannot be made: ${parent} is not writable`,
            fix: `make ${parent} writable, or set TUTTI_HOME`,
          },
        ];
  }
  if (!stat.isDirectory())
    return [{ id: 'home', grade: 'fail', message: `${home} is not a folder`, fix: 'move it away, or set TUTTI_HOME' }];
  const findings: Finding[] = [];
  if (!writable(home)) {
    findings.push({
      id: 'home',
      grade: 'fail',
      message: `${home} is not writable`,
      fix: `chown or chmod ${home}, or set TUTTI_HOME`,
    });
  }
  findings.push(privacy(home, stat.mode, 0o700));
  for (const name of ['env', 'token', 'db.json']) {
    const inner = statOrNull(join(home, name));
    if (inner) findings.push(privacy(join(home, name), inner.mode, inner.isDirectory() ? 0o700 : 0o600));
  }
  return findings.filter((finding) => finding.grade !== 'ok').length > 0
    ? findings
    : [{ id: 'home', grade: 'ok', message: `${home} is writable and private`, fix: null }];
};

function privacy(path: string, mode: number, wanted: number): Finding {
  const actual = mode & 0o777;
  if ((actual & ~wanted) === 0) return { id: 'private', grade: 'ok', message: `${path} is private`, fix: null };
  return {
    id: 'private',
    grade: 'warn',
    message: `${path} can be read by others (mode ${actual.toString(8)})`,
    fix: `chmod ${wanted.toString(8)} ${path}`,
    repair: async () => {
      chmodSync(path, wanted);
      return `chmod ${wanted.toString(8)} ${path}`;
    },
  };
}

export const checkDisk: Check = async ({ home }) => {
  const folder = nearestParent(home);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const text = `${Math.round(free / 1024 / 1024)} MiB free on the disk of ${home}`;
  return [
    free < LOW_DISK
      ? {
          id: 'disk',
          grade: 'warn',
          message: text,
          fix: 'make room: with a full disk agents are held until there is some',
        }
      : { id: 'disk', grade: 'ok', message: text, fix: null },
  ];
};

export const checkSocketPath: Check = async ({ home }) => {
  const longest = join(home, 'run', 'hosts', `${'x'.repeat(36)}.sock`);
  const bytes = Buffer.byteLength(longest);
  return [
    bytes > SOCKET_PATH_LIMIT
      ? {
          id: 'sockets',
          grade: 'ok',
          message: `socket paths would have ${bytes} bytes: they stand under /tmp instead`,
          fix: null,
        }
      : { id: 'sockets', grade: 'ok', message: `socket paths have at most ${bytes} bytes`, fix: null },
  ];
};

function nearestParent(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    if (statOrNull(folder)?.isDirectory() || dirname(folder) === folder) return folder;
  }
}

function statOrNull(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
