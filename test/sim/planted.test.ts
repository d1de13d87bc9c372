/** A check that has never been red is a wish: each patch breaks one rule of the core, and the simulation has to find it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runPatched } from './build.ts';

interface Planted {
  folder: string;
  args: string[];
  /** What each broken rule is found by. */
  foundBy: Record<string, RegExp>;
}

const SCHEDULES: Planted = {
  folder: join(import.meta.dirname, 'planted'),
  args: ['--from', '1', '--count', '3000', '--failures', '1'],
  foundBy: {
    'accept-before-queueing': /is lost/,
    'deliver-without-asking': /in 2 times|twice in one conversation|undelivered|could not be delivered/,
    'forget-ladder': /the ladder goes down/,
    'forget-crashes': /crashes, 5 are allowed/,
    'ignore-cursor': /read a second time/,
    'ladder-never-climbs': /does not come to rest/,
    'no-restart-note': /has no answer/,
    'start-beside-unknown-host': /while host \d+ lives|epoch \d+ is used a second time|live incarnations/,
    'start-while-down': /wanted down|while it is being removed|something of it lives/,
    'stop-without-clearing': /something of it lives/,
  },
};

const WEEKS: Planted = {
  folder: join(import.meta.dirname, 'weeks/planted'),
  args: ['--weeks', '20', '--days', '1', '--agents', '8', '--failures', '1'],
  foundBy: {
    'alert-for-each-agent': /people are told twice/,
    'budget-counts-late': /asks the model with .* spent/,
    'ladder-skips-a-rung': /redirect was skipped/,
    'late-result-is-silence': /works honestly/,
    'one-starts-while-limited': /while its account is limited|limit could be known/,
    'requests-are-not-told': /nobody was told/,
    'tools-run-for-ever': /nothing was done about it/,
  },
};

describe.each([
  ['schedules', SCHEDULES],
  ['weeks', WEEKS],
])('a rule that is broken on purpose (%s)', (_name, { folder, args, foundBy }) => {
  const patches = readdirSync(folder).filter((name) => name.endsWith('.patch'));

  it('has a patch for each rule that is named here', () => {
    expect(patches.map((name) => name.replace('.patch', '')).toSorted()).toEqual(Object.keys(foundBy).toSorted());
  });

  it.each(patches)('%s is found by the simulation', (patch) => {
    const { exitCode, output } = runPatched(join(folder, patch), args);
    expect(output).toMatch(foundBy[patch.replace('.patch', '')] as RegExp);
    expect(exitCode, output).toBe(1);
  });
});
