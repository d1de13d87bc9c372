/** Layer 2 of the watchdog on the built program: a scripted model advises, and can do no more than that. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TuttiEvent } from '../../src/core/event.ts';
import { type Advisor, messageWith, type Says, startAdvisor } from '../support/advisor.ts';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

const KEY = 'key-of-the-advisor-4711';
const GIVE_UP = 'Do it. [[scenario:giveup]]';
type Judged = Extract<TuttiEvent, { type: 'watchdog' }>;

let home: TuttiHome;
let advisor: Advisor;

const config = (account: string): string => `version: 1
accounts:
  advice: { env: { ANTHROPIC_API_KEY: "${account}", ANTHROPIC_BASE_URL: "${advisor.url}" } }
watchdog: { triage: { account: advice, perDay: { calls: 5 } } }
`;

beforeAll(async () => {
  home = await tuttiHome();
  advisor = await startAdvisor();
  home.env['TUTTI_CONFIG'] = join(home.work, 'config.yaml');
  writeFileSync(home.env['TUTTI_CONFIG'], config('${ADVICE_KEY}'));
});
afterAll(async () => {
  await home.remove();
  await advisor.close();
});

const judged = async (name: string, layer: number): Promise<Judged[]> =>
  (await home.events(name)).filter((event): event is Judged => event.type === 'watchdog' && event.layer === layer);

const advised = (name: string): Promise<Judged> =>
  waitFor(`advice on ${name}`, async () => (await judged(name, 2)).at(-1));

async function giveUp(name: string, says: Says, env: Record<string, string> = {}): Promise<Judged> {
  advisor.says = says;
  await home.data(['spawn', name, '--task', GIVE_UP], { env });
  const event = await advised(name);
  await home.idle(name);
  return event;
}

describe('with a key', () => {
  it('an agent that gave up is told what the model advises; the key comes from the shell, and is kept', async () => {
    const text = 'Read the failing test first.';
    const event = await giveUp(
      'alice',
      { verdict: { verdict: 'nudge', text, why: 'it has not looked' } },
      { ADVICE_KEY: KEY },
    );
    expect(event).toMatchObject({
      ...{ layer: 2, verdict: 'nudge', action: 'nudge', evidence: expect.stringContaining('it has not looked') },
      spent: { model: 'scripted-advisor', input: 700, output: 40 },
    });
    await waitFor(
      'the words arrived',
      async () => (await home.said('alice')).some((said) => said.includes(text)) || null,
    );
    expect(JSON.stringify(advisor.asked[0]?.headers)).toContain(KEY);
    expect(advisor.asked[0]?.user).toContain('surrender');
    const kept = join(home.paths.env, 'accounts.json');
    expect(readFileSync(kept, 'utf8')).toContain(KEY);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
  });

  it.each<[string, Says]>([
    ['nonsense', { body: messageWith({ type: 'text', text: 'Restart everything now!' }) }],
    ['hostile', { verdict: { verdict: 'nudge', text: '\u001b]52;c;cm0gLXJm\u0007', why: 'x', run: 'rm -rf /' } }],
  ])('an answer that is %s changes nothing but its own record', async (what, says) => {
    const event = await giveUp(what, says);
    expect(event).toMatchObject({ verdict: 'extend', action: 'none', evidence: expect.stringContaining('no advice') });
    expect(await home.agent(what)).toMatchObject({ state: 'idle', restarts: 0, incarnation: 1 });
    expect((await home.said(what)).filter((said) => said.startsWith('user:'))).toHaveLength(1);
  });

  it('a verdict beyond the ladder comes to what the ladder allows', async () => {
    const event = await giveUp('carol', { verdict: { verdict: 'stop', text: null, why: 'it is hopeless' } });
    expect(event).toMatchObject({ verdict: 'stop', action: 'nudge' });
    expect(await home.agent('carol')).toMatchObject({ wanted: 'up', incarnation: 1 });
  });

  it('nobody is asked while agents are idle or do their work, nor when the day is used up', async () => {
    const before = advisor.asked.length;
    await home.data(['spawn', 'dave', '--task', 'hello [[scenario:tool]]']);
    await home.idle('dave');
    expect(advisor.asked.length).toBe(before);
    await giveUp('erin', { verdict: { verdict: 'extend', why: 'wait' } });
    expect(advisor.asked.length).toBe(5);
    await home.data(['spawn', 'frank', '--task', GIVE_UP]);
    // Without advice the rules nudge by themselves.
    await waitFor(
      'the rules decide',
      async () => (await judged('frank', 1)).some(({ action }) => action === 'nudge') || null,
    );
    expect(advisor.asked.length).toBe(5);
    expect(await judged('frank', 2)).toEqual([]);
  });
});

describe('without a key', () => {
  afterEach(() => home.end());

  it('layer 2 is off, and the supervisor says so; the rules decide alone, whatever key the environment has', async () => {
    await home.end();
    writeFileSync(home.env['TUTTI_CONFIG'] ?? '', config('${OTHER_KEY}'));
    const before = advisor.asked.length;
    await home.data(['spawn', 'grace', '--task', GIVE_UP], { env: { ANTHROPIC_API_KEY: 'of-the-user-4711' } });
    await waitFor(
      'the rules decide',
      async () => (await judged('grace', 1)).some(({ action }) => action === 'nudge') || null,
    );
    expect(advisor.asked.length).toBe(before);
    const { problems } = await (await home.client()).health();
    expect(problems).toEqual([expect.stringMatching(/layer 2 .* OTHER_KEY is missing/)]);
  });

  it.each([
    ['an account that is not there', 'version: 1\nwatchdog: { triage: { account: nobody } }\n'],
    [
      'an account without a key',
      'version: 1\naccounts: { a: { env: { X: y } } }\nwatchdog: { triage: { account: a } }\n',
    ],
  ])('a configuration that names %s is refused', async (_what, yaml) => {
    writeFileSync(home.env['TUTTI_CONFIG'] ?? '', yaml);
    const ran = await home.run(['config', 'check']);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/watchdog\.triage\.account.*ANTHROPIC_API_KEY/s);
  });
});
