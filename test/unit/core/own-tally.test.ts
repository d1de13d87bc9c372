import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../../src/core/config/settings.ts';
import {
  NO_CRASHES,
  type OwnRun,
  type OwnTally,
  startDelay,
  tallyEnd,
  tallyStart,
  tallyText,
} from '../../../src/core/own-tally.ts';

const RESET = DEFAULTS.backoff.resetAfterMs;
const run = (pid: number, at: number, boot = 'one'): OwnRun => ({ pid, start: `s${pid}`, boot, at });
/** Starts one after the other, each a second after the last; `end` between them is an end in good order. */
const tallyAfter = (...steps: (OwnRun | 'end')[]): OwnTally =>
  steps.reduce<OwnTally>(
    (tally, step) => (step === 'end' ? tallyEnd(tally) : tallyStart(tally, step, RESET)),
    NO_CRASHES,
  );

describe('the tally of the supervisor’s own deaths', () => {
  it.each([
    { id: 'a first start is no crash', steps: [run(1, 0)], crashes: 0 },
    { id: 'a start without an end before it is one', steps: [run(1, 0), run(2, 9)], crashes: 1 },
    { id: 'three in a row are three', steps: [run(1, 0), run(2, 1), run(3, 2), run(4, 3)], crashes: 3 },
    { id: 'an end in good order breaks the row', steps: [run(1, 0), run(2, 1), 'end' as const, run(3, 2)], crashes: 0 },
    { id: 'a crash after long health begins a new row', steps: [run(1, 0), run(2, 1), run(3, RESET + 1)], crashes: 1 },
    { id: 'just short of it the row goes on', steps: [run(1, 0), run(2, 1), run(3, RESET)], crashes: 2 },
    { id: 'a machine that went down is no crash of ours', steps: [run(1, 0), run(2, 1), run(3, 2, 'two')], crashes: 0 },
    { id: 'the same pid in another boot is another one', steps: [run(1, 0), run(1, 5, 'two')], crashes: 0 },
    { id: 'said twice it counts once', steps: [run(1, 0), run(2, 1), run(2, 4)], crashes: 1 },
  ])('$id', ({ steps, crashes }) => {
    expect(tallyAfter(...steps).crashes).toBe(crashes);
  });

  it('makes starts wait longer and longer, up to a minute', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 8, 5_000].map((crashes) =>
      startDelay({ ...NO_CRASHES, crashes }, DEFAULTS.backoff),
    );
    expect(delays).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('is told in words, and only when there is something to tell', () => {
    expect(tallyText(NO_CRASHES)).toBeNull();
    expect(tallyText(tallyAfter(run(1, 0), run(2, 1_000)))).toBe(
      'it ended unasked once, the last time before 1970-01-01T00:00:01.000Z',
    );
    expect(tallyText(tallyAfter(run(1, 0), run(2, 1), run(3, 2_000)))).toMatch(/^it ended unasked 2 times in a row/);
  });
});
