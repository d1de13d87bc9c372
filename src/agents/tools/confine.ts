/** Keeps paths inside the working folder, through symbolic links too. */
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { errorCode } from '../../system/disk.ts';

export type Confined = { ok: true; path: string } | { ok: false; why: string };

/**
 * The real path of something inside `cwd` that may not exist yet.
 * @param path as the model gave it: relative to `cwd`, or absolute
 */
export function confined(cwd: string, path: string): Confined {
  if (path === '' || path.includes('\0')) return { ok: false, why: 'path must be a non-empty string without NUL' };
  const root = realpathSync(cwd);
  const wanted = resolve(root, path);
  const real = realOf(wanted);
  if (real === null) return { ok: false, why: `${path} is a broken symbolic link` };
  const inside = relative(root, real);
  if (inside === '..' || inside.startsWith(`..${sep}`) || resolve(root, inside) !== real)
    return { ok: false, why: `${path} is outside the working folder ${root}` };
  return { ok: true, path: real };
}

/** The path with the links of its existing part resolved; null for a link that leads nowhere. */
function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ELOOP') return null;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
  if (exists(path)) return null;
  const parent = realOf(dirname(path));
  return parent === null ? null : resolve(parent, relative(dirname(path), path));
}

/** Is there something of this name, a broken link included? */
function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
