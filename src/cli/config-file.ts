/**
 * Reads tutti.yaml and config.yaml. Every error names the file, the line, the key, what was expected and how to fix it.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import { AGENT_NAME, type ProjectConfig, projectSchema, type UserConfig, userSchema } from '../core/config/schema.ts';
import { CliFailure } from './failure.ts';

export const PROJECT_FILE = 'tutti.yaml';
/** A larger file is no configuration. Bytes. */
const FILE_LIMIT = 1024 * 1024;

export interface ProjectFile {
  file: string;
  /** Folder of the file: what relative paths in it are relative to. */
  root: string;
  project: string;
  config: ProjectConfig;
  /** sha256 of the text, hex. */
  hash: string;
}

/** Looks for tutti.yaml upwards from a folder; null when there is none. */
export function findProjectFile(from: string): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = join(folder, PROJECT_FILE);
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
    if (dirname(folder) === folder) return null;
  }
}

export function loadProjectFile(file: string): ProjectFile {
  const path = resolve(file);
  const text = readText(path);
  const config = parseYaml(path, text, projectSchema, 'tutti.yaml');
  const root = dirname(path);
  const project = config.project ?? projectName(root);
  return { file: path, root, project, config, hash: createHash('sha256').update(text).digest('hex') };
}

export function userConfigPath(env: NodeJS.ProcessEnv): string {
  return env.TUTTI_CONFIG || join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'tutti', 'config.yaml');
}

/** The user's configuration; null when the file does not exist. */
export function loadUserConfig(env: NodeJS.ProcessEnv): UserConfig | null {
  const path = userConfigPath(env);
  if (!statSync(path, { throwIfNoEntry: false })) {
    if (env.TUTTI_CONFIG)
      throw new CliFailure('NOT_FOUND', `${path} does not exist`, { hint: 'unset TUTTI_CONFIG, or create the file' });
    return null;
  }
  return parseYaml(path, readText(path), userSchema, 'config.yaml');
}

/** A folder's name as a project name: lower case, other characters as dashes. */
export function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 32);
  return AGENT_NAME.test(name) ? name : 'default';
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > FILE_LIMIT)
      throw new CliFailure('INVALID_ARGUMENT', `${path} has ${size} bytes; a configuration has at most ${FILE_LIMIT}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      throw new CliFailure('NOT_FOUND', `${path} does not exist`, { hint: 'tutti init writes one' });
    throw new CliFailure('RUNTIME_ERROR', `cannot read ${path}: ${(error as Error).message}`, {
      hint: `check the permissions of ${path}`,
    });
  }
}

function parseYaml<S extends z.ZodType>(path: string, text: string, schema: S, kind: string): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new CliFailure('INVALID_ARGUMENT', `${path}:${line}:${col}: not valid YAML: ${broken.message}`, {
      hint: 'check the indentation, and quote text that contains : or #',
    });
  }
  const value = withoutEmpty(document.toJS({ maxAliasCount: 100 }) ?? {});
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CliFailure('INVALID_ARGUMENT', describeIssues(parsed.error.issues, { path, document, lines, value }), {
    hint: `tutti config schema prints every key that ${kind} may have`,
  });
}

/** A section of which everything is commented out (`agents:` alone) is one that is not there. */
function withoutEmpty(value: unknown): unknown {
  if (!isRecord(value) || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null));
}

interface Place {
  path: string;
  document: Document;
  lines: LineCounter;
  value: unknown;
}

/** Longest list of problems that is shown at once. */
const ISSUES_SHOWN = 10;

function describeIssues(issues: z.core.$ZodIssue[], place: Place): string {
  const shown = issues.slice(0, ISSUES_SHOWN).map((issue) => describeIssue(issue, place));
  const more = issues.length > ISSUES_SHOWN ? [`and ${issues.length - ISSUES_SHOWN} more`] : [];
  return [...shown, ...more].join('\n       ');
}

function describeIssue(issue: z.core.$ZodIssue, place: Place): string {
  const keys = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = knownKeys(issue, place);
    const near = nearest(key, known);
    const fix = near ? `; did you mean "${near}"?` : known.length > 0 ? `; known here: ${known.join(', ')}` : '';
    return `${where(place, [...keys, key])}: ${[...keys, key].join('.')}: no such key${fix}`;
  }
  if (issue.code === 'invalid_key') {
    const key = keys.at(-1) ?? '';
    return `${where(place, keys)}: ${keys.join('.')}: "${key}" is no valid name here: ${issue.issues[0]?.message ?? 'invalid'}`;
  }
  const found = describeValue(
    issue.path.reduce<unknown>((v, k) => (isRecord(v) ? v[String(k)] : undefined), place.value),
  );
  return `${where(place, keys)}: ${keys.join('.') || '(file)'}: expected ${expectation(issue)}, found ${found}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type')
    return issue.expected === 'record' || issue.expected === 'object'
      ? 'a mapping (key: value)'
      : `a ${issue.expected}`;
  if (issue.code === 'invalid_value') return issue.values.map((v) => JSON.stringify(v)).join(' or ');
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}`;
  return issue.message;
}

function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** `file:line:column` of a key, or of the nearest parent that is there. */
function where(place: Place, keys: string[]): string {
  for (let depth = keys.length; depth > 0; depth--) {
    const parent = depth === 1 ? place.document.contents : place.document.getIn(keys.slice(0, depth - 1), true);
    if (!isMap(parent)) continue;
    const pair = (parent as YAMLMap).items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === keys[depth - 1],
    );
    const offset = pair && isScalar(pair.key) ? pair.key.range?.[0] : undefined;
    if (offset === undefined) continue;
    const { line, col } = place.lines.linePos(offset);
    return `${place.path}:${line}:${col}`;
  }
  return `${place.path}:1:1`;
}

/** Keys that would be allowed beside an unknown one: asked of the published schema, so that the list is never kept by hand. */
function knownKeys(issue: z.core.$ZodIssue, _place: Place): string[] {
  let shape: unknown = projectSchema;
  for (const key of issue.path) shape = descend(shape, String(key));
  const object = unwrap(shape);
  return isRecord(object) && isRecord(object.shape) ? Object.keys(object.shape) : [];
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  while (isRecord(inner) && typeof inner.unwrap === 'function') inner = (inner.unwrap as () => unknown)();
  return inner;
}

function descend(schema: unknown, key: string): unknown {
  const object = unwrap(schema);
  if (!isRecord(object)) return null;
  if (isRecord(object.shape)) return object.shape[key] ?? null;
  return object.valueType ?? null;
}

/** The nearest of some words, when it is near enough to be a slip of the finger. */
export function nearest(word: string, words: string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of words) {
    const d = distance(word, candidate);
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
