import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProcessId } from '../../../src/supervisor/ports.ts';
import { carriersOf, processes, startOf } from '../../../src/system/proc/index.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';
import { waitFor } from '../../support/wait.ts';
import { processesSuite, type Tree } from '../suites/processes.ts';

const bin = join(import.meta.dirname, '../../fixtures/bin');
let home: TempHome;
beforeEach(() => {
  home = tempHome();
});
afterEach(() => home.remove());

const id = (pid: number): ProcessId => ({ pid, start: startOf(pid) ?? '' });

/** Starts a fixture with the marker; resolves with its first line of output. */
function start(
  name: string,
  args: string[],
  extra: Record<string, string> = {},
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [join(bin, name), ...args], {
    env: { ...home.env, TUTTI_AGENT: `${home.home8}/alice/1`, ...extra },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((done) => {
    child.stdout?.once('data', (data: Buffer) => done({ child, line: data.toString() }));
  });
}

async function makeTree(): Promise<Tree> {
  const { line } = await start('tree.mjs', []);
  const { pids } = JSON.parse(line) as { pids: Record<Exclude<keyof Tree, 'marker'>, number> };
  return {
    marker: `${home.home8}/alice/1`,
    root: id(pids.root),
    child: id(pids.child),
    away: id(pids.away),
    cleared: id(pids.cleared),
    stubborn: id(pids.stubborn),
  };
}

describe('processes of this system', () => {
  processesSuite(() => processes, makeTree);

  it('the hunt catches a tree that grows while it is hunted', async () => {
    await start('forker.mjs', ['3']);
    const { ended, left } = await processes.hunt({
      marker: `${home.home8}/alice/`,
      known: [],
      protect: [],
      graceMs: 3_000,
    });
    expect(left).toEqual([]);
    expect(ended.length).toBeGreaterThan(1);
    expect(carriersOf(`${home.home8}/`)).toEqual([]);
  });

  it('the hunt ends a recorded process whose parents are gone and whose environment is empty', async () => {
    const tree = await makeTree();
    process.kill(tree.root.pid, 'SIGKILL');
    await waitFor('the root is gone', () => !processes.alive(tree.root));
    const first = await processes.hunt({ marker: tree.marker, known: [], protect: [], graceMs: 200 });
    expect(first.left).toEqual([]);
    expect(processes.alive(tree.cleared)).toBe(true);
    await processes.hunt({ marker: tree.marker, known: [tree.cleared], protect: [], graceMs: 200 });
    expect(processes.alive(tree.cleared)).toBe(false);
  });

  it('a stopped process goes too', async () => {
    const tree = await makeTree();
    process.kill(tree.child.pid, 'SIGSTOP');
    expect((await processes.hunt({ marker: tree.marker, known: [], protect: [], graceMs: 300 })).left).toEqual([]);
  });

  it('one of our own processes below an agent is left alone with all that is below it, unless it is named', async () => {
    // As when an agent runs `tutti ps`: its child starts a supervisor, from an environment with a role and no marker.
    const own = await new Promise<ProcessId>((done) => {
      const child = spawn(
        process.execPath,
        [
          '-e',
          `const c = require('node:child_process').spawn(process.execPath, ['-e', "console.log('up');setInterval(()=>{},1e6)"],
             { env: { TUTTI_ROLE: 'supervisor', TUTTI_HOME: process.env.TUTTI_HOME }, stdio: ['ignore', 'pipe', 'inherit'] });
           c.stdout.once('data', () => console.log(c.pid)); setInterval(() => {}, 1e6);`,
        ],
        { env: { ...home.env, TUTTI_AGENT: `${home.home8}/bob/1` }, stdio: ['ignore', 'pipe', 'inherit'] },
      );
      child.stdout.once('data', (data: Buffer) => done(id(Number(data.toString()))));
    });
    const marker = `${home.home8}/bob/1`;
    // Recorded in the tree of a tool call, before it was reparented.
    expect((await processes.hunt({ marker, known: [own], protect: [], graceMs: 500 })).left).toEqual([]);
    expect(processes.alive(own)).toBe(true);
    await processes.hunt({ marker, known: [], own: [own], protect: [], graceMs: 500 });
    expect(processes.alive(own)).toBe(false);
  });

  it('a zombie is not alive', async () => {
    const child = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 100'], {
      env: { ...home.env, TUTTI_AGENT: `${home.home8}/zed/1` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((done) =>
      child.stdout.once('data', (data: Buffer) => done(data.toString())),
    );
    const pid = Number(line);
    await waitFor('the zombie is one', () => processes.start(pid) === null);
    expect(startOf(pid, { zombies: true })).not.toBeNull();
    expect((await processes.hunt({ marker: `${home.home8}/zed/`, known: [], protect: [], graceMs: 500 })).left).toEqual(
      [],
    );
  });
});
