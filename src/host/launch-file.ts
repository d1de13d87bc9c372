/** env/<id>.json: how to start the CLI. Written by the supervisor, read anew at each start; the only file with secrets. */
import { readFileSync } from 'node:fs';
import type { Json, JsonObject } from '../core/event.ts';
import { errorCode } from '../system/disk.ts';

export interface LaunchFile {
  name: string;
  cli: string;
  /** `acp` for a CLI that no driver knows by name. */
  protocol: 'acp' | null;
  command: string[];
  args: string[];
  cwd: string;
  /** The whole environment of the CLI. */
  env: Record<string, string>;
  /** Values that must never be shown or recorded, by name. */
  secrets: Record<string, string>;
  model: string | null;
  permissions: 'ask' | 'auto' | 'bypass';
  systemPrompt: string | null;
  settings: JsonObject;
  /** What takes over while the declared CLI is limited: the same with these in their place. */
  fallbacks: LaunchVariant[];
}

export type LaunchVariant = Pick<LaunchFile, 'cli' | 'command' | 'args' | 'env' | 'secrets' | 'model' | 'settings'>;

export type LaunchFileResult = { ok: true; file: LaunchFile } | { ok: false; message: string };

/** Never throws: a missing or damaged file is a sentence for the user. */
export function readLaunchFile(path: string): LaunchFileResult {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const file = launchFileOf(value);
    return file ? { ok: true, file } : { ok: false, message: 'the launch environment of this agent is damaged' };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { ok: false, message: 'the launch environment of this agent is gone' };
    // The text of a JSON error quotes the file, and the file has secrets in it.
    if (error instanceof SyntaxError) return { ok: false, message: 'the launch environment of this agent is damaged' };
    return { ok: false, message: `the launch environment cannot be read: ${errorCode(error) ?? 'unknown error'}` };
  }
}

function launchFileOf(value: unknown): LaunchFile | null {
  if (typeof value !== 'object' || value === null) return null;
  const file = value as Record<string, Json>;
  const { name, cwd, permissions } = file;
  const declared = variantOf(file);
  if (typeof name !== 'string' || typeof cwd !== 'string' || declared === null) return null;
  const fallbacks = Array.isArray(file.fallbacks) ? file.fallbacks.map(variantOf) : [];
  if (!fallbacks.every((each) => each !== null)) return null;
  return {
    ...declared,
    name,
    protocol: file.protocol === 'acp' ? 'acp' : null,
    cwd,
    // Anything unknown is the most careful mode.
    permissions: permissions === 'auto' || permissions === 'bypass' ? permissions : 'ask',
    systemPrompt: typeof file.systemPrompt === 'string' ? file.systemPrompt : null,
    fallbacks,
  };
}

function variantOf(value: Json | undefined): LaunchVariant | null {
  if (!isObject(value)) return null;
  const { cli, command, args, model, settings } = value;
  if (typeof cli !== 'string' || !isTexts(command) || !isTexts(args)) return null;
  const env = textsByName(value.env);
  const secrets = textsByName(value.secrets ?? {});
  if (!env || !secrets) return null;
  return {
    cli,
    command,
    args,
    env,
    secrets,
    model: typeof model === 'string' ? model : null,
    settings: isObject(settings) ? settings : {},
  };
}

/** The file as it is for this runner: 0 = as declared, n = the n-th fallback; null = there is none of that number. */
export function launchOf(file: LaunchFile, n: number): LaunchFile | null {
  if (n === 0) return file;
  const variant = file.fallbacks[n - 1];
  return variant ? { ...file, ...variant } : null;
}

/** Of all its runners: what one of them must not show, none may. */
export function secretsOf({ secrets, fallbacks }: LaunchFile): Record<string, string> {
  const pairs = fallbacks.flatMap((each, i) =>
    Object.entries(each.secrets).map(([name, value]): [string, string] => [`${name}#${i + 1}`, value]),
  );
  return { ...Object.fromEntries(pairs), ...secrets };
}

const isTexts = (value: Json | undefined): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textsByName(value: Json | undefined): Record<string, string> | null {
  if (!isObject(value)) return null;
  const entries = Object.entries(value);
  return entries.every(([, text]) => typeof text === 'string') ? (value as Record<string, string>) : null;
}
