/** The files of a service: which, where, with what in them; and whether those on disk are ours. */
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, removeFile, replaceFileSync } from '../disk.ts';
import { launcherPath, launcherText } from './launcher.ts';
import type { ServiceKind, ServicePlace } from './place.ts';
import { comment, label, outerLabel, outerPlistText, plistPath, plistText } from './plist.ts';
import { unitName, unitPath, unitText } from './unit.ts';

export interface ServiceFile {
  path: string;
  text: string;
  mode: number;
}

export interface ServicePlan {
  kind: ServiceKind;
  home: string;
  /** Name of the unit, or label of the agent. */
  name: string;
  /** The file that the manager reads first: what `print` shows. */
  main: ServiceFile;
  /** All files, the launcher first: a unit must not name one that is not there. */
  files: ServiceFile[];
}

/** `missing`: not there. `foreign`: there, and not written for this home by us. */
export type FileState = 'missing' | 'current' | 'outdated' | 'foreign';

/** Stands in each file, and tells ours from others'. */
export function markOf(place: ServicePlace): string {
  return `Written by "tutti service install" for ${place.home}`;
}

export function servicePlan(kind: ServiceKind, place: ServicePlace): ServicePlan {
  const mark = markOf(place);
  const launcher = { path: launcherPath(place.home), text: launcherText(place, mark), mode: 0o700 };
  if (kind === 'systemd') {
    const main = { path: unitPath(place), text: unitText(place, mark), mode: 0o600 };
    return { kind, home: place.home, name: unitName(place), main, files: [launcher, main] };
  }
  const main = { path: plistPath(place, label(place)), text: plistText(place, mark), mode: 0o600 };
  const outer = { path: plistPath(place, outerLabel(place)), text: outerPlistText(place, mark), mode: 0o600 };
  return { kind, home: place.home, name: label(place), main, files: [launcher, main, outer] };
}

export function fileState(file: ServiceFile, place: ServicePlace): FileState {
  const text = readOrNull(file.path);
  if (text === null) return 'missing';
  if (text === file.text) return 'current';
  return isOurs(text, place) ? 'outdated' : 'foreign';
}

/** The mark in one of the first lines, as it stands in a unit or in a plist. */
function isOurs(text: string, place: ServicePlace): boolean {
  const mark = markOf(place);
  const first = text.split('\n', 3);
  return first.includes(`# ${mark}`) || first.includes(comment(mark));
}

/** Writes a file that is not as it should be. Returns whether it did. */
export function writeServiceFile(file: ServiceFile): boolean {
  if (readOrNull(file.path) === file.text) {
    chmodSync(file.path, file.mode);
    return false;
  }
  mkdirSync(dirname(file.path), { recursive: true });
  replaceFileSync(file.path, file.text);
  chmodSync(file.path, file.mode);
  return true;
}

/** Removes a file of ours. Returns whether it did. */
export function removeServiceFile(file: ServiceFile, place: ServicePlace): boolean {
  return existsSync(file.path) && fileState(file, place) !== 'foreign' && removeFile(file.path);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
