/** Requests that policy answers, on the built program: by a rule of the user's own, and when nobody has answered in time. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome({ permissions: 'ask' });
  writeFileSync(
    join(home.work, 'config.yaml'),
    'version: 1\nrequests: { denyAfter: 2s, auto: [{ tool: bash, match: "touch made*", decision: allow }] }\n',
  );
  home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
});
afterAll(() => home.remove());

const decisions = async (name: string): Promise<unknown[]> =>
  (await home.events(name)).flatMap((e) =>
    e.type === 'permission' && e.decision !== 'asked' ? [[e.decision, e.by]] : [],
  );

describe('a request', () => {
  it('that a rule allows is answered at once: the command runs', async () => {
    await home.run(['spawn', 'quick', '--task', 'Go. [[scenario:tool cmd="touch made-it"]]']);
    await home.until('quick', (agent) => agent.turns === 1 && agent.state === 'idle', 'done');
    expect(existsSync(join(home.work, 'made-it'))).toBe(true);
    expect(await decisions('quick')).toEqual([['allowed', 'policy']]);
  });

  it('that nobody answers in time is denied, and the agent goes on', async () => {
    await home.run(['spawn', 'slow', '--task', 'Go. [[scenario:tool cmd="touch other"]]']);
    await home.until('slow', (agent) => agent.state === 'waiting', 'waiting');
    await home.idle('slow');
    expect(existsSync(join(home.work, 'other'))).toBe(false);
    expect(await decisions('slow')).toEqual([['denied', 'policy']]);
  });
});
