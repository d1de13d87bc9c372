/** Paths as text: joined, normalised and compared without a file system. POSIX only. Pure. */
import type { Json } from '../event.ts';
import type { GuardCall, GuardContext } from './types.ts';

/** Removes `.`, `..` and doubled slashes of an absolute path. */
export function normalise(path: string): string {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') out.pop();
    else out.push(part);
  }
  return `/${out.join('/')}`;
}

/** Absolute and normalised; a leading `~` is the user's home. */
export function absolute(path: string, cwd: string, home: string): string {
  if (path === '~' || path.startsWith('~/')) return normalise(`${home}/${path.slice(1)}`);
  return normalise(path.startsWith('/') ? path : `${cwd}/${path}`);
}

/** Is `path` this folder or something in it? Both absolute. */
export function inside(folder: string, path: string): boolean {
  const base = normalise(folder);
  const target = normalise(path);
  return target === base || base === '/' || target.startsWith(`${base}/`);
}

/** Names under which tools take paths, beyond our own `path`. */
const PATH_NAMES =
  /^(path|paths|file|files|file_path|filePath|filename|notebook_path|dir|directory|cwd|root|absolute_path|dir_path)$/;

/** Every path among a tool's arguments, absolute. A pattern such as `/etc/*.conf` counts with its fixed beginning. */
export function pathsOf(call: GuardCall, context: Pick<GuardContext, 'cwd' | 'home'>): string[] {
  const found: string[] = [];
  const take = (value: Json): void => {
    if (typeof value === 'string') found.push(absolute(value.replace(/^file:\/\//, ''), context.cwd, context.home));
    else if (Array.isArray(value)) for (const item of value) take(item);
  };
  const walk = (value: Json): void => {
    if (Array.isArray(value)) for (const item of value) walk(item);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, item] of Object.entries(value)) {
      if (PATH_NAMES.test(key)) take(item);
      else walk(item);
    }
  };
  walk(call.args);
  if (call.tool === 'search') {
    for (const key of ['query', 'pattern', 'glob', 'include']) {
      const pattern = call.args[key];
      // Of a pattern only one that is a path by itself leaves the folder.
      if (typeof pattern === 'string' && /^(\/|~\/|\.\.\/)/.test(pattern)) take(pattern.replace(/[*?[{].*$/, ''));
    }
  }
  return found;
}
