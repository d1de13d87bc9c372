/** The thresholds of the watchdog's first layer, and which of them cannot hold together. */
import { z } from 'zod';
import { BEAT_MS } from '../host-wire.ts';
import { duration } from './duration-schema.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { DEFAULTS } from './settings.ts';

const { stall, loop, ladder, context } = DEFAULTS;

const after = (defaultMs: number, description: string) =>
  duration.meta({ description, default: formatDuration(defaultMs) }).optional();

const times = (by: number | null, least: number, most: number, description: string) =>
  z
    .number()
    .int()
    .min(least)
    .max(most)
    .meta({ description, ...(by === null ? {} : { default: by }) })
    .optional();

const share = (by: number, description: string) => z.number().gt(0).lt(1).meta({ description, default: by }).optional();

export const progressKeys = {
  stall: z
    .strictObject({
      nudgeAfter: after(
        stall.nudgeAfterMs,
        'a turn without any event while no tool runs: the agent is told so; a CLI that does not take a message in this time is restarted',
      ),
      restartAfter: after(
        stall.restartAfterMs,
        'still no event: restarted; halfway between nudgeAfter and this the turn is interrupted',
      ),
      toolLimit: after(stall.toolLimitMs, 'one tool call runs this long: the agent is told, then interrupted'),
      silentAfter: after(
        stall.silentAfterMs,
        'a CLI that was given a message and has not said a word since it was started: restarted',
      ),
    })
    .optional(),
  loop: z
    .strictObject({
      repeats: times(
        loop.repeats,
        2,
        20,
        'the same call with the same result, the same cycle of 2 to 4 calls, or the same text, so often in a row',
      ),
      errors: times(loop.errors, 3, 100, 'failed calls in a row'),
      compactions: times(loop.compactions, 2, 100, 'compactions in one turn with nothing new in between'),
      retries: times(
        loop.retries,
        2,
        1_000,
        'retries of the CLI by itself without an answer: the turn is ended, and taken up again later',
      ),
    })
    .optional(),
  ladder: z
    .strictObject({
      nudges: times(ladder.nudges, 0, 10, 'messages that say what was seen; 0 leaves the rung out'),
      redirects: times(ladder.redirects, 0, 10, 'interrupts of the turn with such a message'),
      restarts: times(ladder.restarts, 0, 10, 'restarts with the conversation; each counts for watchdog.restarts too'),
      fresh: times(ladder.fresh, 0, 10, 'restarts in a new conversation that is told of the old one'),
    })
    .optional(),
  context: z
    .strictObject({
      compactAt: share(
        context.compactAt,
        'the context is this full between two turns: compacted where the CLI can, else handed off to a new conversation with a summary',
      ),
      handoffAt: share(context.handoffAt, 'so full that compacting is not tried: handed off'),
    })
    .optional(),
  maxSteps: times(
    null,
    1,
    100_000,
    'tool calls in one turn, then it is told to come to an end; without it there is no limit',
  ),
};

interface Watched {
  context?: { compactAt?: number | undefined; handoffAt?: number | undefined } | undefined;
  stall?: { nudgeAfter?: string | undefined; restartAfter?: string | undefined } | undefined;
}

/** What is only streamed is heard of by a host's beats: clocks that are shorter would take a long answer for silence. Milliseconds. */
const LEAST_PATIENCE_MS = 2 * BEAT_MS;

/** Values that would make one rung come before the one that precedes it, or before anything could have been heard. */
export function refuseImpossible(watchdog: Watched, issues: z.RefinementCtx): void {
  refuseEarlyHandoff(watchdog, issues);
  const given = watchdog.stall;
  if (given === undefined) return;
  const nudge = durationOf(given.nudgeAfter, stall.nudgeAfterMs);
  const restart = durationOf(given.restartAfter, stall.restartAfterMs);
  const refuse = (key: keyof typeof given, message: string): void =>
    issues.addIssue({ code: 'custom', path: ['stall', key], message });
  const least = formatDuration(LEAST_PATIENCE_MS);
  if (nudge < LEAST_PATIENCE_MS)
    refuse('nudgeAfter', `${least} or more: a host tells every ${formatDuration(BEAT_MS)} that text is streaming in`);
  if (restart < nudge + LEAST_PATIENCE_MS)
    refuse(
      given.restartAfter === undefined ? 'nudgeAfter' : 'restartAfter',
      `a restartAfter (${formatDuration(restart)}) at least ${least} longer than nudgeAfter (${formatDuration(nudge)}): a restart comes only when a nudge has not helped`,
    );
}

function refuseEarlyHandoff({ context: given }: Watched, issues: z.RefinementCtx): void {
  const compactAt = given?.compactAt ?? context.compactAt;
  const handoffAt = given?.handoffAt ?? context.handoffAt;
  if (given === undefined || handoffAt >= compactAt) return;
  issues.addIssue({
    code: 'custom',
    path: ['context', given.handoffAt === undefined ? 'compactAt' : 'handoffAt'],
    message: `a handoffAt (${handoffAt}) of at least compactAt (${compactAt}): compacting comes first`,
  });
}

const durationOf = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : (parseDuration(text) ?? fallback);
