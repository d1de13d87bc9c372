import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeRealAgent } from '../support/real-agent.ts';
import { realCli, skipLine } from '../support/real-clis.ts';
import { openRealStage, type RealAgent } from '../support/real-stage.ts';

describeRealAgent('claude', { steers: true, resumes: true });

const cli = realCli('claude');

describe.skipIf(cli === null)(cli === null ? skipLine('claude') : 'the transcript of the real claude', () => {
  test('is gone on from at its end, also when claude itself noted a call that a kill cut off', async () => {
    if (cli === null) return;
    const stage = await openRealStage(cli);
    try {
      const agent = await stage.agent('claude-noted');
      await agent.say('The first word is heliotrope.');
      await agent.tell('A long one. [[scenario:tool cmd="test -e freed || sleep 6118"]]');
      await agent.runs('sleep 6118');
      const call = lastCall(agent);
      // What claude does by itself now and then, at this moment: seen in a run with many kills.
      note(agent, call);
      const { pid } = await agent.view();
      process.kill(pid ?? 0, 'SIGKILL');
      await agent.until(
        'another process has taken its place',
        async () => ![null, pid].includes((await agent.view()).pid),
      );
      await agent.settled();
      await agent.say('The second word is viridian.');
      await agent.act('stop');
      await agent.until('it is stopped', async () => (await agent.view()).state === 'stopped');
      // A friendly end lets claude note its last message; a kill would not have.
      note(agent, call);
      await agent.act('resume');
      await agent.settled();
      await agent.say('And which were they?');
      const said = agent.said().join('\n');
      for (const told of agent.told) expect(said.split(told).length - 1, told).toBe(1);
    } finally {
      await stage.close();
    }
  });
});

interface Entry {
  type: string;
  uuid?: string;
  sessionId: string;
}

function transcript(agent: RealAgent): string {
  const projects = join(dirname(agent.cwd), '.claude', 'projects');
  const [file] = readdirSync(projects, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  return join(projects, file ?? '');
}

function lastCall(agent: RealAgent): Entry {
  const lines = readFileSync(transcript(agent), 'utf8').trim().split('\n');
  const entry = lines.map((line) => JSON.parse(line) as Entry).findLast(({ type }) => type === 'assistant');
  if (entry === undefined) throw new Error('no answer in the transcript');
  return entry;
}

function note(agent: RealAgent, { uuid, sessionId }: Entry): void {
  appendFileSync(transcript(agent), `${JSON.stringify({ type: 'last-prompt', leafUuid: uuid, sessionId })}\n`);
}
