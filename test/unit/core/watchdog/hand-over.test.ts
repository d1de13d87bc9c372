/** The rung before a person is asked: another CLI goes on, where one was declared. */
import { expect, it } from 'vitest';
import type { AgentSpec } from '../../../../src/core/state.ts';
import { type Desk, ID } from '../desk.ts';
import { judged, MINUTE, pass, working } from './stage.ts';

const CODEX: AgentSpec['fallback'][number] = { cli: 'codex', model: null, account: 'codex:default', settings: {} };

function stalled(fallback: AgentSpec['fallback']): Desk {
  const desk = working({ task: 'mend the build', fallback });
  desk.settings = { ...desk.settings, ladder: { nudges: 0, redirects: 0, restarts: 0, fresh: 0 } };
  pass(desk, 5 * MINUTE);
  return desk;
}

it('hands the work over to the fallback', () => {
  const desk = stalled([CODEX]);
  expect(judged(desk)).toEqual(['stalled:hand_over']);
  expect(desk.orders()).toContain('stop');
  desk.exit({}, true);
  desk.orderDone('stop', { left: 0 });
  expect(desk.agent().runner).toMatchObject({ n: 1, why: expect.stringContaining('nothing was heard') });
  expect(desk.agent().gate).toBeNull();
});

it('asks a person where none was declared', () => {
  expect(judged(stalled([]))).toEqual(['stalled:ask', 'stalled:alert']);
});

it('asks a person where the fallback could not be started before', () => {
  const desk = working({ fallback: [CODEX] });
  desk.settings = { ...desk.settings, ladder: { nudges: 0, redirects: 0, restarts: 0, fresh: 0 } };
  desk.agent().runner.unfit = [1];
  pass(desk, 5 * MINUTE);
  expect(judged(desk)).toEqual(['stalled:ask', 'stalled:alert']);
});

it('goes by the thresholds of the project', () => {
  const desk = working();
  const config = { version: 1, watchdog: { stall: { nudgeAfter: '1m', restartAfter: '2m' }, maxSteps: 3 } };
  desk.command({ verb: 'apply', project: 'demo', hash: 'h', config, agents: [], prune: false });
  pass(desk, MINUTE - 1);
  expect(judged(desk)).toEqual([]);
  pass(desk, 1);
  expect(judged(desk)).toEqual(['stalled:nudge']);
  pass(desk, MINUTE);
  expect(judged(desk)).toEqual(['stalled:nudge', 'stalled:redirect', 'stalled:restart']);
  expect(desk.agent(ID).cli.condemned).toBe(true);
});
