/** What every `Tmux` must do, real or fake. Programs are given as argument lists that run, end and print as their names say. */
import { expect, it } from 'vitest';
import type { SessionTarget, Tmux } from '../../../src/supervisor/ports.ts';

export interface TmuxCase {
  tmux: Tmux;
  target(name: string): SessionTarget;
  /** A program that stays, one that ends at once. */
  stays: string[];
  ends: string[];
  cwd: string;
  /** Waits until a condition holds. */
  waitFor(what: string, look: () => Promise<boolean>): Promise<unknown>;
}

export function tmuxSuite(make: () => TmuxCase): void {
  const sessions = async (tmux: Tmux) => (await tmux.list()).map(({ session }) => session).sort();

  it('an absent server is an empty list, and killing a session there is fine', async () => {
    const { tmux, target } = make();
    expect(await tmux.list()).toEqual([]);
    await tmux.kill(target('alice'));
    await tmux.close();
  });

  it('opens a session per agent and lists them in one go', async () => {
    const { tmux, target, stays, cwd } = make();
    const pane = await tmux.open(target('alice'), stays, { cwd, title: 'alice' });
    await tmux.open(target('bob'), stays, { cwd, title: 'bob' });
    expect(pane).toMatchObject({ session: 'alice', dead: false });
    expect(await sessions(tmux)).toEqual(['alice', 'bob']);
    expect((await tmux.list()).find(({ session }) => session === 'alice')).toEqual(pane);
    await tmux.close();
  });

  it('takes a name for exactly that session, never for a longer one', async () => {
    const { tmux, target, stays, cwd } = make();
    await tmux.open(target('alice2'), stays, { cwd, title: 'x' });
    await tmux.kill(target('alice'));
    expect(await sessions(tmux)).toEqual(['alice2']);
    await expect(tmux.setStatus(target('alice'), 'l', 'r')).rejects.toThrow();
    await tmux.open(target('alice'), stays, { cwd, title: 'x' });
    await tmux.kill(target('alice'));
    expect(await sessions(tmux)).toEqual(['alice2']);
    await tmux.kill(target('alice2'));
    await tmux.close();
  });

  it('keeps a dead pane, and opening it again runs the program in that pane', async () => {
    const { tmux, target, stays, ends, cwd, waitFor } = make();
    const first = await tmux.open(target('alice'), ends, { cwd, title: 'x' });
    await waitFor('the pane is dead', async () => (await tmux.list())[0]?.dead === true);
    const again = await tmux.open(target('alice'), stays, { cwd, title: 'x' });
    expect(again).toMatchObject({ session: 'alice', paneId: first.paneId, dead: false });
    expect(again.pid).not.toBe(first.pid);
    await tmux.close();
  });

  it('refuses to open over a live pane', async () => {
    const { tmux, target, stays, cwd } = make();
    await tmux.open(target('alice'), stays, { cwd, title: 'x' });
    await expect(tmux.open(target('alice'), stays, { cwd, title: 'x' })).rejects.toThrow('live');
    await tmux.close();
  });

  it('close leaves a server with sessions alone, and ends an empty one', async () => {
    const { tmux, target, stays, cwd } = make();
    await tmux.open(target('alice'), stays, { cwd, title: 'x' });
    await tmux.close();
    const next = make().tmux;
    expect(await sessions(next)).toEqual(['alice']);
    await next.kill(target('alice'));
    await next.close();
  });
}
