/** A full context on real CLIs: compacted by their own means, and the conversation goes on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RealCliName, realCli, skipLine } from '../support/real-clis.ts';
import { openRealStage, type RealStage } from '../support/real-stage.ts';

/** The scripted model's first answer fills between 80 and 95 % of so many tokens. */
const LIMITS: [RealCliName, number][] = [
  ['claude', 2_500],
  ['codex', 800],
];

describe.each(LIMITS)('a full context of the real %s', (name, context) => {
  const cli = realCli(name);
  let stage: RealStage;
  beforeAll(async () => {
    if (cli) stage = await openRealStage(cli);
  });
  afterAll(() => stage?.close());

  test.skipIf(cli === null)(cli === null ? skipLine(name) : 'is compacted between two turns', async () => {
    const agent = await stage.agent(`${name}-full`, 'bypass', { usd: null, tokens: null, context });
    await agent.tell('Look around. [[scenario:multi n=12]]');
    const compacted = await agent.until('it has been told to compact', async () =>
      (await agent.events('watchdog')).find(({ verdict }) => verdict === 'context_compact'),
    );
    await agent.until('it has compacted', async () =>
      (await agent.events('compaction')).find(({ seq }) => seq > compacted.seq),
    );
    await agent.until('that is over', async () =>
      (await agent.events('watchdog')).find(
        ({ verdict, seq }) => verdict.startsWith('context_') && seq > compacted.seq,
      ),
    );
    const verdicts = (await agent.events('watchdog')).map(({ verdict }) => verdict);
    expect(verdicts.filter((verdict) => verdict.startsWith('context_')).slice(0, 2)).toEqual([
      'context_compact',
      'context_compacted',
    ]);
    expect(await agent.say('Say this back please')).toMatchObject({ outcome: 'ok' });
    expect(await agent.view()).toMatchObject({ incarnation: 1, restarts: 0 });
  });
});
