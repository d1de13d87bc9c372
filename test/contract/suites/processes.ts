/** What every `Processes` must do, real or fake: run on a small tree that the caller makes. */
import { expect, it } from 'vitest';
import type { Processes, ProcessId } from '../../../src/supervisor/ports.ts';

export interface Tree {
  /** `<home8>/<id>/<incarnation>` carried by all of it. */
  marker: string;
  root: ProcessId;
  /** Below the root; `cleared` lost the marker, `stubborn` ignores TERM. */
  child: ProcessId;
  away: ProcessId;
  cleared: ProcessId;
  stubborn: ProcessId;
}

export function processesSuite(processes: () => Processes, makeTree: () => Promise<Tree>): void {
  const all = ({ root, child, away, cleared, stubborn }: Tree) => [root, child, away, cleared, stubborn];
  const pids = (ids: ProcessId[]) => ids.map(({ pid }) => pid).sort((a, b) => a - b);

  it('knows who is alive by pid and start time, so that a pid that is used again is another process', async () => {
    const tree = await makeTree();
    expect(processes().start(tree.root.pid)).toBe(tree.root.start);
    expect(processes().alive(tree.root)).toBe(true);
    expect(processes().alive({ ...tree.root, start: '1' })).toBe(false);
    expect(processes().start(2 ** 22 - 1)).toBeNull();
    await processes().hunt({ marker: tree.marker, known: [tree.root], protect: [], graceMs: 50 });
  });

  it('lists the descendants of a process', async () => {
    const tree = await makeTree();
    const { root: _root, ...below } = tree;
    expect(pids(processes().descendants(tree.root.pid))).toEqual(pids(all(tree).slice(1)));
    expect(below.child.pid).not.toBe(tree.root.pid);
    await processes().hunt({ marker: tree.marker, known: [tree.root], protect: [], graceMs: 50 });
  });

  it('the hunt ends the whole tree: sessions of their own, cleared environments, ignored TERMs', async () => {
    const tree = await makeTree();
    const { ended, left } = await processes().hunt({ marker: tree.marker, known: [], protect: [], graceMs: 200 });
    expect(left).toEqual([]);
    expect(pids(ended)).toEqual(pids(all(tree)));
    for (const id of all(tree)) expect(processes().alive(id)).toBe(false);
  });

  it('the hunt finds nothing of another agent, and nothing by a recorded pid that is another process now', async () => {
    const tree = await makeTree();
    const other = tree.marker.replace(/\/[^/]*\/[^/]*$/, '/somebody-else/1');
    const reused = { ...tree.child, start: '1' };
    expect(await processes().hunt({ marker: other, known: [reused], protect: [], graceMs: 50 })).toEqual({
      ended: [],
      left: [],
    });
    for (const id of all(tree)) expect(processes().alive(id)).toBe(true);
    await processes().hunt({ marker: tree.marker, known: [tree.root], protect: [], graceMs: 50 });
  });

  it('the hunt leaves protected ones alone', async () => {
    const tree = await makeTree();
    const { left } = await processes().hunt({ marker: tree.marker, known: [], protect: [tree.child.pid], graceMs: 50 });
    expect(left).toEqual([]);
    expect(processes().alive(tree.child)).toBe(true);
    await processes().hunt({ marker: tree.marker, known: [], protect: [], graceMs: 50 });
    expect(processes().alive(tree.child)).toBe(false);
  });

  it.each(['', '/', '0123abcd//'])('the hunt refuses the marker %j', async (marker) => {
    await expect(processes().hunt({ marker, known: [], protect: [], graceMs: 1 })).rejects.toThrow();
  });
}
