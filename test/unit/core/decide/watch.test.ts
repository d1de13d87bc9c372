/** Deadlines of our own orders, and of what nobody ordered. */
import { describe, expect, it } from 'vitest';
import { UNKNOWN_HOST_LIMIT_MS } from '../../../../src/core/limits.ts';
import { Desk, ended, TURN } from '../desk.ts';
import { pass } from '../watchdog/stage.ts';

/** A supervisor has started; the agent's host has not answered it. */
function unanswered(): Desk {
  const desk = new Desk().up();
  desk.recovering = true;
  desk.input({ type: 'boot', pid: 2, build: 'b', crashed: true });
  desk.recovering = false;
  desk.input({ type: 'recovered' });
  desk.done();
  return desk;
}

describe('a host that does not greet the next supervisor', () => {
  it('is unknown at first, and nothing is started in its place', () => {
    const desk = unanswered();
    pass(desk, UNKNOWN_HOST_LIMIT_MS - 1);
    expect(desk.orders()).toEqual([]);
  });

  it('is judged hung in the end, cleared with all it has started, and followed by another', () => {
    const desk = unanswered();
    pass(desk, UNKNOWN_HOST_LIMIT_MS);
    expect(desk.events('watchdog').at(-1)).toMatchObject({
      verdict: 'host_hung',
      observation: 'the pane host is silent',
    });
    const [clear] = desk.done();
    expect(clear).toMatchObject({ do: 'clear', epoch: 1 });
    if (clear) desk.input({ type: 'effect_done', effect: clear, ok: true, value: null });
    expect(desk.done()).toMatchObject([{ do: 'start_host', epoch: 2 }]);
  });

  it('is left alone when it answers late', () => {
    const desk = unanswered();
    pass(desk, UNKNOWN_HOST_LIMIT_MS - 1);
    desk.hostUp();
    pass(desk, UNKNOWN_HOST_LIMIT_MS);
    expect(desk.events('watchdog')).toEqual([]);
  });
});

describe('a message that was typed in the pane', () => {
  it('and that the CLI does not take has a deadline like any other', () => {
    const desk = new Desk().up();
    desk.said(TURN, ended('ok'));
    desk.record({ kind: 'typed', id: 't-1', verb: 'message', text: 'go on' });
    pass(desk, desk.settings.stall.nudgeAfterMs - 1);
    expect(desk.events('watchdog')).toEqual([]);
    pass(desk, 1);
    expect(desk.events('watchdog').at(-1)).toMatchObject({ verdict: 'cli_hung', action: 'stop' });
    expect(desk.orders()).toEqual(['stop']);
  });
});
