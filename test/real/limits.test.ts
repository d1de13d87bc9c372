/** A limit that two agents share, on the real CLIs: what reached the model from the first refusal on. */
import { afterEach, describe, expect, test } from 'vitest';
import type { LogEntry, ScriptedModel } from '../../src/agents/scripted-model/index.ts';
import { type RealCliName, realCli, skipLine } from '../support/real-clis.ts';
import { LIMIT_MS, openRealStage, type RealSettings, type RealStage } from '../support/real-stage.ts';
import { waitFor } from '../support/wait.ts';

/** Seconds. */
const RESET_S = Number(process.env['TUTTI_TEST_RESET_S'] ?? 25);
const SILENT_AFTER_MS = 5_000;
const ALL_ON_MS = 60_000;
const names = ['one', 'two'];

let stage: RealStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

const KINDS: { id: string; cli: RealCliName; env?: RealSettings['env'] }[] = [
  { id: 'claude with a key, which would wait out a short limit by itself', cli: 'claude' },
  {
    id: 'claude with a subscription',
    cli: 'claude',
    env: { ANTHROPIC_API_KEY: null, CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-dummy-token-of-the-tests' },
  },
  { id: 'codex', cli: 'codex' },
];

const refused = (model: ScriptedModel): LogEntry[] => model.requests().filter(({ status }) => status === 429);

for (const { id, cli: name, env } of KINDS) {
  const cli = realCli(name);
  if (cli === null) console.warn(skipLine(name));
  describe.skipIf(cli === null)(id, () => {
    test(
      'falls silent when one agent meets the limit, also when the supervisor dies; after the reset one tries, then all go on',
      async () => {
        if (cli === null) throw new Error(skipLine(name));
        stage = await openRealStage(cli);
        const { model, client } = stage;
        const agents = [];
        for (const each of names) {
          agents.push(await stage.agent(each, 'bypass', undefined, { account: 'shared', ...(env ? { env } : {}) }));
        }
        for (const agent of agents) await agent.tell(`[[scenario:multi n=400 sleep=0.5]] ${agent.name} works`);
        const asked = (conversation: string) => model.requests(conversation).filter(({ side }) => !side);
        await waitFor('both are at work', () => names.every((each) => asked(each).length > 2), LIMIT_MS);

        const reset = model.limitUntil(Date.now() + RESET_S * 1_000) as number;
        const first = (await waitFor('a refusal', () => refused(model)[0], LIMIT_MS)).at;
        await waitFor('the grace is over', () => Date.now() > first + SILENT_AFTER_MS);
        await stage.loseSupervisor();
        await waitFor('the reset is near', () => Date.now() > reset - 500, RESET_S * 1_000);
        const limited = await client.list();

        expect(model.requests().filter(({ at }) => at > first + SILENT_AFTER_MS)).toEqual([]);
        for (const each of names) {
          expect(refused(model).filter(({ conversation }) => conversation === each).length).toBeLessThanOrEqual(1);
        }
        for (const agent of limited.agents) expect(agent).toMatchObject({ state: 'limited', account: 'shared' });

        const on = (each: string) => asked(each).find(({ at, status }) => at >= reset && status === 200);
        await waitFor('both go on', () => names.every(on), ALL_ON_MS + 5_000);
        const after = model.requests().filter(({ at, side }) => at >= reset && !side);
        const [probe] = after as [LogEntry];
        const other = after.find(({ conversation }) => conversation !== probe.conversation) as LogEntry;
        expect(other.at - probe.at).toBeGreaterThan(300);
        expect(other.at - reset).toBeLessThan(ALL_ON_MS);
        for (const agent of agents) {
          // Its own conversation: the task, and behind it the word to go on.
          expect(agent.said().join('\n')).toMatch(new RegExp(`${agent.name} works[\\s\\S]*Please go on`));
          expect((await agent.view()).restarts).toBe(0);
        }
        console.log(
          `${id}: ${refused(model).length} refused within ${Math.max(...refused(model).map(({ at }) => at)) - first} ms; ` +
            `probe ${probe.at - reset} ms after the reset, the other ${other.at - reset} ms after it`,
        );
      },
      (RESET_S + 400) * 1_000,
    );
  });
}
