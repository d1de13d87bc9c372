/** A limit that many agents share, on the built program: judged by what really reached the model. */
import { afterEach, describe, expect, it } from 'vitest';
import { type LogEntry, type ScriptedModel, startScriptedModel } from '../../src/agents/scripted-model/index.ts';
import { lockOwner } from '../../src/system/lock.ts';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

/** Seconds until the reset; `TUTTI_TEST_RESET_S=90` is the length of the acceptance run. */
const RESET_S = Number(process.env['TUTTI_TEST_RESET_S'] ?? 25);
const AGENTS = Number(process.env['TUTTI_TEST_AGENTS'] ?? 20);
/** From then on after the first refusal the account is silent. Milliseconds. */
const SILENT_AFTER_MS = 5_000;
/** All go on within this after the reset. Milliseconds. */
const ALL_ON_MS = 60_000;

let home: TuttiHome | null = null;
let spare: ScriptedModel | null = null;
afterEach(async () => {
  await home?.remove();
  await spare?.close();
  home = null;
  spare = null;
});

const names = Array.from({ length: AGENTS }, (_, i) => `a${String(i + 1).padStart(2, '0')}`);

/** Works on and on: a request after each short command. */
const task = (name: string): string => `[[scenario:multi n=4000 sleep=0.4]] ${name} works`;

const answered = (model: ScriptedModel): LogEntry[] => model.requests().filter(({ status }) => status === 200);
const refused = (model: ScriptedModel): LogEntry[] => model.requests().filter(({ status }) => status === 429);

function kill(pid: number | null): void {
  if (pid === null) throw new Error('no such process');
  process.kill(pid, 'SIGKILL');
}

/** The supervisor and half the pane hosts, at once; then a new supervisor. */
async function killHalf(on: TuttiHome): Promise<void> {
  const client = await on.client();
  const { agents } = await client.list();
  const hosts = agents.flatMap(({ hostPid }) => hostPid ?? []).slice(0, Math.ceil(agents.length / 2));
  kill(lockOwner(on.paths.supervisorLock)?.pid ?? null);
  for (const pid of hosts) kill(pid);
  await on.data(['ps']);
}

describe('an account with many agents', () => {
  it(
    'falls silent when one meets a limit, whatever dies meanwhile; then one tries, and all go on with their own work',
    async () => {
      home = await tuttiHome({ yaml: 'accounts: { shared: {} }' });
      const { model } = home;
      for (const name of names) await home.data(['spawn', name, '--account', 'shared', '--task', task(name)]);
      await waitFor('all are at work', () => model.conversations().length === AGENTS, 90_000);

      const reset = model.limitUntil(Date.now() + RESET_S * 1_000) as number;
      const first = (await waitFor('a refusal', () => refused(model)[0])).at;
      await waitFor('the grace is over', () => Date.now() > first + SILENT_AFTER_MS);
      const before = refused(model).length;
      await killHalf(home);
      const limited = await home.data(['ps']);
      await waitFor('the reset is near', () => Date.now() > reset - 500, RESET_S * 1_000);

      const late = refused(model).filter(({ at }) => at > first + SILENT_AFTER_MS);
      expect(late).toEqual([]);
      expect(model.requests().filter(({ at }) => at > first + SILENT_AFTER_MS)).toEqual([]);
      for (const name of new Set(refused(model).map(({ conversation }) => conversation))) {
        expect(refused(model).filter(({ conversation }) => conversation === name)).toHaveLength(1);
      }
      expect(before).toBeLessThanOrEqual(AGENTS);
      expect(limited['agents']).toHaveLength(AGENTS);

      const on = () => new Set(answered(model).flatMap(({ at, conversation }) => (at >= reset ? [conversation] : [])));
      await waitFor('all go on', () => on().size === AGENTS, ALL_ON_MS + 5_000);
      const after = model.requests().filter(({ at }) => at >= reset);
      expect((after.at(0) as LogEntry).at - reset).toBeLessThan(15_000);
      const [probe, second] = after as [LogEntry, LogEntry];
      const nextOther = after.find(({ conversation }) => conversation !== probe.conversation) as LogEntry;
      expect(nextOther.at - probe.at).toBeGreaterThan(300);
      expect(second.status).toBe(200);
      const firsts = [...on()].map((name) => after.find(({ conversation }) => conversation === name) as LogEntry);
      expect(Math.max(...firsts.map(({ at }) => at)) - reset).toBeLessThan(ALL_ON_MS);
      expect(model.conversations()).toHaveLength(AGENTS);
      for (const name of names) {
        const agent = await home.agent(name);
        expect(agent.account).toBe('shared');
        const words = model.conversations().map((each) => model.messages(each).map(({ text }) => text));
        const own = words.filter((said) => said.some((text) => text.includes(`${name} works`)));
        expect(own).toHaveLength(1);
        expect(own[0]?.filter((text) => text.includes(`${name} works`))).toHaveLength(1);
      }
      console.log(
        `limit: ${AGENTS} agents, reset in ${RESET_S} s: ${refused(model).length} refused, the last ${Math.max(...refused(model).map(({ at }) => at)) - first} ms after the first; ` +
          `probe ${probe.at - reset} ms after the reset, all on ${Math.max(...firsts.map(({ at }) => at)) - reset} ms after it`,
      );
    },
    (RESET_S + 240) * 1_000,
  );
});

describe('a turn that runs a long command when its account meets a limit', () => {
  it('is ended within the grace, says why, and goes on when a person wants it to try', async () => {
    home = await tuttiHome({ yaml: 'accounts: { shared: {} }' });
    const { model } = home;
    await home.data(['spawn', 'sleeper', '--account', 'shared', '--task', '[[scenario:sleep s=120]] sleeper']);
    await home.data(['spawn', 'busy', '--account', 'shared', '--task', task('busy')]);
    await waitFor('both are at work', () => model.conversations().length === 2, 60_000);
    await home.until('sleeper', ({ toolCalls }) => toolCalls > 0, 'its command runs');
    model.limitUntil(Date.now() + 3_600_000);
    const first = (await waitFor('a refusal', () => refused(model)[0])).at;

    const sleeper = await home.until('sleeper', ({ state }) => state === 'limited', 'limited');
    expect(Date.now() - first).toBeLessThan(SILENT_AFTER_MS + 2_000);
    expect(sleeper.reason).toMatch(/^limit reached: five_hour \(account shared\)$/);
    expect(sleeper.hint).toContain('tutti resume sleeper --now');
    expect((await home.run(['ps'])).stdout).toMatch(/^sleeper +‖ limited until \d\d:\d\d/m);
    expect((await home.run(['show', 'sleeper'])).stdout).toMatch(/account +shared/);
    expect((await home.run(['why', 'busy'])).stdout).toContain('account shared is at a limit (five_hour)');
    expect((await home.run(['why', 'sleeper'])).stdout).toContain(
      'its account shared has met a limit while its turn runs',
    );

    // Tried too early: refused, and held as before.
    await home.data(['resume', 'busy', '--now']);
    await waitFor('the refusal of who tried', () => refused(model).length >= 2);
    await home.until('busy', ({ state, resumeAt }) => state === 'limited' && resumeAt !== null, 'held again');
    expect(await home.agent('sleeper')).toMatchObject({ state: 'limited' });

    model.limitUntil(null);
    await home.data(['resume', 'busy', '--now']);
    await home.until('sleeper', ({ state, queued }) => state === 'idle' && queued === 0, 'its work is done');
    const words = (await home.said('sleeper')).join('\n');
    expect(words).toContain('Please go on with what you were doing');
    expect(model.conversations()).toHaveLength(2);
  }, 180_000);
});

describe('an agent with a fallback', () => {
  it('goes on with another login in a new conversation that is told of the work, and returns to its first one', async () => {
    spare = await startScriptedModel();
    home = await tuttiHome({
      yaml: `accounts: { spare: { env: { ANTHROPIC_BASE_URL: ${spare.url}, ANTHROPIC_API_KEY: another-key-for-the-spare } } }
agents: { worker: { fallback: [{ account: spare, model: spare-model }], fallbackReturn: true } }
watchdog: { limit: { fallbackAfter: 10s } }
`,
    });
    const { model } = home;
    await home.data(['up']);
    await home.data(['send', 'worker', 'remember the word heather', '--wait']);
    model.limitUntil(Date.now() + 20_000);
    await home.data(['send', 'worker', 'a second task']);

    const there = await home.until(
      'worker',
      ({ account, state }) => account === 'spare' && state === 'idle',
      'on the spare',
    );
    expect(there.incarnation).toBe(2);
    const [conversation] = spare.conversations();
    const told = spare.messages(conversation as string).map(({ text }) => text);
    expect(told[0]).toMatch(/you take over[\s\S]*remember the word heather/);
    expect(told[0]).toContain('a second task');
    expect(spare.requests().every((request) => request.model === 'spare-model')).toBe(true);

    await waitFor('the reset', () => Date.now() > (refused(model)[0]?.at ?? 0) + 23_000, 40_000);
    await home.data(['send', 'worker', '[[scenario:recall]]']);
    const back = await home.until(
      'worker',
      (agent) => agent.account !== 'spare' && agent.queued === 0 && agent.state === 'idle',
      'back',
    );
    expect(back.incarnation).toBe(3);
    expect(model.conversations()).toHaveLength(1);
    expect((await home.said('worker')).join('\n')).toContain('The word was heather');
    expect((await home.run(['show', 'worker', '--json'])).stdout).not.toContain('another-key-for-the-spare');
  }, 180_000);
});
