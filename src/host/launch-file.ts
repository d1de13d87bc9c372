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
}

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
  const { name, cli, command, args, cwd, permissions } = file;
  if (typeof name !== 'string' || typeof cli !== 'string' || typeof cwd !== 'string') return null;
  if (!isTexts(command) || !isTexts(args)) return null;
  const env = textsByName(file.env);
  const secrets = textsByName(file.secrets ?? {});
  if (!env || !secrets) return null;
  return {
    name,
    cli,
    protocol: file.protocol === 'acp' ? 'acp' : null,
    command,
    args,
    cwd,
    env,
    secrets,
    model: typeof file.model === 'string' ? file.model : null,
    // Anything unknown is the most careful mode.
    permissions: permissions === 'auto' || permissions === 'bypass' ? permissions : 'ask',
    systemPrompt: typeof file.systemPrompt === 'string' ? file.systemPrompt : null,
    settings: isObject(file.settings) ? file.settings : {},
  };
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
