/** Shell patterns against paths, as text: which names a pattern could mean. Pure. */

/** Alternatives of a brace expansion looked at. */
const BRACES_LIMIT = 64;

/** `a{b,c}` → `ab`, `ac`; quoted (escaped) braces stay. */
export function expandBraces(pattern: string): string[] {
  const out: string[] = [];
  const todo = [pattern];
  for (let next = todo.shift(); next !== undefined && out.length < BRACES_LIMIT; next = todo.shift()) {
    const braces = firstBraces(next);
    if (!braces) out.push(next);
    else if (todo.length < BRACES_LIMIT) {
      const { before, alternatives, after } = braces;
      todo.push(...alternatives.map((alternative) => before + alternative + after));
    }
  }
  return out;
}

function firstBraces(pattern: string): { before: string; alternatives: string[]; after: string } | null {
  for (let open = 0; open < pattern.length; open++) {
    if (pattern[open] === '\\') open++;
    else if (pattern[open] === '{') {
      const found = alternativesAt(pattern, open);
      if (found) return { before: pattern.slice(0, open), ...found };
    }
  }
  return null;
}

function alternativesAt(pattern: string, open: number): { alternatives: string[]; after: string } | null {
  const alternatives: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let at = open; at < pattern.length; at++) {
    const c = pattern[at];
    if (c === '\\') at++;
    else if (c === '{') depth++;
    else if (c === ',' && depth === 1) {
      alternatives.push(pattern.slice(from, at));
      from = at + 1;
    } else if (c === '}') {
      depth--;
      if (depth > 0) continue;
      alternatives.push(pattern.slice(from, at));
      return alternatives.length > 1 ? { alternatives, after: pattern.slice(at + 1) } : null;
    }
  }
  return null;
}

/** Could this segment of a pattern mean this name? */
export function segmentMatches(segment: string, name: string): boolean {
  let source = '';
  for (let at = 0; at < segment.length; at++) {
    const c = segment[at] ?? '';
    if (c === '\\') source += quote(segment[++at] ?? '');
    else if (c === '*') source += '.*';
    else if (c === '?') source += '.';
    else if (c === '[') {
      const end = segment.indexOf(']', at + 2);
      if (end < 0) source += '\\[';
      else {
        // What a class holds is not looked at: it could be the letter.
        source += '.';
        at = end;
      }
    } else source += quote(c);
  }
  return new RegExp(`^${source}$`, 'su').test(name);
}

const quote = (c: string): string => (/[A-Za-z0-9_]/.test(c) ? c : `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);

/**
 * How a pattern (absolute, normalised) stands to a folder: `in` = it could be the folder or something in it, `above` = it could be
 * a folder that holds it; with the part behind the folder for `in`.
 */
export function relation(
  pattern: string,
  folder: string,
): { where: 'in'; rest: string[] } | { where: 'above' | 'elsewhere' } {
  const segments = pattern.split('/').filter((segment) => segment !== '');
  const names = folder.split('/').filter((name) => name !== '');
  for (let at = 0; at < names.length; at++) {
    const segment = segments[at];
    if (segment === undefined) return { where: 'above' };
    if (segment === '**') return { where: 'in', rest: [] };
    if (!segmentMatches(segment, names[at] ?? '')) return { where: 'elsewhere' };
  }
  return { where: 'in', rest: segments.slice(names.length) };
}
