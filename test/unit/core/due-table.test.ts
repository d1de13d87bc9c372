import { describe, expect, it } from 'vitest';
import { DueTable } from '../../../src/core/due-table.ts';
import { nextDue } from '../../../src/core/due.ts';
import type { Input, Step } from '../../../src/core/step.ts';
import { FleetDesk, idOf } from './accounts/fleet.ts';
import { ended, T0, TURN } from './desk.ts';

/** Asks the table after each step, as the supervisor does, and the whole state as well. */
class WatchedDesk extends FleetDesk {
  readonly table = new DueTable();
  readonly dues: (number | null)[] = [];
  #seen = 0;

  override input(input: Input): Step {
    const step = super.input(input);
    this.table.changed(this.log.slice(this.#seen));
    this.#seen = this.log.length;
    const due = this.table.next(this.state, this.settings);
    expect(due, `after ${input.type}`).toBe(nextDue(this.state, this.settings));
    this.dues.push(due);
    return step;
  }
}

describe('deadlines that are kept by agent', () => {
  it('are those of the whole state while a fleet works, meets a limit, and goes on after it', () => {
    const desk = new WatchedDesk().fleet(4);
    for (let i = 1; i <= 4; i++) desk.working(idOf(i));
    desk.refused('a-1', { resetsAt: T0 + 120_000 });
    desk.until(60_000);
    for (let i = 2; i <= 4; i++) desk.saidBy(idOf(i), ended('interrupted'));
    desk.until(125_000);
    const [probe] = desk.asked();
    desk.takes(probe as string);
    desk.saidBy(probe as string, ended('ok'));
    desk.until(160_000);
    expect(new Set(desk.dues).size).toBeGreaterThan(10);
  });

  it('are looked at anew when an agent goes, when thresholds change, and when a supervisor has started', () => {
    const desk = new WatchedDesk().fleet(2);
    desk.working('a-1');
    desk.settings = { ...desk.settings, stall: { ...desk.settings.stall, nudgeAfterMs: 60_000 } };
    desk.saidBy('a-1', TURN);
    desk.input({ type: 'boot', pid: 2, build: 'b', crashed: true });
    desk.input({ type: 'recovered' });
    desk.command({ verb: 'rm', agentId: 'a-1' });
    desk.hostUp({}, 'a-1');
    desk.orderDone('quit', {}, true, 'a-1');
    desk.hostDown('a-1');
    const clear = desk.done().find((effect) => effect.do === 'clear');
    if (clear) desk.input({ type: 'effect_done', effect: clear, ok: true, value: null });
    expect(desk.state.agents['a-1']).toBeUndefined();
    expect(new Set(desk.dues).size).toBeGreaterThan(2);
  });
});
