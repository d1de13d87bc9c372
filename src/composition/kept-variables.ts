/** Variables that config.yaml names, for a supervisor that is started without them: it is started with an allow-list. */
import { readFileSync } from 'node:fs';
import { errorCode, replaceFileSync } from '../system/disk.ts';
import { namesIn } from '../system/notify/variables.ts';

/** Keeps those that this environment has, in a file of mode 0600, and gives all that are known: of now, else of the last time. */
export function keptVariables(
  path: string,
  env: Record<string, string | undefined>,
  templates: string[],
): Record<string, string> {
  const names = namesIn(templates);
  if (names.length === 0) return {};
  const kept = readKept(path);
  const known = Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name] || kept[name];
      return value ? [[name, value]] : [];
    }),
  );
  if (JSON.stringify(kept) !== JSON.stringify(known)) replaceFileSync(path, `${JSON.stringify(known)}\n`);
  return known;
}

/** Nothing where there is no file, or one that cannot be read as variables: they are then missing, and it is said. */
function readKept(path: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}
