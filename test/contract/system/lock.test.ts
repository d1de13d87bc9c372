import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockOwner, takeLock } from '../../../src/system/lock.ts';
import { bootId, self } from '../../../src/system/proc/index.ts';
import { bundleFixture } from '../../support/bundle.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';

let home: TempHome;
let path: string;
beforeEach(() => {
  home = tempHome();
  path = home.paths.supervisorLock;
});
afterEach(() => home.remove());

const owner = (change: object) =>
  JSON.stringify({ v: 1, ...self(), boot: bootId(), at: 'x', token: 'old-token', ...change });
const files = () => readdirSync(dirname(path)).filter((name) => name.includes('supervisor.lock'));

describe('the lock', () => {
  it('is held by one until released, and says by whom', () => {
    const first = takeLock(path);
    expect(first.ok).toBe(true);
    expect(takeLock(path)).toMatchObject({ ok: false, owner: { pid: process.pid } });
    expect(lockOwner(path)?.pid).toBe(process.pid);
    if (first.ok) first.release();
    expect(lockOwner(path)).toBeNull();
    expect(takeLock(path).ok).toBe(true);
    expect(files()).toEqual(['supervisor.lock']);
  });

  const stale = [
    { id: 'a dead process', text: owner({ pid: 2 ** 22 - 1, start: '1' }) },
    { id: 'a pid that another process has now', text: owner({ start: '1' }) },
    { id: 'a boot before this one', text: owner({ boot: 'another-boot' }) },
    { id: 'an empty file', text: '' },
    { id: 'a damaged file', text: '{"v":1,"pid":' },
    { id: 'a token that would leave the folder', text: owner({ token: '../../x' }) },
  ];
  it.each(stale)('a lock of $id is taken over, and nothing is left of it', ({ text }) => {
    writeFileSync(path, text);
    expect(lockOwner(path)).toBeNull();
    expect(takeLock(path)).toMatchObject({ ok: true });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    expect(files()).toEqual(['supervisor.lock']);
  });

  it('a take-over that died half-way is taken over itself', () => {
    writeFileSync(path, owner({ pid: 2 ** 22 - 1, token: 't0' }));
    writeFileSync(`${path}.t0`, owner({ pid: 2 ** 22 - 2, token: 't1' }));
    writeFileSync(`${path}.t1`, owner({ pid: 2 ** 22 - 3, token: 't2' }));
    expect(takeLock(path).ok).toBe(true);
    expect(files()).toEqual(['supervisor.lock']);
  });

  it('a take-over by a live process is not disturbed', () => {
    writeFileSync(path, owner({ pid: 2 ** 22 - 1, token: 't0' }));
    writeFileSync(`${path}.t0`, owner({ token: 't1' }));
    expect(takeLock(path)).toEqual({ ok: false, owner: null });
  });

  it('a release leaves a lock alone that is no longer ours', () => {
    const mine = takeLock(path);
    writeFileSync(path, owner({ token: 'of-another' }));
    if (mine.ok) mine.release();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ token: 'of-another' });
  });

  it.each([
    { id: 'a free lock', text: null },
    { id: 'a stale lock', text: owner({ pid: 2 ** 22 - 1 }) },
  ])('of 20 processes that race for $id one wins', async ({ text }) => {
    if (text !== null) writeFileSync(path, text);
    const program = bundleFixture('lock-racer', home.home);
    const go = join(home.home, 'go');
    const racers = Array.from({ length: 20 }, () => racer(program, path, go));
    await Promise.all(racers.map(({ ready }) => ready));
    writeFileSync(go, '');
    const won = await Promise.all(racers.map(({ won }) => won));
    expect(won.filter(Boolean)).toHaveLength(1);
    for (const { child } of racers) child.stdin?.end();
    await Promise.all(racers.map(({ exited }) => exited));
    expect(files()).toEqual(['supervisor.lock']);
  });
});

function racer(program: string, lock: string, go: string) {
  const child: ChildProcess = spawn(process.execPath, [program, lock, go], { stdio: ['pipe', 'pipe', 'inherit'] });
  let seen = '';
  let tellReady: () => void;
  let tellWon: (won: boolean) => void;
  const ready = new Promise<void>((done) => {
    tellReady = done;
  });
  const won = new Promise<boolean>((done) => {
    tellWon = done;
  });
  child.stdout?.on('data', (data: Buffer) => {
    seen += data.toString();
    if (seen.includes('"ready"')) tellReady();
    if (seen.includes('"won"')) tellWon(seen.includes('"won":true'));
  });
  return { child, ready, won, exited: new Promise((done) => child.once('exit', done)) };
}
