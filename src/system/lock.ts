/**
 * One owner per thing (a home's supervisor, an agent's host), by a lock file that a dead owner cannot keep. Host-safe.
 *
 * The file is made whole beside its place and put there by link(2), which fails when the name is taken. It holds pid, start time
 * and boot id, so that a stale one is known for sure. Two that both saw a stale lock must not both remove "it": the slower would
 * remove the faster's new one. So a stale lock with token T may be renamed away only by the process that linked `<path>.<T>`,
 * once, and a dead one's `<path>.<T>` is taken over in the same way. Tokens are never used again.
 */
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync } from 'node:fs';
import { clock, isoNow } from './clock.ts';
import { errorCode, isMissing, named, removeFile, temporaryName, writeAllSync } from './disk.ts';
import { alive, bootId, self } from './proc/table.ts';

export interface LockOwner {
  v: 1;
  pid: number;
  /** Start time of the process. */
  start: string;
  boot: string;
  at: string;
  token: string;
}

export type LockResult =
  | { ok: true; owner: LockOwner; release(): void }
  /** A live process has it; `owner` null: it is being taken over right now. */
  | { ok: false; owner: LockOwner | null };

/** How often a lock that vanishes between two looks is tried again. */
const TRIES = 50;
/** Longest chain of processes that died while taking over the same stale lock. */
const CHAIN_LIMIT = 100;

/**
 * Takes the lock or says who has it. Never waits.
 * @throws DiskFull or the system's error when the file cannot be written.
 */
export function takeLock(path: string): LockResult {
  const mine: LockOwner = { v: 1, ...self(), boot: bootId(), at: isoNow(), token: clock.uuid() };
  for (let tries = 0; tries < TRIES; tries++) {
    if (place(path, mine)) {
      // Read back before use: a file system that lies about link(2) must not give us the lock.
      if (readLock(path)?.token !== mine.token) continue;
      return { ok: true, owner: mine, release: () => release(path, mine) };
    }
    const there = readLock(path);
    if (there === null) continue;
    if (lives(there)) return { ok: false, owner: there };
    if (!breakStale(path, there, mine)) return { ok: false, owner: null };
  }
  return { ok: false, owner: null };
}

/** The live owner of a lock, or null. Changes nothing. */
export function lockOwner(path: string): LockOwner | null {
  const there = readLock(path);
  return there && lives(there) ? there : null;
}

function lives(owner: LockOwner): boolean {
  return owner.boot === bootId() && alive(owner);
}

function release(path: string, mine: LockOwner): void {
  if (readLock(path)?.token === mine.token) removeFile(path);
}

/** Puts a whole lock file at `path`, or returns false when there is one. */
function place(path: string, owner: LockOwner): boolean {
  const temporary = temporaryName(path);
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeAllSync(fd, Buffer.from(`${JSON.stringify(owner)}\n`));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw named(error, path);
  } finally {
    removeFile(temporary);
  }
}

/** Renames a stale lock away if we alone may. false: a live process is doing that, or it is no longer there. */
function breakStale(path: string, stale: LockOwner, mine: LockOwner): boolean {
  const claims: string[] = [];
  let token = stale.token;
  for (let i = 0; i < CHAIN_LIMIT; i++) {
    const claim = `${path}.${token}`;
    claims.push(claim);
    if (place(claim, mine)) return finish(path, stale, claims);
    const other = readLock(claim);
    if (other === null) return true;
    if (lives(other)) return false;
    token = other.token;
  }
  return false;
}

/** We alone hold the claim on this token. If the lock still bears it, nobody else may touch the lock now. */
function finish(path: string, stale: LockOwner, claims: string[]): boolean {
  if (readLock(path)?.token === stale.token) {
    const away = `${path}.${stale.token}.stale`;
    renameSync(path, away);
    removeFile(away);
  }
  for (const claim of claims) removeFile(claim);
  return true;
}

/** null: not there. A damaged file (power loss) is a stale lock with a token made of its text. */
function readLock(path: string): LockOwner | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  return parseOwner(text) ?? { v: 1, pid: 0, start: '', boot: '', at: '', token: 'damaged' };
}

function parseOwner(text: string): LockOwner | null {
  try {
    const value: unknown = JSON.parse(text);
    return isOwner(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isOwner(value: unknown): value is LockOwner {
  if (typeof value !== 'object' || value === null) return false;
  const owner = value as Record<string, unknown>;
  const texts = [owner['start'], owner['boot'], owner['token']];
  return (
    typeof owner['pid'] === 'number' &&
    texts.every((text) => typeof text === 'string') &&
    /^[\w-]+$/.test(String(owner['token']))
  );
}
