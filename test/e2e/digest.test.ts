/** "While you were away" on the built program. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome({ permissions: 'ask' });
  await home.run(['spawn', 'alice', '--task', 'hello', '--wait']);
  await home.run(['spawn', 'bob', '--task', 'Ask. [[scenario:tool cmd="touch made"]]']);
  await home.until('bob', (agent) => agent.state === 'waiting', 'waiting');
  writeFileSync(
    join(home.work, 'tutti.yaml'),
    'version: 1\nproject: work\nclis: { codex: { command: [/no/such/codex] } }\n',
  );
  await home.run(['spawn', 'carl', '--cli', 'codex']);
  await home.until('carl', (agent) => agent.state === 'failed', 'failed');
});
afterAll(() => home.remove());

describe('digest', () => {
  it('tells who waits, who gave up and what was done, those that need a person first', async () => {
    const ran = await home.run(['digest']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^Since \S+: 1 turn done, \d+ unexpected ends?/);
    expect(ran.stdout).toMatch(/^Waits for you:\n {2}bob {2}\S+ bash: touch made$/m);
    expect(ran.stdout).toMatch(/^Has given up:\n {2}carl {2}\S/m);
    expect(ran.stdout).toMatch(/^ {2}alice: idle · 1 turn done · \S+ tokens/m);
    const data = await home.data(['digest', '--since', '1h']);
    expect(data['agents'].map((agent: { agent: string }) => agent.agent)).toEqual(['bob', 'carl', 'alice']);
    expect(data['alerts'].map((alert: { severity: string }) => alert.severity)).toEqual(['warning', 'warning']);
  });

  it('begins where it is told to', async () => {
    const data = await home.data(['digest', '--since', new Date().toISOString()]);
    expect(data['agents'].map((agent: { turns: { ok: number } }) => agent.turns.ok)).toEqual([0, 0, 0]);
    expect(data['alerts']).toEqual([]);
    const bad = await home.run(['digest', '--since', 'yesterday']);
    expect(bad).toMatchObject({ status: 2, stderr: expect.stringContaining('8h') });
  });
});
