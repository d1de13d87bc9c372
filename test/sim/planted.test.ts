/** A check that has never been red is a wish: each patch breaks one rule of the core, and the simulation has to find it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runPatched } from './build.ts';

const FOLDER = join(import.meta.dirname, 'planted');
const SCHEDULES = ['--from', '1', '--count', '3000', '--failures', '1'];

/** What each broken rule is found by. */
const FOUND_BY: Record<string, RegExp> = {
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
};

describe('a rule that is broken on purpose', () => {
  const patches = readdirSync(FOLDER).filter((name) => name.endsWith('.patch'));

  it('has a patch for each rule that is named here', () => {
    expect(patches.map((name) => name.replace('.patch', '')).toSorted()).toEqual(Object.keys(FOUND_BY).toSorted());
  });

  it.each(patches)('%s is found by the simulation', (patch) => {
    const { exitCode, output } = runPatched(join(FOLDER, patch), SCHEDULES);
    expect(output).toMatch(FOUND_BY[patch.replace('.patch', '')] as RegExp);
    expect(exitCode, output).toBe(1);
  });
});
