/** `run/service.json`: which service has this home's supervisor, so that a command that needs one asks the service for it. */
import { readFileSync } from 'node:fs';
import { isMissing, removeFile, replaceFileSync } from '../disk.ts';
import { parseObject } from '../journal/lines.ts';
import { kickstart } from './launchd.ts';
import type { ServiceKind } from './place.ts';
import { startUnit } from './systemd.ts';

interface ServiceRecord {
  kind: ServiceKind;
  name: string;
}

export function recordService(path: string, { kind, name }: ServiceRecord): void {
  replaceFileSync(path, `${JSON.stringify({ kind, name })}\n`);
}

export function forgetService(path: string): void {
  removeFile(path);
}

/** null: no service was installed. */
export function installedService(path: string): ServiceRecord | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const { kind, name } = parseObject(text.trim()) ?? {};
  return (kind === 'systemd' || kind === 'launchd') && typeof name === 'string' ? { kind, name } : null;
}

/** Has the service started. Returns why it was refused, or null. */
export function startService(
  { kind, name }: ServiceRecord,
  env: Record<string, string | undefined>,
): Promise<string | null> {
  return kind === 'systemd' ? startUnit(name, env) : kickstart(name, env);
}
