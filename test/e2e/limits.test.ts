/** A limit that many agents share, on the built program: judged by what really reached the model. */
import { afterEach, describe, expect, it } from 'vitest';
import type { LogEntry, ScriptedModel } from '../../src/agents/scripted-model/index.ts';
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
afterEach(async () => {
  await home?.remove();
  home = null;
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
